"""Recurrent layers: words are read one after another, and a state carries what was read.

Letters
-------
b  sentences        d  width of a word's vector and of a state
t  words            l  layers

A *stack* reads in one direction; each layer reads the states of the layer below. Two stacks, one for each direction, never look
at each other's states: so the next word can be asked of one and the previous word of the other.

References
----------
Hochreiter & Schmidhuber (1997), Long short-term memory, doi:10.1162/neco.1997.9.8.1735. Cho et al. (2014), Learning phrase
representations using RNN encoder-decoder, arXiv:1406.1078 (the gated recurrent unit).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from study.contracts import StudyError
from study.model.table import look_up

CELLS: dict[str, type[nn.LSTM] | type[nn.GRU]] = {"lstm": nn.LSTM, "gru": nn.GRU}


@dataclass(kw_only=True)
class Recurrence:
    """The parts of a recurrent network.

    Attributes
    ----------
    cell : str
        ``lstm`` or ``gru``.
    width : int
        Width of a word's vector and of a state of one direction; a layer's view has both directions side by side.
    depth : int
        Layers of each direction.
    residual : bool
        Whether a layer above the first adds to what it reads instead of replacing it.
    dropout : float
        Share of numbers dropped from the words' vectors and from each layer's states while training, in [0, 1).
    tied : bool
        Whether the output scores words with the embedding table itself.
    length : int
        Longest sequence, words, boundary symbols included.
    """

    cell: str
    width: int
    depth: int
    residual: bool
    dropout: float
    tied: bool
    length: int

    @property
    def layers(self) -> int:
        """Number of layers."""
        return self.depth

    def check_anatomy(self) -> None:
        """Raise StudyError where the parts do not fit together."""
        if self.cell not in CELLS:
            raise StudyError(f"cell must be one of {', '.join(CELLS)}, not {self.cell!r}.")
        for name, least in (("width", 1), ("depth", 1), ("length", 4)):
            if getattr(self, name) < least:
                raise StudyError(f"{name} must be at least {least}, not {getattr(self, name)}.")
        if not 0 <= self.dropout < 1:
            raise StudyError(f"dropout is a share in [0, 1), not {self.dropout}.")


class Stack(nn.Module):
    """Recurrent layers that read in one direction."""

    def __init__(self, parts: Recurrence) -> None:
        super().__init__()
        self.layers = nn.ModuleList(CELLS[parts.cell](parts.width, parts.width, batch_first=True) for _ in range(parts.depth))
        self.residual = parts.residual
        self.drop = nn.Dropout(parts.dropout)

    def forward(self, x: Tensor, start: Sequence[Tensor] | None = None) -> list[Tensor]:
        """Read words ``x`` of shape (b, t, d).

        Parameters
        ----------
        x : Tensor of shape (b, t, d)
        start : sequence of l Tensors of shape (b, d), or None
            The state of each layer before the first word; None: nothing, all zero.

        Returns
        -------
        list of l Tensors of shape (b, t, d)
            The states of each layer after each word.
        """
        states = []
        for number, layer in enumerate(self.layers):
            read = self.drop(layer(x, None if start is None else _first(layer, start[number]))[0])  # (b, t, d)
            x = x + read if self.residual and number else read
            states.append(x)
        return states


def _first(layer: nn.Module, state: Tensor) -> Tensor | tuple[Tensor, Tensor]:
    """Return a state of shape (b, d) as a layer wants it before the first word."""
    state = state[None].contiguous()  # (1, b, d)
    return (state, state) if isinstance(layer, nn.LSTM) else state  # an LSTM's memory is given the same


class BothWays(nn.Module):
    """Two stacks: one reads ahead, one reads back."""

    def __init__(self, parts: Recurrence) -> None:
        super().__init__()
        self.ahead, self.back = Stack(parts), Stack(parts)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> tuple[list[Tensor], list[Tensor]]:
        """Read sentences from both ends.

        Parameters
        ----------
        x : Tensor of shape (b, t, d)
        lengths : Tensor of shape (b,), int64, or None
            Words of each sentence; what follows them reaches none of their states. None: all of t.

        Returns
        -------
        ahead, back : lists of l Tensors of shape (b, t, d)
            For each word the state after it and all before it, and the state after it and all that follow it.
        """
        order = turned(x.shape[1], lengths, x.device)  # (b or 1, t)
        back = [swap(state, order) for state in self.back(swap(x, order))]
        return self.ahead(x), back


def turned(length: int, lengths: Tensor | None, device: torch.device) -> Tensor:
    """Return the places of each sentence's words from last to first, what follows them left where it is: (b or 1, t), int64."""
    places = torch.arange(length, device=device)[None]  # (1, t)
    ends = torch.full((1, 1), length, device=device) if lengths is None else lengths[:, None]  # (b or 1, 1)
    return torch.where(places < ends, ends - 1 - places, places)


def swap(x: Tensor, order: Tensor) -> Tensor:
    """Return ``x`` of shape (b, t, d) with its words in another order, (b or 1, t)."""
    return x.gather(1, order[:, :, None].expand(x.shape))


class Words(nn.Module):
    """A table by which words enter a recurrent network, and an output that scores every word of the vocabulary.

    Parameters
    ----------
    parts : Recurrence
    symbols : int
        Rows of the table: the vocabulary first, then the extra symbols.
    frequencies : Tensor of shape (v,), float32
        Relative frequency of every word: the output starts from their logarithms, so that an untrained network predicts by
        frequency.
    """

    def __init__(self, parts: Recurrence, symbols: int, frequencies: Tensor) -> None:
        super().__init__()
        self.length, self.words = parts.length, len(frequencies)
        self.table = nn.Embedding(symbols, parts.width)  # (v + extra symbols, d)
        self.output_table = None if parts.tied else nn.Embedding(self.words, parts.width)  # (v, d)
        self.bias = nn.Parameter(frequencies.log())  # (v,)
        self.drop = nn.Dropout(parts.dropout)
        for table in (self.table, self.output_table):
            if table is not None:
                nn.init.normal_(table.weight, std=0.02)  # small, so that no word starts preferred

    def embedded(self, words: Tensor) -> Tensor:
        """Return the vectors, (b, t, d), that a first layer reads of words (b, t): rows of the table, of one size."""
        x = look_up(self.table.weight, words)  # (b, t, d)
        return self.drop(functional.layer_norm(x, x.shape[-1:]))

    def output(self) -> tuple[Tensor, Tensor]:
        """Return the table of shape (v or more, d) and the bias of shape (v,) by which a vector of size √d scores every word."""
        table = self.table if self.output_table is None else self.output_table
        return table.weight, self.bias
