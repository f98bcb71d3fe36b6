"""The small corpus with words of syllables, so that they have sub-words; one is rare, and one stands in development only."""

import numpy as np

from study.corpus import Vocabulary
from tests.model.small_corpus import PAIRS, SmallCorpus

SYLLABLES = ["ba", "ku", "mi", "ra", "to"]
RARE, LATE = "mitora", "zazaza"
ANY = range(2 * PAIRS)


def name(number):
    """The word of the small corpus with this number: ``aba``, ``bba``, ``aku`` ..."""
    pair, second = divmod(number, 2)
    return "ab"[second] + (SYLLABLES[pair // 5] if pair >= 5 else "") + SYLLABLES[pair % 5]


class SpelledSmall(SmallCorpus):
    """Surface types in capitals, known in lower case; the type before the last is outside the vocabulary."""

    def __init__(self, sentences=200, seed=0):
        super().__init__(sentences, seed)
        words = [name(number) for number in ANY]
        self.vocabulary = Vocabulary(words, self.vocabulary.counts, "fold")
        self.types = [*(word.upper() for word in words), RARE, LATE]
        self.identifiers = np.array([*ANY, len(words), len(words)], np.int32)
        tokens, offsets, documents = self.parts["development"]
        self.parts["development"] = (np.where(np.arange(len(tokens)) % 9 == 0, len(words) + 1, tokens), offsets, documents)
