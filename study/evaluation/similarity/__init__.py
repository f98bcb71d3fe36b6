"""Similarity of words, alone and in context; analogies; guessing hidden words."""
