"""Where a word stands: the ways of telling a Transformer the order of its words.

Self-attention alone sees a bag of words. ``sinusoidal`` and ``learned`` positions are *added* to the word vectors before the
first block. ``rotary`` positions *turn* queries and keys inside every attention, by an angle that grows with the place, so that
their product depends on the distance of two words only. ``relative`` and ``alibi`` add a number to that product: ``relative``
learns one for every head and range of distances, ``alibi`` fixes them, the lower the farther. ``none`` leaves the bag.

References
----------
Vaswani et al. (2017), Attention is all you need, arXiv:1706.03762, section 3.5 (sinusoidal). Su et al. (2021), RoFormer: enhanced
Transformer with rotary position embedding, arXiv:2104.09864 (rotary). Raffel et al. (2020), Exploring the limits of transfer
learning with a unified text-to-text Transformer, arXiv:1910.10683, section 2.1 (relative). Press, Smith & Lewis (2022), Train
short, test long: attention with linear biases, arXiv:2108.12409 (alibi).
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

POSITIONS = ("rotary", "relative", "alibi", "sinusoidal", "learned", "none")
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
        t = x.shape[-2]
        return _Turn.apply(x, self.cosines[:t].to(x.dtype), self.sines[:t].to(x.dtype))


class _Turn(torch.autograd.Function):
    """A turn of planes whose gradient is the turn back, spelled out: autograd's own way there and back copies far more."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
        """Turn vectors x of shape (..., t, e)."""
        ctx.save_for_backward(cosines, sines)
        return _turned(x, cosines, sines)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        """Turn the gradient back."""
        cosines, sines = ctx.saved_tensors
        return _turned(gradient, cosines, -sines), None, None


def _turned(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """Return (a cos - b sin, b cos + a sin) of vectors (a, b) of shape (..., t, e)."""
    turned = torch.empty(x.shape, dtype=x.dtype, device=x.device)  # contiguous, as products want it
    torch.mul(x, cosines, out=turned)
    return turned.addcmul_(x.roll(x.shape[-1] // 2, dims=-1), sines)  # whole vectors: halves may be narrower than a register


def added_positions(kind: str, length: int, width: int, size: float = 1.0) -> Tensor | None:
    """Return the table of positions that is added to the word vectors, or None for a kind that adds nothing.

    Parameters
    ----------
    kind : str
        One of ``POSITIONS``.
    length : int
        Longest sequence, words.
    width : int
    size : float
        About the size of the numbers of a word's vector, so that neither drowns the other.

    Returns
    -------
    Parameter (``learned``) or Tensor (``sinusoidal``) of shape (length, width), float32, or None
    """
    if kind == "sinusoidal":
        return size * sinusoids(length, width)
    if kind == "learned":
        return nn.Parameter(size * torch.randn(length, width))
    return None


class Relative(nn.Module):
    """A learned number for every head and range of distances, which all blocks share.

    Distances to either side have buckets of their own; near distances one each, far ones in ranges that grow by a factor.

    Parameters
    ----------
    heads : int
    buckets : int
        Even; half of them for words before, half for words after.
    farthest : int
        Distance from which on all words share the last bucket.
    """

    def __init__(self, heads: int, buckets: int = 32, farthest: int = 128) -> None:
        super().__init__()
        self.farthest = farthest
        self.table = nn.Parameter(torch.zeros(buckets, heads))  # (buckets, h)

    def forward(self, length: int) -> Tensor:
        """Return what is added to the products of queries and keys, ``Tensor of shape (1, h, t, t)``."""
        places = torch.arange(length, device=self.table.device)
        found = buckets_of(places[None, :] - places[:, None], len(self.table), self.farthest)  # (t, t)
        return self.table[found].permute(2, 0, 1)[None]  # (1, h, t, t)


def buckets_of(distance: Tensor, buckets: int, farthest: int) -> Tensor:
    """Return the bucket of each signed distance (place looked at minus place that looks), int64, below ``buckets``."""
    half = buckets // 2
    near = half // 2
    size = distance.abs()
    ratio = torch.log(size.clamp(min=1) / near) / math.log(farthest / near)  # 0 at ``near``, 1 at ``farthest``
    far = (near + ratio * (half - near)).long().clamp(max=half - 1)
    return torch.where(distance > 0, half, 0) + torch.where(size < near, size, far)


class LinearBias(nn.Module):
    """A fixed number that falls with the distance, steeply in the first head and gently in the last: slopes 2 ** (-8 i / h).

    Parameters
    ----------
    heads : int
    """

    slopes: Tensor

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.register_buffer("slopes", 2.0 ** (-8 * torch.arange(1, heads + 1) / heads), persistent=False)  # (h,)

    def forward(self, length: int) -> Tensor:
        """Return what is added to the products of queries and keys, ``Tensor of shape (1, h, t, t)``."""
        places = torch.arange(length, device=self.slopes.device)
        return -self.slopes[:, None, None] * (places[None, :] - places[:, None]).abs()[None, None]  # (1, h, t, t)


def distance_bias(kind: str, heads: int) -> nn.Module | None:
    """Return what adds a number by distance to the products of queries and keys; None for a kind that adds nothing there."""
    if kind == "relative":
        return Relative(heads)
    return LinearBias(heads) if kind == "alibi" else None
