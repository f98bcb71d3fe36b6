"""Words as symbols, as they were before embeddings: a unit vector each, or a number each. Nothing is learned; nothing is similar.

What these two score is what a task gives away to a system that only tells words apart: through the ``context`` view and whole
sentences a unit vector per word is the weighted bag of words.

References
----------
Harris (1954), Distributional Structure, doi:10.1080/00437956.1954.11659520: what symbols lack.
Weinberger, Dasgupta, Langford, Smola & Attenberg (2009), Feature Hashing for Large Scale Multitask Learning, arXiv:0902.2206:
symbols that share dimensions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from study.contracts import Array, Level, Lexicon, Observe, StudyError
from study.corpus import EncodedCorpus
from study.model.static import Static


@dataclass(frozen=True)
class UnitVectors:
    """A matrix of unit vectors of which only the rows that are asked for are ever made.

    Attributes
    ----------
    dimensions : ndarray of shape (v,), int64
        Where each row is 1.
    size : int
        Columns.
    """

    dimensions: Array
    size: int

    @property
    def shape(self) -> tuple[int, int]:
        """Return rows and columns, as of an array."""
        return len(self.dimensions), self.size

    def __getitem__(self, rows: Array) -> Array:
        """Return rows as an array of shape (n, size), float32."""
        return (self.dimensions[rows, None] == np.arange(self.size)).astype(np.float32)


@dataclass(kw_only=True)
class OneHot(Static):
    """A unit vector per word: each word is as far from every other.

    A vector of as many dimensions as there are words would be exact and too long for the arrays of tasks. So the word of
    frequency rank r stands in dimension r mod ``size``. The ``size`` most frequent words have different dimensions; what is lost
    is that of two words not both among them, one pair in ``size`` falls together and has cosine 1, and that a rare word counts as
    a frequent one in bags of words. With ``size`` at least the vocabulary's, nothing is lost.

    No view answers questions about the whole vocabulary: no word has a nearest neighbour.

    Parameters
    ----------
    size : int
        Dimensions of a vector, at most: never more than there are words.
    context_words, context_smoothing : int, float
        The ``context`` view; see ``study.model.views``.
    seed : int
        Without effect.
    """

    version: ClassVar[int] = 1

    size: int
    context_words: int = field(metadata={"view": True})
    context_smoothing: float = field(metadata={"view": True})
    seed: int

    def views(self, level: Level) -> tuple[str, ...]:
        """Name the views that apply to a level: none to the vocabulary."""
        return () if level == "vocabulary" else super().views(level)

    def lexicons(self) -> Mapping[str, Lexicon]:
        """Return none."""
        return {}

    def fit(self, corpus: EncodedCorpus, *, folder: Path, observe: Observe) -> Self:
        """Give each word of the vocabulary its dimension."""
        if self.size < 1:
            raise StudyError(f"size must be at least 1, not {self.size}.")
        return self._take(corpus, np.arange(len(corpus.vocabulary)) % self.size)

    def _take(self, corpus: EncodedCorpus, dimensions: Array) -> Self:
        self.vocabulary = corpus.vocabulary
        self.vectors = UnitVectors(dimensions, min(self.size, len(corpus.vocabulary)))
        return self

    def save(self, folder: Path) -> None:
        """Write ``dimensions.npy``: the dimension of each word, int64."""
        np.save(folder / "dimensions.npy", self.vectors.dimensions, allow_pickle=False)

    def load(self, folder: Path, corpus: EncodedCorpus) -> Self:
        """Read what ``save`` wrote, memory-mapped."""
        return self._take(corpus, np.load(folder / "dimensions.npy", mmap_mode="r", allow_pickle=False))


@dataclass(kw_only=True)
class Identifier(Static):
    """One number per word, its frequency rank: a vector of one dimension, standardised over the vocabulary.

    The cosine of two numbers is 1 where their signs agree and -1 where they do not: all that it tells of two words is
    whether both belong to the more frequent half. A probe can read the rank itself, and nothing else. (In a vocabulary of odd
    size the word in the middle is 0, and has a cosine with none.)

    Parameters
    ----------
    context_words, context_smoothing : int, float
        The ``context`` view; see ``study.model.views``.
    seed : int
        Without effect.
    """

    version: ClassVar[int] = 1

    context_words: int = field(metadata={"view": True})
    context_smoothing: float = field(metadata={"view": True})
    seed: int

    def fit(self, corpus: EncodedCorpus, *, folder: Path, observe: Observe) -> Self:
        """Give each word of the vocabulary its number."""
        self.vocabulary = corpus.vocabulary
        ranks = np.arange(len(corpus.vocabulary), dtype=np.float64)[:, None]
        spread = ranks.std() or 1.0  # of a single word
        self.vectors = ((ranks - ranks.mean()) / spread).astype(np.float32)
        return self
