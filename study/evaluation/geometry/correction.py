"""Vectors freed of what all of them share: their mean, their strongest directions, the unequal spread of their dimensions.

A few directions common to all words make most cosines high and tell nothing of meaning. Each correction here is fitted on the
vectors that it is given and on nothing else, such as ratings; rows with a NaN take no part in the fit and stay NaN.

References
----------
Mu and Viswanath (2018), All-but-the-top, arXiv:1702.01417. Timkey and van Schijndel (2021), All bark and no bite: rogue
dimensions in Transformer language models obscure representational quality, arXiv:2109.04404 (standardisation).
"""

from __future__ import annotations

import numpy as np

from study.contracts import Array


def centred(vectors: Array) -> Array:
    """Take the mean vector away.

    Parameters
    ----------
    vectors : ndarray of shape (n, d)

    Returns
    -------
    ndarray of shape (n, d), float64
    """
    vectors = np.asarray(vectors, np.float64)
    known = np.isfinite(vectors).all(axis=1)
    return vectors - vectors[known].mean(axis=0) if known.any() else vectors


def without_top(vectors: Array, components: int | None = None) -> Array:
    """Take the mean vector away, and then all that lies along the strongest principal components.

    Parameters
    ----------
    vectors : ndarray of shape (n, d)
    components : int or None
        How many; None for the rule of Mu and Viswanath, a hundredth of the width and at least one.

    Returns
    -------
    ndarray of shape (n, d), float64
    """
    rest = centred(vectors)
    known = rest[np.isfinite(rest).all(axis=1)]
    if components is None:
        components = max(1, rest.shape[1] // 100)
    if not len(known) or not components:
        return rest
    top = np.linalg.eigh(known.T @ known)[1][:, -components:]  # (d, components), by rising variance
    return rest - (rest @ top) @ top.T


def standardised(vectors: Array) -> Array:
    """Give every dimension the mean 0 and the standard deviation 1; a dimension without variance becomes 0.

    Parameters
    ----------
    vectors : ndarray of shape (n, d)

    Returns
    -------
    ndarray of shape (n, d), float64
    """
    rest = centred(vectors)
    known = np.isfinite(rest).all(axis=1)
    if not known.any():
        return rest
    spread = rest[known].std(axis=0)
    varies = spread > 1e-12 * np.abs(np.asarray(vectors, np.float64)[known]).max(axis=0)
    return np.where(varies | ~known[:, None], rest / np.where(varies, spread, 1), 0)
