"""Where a word stands: the ways of telling a Transformer the order of its words.

Self-attention alone sees a bag of words. ``sinusoidal`` and ``learned`` positions are *added* to the word vectors before the
first block; ``rotary`` positions *turn* queries and keys inside every attention, by an angle that grows with the place, so that
their product depends on the distance of two words only; ``none`` leaves the bag.

References
----------
Vaswani et al. (2017), Attention is all you need, arXiv:1706.03762, section 3.5 (sinusoidal). Su et al. (2021), RoFormer: enhanced
Transformer with rotary position embedding, arXiv:2104.09864 (rotary).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

POSITIONS = ("rotary", "sinusoidal", "learned", "none")
"""Kinds of positions; those added to the word vectors are made by ``added_positions``."""


def angles(length: int, width: int, period: float = 10000.0) -> Tensor:
    """Compute the angle of every place in every plane: place * period ** (-2 i / width).

    Returns
    -------
    Tensor of shape (length, width / 2), float32, radians
    """
    speeds = period ** (-torch.arange(0, width, 2, dtype=torch.float32) / width)
    return torch.arange(length, dtype=torch.float32)[:, None] * speeds


def sinusoids(length: int, width: int) -> Tensor:
    """Compute sinusoidal positions: sines of the angles in the first half of the width, cosines in the second.

    Returns
    -------
    Tensor of shape (length, width), float32
    """
    places = angles(length, width)
    return torch.cat([places.sin(), places.cos()], dim=1)


class Rotary(nn.Module):
    """Turn the two halves of each head's vector, seen as planes, by the angle of its place.

    Parameters
    ----------
    length : int
        Longest sequence, words.
    width : int
        Width of one head, even.
    """

    cosines: Tensor
    sines: Tensor

    def __init__(self, length: int, width: int) -> None:
        super().__init__()
        places = angles(length, width)
        self.register_buffer("cosines", torch.cat([places.cos(), places.cos()], dim=1), persistent=False)  # (t, e)
        self.register_buffer("sines", torch.cat([-places.sin(), places.sin()], dim=1), persistent=False)  # (t, e)

    def forward(self, x: Tensor) -> Tensor:
        """Turn queries or keys of shape (..., t, e)."""
        t, e = x.shape[-2:]
        swapped = torch.cat([x[..., e // 2 :], x[..., : e // 2]], dim=-1)  # (a, b) -> (b, a)
        return x * self.cosines[:t].to(x.dtype) + swapped * self.sines[:t].to(x.dtype)  # (a cos - b sin, b cos + a sin)


def added_positions(kind: str, length: int, width: int) -> Tensor | None:
    """Return the table of positions that is added to the word vectors, or None for a kind that adds nothing.

    Returns
    -------
    Parameter (``learned``) or Tensor (``sinusoidal``) of shape (length, width), float32, or None
    """
    if kind == "sinusoidal":
        return sinusoids(length, width)
    if kind == "learned":
        return nn.Parameter(torch.randn(length, width))
    return None
