"""The Transformer encoder on one page, to be read from top to bottom.

Letters
-------
b  sequences in a batch            h  heads
t  words of a sequence             m  width inside the MLP
d  width of a word's vector        v  words of the vocabulary
n  words whose logits are asked    l  blocks

A word's vector runs through the blocks on a residual stream: each block *adds* what attention gathers from the other words, then
what an MLP makes of the word itself. Layers are normalised before each part ("pre-norm"), and nothing but the output has a bias.

References
----------
Vaswani et al. (2017), Attention is all you need, arXiv:1706.03762. Devlin et al. (2019), BERT, arXiv:1810.04805. Xiong et al.
(2020), On layer normalization in the Transformer architecture, arXiv:2002.04745 (pre-norm). Shazeer (2020), GLU variants improve
Transformer, arXiv:2002.05202 (``geglu``).
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from study.contracts import StudyError
from study.model.attention import Attention, within
from study.model.position import POSITIONS, Rotary, added_positions

ACTIVATIONS = ("gelu", "relu", "geglu")


@dataclass(kw_only=True)
class Anatomy:
    """The parts of an encoder.

    Attributes
    ----------
    width : int
        Width of a word's vector.
    blocks : int
    heads : int
        Attention heads of a block; must divide the width.
    expansion : float
        Width inside the MLP as a multiple of ``width``.
    activation : str
        ``gelu``, ``relu`` or ``geglu`` (a GELU gate on a second projection).
    positions : str
        ``rotary``, ``sinusoidal``, ``learned`` or ``none``.
    dropout : float
        Share of numbers dropped after attention, MLP and embedding while training, in [0, 1).
    tied : bool
        Whether the output scores words with the embedding table itself.
    length : int
        Longest sequence, words, boundary symbols included.
    """

    width: int
    blocks: int
    heads: int
    expansion: float
    activation: str
    positions: str
    dropout: float
    tied: bool
    length: int

    def check_anatomy(self) -> None:
        """Raise StudyError where the parts do not fit together."""
        if self.width % (2 * self.heads):
            raise StudyError(f"The width must be a multiple of twice the heads; {self.width} is not one of 2 x {self.heads}.")
        for name, known in (("activation", ACTIVATIONS), ("positions", POSITIONS)):
            if getattr(self, name) not in known:
                raise StudyError(f"{name} must be one of {', '.join(known)}, not {getattr(self, name)!r}.")
        for name, least in (("blocks", 1), ("length", 3)):
            if getattr(self, name) < least:
                raise StudyError(f"{name} must be at least {least}, not {getattr(self, name)}.")
        if not 0 <= self.dropout < 1:
            raise StudyError(f"dropout is a share in [0, 1), not {self.dropout}.")


class MLP(nn.Module):
    """Work on each word by itself: widen, bend, narrow."""

    def __init__(self, anatomy: Anatomy) -> None:
        super().__init__()
        d, m = anatomy.width, round(anatomy.expansion * anatomy.width)
        self.gated = anatomy.activation == "geglu"
        self.bend = functional.relu if anatomy.activation == "relu" else functional.gelu
        self.widen = nn.Linear(d, 2 * m if self.gated else m, bias=False)
        self.narrow = nn.Linear(m, d, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Transform words ``x`` of shape (..., d)."""
        wide = self.widen(x)  # (..., m), or (..., 2 m) with a gate
        if self.gated:
            wide, gate = wide.chunk(2, dim=-1)  # (..., m) each
            return self.narrow(wide * self.bend(gate))  # (..., d)
        return self.narrow(self.bend(wide))  # (..., d)


class Block(nn.Module):
    """Add to each word what it gathers from the others, then what it makes of itself."""

    def __init__(self, anatomy: Anatomy, turn: Rotary | None) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(anatomy.width, bias=False)
        self.attention = Attention(anatomy.width, anatomy.heads, turn)
        self.mlp_norm = nn.LayerNorm(anatomy.width, bias=False)
        self.mlp = MLP(anatomy)
        self.drop = nn.Dropout(anatomy.dropout)

    def forward(self, x: Tensor, mask: Tensor | None, places: Tensor | None) -> Tensor:
        """Transform words ``x`` of shape (b, t, d); with ``places``, return only the n words there, (n, d)."""
        x = x + self.drop(self.attention(self.attention_norm(x), mask))  # (b, t, d)
        if places is not None:
            x = x.flatten(0, 1).index_select(0, places)  # (n, d)
        return x + self.drop(self.mlp(self.mlp_norm(x)))  # (b, t, d) or (n, d)


class Encoder(nn.Module):
    """An embedding table, blocks, and an output that scores every word of the vocabulary.

    Parameters
    ----------
    anatomy : Anatomy
    symbols : int
        Rows of the embedding table: the vocabulary first, then the extra symbols.
    frequencies : Tensor of shape (v,), float32
        Relative frequency of every word: the output starts from their logarithms, so that an untrained encoder predicts by
        frequency.
    """

    positions: Tensor | None

    def __init__(self, anatomy: Anatomy, symbols: int, frequencies: Tensor) -> None:
        super().__init__()
        d, v = anatomy.width, len(frequencies)
        self.words = v
        self.length = anatomy.length
        self.table = nn.Embedding(symbols, d)  # (v + extra symbols, d)
        self.first_norm = nn.LayerNorm(d, bias=False)
        positions = added_positions(anatomy.positions, anatomy.length, d)
        if isinstance(positions, nn.Parameter):
            self.positions = positions
        else:
            self.register_buffer("positions", positions, persistent=False)
        turn = Rotary(anatomy.length, d // anatomy.heads) if anatomy.positions == "rotary" else None
        self.drop = nn.Dropout(anatomy.dropout)
        self.blocks = nn.ModuleList(Block(anatomy, turn) for _ in range(anatomy.blocks))
        self.last_norm = nn.LayerNorm(d, bias=False)
        self.output_table = None if anatomy.tied else nn.Embedding(v, d)  # (v, d)
        self.bias = nn.Parameter(frequencies.log())  # (v,)
        self.apply(_initialise)

    def forward(self, words: Tensor, segments: Tensor | None = None, places: Tensor | None = None) -> list[Tensor]:
        """Return the words' vectors before the first block and after each block, the last one normalised for the output.

        Parameters
        ----------
        words : Tensor of shape (b, t), int64
        segments : Tensor of shape (b, t), int64, or None
            Words look at words with the same number only; None lets every word look at all of its row.
        places : Tensor of shape (n,), int64, or None
            Where the words stand, in the flattened rows, whose last vectors are asked; None asks for all. Training asks for the
            hidden words only, which saves most of the last block's work.

        Returns
        -------
        list of l + 1 Tensors of shape (b, t, d)
            The last one of shape (n, d) where places are given.
        """
        mask = None if segments is None else within(segments)  # (b, 1, t, t)
        x = self.first_norm(self.table(words))  # (b, t, d)
        if self.positions is not None:
            x = x + self.positions[: words.shape[1]]  # (b, t, d) + (t, d)
        x = self.drop(x)
        states = [x]
        for number, block in enumerate(self.blocks, start=1):
            x = block(x, mask, places if number == len(self.blocks) else None)  # (b, t, d), or (n, d) at the end
            states.append(x)
        states[-1] = self.last_norm(x)
        return states

    def output(self) -> tuple[Tensor, Tensor]:
        """Return the table of shape (v or more, d) and the bias of shape (v,) by which a normalised vector scores every word."""
        table = self.table if self.output_table is None else self.output_table
        return table.weight, self.bias


def _initialise(part: nn.Module) -> None:
    """Draw a matrix so that it keeps the size of what it multiplies; draw the table small, so that no word starts preferred."""
    if isinstance(part, nn.Linear):
        nn.init.normal_(part.weight, std=part.in_features**-0.5)
    elif isinstance(part, nn.Embedding):
        nn.init.normal_(part.weight, std=0.02)
