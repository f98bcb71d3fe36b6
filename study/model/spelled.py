"""A corpus as an encoder of sub-words reads it: every word spelled, in one stream of sub-words.

It has what ``study.model.sequences`` asks of a corpus. Words are spelled in the form under which the vocabulary knows them; those
outside the vocabulary are spelled too. Each surface type is spelled once; the streams are made of these spellings, once for each
part, and are held in memory (4 bytes for a sub-word).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from study.contracts import Array, Part, Sentence
from study.corpus import EncodedCorpus
from study.model.inventory import Inventory, Spellings, learn
from study.model.readout import Reading
from study.model.sequences import Symbols

CHUNK = 1 << 20
"""Words spelled or counted in one go."""


@dataclass(frozen=True)
class Counted:
    """Sub-words and how often they occur in the training part, shape (v,), int64, at least 1."""

    words: Sequence[str]
    counts: Array

    def __len__(self) -> int:
        return len(self.words)


class SpelledCorpus:
    """A corpus in sub-words.

    Parameters
    ----------
    corpus : EncodedCorpus
    inventory : Inventory

    Attributes
    ----------
    symbols : Symbols
        Of the sub-words and what is read beside them.
    continues : ndarray of shape (len(symbols),), bool
        Which of these continue a word.
    """

    def __init__(self, corpus: EncodedCorpus, inventory: Inventory) -> None:
        self.corpus, self.inventory, self.name = corpus, inventory, corpus.name
        self.symbols = Symbols(len(inventory.subwords))
        self.continues = np.append(inventory.continues, np.zeros(len(self.symbols) - self.symbols.words, bool))
        self.identifiers = np.arange(self.symbols.unknown + 1, dtype=np.int32)  # the streams hold identifiers already
        self._streams: dict[Part, tuple[Array, Array]] = {}

    @classmethod
    def learned(cls, corpus: EncodedCorpus, kind: str, size: int) -> SpelledCorpus:
        """Learn the sub-words from the words of a corpus's training part; see ``study.model.inventory.learn``."""
        forms: dict[str, int] = {}
        counts = _counts_of_types(corpus)
        for word, count in zip(corpus.types, counts.tolist(), strict=True):
            form = corpus.vocabulary.fold(word)
            forms[form] = forms.get(form, 0) + count
        return cls(corpus, learn(kind, size, list(forms), np.array(list(forms.values()), np.int64)))

    @cached_property
    def spellings(self) -> Spellings:
        """How the surface types are spelled."""
        return self.inventory.spell([self.corpus.vocabulary.fold(word) for word in self.corpus.types])

    @cached_property
    def vocabulary(self) -> Counted:
        """The sub-words and their counts."""
        spellings = self.spellings
        weights = np.repeat(_counts_of_types(self.corpus), np.diff(spellings.starts))
        counts = np.bincount(spellings.subwords, weights, minlength=len(self.symbols))[: self.symbols.words]
        return Counted(self.inventory.subwords, np.maximum(counts, 1).astype(np.int64))

    def size(self, part: Part) -> int:
        """Return the number of running words of a part."""
        return self.corpus.size(part)

    def tokens(self, part: Part) -> Array:
        """Return the running sub-words of a part: shape (n,), int32."""
        return self._stream(part)[0]

    def sentence_offsets(self, part: Part) -> Array:
        """Return where the sentences of a part begin in its sub-words, and its end: shape (s + 1,), int64."""
        return self._stream(part)[1]

    def document_offsets(self, part: Part) -> Array:
        """Return where the documents of a part begin in its sentences, and their end: shape (d + 1,), int64."""
        return self.corpus.document_offsets(part)

    def _stream(self, part: Part) -> tuple[Array, Array]:
        if part not in self._streams:
            words, sizes = self.corpus.tokens(part), np.diff(self.spellings.starts)
            begins = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes[words])])  # (words of the part + 1,)
            stream = np.empty(begins[-1], np.int32)
            for start in range(0, len(words), CHUNK):
                some = words[start : start + CHUNK]
                stream[begins[start] : begins[start + len(some)]] = self.spellings.together(some)[0]
            self._streams[part] = stream, begins[self.corpus.sentence_offsets(part)]
        return self._streams[part]

    def readings(self, sentences: Sequence[Sentence]) -> list[Reading]:
        """Return sentences as the encoder reads them; only the words of the shared vocabulary have a share in vectors."""
        vocabulary = self.corpus.vocabulary
        folded = [[vocabulary.fold(word) for word in sentence] for sentence in sentences]
        numbers = {word: number for number, word in enumerate(dict.fromkeys(word for words in folded for word in words))}
        spellings = self.inventory.spell(list(numbers))
        known = np.array([vocabulary.index(word) is not None for word in numbers], bool)
        rows = [np.array([numbers[word] for word in words], np.int64) for words in folded]
        return [_reading(words, spellings, known[words]) for words in rows]

    def training_reading(self, start: int, stop: int) -> Reading:
        """Return words of the training part as the encoder reads them."""
        words = self.corpus.tokens("training")[start:stop]
        return _reading(words, self.spellings, self.corpus.identifiers[words] < len(self.corpus.vocabulary))

    def pooled(self, table: Array) -> Array:
        """Return the means of a table's rows over the sub-words of every word of the shared vocabulary, (v, d), float32."""
        spellings = self.inventory.spell(self.corpus.vocabulary.words)
        sums = np.add.reduceat(table[spellings.subwords], spellings.starts[:-1], axis=0)
        return sums / np.diff(spellings.starts)[:, None].astype(np.float32)


def _reading(words: Array, spellings: Spellings, known: Array) -> Reading:
    """Spell words, given by their numbers in the spellings; every sub-word of a known one has an equal share in it."""
    subwords, begins = spellings.together(words)
    sizes = np.diff(begins)
    return Reading(subwords.astype(np.int64), np.repeat(known / sizes, sizes).astype(np.float32), begins)


def _counts_of_types(corpus: EncodedCorpus) -> Array:
    """Count the surface types of the training part, shape (types,), int64."""
    tokens, counts = corpus.tokens("training"), np.zeros(len(corpus.types), np.int64)
    for start in range(0, len(tokens), CHUNK):
        counts += np.bincount(tokens[start : start + CHUNK], minlength=len(counts))
    return counts
