"""Toy languages written out as sentences, and the corpus of them that a model is trained on."""

from collections import Counter

import numpy as np

from tests.model.small_corpus import Vocabulary

TOPICS = 8
"""Each with two synonyms, ``TWINS``, and six words that stand around either of them."""
TWINS = [(f"{letter}quo{letter}", f"{letter}rim{letter}") for letter in "abcdefgh"]


class ToldCorpus:
    """A corpus of the sentences it is told; words of one letter and a question mark are unknown."""

    name = digest = "told"

    def __init__(self, sentences, folder):
        counts = Counter(word for sentence in sentences for word in sentence if not word.endswith("?"))
        words = sorted(counts, key=lambda word: (-counts[word], word))
        self.vocabulary = Vocabulary(words, np.array([counts[word] for word in words]))
        ranks = self.vocabulary.identifiers
        self.stream = np.array([ranks.get(word, len(ranks)) for sentence in sentences for word in sentence], np.int32)
        self.offsets = np.cumsum([0, *map(len, sentences)])
        self.training_text = folder / "training.txt"
        self.training_text.write_text("".join(" ".join(sentence) + "\n" for sentence in sentences))
        self.training_text_words = len(self.stream)

    def size(self, part):
        return len(self.stream)

    def ids(self, part, start, stop):
        return self.stream[start:stop]

    def sentence_offsets(self, part):
        return self.offsets


def synonyms(sentences=2000, seed=0):
    """Twins stand among the same words, and never beside each other."""
    random = np.random.default_rng(seed)
    told = []
    for topic in random.integers(0, TOPICS, sentences):
        around = [f"{'klmnop'[k]}{topic}" for k in random.choice(6, 4, replace=False)]
        told.append([*around[:2], TWINS[topic][random.integers(2)], *around[2:]])
    return told


def sides(repeats=1):
    """``left`` always stands before a word, ``right`` always behind it: order alone tells them apart."""
    pairs = [[f"m{k}", f"n{k}"] for k in range(10)]
    one = [sentence for k in range(10) for sentence in (["left", f"m{k}"], [f"m{k}", "right"], pairs[k], pairs[k][::-1])]
    return one * repeats


def twin_accuracy(model, twins=TWINS):
    """Share of the twins that, of all twins, are most like their twin; chance is one in fifteen."""
    words = [word for pair in twins for word in pair]
    rows = model.vectors[np.array([model.vocabulary.index(word) for word in words])]
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    nearest = (rows @ rows.T - 2 * np.eye(len(words))).argmax(axis=1)
    return (nearest == np.arange(len(words)) ^ 1).mean()


def cosine(model, first, second):
    a, b = (model.vectors[np.array([model.vocabulary.index(word)])][0].astype(float) for word in (first, second))
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)
