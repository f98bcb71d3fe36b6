"""Sequences for the encoder: one stream of words, cut into rows of equal length, without any padding.

Every sentence of a part is preceded by a boundary symbol. The stream is cut at a new random offset in each epoch, so that no word
always stands at an edge. A row holds several sentences, and segments say which of its words may look at each other: those of one
sentence, or those of one document.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from study.contracts import Array, Part, StudyError

CONTEXTS = ("sentence", "document")

GROUPS = 4
"""Groups of similar length that pieces are read in: more of them fill up less, fewer take fewer steps."""


@dataclass(frozen=True)
class Symbols:
    """Identifiers of what is read beside the v words of a vocabulary: rows v, v + 1 and v + 2 of the embedding table."""

    words: int

    @property
    def unknown(self) -> int:
        """A word outside the vocabulary."""
        return self.words

    @property
    def mask(self) -> int:
        """A word that is hidden and to be guessed."""
        return self.words + 1

    @property
    def boundary(self) -> int:
        """The place between two sentences."""
        return self.words + 2

    def __len__(self) -> int:
        return self.words + 3


class Counted(Protocol):
    """What a network reads: v words or sub-words, and how often each occurs."""

    @property
    def counts(self) -> Array:
        """Occurrences in the training part, shape (v,), int64."""
        ...

    def __len__(self) -> int: ...


class Stream(Protocol):
    """A corpus as a network reads it: in words (``study.corpus.EncodedCorpus``), or in sub-words."""

    @property
    def name(self) -> str:
        """What the corpus is called."""
        ...

    @property
    def vocabulary(self) -> Counted:
        """What is read of it: the first rows of the network's table."""
        ...

    @property
    def identifiers(self) -> Array:
        """What the numbers of ``tokens`` are in the vocabulary, its size where unknown, int32."""
        ...

    def size(self, part: Part) -> int:
        """Return the number of running words of a part."""
        ...

    def tokens(self, part: Part) -> Array:
        """Return what is read of a part, shape (n,), int32: the words, or the sub-words."""
        ...

    def sentence_offsets(self, part: Part) -> Array:
        """Return where the sentences of a part begin in its tokens, and its end: shape (s + 1,), int64."""
        ...

    def document_offsets(self, part: Part) -> Array:
        """Return where the documents of a part begin in its sentences, and their end: shape (d + 1,), int64."""
        ...


class Sequences:
    """A part of a corpus as a stream of words, or of sub-words, and boundaries.

    Parameters
    ----------
    corpus : Stream
    part : {"training", "development", "test"}
    length : int
        Words and boundaries of a row.
    context : {"sentence", "document"}
        What a word may look at, within its row.
    """

    def __init__(self, corpus: Stream, part: Part, *, length: int, context: str) -> None:
        offsets = np.asarray(corpus.sentence_offsets(part))
        self.symbols = Symbols(len(corpus.vocabulary))
        self.starts = offsets[:-1] + np.arange(len(offsets) - 1)  # (sentences,): where each boundary stands
        self.total = int(offsets[-1]) + len(self.starts)
        if self.total == 0:
            raise StudyError(f"The {part} part of corpus {corpus.name} is empty: the encoder has nothing to read.")
        self.tokens = corpus.tokens(part)  # (words of the part,), surface types
        self.identifiers = corpus.identifiers  # (surface types,), in the vocabulary
        self.documents = np.asarray(corpus.document_offsets(part))
        self.words = corpus.size(part)
        self.length = min(length, self.total)
        self.context = context

    def order(self, *seed: int) -> Array:
        """Cut the stream at a random offset and return where its rows start, shuffled: ``ndarray of shape (rows,), int64``."""
        random = np.random.default_rng(seed)
        spare = self.total % self.length if self.total < 2 * self.length else self.length - 1
        offset = int(random.integers(spare + 1))
        rows = (self.total - offset) // self.length
        return offset + self.length * random.permutation(rows)

    def evenly(self, words: int) -> Array:
        """Return the starts of rows spread evenly over the stream, up to a number of words in all."""
        rows = self.total // self.length
        wanted = words * len(self.tokens) // max(1, self.words * self.length)  # a word may be several tokens
        return self.length * np.unique(np.linspace(0, rows - 1, min(rows, max(1, wanted))).astype(np.int64))

    def read(self, starts: Array) -> tuple[Array, Array]:
        """Read rows of the stream.

        Returns
        -------
        words, segments : ndarray of shape (b, t), int64
            Identifiers, and a number that is shared by the words that may look at each other.
        """
        return self.at(starts[:, None] + np.arange(self.length))

    def at(self, places: Array) -> tuple[Array, Array]:
        """Read words at places of the stream, of any shape; see ``read``."""
        sentences = np.searchsorted(self.starts, places, side="right") - 1  # (b, t)
        boundary = places == self.starts[sentences]
        words = self.identifiers[self.tokens[np.where(boundary, 0, places - sentences - 1)]].astype(np.int64)
        words[boundary] = self.symbols.boundary
        if self.context == "sentence":
            return words, sentences
        return words, np.searchsorted(self.documents, sentences, side="right")

    def batches(self, starts: Array, rows: int) -> Iterator[tuple[Array, Array]]:
        """Read rows, so many at a time."""
        for first in range(0, len(starts), rows):
            yield self.read(starts[first : first + rows])


def apart(words: Array, segments: Array, symbols: Symbols) -> tuple[Array, Array]:
    """Take rows apart into pieces, each the words of one segment in one row between two boundary symbols.

    Parameters
    ----------
    words, segments : ndarray of shape (b, t), int64
        See ``Sequences.read``.

    Returns
    -------
    pieces : ndarray of shape (p, u), int64
        Filled up with boundary symbols after a piece's end.
    lengths : ndarray of shape (p,), int64
        Words and boundaries of each piece.
    """
    flat = words.reshape(-1)  # (b t,)
    begins = np.pad(segments[:, 1:] != segments[:, :-1], ((0, 0), (1, 0)), constant_values=True).reshape(-1)
    piece = np.cumsum(begins) - 1  # (b t,): the piece that each word is of
    counted = ~(begins & (flat == symbols.boundary))  # each piece gets a first boundary, whether the row has it or not
    sizes = np.bincount(piece[counted], minlength=piece[-1] + 1)  # (p,)
    place = np.arange(counted.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes) + 1
    pieces = np.full((len(sizes), sizes.max() + 2), symbols.boundary)
    pieces[piece[counted], place] = flat[counted]
    return pieces[sizes > 0], sizes[sizes > 0] + 2


def alike(lengths: Array) -> list[tuple[Array, int]]:
    """Return the pieces' numbers in groups of similar length, each with its longest."""
    groups = np.array_split(np.argsort(lengths, kind="stable"), min(GROUPS, len(lengths)))
    return [(group, int(lengths[group].max())) for group in groups]
