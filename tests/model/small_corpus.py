"""A small artificial corpus in memory: words come in pairs, so that a hidden word can be guessed from its partner."""

import numpy as np

PAIRS = 20


class Vocabulary:
    def __init__(self, words, counts):
        self.words, self.counts = words, counts
        self.identifiers = {word: identifier for identifier, word in enumerate(words)}

    def fold(self, word):
        return word.lower()

    def index(self, word):
        return self.identifiers.get(word.lower())

    def __len__(self):
        return len(self.words)


class SmallCorpus:
    """Sentences of one to eight pairs "a7 b7", now and then with an unknown word; ten sentences a document."""

    name = "small"
    digest = "small"

    def __init__(self, sentences=600, seed=0):
        random = np.random.default_rng(seed)
        self.parts = {}
        for part, number in (("training", sentences), ("development", sentences // 4), ("test", sentences // 4)):
            texts = [self._sentence(random) for _ in range(number)]
            offsets = np.cumsum([0, *map(len, texts)])
            documents = np.append(np.arange(0, number, 10), number)
            self.parts[part] = (np.concatenate([*texts, np.zeros(0, np.int32)]).astype(np.int32), offsets, documents)
        words = [f"{letter}{number}" for number in range(PAIRS) for letter in "ab"]
        counts = np.bincount(self.tokens("training"), minlength=len(words) + 1)[: len(words)]
        self.vocabulary = Vocabulary(words, counts)
        self.identifiers = np.arange(len(words) + 1, dtype=np.int32)

    @staticmethod
    def _sentence(random):
        pairs = (PAIRS * random.random(random.integers(1, 9)) ** 2).astype(np.int32)
        words = np.stack([2 * pairs, 2 * pairs + 1], axis=1).reshape(-1)
        return np.append(words, 2 * PAIRS) if random.random() < 0.2 else words

    def size(self, part):
        return len(self.parts[part][0])

    def tokens(self, part):
        return self.parts[part][0]

    def ids(self, part, start, stop):
        return self.identifiers[self.tokens(part)[start:stop]]

    def sentence_offsets(self, part):
        return self.parts[part][1]

    def document_offsets(self, part):
        return self.parts[part][2]

    def occurrences(self, words, at_most, seed):
        tokens, offsets, _ = self.parts["training"]
        found = {word: np.flatnonzero(tokens == word)[:at_most] for word in words}
        sentence = {word: np.searchsorted(offsets, places, side="right") - 1 for word, places in found.items()}
        return {word: np.stack([sentence[word], places - offsets[sentence[word]]], axis=1) for word, places in found.items()}
