"""Reading vectors out of an encoder: which pieces of text it reads for the places asked, and the means over their words.

A *piece* is a sentence between the symbols that an encoder expects at its ends, or a window of a sentence that is longer than
the encoder's sequence: centred on the span, or, where the span itself is longer, one of several that cover it. A place's vector
is the weighted mean over what counts of it; the symbols at the ends never enter it. Each distinct piece is read once, for all
layers, and only the sums of what counts are kept of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from study.contracts import Array, Sentence, Vocabulary
from study.model.places import level_of
from study.model.sequences import Symbols

WORDS_AT_ONCE = 8192
"""Words and symbols that an encoder reads in one go."""


class Network(Protocol):
    """A network that reads a vocabulary's words, and out of which vectors are read."""

    @property
    def table(self) -> nn.Embedding:
        """The table by which words enter it."""
        ...

    def states(self, words: Tensor) -> list[Tensor]:
        """Return the table's rows of words (b, t), then each layer's vectors: Tensors of shape (b, t, d), each with its own d."""
        ...

    def eval(self) -> object:
        """Drop nothing from now on."""
        ...


@dataclass(frozen=True)
class Reading:
    """A sentence as a network reads it: in words, or in sub-words.

    Attributes
    ----------
    identifiers : ndarray of shape (u,), int64
        Of the rows of the network's table.
    weights : ndarray of shape (u,), float32
        The share of each in its word's vector: the shares of a word sum to 1, or to 0 where it is not known.
    begins : ndarray of shape (words + 1,), int64
        Where each word begins, and the end.
    """

    identifiers: Array
    weights: Array
    begins: Array

    @classmethod
    def of_words(cls, identifiers: Array, known: int) -> Reading:
        """Read words whole; the identifiers below ``known`` are those of known words."""
        weights = (identifiers < known).astype(np.float32)
        return cls(identifiers.astype(np.int64), weights, np.arange(len(identifiers) + 1))


class Pieces:
    """Pieces of text gathered, to be read in one pass for all layers.

    Parameters
    ----------
    before, after : ndarray of shape (k,), int64
        The symbols at the ends of every piece.
    length : int
        The encoder's longest sequence, these symbols included.
    rows : int
        Number of vectors to be made.
    """

    def __init__(self, before: Array, after: Array, length: int, rows: int) -> None:
        self.before, self.after = before, after
        self.room = length - len(before) - len(after)
        self.rows = rows
        self.numbers: dict[bytes, int] = {}
        self.pieces: list[Array] = []
        self.counted: list[list[tuple[Array, Array, int]]] = []
        """For each piece what counts: (places in the piece, their weights, row)."""

    def count(self, row: int, words: Array, weights: Array, start: int, stop: int) -> None:
        """Let ``start`` to ``stop`` of a sentence count for a row.

        Parameters
        ----------
        row : int
            A row may be counted for more than once: its vector is the mean over all.
        words : ndarray of shape (t,), int64
            Identifiers of the sentence's words, or of its sub-words.
        weights : ndarray of shape (t,), float32
            How much each counts; 0 where not at all.
        start, stop : int
        """
        for first, begin, end in windows(len(words), start, stop, self.room):
            piece = np.concatenate([self.before, words[first : first + self.room], self.after])
            number = self.numbers.setdefault(piece.tobytes(), len(self.pieces))
            if number == len(self.pieces):
                self.pieces.append(piece)
                self.counted.append([])
            places = begin + np.flatnonzero(weights[begin:end])
            self.counted[number].append((places - first + len(self.before), weights[places], row))

    def count_one(self, row: int, words: Array, place: int, start: int, stop: int) -> None:
        """Let one place of a sentence count alone for a row, in the window that is read for ``start`` to ``stop``."""
        alone = np.zeros(len(words), np.float32)
        alone[place] = 1.0
        self.count(row, words, alone, start, stop)

    @torch.inference_mode()
    def means(self, states: Callable[[Tensor], Sequence[Tensor]], widths: Sequence[int], device: torch.device) -> list[Array]:
        """Return the mean vectors of every layer; pieces of one length are read together, so that nothing is padded.

        Parameters
        ----------
        states : callable
            Makes of identifiers of shape (b, t) the vectors of each layer, of shape (b, t, d).
        widths : sequence of int
            The width d of each of these layers.
        device : torch.device

        Returns
        -------
        list of ndarrays of shape (rows, d), float32
            One for each layer, NaN where nothing counts for a row.
        """
        sums = [torch.zeros(self.rows, width, device=device) for width in widths]
        totals = torch.zeros(self.rows, device=device)
        for batch in self.batches():
            words = torch.from_numpy(np.stack([self.pieces[number] for number in batch])).to(device)  # (b, t)
            places, weights, rows = (torch.from_numpy(part).to(device) for part in self._counted_in(batch))  # (n,) each
            totals.index_add_(0, rows, weights)
            for layer, state in zip(sums, states(words), strict=True):
                counted = state.flatten(0, 1).index_select(0, places).float()  # (n, d)
                layer.index_add_(0, rows, counted * weights[:, None])
        return [(layer / totals[:, None]).cpu().numpy() for layer in sums]  # 0 / 0 is NaN

    def _counted_in(self, batch: list[int]) -> tuple[Array, Array, Array]:
        """Return what counts in pieces of one length: places in the flattened batch, weights and rows, of shape (n,) each."""
        t = len(self.pieces[batch[0]])
        counted = [(index * t + places, *rest) for index, number in enumerate(batch) for places, *rest in self.counted[number]]
        places, weights, rows = zip(*counted, strict=True)
        return np.concatenate(places), np.concatenate(weights), np.repeat(rows, [len(one) for one in places])

    def batches(self) -> list[list[int]]:
        """Return the pieces' numbers in groups of equal length, each at most ``WORDS_AT_ONCE`` words."""
        groups: dict[int, list[int]] = {}
        for number, piece in enumerate(self.pieces):
            groups.setdefault(len(piece), []).append(number)
        batches = []
        for length, numbers in sorted(groups.items()):
            size = max(1, WORDS_AT_ONCE // length)
            batches += [numbers[first : first + size] for first in range(0, len(numbers), size)]
        return batches


class Readout(Pieces):
    """Places in sentences as a network of this study reads them, between boundaries; unknown words never count.

    Parameters
    ----------
    symbols : Symbols
    length : int
        The encoder's longest sequence.
    rows : int
        Number of vectors to be made.
    """

    def __init__(self, symbols: Symbols, length: int, rows: int) -> None:
        boundary = np.array([symbols.boundary], np.int64)
        super().__init__(boundary, boundary, length, rows)
        self.boundary = symbols.boundary

    def add(self, row: int, sentence: Reading, start: int, stop: int) -> None:
        """Let the words ``start`` to ``stop`` of a sentence count for a row."""
        begins = sentence.begins
        self.count(row, sentence.identifiers, sentence.weights, int(begins[start]), int(begins[stop]))

    @torch.inference_mode()
    def read(self, network: Network) -> list[Array]:
        """Return the mean vectors of the table's rows and of each layer.

        Returns
        -------
        list of l + 1 ndarrays of shape (rows, d), float32
            NaN where a row has no known word.
        """
        network.eval()
        device = network.table.weight.device
        boundary = torch.full((1, 1), self.boundary, device=device)
        widths = [state.shape[2] for state in network.states(boundary)]
        return self.means(network.states, widths, device)


def bare_words(sentences: Sequence[Sentence], places: Array, vocabulary: Vocabulary) -> tuple[dict[int, int], list[int]]:
    """Find the places that are bare words and known to a vocabulary: what an ``averaged`` view needs rows for.

    Returns
    -------
    row_of : dict of int to int
        Identifier of each such word -> its row, counted from 0.
    rows : list of int
        For each place its word's row; one more than the last for the other places.
    """
    asked = [
        vocabulary.index(sentences[number][0]) if level_of(sentences[number], (start, stop)) == "word" else None
        for number, start, stop in places.tolist()
    ]
    row_of = {word: row for row, word in enumerate(sorted({word for word in asked if word is not None}))}
    return row_of, [len(row_of) if word is None else row_of[word] for word in asked]


def windows(length: int, start: int, stop: int, room: int) -> Sequence[tuple[int, int, int]]:
    """Cut a sentence for a span: once, centred on the span, or into as many windows as the span needs.

    Parameters
    ----------
    length : int
        Words of the sentence.
    start, stop : int
        The span.
    room : int
        Words of a window, at most.

    Returns
    -------
    sequence of (first, begin, end)
        Where a window begins, and which words of the sentence count in it; each word of the span counts once.
    """
    last = max(0, length - room)
    if stop - start <= room:
        return [(min(max(0, (start + stop - room) // 2), last), start, stop)]
    return [(min(begin, last), begin, min(begin + room, stop)) for begin in range(start, stop, room)]
