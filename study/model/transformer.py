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

from torch import Tensor, nn

from study.model.anatomy import BENDS, Anatomy
from study.model.attention import Attention, backwards, within
from study.model.norm import norm
from study.model.position import Rotary, added_positions, distance_bias
from study.model.table import look_up

SMALL = 0.02
"""Spread of the tables' numbers at the start, so that no word starts preferred."""


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
        gathered = self.attention(self.reads(x), mask, places)  # (b, t, d), or (n, d)
        if places is not None:
            x = x.flatten(0, 1).index_select(0, places)  # (n, d)
        x = self.joined(x, gathered, self.attention_norm)
        return self.finished(x)

    def finished(self, x: Tensor) -> Tensor:
        """Return words ``x`` of shape (..., d) with what the MLP makes of each."""
        if self.mlp is None:
            return x
        made = self.mlp(self.mlp_norm(x) if self.before else x)  # (..., d)
        return self.joined(x, made, self.mlp_norm)

    def reads(self, x: Tensor) -> Tensor:
        """Return what attention reads of words ``x`` of shape (b, t, d)."""
        return self.attention_norm(x) if self.before else x

    def sees(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return the weights of attention to words ``x`` of shape (b, t, d), and what each head adds; see ``Attention.seen``."""
        return self.attention.seen(self.reads(x), mask)

    def joined(self, x: Tensor, part: Tensor, norm: nn.Module) -> Tensor:
        """Return words with a part added to them, or in their place, normalised where the norm stands after it."""
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
        self.anatomy, self.words, self.pooled = anatomy, v, anatomy.norm == "batch"
        self.length = anatomy.length
        self.table = nn.Embedding(symbols, d)  # (v + extra symbols, d)
        self.causal, self.norm_first = anatomy.mask == "causal", anatomy.norm_place == "before"
        self.first_norm = _norm(anatomy)
        normed = self.norm_first and anatomy.norm != "none"  # are words of size 1 when positions are added to them?
        positions = added_positions(anatomy.positions, anatomy.length, d, size=1.0 if normed else SMALL)
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
        self.apply(initialise)

    def forward(
        self, words: Tensor, segments: Tensor | None = None, places: Tensor | None = None, *, causal: bool = False
    ) -> list[Tensor]:
        """Return the words' vectors before the first block and after each block, the last one normalised for the output.

        Parameters
        ----------
        words : Tensor of shape (b, t), int64
        segments : Tensor of shape (b, t), int64, or None
            Words look at words with the same number only; None lets every word look at all of its row.
        places : Tensor of shape (n,), int64, or None
            Where the words stand, in the flattened rows, whose last vectors are asked; None asks for all. Training asks for the
            hidden words only, which saves most of the last block's work.
        causal : bool
            Whether words look backwards only, whatever the anatomy says.

        Returns
        -------
        list of l + 1 Tensors of shape (b, t, d)
            The last one of shape (n, d) where places are given.
        """
        mask = self.mask(words, segments, causal)  # (b or 1, h or 1, t, t), or None
        x = self.embedded(words)  # (b, t, d)
        states = [x]
        for number, block in enumerate(self.blocks, start=1):
            last = number == len(self.blocks) and not self.pooled
            x = block(x, mask, places if last else None)  # (b, t, d), or (n, d) at the end
            states.append(x)
        x = self.last_norm(x)
        late = places is not None and self.pooled  # a batch norm is to see all words, as it does when words are read out
        states[-1] = x.flatten(0, 1).index_select(0, places) if late else x
        return states

    def states(self, words: Tensor) -> list[Tensor]:
        """Return what is read out of the encoder: the table's rows of words (b, t) and each block's vectors, (b, t, d) each."""
        return [self.table(words), *self(words)[1:]]

    def embedded(self, words: Tensor) -> Tensor:
        """Return the vectors before the first block, (b, t, d), of words (b, t)."""
        x = look_up(self.table.weight, words)  # (b, t, d)
        x = self.first_norm(x) if self.norm_first else x
        if self.positions is not None:
            x = x + self.positions[: words.shape[1]]  # (b, t, d) + (t, d)
        return self.drop(x if self.norm_first else self.first_norm(x))

    def mask(self, words: Tensor, segments: Tensor | None, causal: bool = False) -> Tensor | None:
        """Return what is added to the products of queries and keys, (b or 1, h or 1, t, t); None where that is nothing."""
        t = words.shape[1]
        parts = [] if segments is None else [within(segments)]  # (b, 1, t, t)
        parts += [backwards(t, words.device)] if causal or self.causal else []  # (1, 1, t, t)
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
        seen = [block.sees(x, mask) for block, x in zip(self.blocks, states, strict=False) if isinstance(block, Block)]
        weights, heads = zip(*seen, strict=True)
        return list(weights), list(heads)

    def output(self) -> tuple[Tensor, Tensor]:
        """Return the table of shape (v or more, d) and the bias of shape (v,) by which a normalised vector scores every word."""
        table = self.table if self.output_table is None else self.output_table
        return table.weight, self.bias


def _norm(anatomy: Anatomy) -> nn.Module:
    return norm(anatomy.norm, anatomy.width, bias=anatomy.biases, epsilon=anatomy.norm_epsilon)


def initialise(part: nn.Module) -> None:
    """Draw a matrix so that it keeps the size of what it multiplies, and tables small."""
    if isinstance(part, nn.Linear):
        nn.init.normal_(part.weight, std=part.in_features**-0.5)
        if part.bias is not None:
            nn.init.zeros_(part.bias)
    elif isinstance(part, nn.Embedding):
        nn.init.normal_(part.weight, std=SMALL)
