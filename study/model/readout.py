"""Reading vectors out of an encoder: which pieces of text it reads for the places asked, and the means over their words.

A *piece* is a sentence between two boundary symbols, or a window of a sentence that is longer than the encoder's sequence:
centred on the span, or, where the span itself is longer, one of several that cover it. A place's vector is the mean over its
words that the vocabulary knows; boundary symbols and unknown words never enter it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from study.contracts import Array
from study.model.sequences import Symbols

WORDS_AT_ONCE = 8192
"""Words and boundaries that the encoder reads in one go."""


class Reader(Protocol):
    """A network that vectors are read out of."""

    table: nn.Embedding

    def states(self, words: Tensor) -> list[Tensor]:
        """Return the table's rows of words (b, t), then each layer's vectors: Tensors of shape (b, t, d), each with its own d."""
        ...

    def eval(self) -> object:
        """Drop nothing."""
        ...


class Readout:
    """Places gathered, to be read in one pass for all layers.

    Parameters
    ----------
    symbols : Symbols
    length : int
        The encoder's longest sequence.
    rows : int
        Number of vectors to be made.
    """

    def __init__(self, symbols: Symbols, length: int, rows: int) -> None:
        self.symbols = symbols
        self.room = length - 2
        self.rows = rows
        self.numbers: dict[bytes, int] = {}
        self.pieces: list[Array] = []
        self.counted: list[list[tuple[int, int]]] = []
        """For each piece the words that count: (place in the piece, row)."""

    def add(self, row: int, words: Array, start: int, stop: int) -> None:
        """Let the words ``start`` to ``stop`` of a sentence count for a row.

        Parameters
        ----------
        row : int
            A row may be added to more than once: its vector is the mean over all.
        words : ndarray of shape (t,)
            Vocabulary identifiers of the sentence's words.
        start, stop : int
        """
        for first, begin, end in windows(len(words), start, stop, self.room):
            piece = np.pad(words[first : first + self.room], 1, constant_values=self.symbols.boundary).astype(np.int64)
            number = self.numbers.setdefault(piece.tobytes(), len(self.pieces))
            if number == len(self.pieces):
                self.pieces.append(piece)
                self.counted.append([])
            known = (place for place in range(begin, end) if words[place] < self.symbols.words)
            self.counted[number] += [(place - first + 1, row) for place in known]

    @torch.inference_mode()
    def read(self, encoder: Reader) -> list[Array]:
        """Return the mean vectors of the table's rows and of each layer.

        Pieces of one length are read together, so that nothing is padded.

        Returns
        -------
        list of l + 1 ndarrays of shape (rows, d), float32
            NaN where a row has no known word.
        """
        encoder.eval()
        device = encoder.table.weight.device
        nothing = encoder.states(torch.zeros(1, 1, dtype=torch.int64, device=device))
        sums = [torch.zeros(self.rows, state.shape[2], device=device) for state in nothing]
        counts = torch.zeros(self.rows, device=device)
        for batch in self.batches():
            words = torch.from_numpy(np.stack([self.pieces[number] for number in batch])).to(device)  # (b, t)
            t = words.shape[1]
            counted = [(index * t + place, row) for index, number in enumerate(batch) for place, row in self.counted[number]]
            places, rows = torch.tensor(counted, dtype=torch.int64, device=device).reshape(-1, 2).unbind(dim=1)  # (n,), (n,)
            counts.index_add_(0, rows, torch.ones(len(rows), device=device))
            for layer, state in enumerate(encoder.states(words)):
                sums[layer].index_add_(0, rows, state.flatten(0, 1).index_select(0, places))  # (n, d)
        return [(layer / counts[:, None]).float().cpu().numpy() for layer in sums]  # 0 / 0 is NaN

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
