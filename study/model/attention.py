"""Multi-head self-attention: every word asks all others, in several heads at once.

Each head projects the words to queries, keys and values of its own small width; a word's answer is the mean of the values,
weighted by the softmax of its query's products with the keys, divided by the square root of the head's width.

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


class Attention(nn.Module):
    """Attend from every word to every word of the same segment.

    Letters: b sequences, t words, d width, h heads, e = d / h width of a head.

    Parameters
    ----------
    width : int
    heads : int
        Must divide the width.
    turn : callable or None
        What turns queries and keys by their place (rotary positions); None leaves them.
    """

    def __init__(self, width: int, heads: int, turn: Turn | None) -> None:
        super().__init__()
        self.heads = heads
        self.turn = turn
        self.ask = nn.Linear(width, 3 * width, bias=False)  # queries, keys and values in one product
        self.answer = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Mix the words ``x`` of shape (b, t, d); see ``within`` for the mask."""
        b, t, d = x.shape
        parts = self.ask(x).view(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)  # (3, b, h, t, e)
        if self.turn is None:
            queries, keys, values = parts  # (b, h, t, e) each
        else:
            (queries, keys), values = self.turn(parts[:2]), parts[2]
        mask = None if mask is None else mask.to(values.dtype)
        mix = spelled_out if x.device.type == "cpu" else functional.scaled_dot_product_attention
        mixed = mix(queries, keys, values, mask)  # (b, h, t, e)
        return self.answer(mixed.transpose(1, 2).reshape(b, t, d))  # (b, t, d)


def spelled_out(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
    """Attend step by step; the same as torch's fused ``scaled_dot_product_attention`` to rounding.

    On a processor this is the fast way: torch's fused kernel takes ten times as long there, forward and back, in bfloat16.

    Parameters
    ----------
    queries, keys, values : Tensor of shape (b, h, t, e)
    mask : Tensor of shape (b, 1, t, t) or None
        Added to the products of queries and keys: 0 where a word may look, -inf where it may not.
    """
    products = queries @ keys.transpose(-1, -2) * queries.shape[-1] ** -0.5  # (b, h, t, t)
    weights = (products if mask is None else products + mask).softmax(dim=-1)  # (b, h, t, t), rows sum to 1
    return weights @ values  # (b, h, t, e)


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
