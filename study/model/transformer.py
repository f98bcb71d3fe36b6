"""The Transformer encoder on one page, to be read from top to bottom.

Letters
-------
b  sequences in a batch            h  heads
t  words of a sequence             m  width inside the MLP
d  width of a word's vector        v  words of the vocabulary
n  words whose logits are asked    l  blocks

A word's vector runs through the blocks on a residual stream: each block *adds* what attention gathers from the other words, then
what an MLP makes of the word itself. As it is set by default, vectors are normalised before each part ("pre-norm"), and nothing
but the output has a bias. Every part can be exchanged or taken out: attention, positions and normalisation have pages of their
own beside this one.

References
----------
Vaswani et al. (2017), Attention is all you need, arXiv:1706.03762. Devlin et al. (2019), BERT, arXiv:1810.04805. Xiong et al.
(2020), On layer normalization in the Transformer architecture, arXiv:2002.04745 (pre-norm). Shazeer (2020), GLU variants improve
Transformer, arXiv:2002.05202 (``geglu``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from study.contracts import StudyError
from study.model.attention import KINDS, PROJECTIONS, Attention, backwards, within
from study.model.norm import NORMS, norm
from study.model.position import POSITIONS, Rotary, added_positions, distance_bias

BENDS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": functional.gelu,
    "relu": functional.relu,
    "sigmoid": Tensor.sigmoid,
    "geglu": functional.gelu,
    "linear": lambda x: x,
}
"""What an MLP does to each number between widening and narrowing."""


@dataclass(kw_only=True)
class Anatomy:
    """The parts of an encoder.

    Attributes
    ----------
    width : int
        Width of a word's vector.
    blocks : int
    heads : int
        Attention heads of a block.
    head_width : int or None
        Width of a head; None: the width divided by the heads.
    projections : str
        Queries, keys and values from ``separate`` projections, from one that they share (``shared``), or the vectors
        themselves (``none``).
    scaling : bool
        Whether products of queries and keys are divided by the root of the head's width.
    attention : str
        ``softmax`` of the products, or ``uniform``: the mean over all words.
    mask : str
        ``full``: a word looks at all words of its segment; ``causal``: at itself and those before.
    positions : str
        ``rotary``, ``relative``, ``alibi``, ``sinusoidal``, ``learned`` or ``none``.
    expansion : float
        Width inside the MLP as a multiple of ``width``.
    activation : str
        ``gelu``, ``relu``, ``sigmoid``, ``geglu`` (a GELU gate on a second projection), ``linear``, or ``none``: no MLP at all.
    residual : bool
        Whether each part adds to the word's vector; without it each part replaces it.
    norm : str
        ``layer``, ``rms``, ``batch`` or ``none``.
    norm_place : str
        ``before`` each part, or ``after`` it (on the sum, as in BERT).
    norm_epsilon : float
        Added to the variance under the root.
    biases : bool
        Whether projections, MLP and layer norms have biases.
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
    head_width: int | None
    projections: str
    scaling: bool
    attention: str
    mask: str
    positions: str
    expansion: float
    activation: str
    residual: bool
    norm: str
    norm_place: str
    norm_epsilon: float
    biases: bool
    dropout: float
    tied: bool
    length: int

    @property
    def width_of_a_head(self) -> int:
        """The width of a head, numbers."""
        return self.head_width or self.width // self.heads

    def check_anatomy(self) -> None:
        """Raise StudyError where the parts do not fit together."""
        choices = {"activation": (*BENDS, "none"), "positions": POSITIONS, "attention": KINDS, "projections": tuple(PROJECTIONS)}
        choices |= {"mask": ("full", "causal"), "norm": NORMS, "norm_place": ("before", "after")}
        for name, known in choices.items():
            if getattr(self, name) not in known:
                raise StudyError(f"{name} must be one of {', '.join(known)}, not {getattr(self, name)!r}.")
        for name, least in (("width", 1), ("blocks", 1), ("heads", 1), ("length", 3)):
            if getattr(self, name) < least:
                raise StudyError(f"{name} must be at least {least}, not {getattr(self, name)}.")
        if self.head_width is None and self.width % self.heads:
            raise StudyError(
                f"The width must be a multiple of the heads; {self.width} is not one of {self.heads}. Or set head_width."
            )
        if self.positions == "rotary" and self.width_of_a_head % 2:
            raise StudyError(f"Rotary positions turn pairs of numbers: a head's width must be even, not {self.width_of_a_head}.")
        if self.positions == "sinusoidal" and self.width % 2:
            raise StudyError(f"Sinusoidal positions are pairs of numbers: the width must be even, not {self.width}.")
        if self.projections == "none" and self.heads * self.width_of_a_head != self.width:
            raise StudyError("Without projections the heads share out the width: leave head_width null.")
        if not 0 <= self.dropout < 1:
            raise StudyError(f"dropout is a share in [0, 1), not {self.dropout}.")


class MLP(nn.Module):
    """Work on each word by itself: widen, bend, narrow."""

    def __init__(self, anatomy: Anatomy) -> None:
        super().__init__()
        d, m = anatomy.width, round(anatomy.expansion * anatomy.width)
        self.gated = anatomy.activation == "geglu"
        self.bend = BENDS[anatomy.activation]
        self.widen = nn.Linear(d, 2 * m if self.gated else m, bias=anatomy.biases)
        self.narrow = nn.Linear(m, d, bias=anatomy.biases)

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
        self.before, self.residual = anatomy.norm_place == "before", anatomy.residual
        self.attention_norm = _norm(anatomy)
        self.attention = Attention(
            anatomy.width,
            anatomy.heads,
            anatomy.width_of_a_head,
            turn,
            kind=anatomy.attention,
            projections=anatomy.projections,
            scaling=anatomy.scaling,
            bias=anatomy.biases,
        )
        self.mlp_norm = nn.Identity() if anatomy.activation == "none" else _norm(anatomy)
        self.mlp = None if anatomy.activation == "none" else MLP(anatomy)
        self.drop = nn.Dropout(anatomy.dropout)

    def forward(self, x: Tensor, mask: Tensor | None, places: Tensor | None) -> Tensor:
        """Transform words ``x`` of shape (b, t, d); with ``places``, return only the n words there, (n, d)."""
        gathered = self.attention(self.reads(x), mask)  # (b, t, d)
        x = self._joined(x, gathered, self.attention_norm)  # (b, t, d)
        if places is not None:
            x = x.flatten(0, 1).index_select(0, places)  # (n, d)
        if self.mlp is None:
            return x
        made = self.mlp(self.mlp_norm(x) if self.before else x)  # (b, t, d) or (n, d)
        return self._joined(x, made, self.mlp_norm)

    def reads(self, x: Tensor) -> Tensor:
        """Return what attention reads of words ``x`` of shape (b, t, d)."""
        return self.attention_norm(x) if self.before else x

    def _joined(self, x: Tensor, part: Tensor, norm: nn.Module) -> Tensor:
        x = x + self.drop(part) if self.residual else self.drop(part)
        return x if self.before else norm(x)


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
        self.causal, self.norm_first = anatomy.mask == "causal", anatomy.norm_place == "before"
        self.first_norm = _norm(anatomy)
        positions = added_positions(anatomy.positions, anatomy.length, d)
        if isinstance(positions, nn.Parameter):
            self.positions = positions
        else:
            self.register_buffer("positions", positions, persistent=False)
        turn = Rotary(anatomy.length, anatomy.width_of_a_head) if anatomy.positions == "rotary" else None
        self.distances = distance_bias(anatomy.positions, anatomy.heads)
        self.drop = nn.Dropout(anatomy.dropout)
        self.blocks = nn.ModuleList(Block(anatomy, turn) for _ in range(anatomy.blocks))
        self.last_norm = _norm(anatomy) if self.norm_first else nn.Identity()
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
        mask = self.mask(words, segments)  # (b or 1, h or 1, t, t), or None
        x = self.embedded(words)  # (b, t, d)
        states = [x]
        for number, block in enumerate(self.blocks, start=1):
            x = block(x, mask, places if number == len(self.blocks) else None)  # (b, t, d), or (n, d) at the end
            states.append(x)
        states[-1] = self.last_norm(x)
        return states

    def embedded(self, words: Tensor) -> Tensor:
        """Return the vectors before the first block, (b, t, d), of words (b, t)."""
        x = self.table(words)  # (b, t, d)
        x = self.first_norm(x) if self.norm_first else x
        if self.positions is not None:
            x = x + self.positions[: words.shape[1]]  # (b, t, d) + (t, d)
        return self.drop(x if self.norm_first else self.first_norm(x))

    def mask(self, words: Tensor, segments: Tensor | None) -> Tensor | None:
        """Return what is added to the products of queries and keys, (b or 1, h or 1, t, t); None where that is nothing."""
        t = words.shape[1]
        parts = [] if segments is None else [within(segments)]  # (b, 1, t, t)
        parts += [backwards(t, words.device)] if self.causal else []  # (1, 1, t, t)
        parts += [] if self.distances is None else [self.distances(t)]  # (1, h, t, t)
        return sum(parts[1:], start=parts[0]) if parts else None

    def attention(self, words: Tensor, segments: Tensor | None = None) -> tuple[list[Tensor], list[Tensor]]:
        """Return who looks at whom in every block, and what each head adds to the words by itself.

        Parameters
        ----------
        words, segments : as for ``forward``

        Returns
        -------
        weights : list of l Tensors of shape (b, h, t, t)
            Rows are the words that look, and sum to 1.
        heads : list of l Tensors of shape (b, h, t, d)
        """
        mask, states = self.mask(words, segments), self(words, segments)
        seen = [block.attention.seen(block.reads(x), mask) for block, x in zip(self.blocks, states, strict=False)]
        weights, heads = zip(*seen, strict=True)
        return list(weights), list(heads)

    def output(self) -> tuple[Tensor, Tensor]:
        """Return the table of shape (v or more, d) and the bias of shape (v,) by which a normalised vector scores every word."""
        table = self.table if self.output_table is None else self.output_table
        return table.weight, self.bias


def _norm(anatomy: Anatomy) -> nn.Module:
    return norm(anatomy.norm, anatomy.width, bias=anatomy.biases, epsilon=anatomy.norm_epsilon)


def _initialise(part: nn.Module) -> None:
    """Draw a matrix so that it keeps the size of what it multiplies; draw the table small, so that no word starts preferred."""
    if isinstance(part, nn.Linear):
        nn.init.normal_(part.weight, std=part.in_features**-0.5)
        if part.bias is not None:
            nn.init.zeros_(part.bias)
    elif isinstance(part, nn.Embedding):
        nn.init.normal_(part.weight, std=0.02)
