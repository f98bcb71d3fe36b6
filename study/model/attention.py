"""Multi-head self-attention: every word asks all others, in several heads at once.

Each head projects the words to queries, keys and values of its own small width; a word's answer is the mean of the values,
weighted by the softmax of its query's products with the keys, divided by the square root of the head's width.

Every step can be taken out: the projections (one for all three, or none: plain products of the vectors themselves), the division
by √e, and the weighting itself (``uniform``: the mean over all words, a bag of words; positions that act on the products, as
rotary ones do, are of no effect then).

References
----------
Vaswani et al. (2017), Attention is all you need, arXiv:1706.03762, section 3.2.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

Turn = Callable[[Tensor], Tensor]

KINDS = ("softmax", "uniform")
PROJECTIONS = {"separate": 3, "shared": 1, "none": 0}
"""How queries, keys and values are made -> how many projections that takes."""


class Attention(nn.Module):
    """Attend from every word to every word that the mask allows.

    Letters: b sequences, t words, d width, h heads, e width of a head.

    Parameters
    ----------
    width, heads, head_width : int
    turn : callable or None
        What turns queries and keys by their place (rotary positions); None leaves them.
    kind : str
        ``softmax`` or ``uniform``.
    projections : str
        ``separate``, ``shared`` or ``none``; the last needs ``heads * head_width`` to be the width.
    scaling : bool
        Whether products are divided by √e.
    bias : bool
        Whether the projections have a bias.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        head_width: int,
        turn: Turn | None = None,
        *,
        kind: str = "softmax",
        projections: str = "separate",
        scaling: bool = True,
        bias: bool = False,
    ) -> None:
        super().__init__()
        self.heads, self.turn = heads, turn
        self.uniform = kind == "uniform"
        self.scale = head_width**-0.5 if scaling else 1.0
        number = min(PROJECTIONS[projections], 1 if self.uniform else 3)  # equal weights ask for nothing
        self.ask = nn.Linear(width, number * heads * head_width, bias=bias) if number else None  # all in one product
        self.answer = nn.Linear(heads * head_width, width, bias=bias)

    def forward(self, x: Tensor, mask: Tensor | None, places: Tensor | None = None) -> Tensor:
        """Mix the words ``x`` of shape (b, t, d); ``mask`` of shape (b or 1, h or 1, t, t) is added to the products.

        With ``places``, (n,), only the answers of the words there, in the flattened rows, are made, (n, d).
        """
        queries, keys, values = self.parts(x)
        mask = None if mask is None else mask.to(values.dtype)
        spelled_out = self.uniform or x.device.type == "cpu"
        mixed = self.weights(queries, keys, mask) @ values if spelled_out else self.fused(queries, keys, values, mask)
        mixed = mixed.transpose(1, 2).flatten(2)  # (b, t, h e)
        if places is not None:
            mixed = mixed.flatten(0, 1).index_select(0, places)  # (n, h e)
        return self.answer(mixed)  # (b, t, d), or (n, d)

    def parts(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return queries, keys and values of words ``x`` of shape (b, t, d), each of shape (b, h, t, e)."""
        b, t, _ = x.shape
        made = x if self.ask is None else self.ask(x)  # (b, t, n h e), n of 1 or 3
        n = 1 if self.ask is None else self.ask.out_features // self.answer.in_features
        heads = made.view(b, t, n, self.heads, -1).permute(2, 0, 3, 1, 4)  # (n, b, h, t, e)
        asked, values = heads.split([2, 1]) if n == 3 else (heads[[0, 0]], heads)
        queries, keys = (asked if self.turn is None else self.turn(asked)).unbind()
        return queries, keys, values.squeeze(0)

    def weights(self, queries: Tensor, keys: Tensor, mask: Tensor | None) -> Tensor:
        """Return how much each word takes from each other, (b, h, t, t); rows sum to 1.

        Spelled out, step by step. On a processor it is also the fast way in bfloat16: torch's fused kernel (2.13) takes several
        times as long there, forward and back, and in float32 about as long; to rounding the two are the same.
        """
        if self.uniform:
            products = queries.new_zeros(*queries.shape[:-1], keys.shape[-2])  # (b, h, t, t)
        else:
            products = queries @ keys.transpose(-1, -2) * self.scale  # (b, h, t, t)
        return (products if mask is None else products + mask).softmax(dim=-1)

    def fused(self, queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
        """Return what ``weights`` makes of values, (b, h, t, e), by torch's own function, on a GPU a fused kernel."""
        return functional.scaled_dot_product_attention(queries, keys, values, mask, scale=self.scale)

    def seen(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return the weights, (b, h, t, t), and what each head adds to the words by itself, (b, h, t, d), without the bias."""
        queries, keys, values = self.parts(x)
        weights = self.weights(queries, keys, mask)
        matrix = self.answer.weight.view(len(self.answer.weight), self.heads, -1)  # (d, h, e)
        return weights, torch.einsum("bhte,dhe->bhtd", weights @ values, matrix)


def within(segments: Tensor) -> Tensor:
    """Return a mask that keeps attention within segments.

    Parameters
    ----------
    segments : Tensor of shape (b, t), int64

    Returns
    -------
    Tensor of shape (b, 1, t, t), float32
        0 where two words are of the same segment, -inf where not.
    """
    apart = segments[:, None, :, None] != segments[:, None, None, :]  # (b, 1, t, t)
    return torch.zeros(apart.shape, device=segments.device).masked_fill_(apart, -torch.inf)


def backwards(length: int, device: torch.device) -> Tensor:
    """Return a mask that lets a word look at itself and at words before it: ``Tensor of shape (1, 1, t, t), float32``."""
    later = torch.ones(length, length, dtype=torch.bool, device=device).triu(1)
    return torch.zeros(1, 1, length, length, device=device).masked_fill_(later, -torch.inf)
