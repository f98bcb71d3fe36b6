"""A comparative study of static and contextual word embeddings on the same corpus, words and budget."""

import os

# Threads that have nothing to do sleep instead of spinning: where other programs share the processor, a training with spinning
# threads is five times slower. It counts only before torch is loaded, so it stands here.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
