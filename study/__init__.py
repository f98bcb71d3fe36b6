"""A comparative study of static and contextual word embeddings on the same corpus, words and budget."""
