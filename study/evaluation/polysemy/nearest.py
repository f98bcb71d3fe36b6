"""Classifying by what is nearest in angle: the mean of a class, or its nearest item.

Each function learns from items and answers others at once. Cosines within 1e-6 of the highest are ties, which go to the class
with most training items and then to the first: vectors that do not differ are all given the majority class.

References
----------
Loureiro, Rezaee, Pilehvar and Camacho-Collados (2021), Analysis and evaluation of language models for word sense disambiguation,
Computational Linguistics 47(2), doi:10.1162/coli_a_00405.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from study.contracts import Array

TIE = 1e-6
BLOCK = 1024  # asked items at a time, so that their cosines with all training items stay small

Classify = Callable[[Any, Array, Any], Array]
"""Training features (n, d), their labels (n,) and the features asked (m, d) -> labels (m,)."""


def nearest_centroid(taught: Array, labels: Array, asked: Array) -> Array:
    """Answer with the class whose centroid has the highest cosine.

    Parameters
    ----------
    taught : ndarray of shape (n, d), float32
        Vectors of length one.
    labels : ndarray of shape (n,), text
    asked : ndarray of shape (m, d), float32

    Returns
    -------
    ndarray of shape (m,), text
    """
    names, codes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    sums = np.stack([taught[codes == code].sum(0, dtype=np.float64) for code in range(len(names))])  # (k, d)
    length = np.linalg.norm(sums, axis=1, keepdims=True)
    centroids = np.divide(sums, length, out=np.zeros_like(sums), where=length > 0)
    return names[_best(asked @ centroids.T, sizes)]


def nearest_neighbour(taught: Array, labels: Array, asked: Array) -> Array:
    """Answer with the class of the training item that has the highest cosine; parameters as for ``nearest_centroid``."""
    names, codes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    order = np.argsort(codes, kind="stable")
    starts = np.cumsum(sizes) - sizes
    by_class = np.ascontiguousarray(taught[order])
    answers = np.empty(len(asked), dtype=np.int64)
    for begin in range(0, len(asked), BLOCK):
        block = slice(begin, begin + BLOCK)
        cosine = asked[block] @ by_class.T  # (block, n)
        answers[block] = _best(np.maximum.reduceat(cosine, starts, axis=1), sizes)
    return names[answers]


def _best(similarity: Array, sizes: Array) -> Array:
    """Return the column of the highest similarity; ties go to the largest class, then to the first."""
    tied = similarity >= similarity.max(1, keepdims=True) - TIE
    return (tied * sizes).argmax(1)
