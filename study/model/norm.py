"""Keeping numbers in bounds between the parts of an encoder: the kinds of normalisation.

Letters: b sequences, t words, d width.

``layer`` gives every word's vector mean 0 and variance 1 over its d numbers; ``rms`` only its size, not its mean; ``batch`` gives
each of the d numbers mean 0 and variance 1 over all words of the batch (while training; then by running means), so that a
word's vector depends on the words it happens to be batched with; ``none`` leaves all as it is. Each is followed by a learned
scale per number.

References
----------
Ba, Kiros & Hinton (2016), Layer normalization, arXiv:1607.06450. Zhang & Sennrich (2019), Root mean square layer normalization,
arXiv:1910.07467. Ioffe & Szegedy (2015), Batch normalization, arXiv:1502.03167.
"""

from __future__ import annotations

from torch import Tensor, nn

NORMS = ("layer", "rms", "batch", "none")


class BatchNorm(nn.BatchNorm1d):
    """Batch normalisation of words, whatever the shape of what holds them."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise ``x`` of shape (..., d) over all but its last axis."""
        return super().forward(x.reshape(-1, x.shape[-1])).view_as(x)


def norm(kind: str, width: int, *, bias: bool, epsilon: float) -> nn.Module:
    """Make a normalisation of vectors of a width.

    Parameters
    ----------
    kind : str
        One of ``NORMS``.
    width : int
    bias : bool
        Whether a learned shift follows the scale, where the kind has one (``layer``).
    epsilon : float
        Added to the variance under the root.
    """
    if kind == "layer":
        return nn.LayerNorm(width, eps=epsilon, bias=bias)
    if kind == "rms":
        return nn.RMSNorm(width, eps=epsilon)
    return BatchNorm(width, eps=epsilon) if kind == "batch" else nn.Identity()
