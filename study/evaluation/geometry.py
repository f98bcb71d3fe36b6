"""The shape of an embedding space: neighbours of a word, occurrences in the plane."""

from __future__ import annotations

import numpy as np

from study.contracts import Array, Lexicon


def neighbours(lexicon: Lexicon, word: str, nearest: int) -> list[tuple[str, float]]:
    """Return the words of the highest cosine to a word, itself excluded; empty where the lexicon lacks it.

    Parameters
    ----------
    lexicon : Lexicon
    word : str
        As the lexicon writes it.
    nearest : int
        How many to return.
    """
    if word not in lexicon.words:
        return []
    row = list(lexicon.words).index(word)
    vectors = np.asarray(lexicon.vectors, np.float32)
    length = np.linalg.norm(vectors, axis=1)
    cosine = vectors @ vectors[row] / np.maximum(length * length[row], np.finfo(np.float32).tiny)
    cosine[row] = -np.inf
    return [(lexicon.words[other], float(cosine[other])) for other in np.argsort(-cosine, kind="stable")[:nearest]]


def plane(vectors: Array) -> tuple[Array, Array]:
    """Project vectors onto their first two principal components.

    Parameters
    ----------
    vectors : ndarray of shape (n, d)
        Without NaN.

    Returns
    -------
    points : ndarray of shape (n, 2)
        All zero where the vectors are one and the same.
    shares : ndarray of shape (2,)
        Share of the variance along each axis; zero where there is none.
    """
    centred = np.asarray(vectors, np.float64) - np.mean(vectors, axis=0)
    if np.abs(centred).max(initial=0) < 1e-6:
        return np.zeros((len(vectors), 2)), np.zeros(2)
    left, scale, _ = np.linalg.svd(centred, full_matrices=False)
    scale = np.pad(scale, (0, 2))
    left = np.pad(left, ((0, 0), (0, 2)))
    return left[:, :2] * scale[:2], scale[:2] ** 2 / (scale**2).sum()
