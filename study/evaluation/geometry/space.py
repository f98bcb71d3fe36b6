"""The shape of an embedding space: neighbours of a word, occurrences in the plane, and how alike two spaces are.

References
----------
Kornblith, Norouzi, Lee and Hinton (2019), Similarity of neural network representations revisited, arXiv:1905.00414. Song, Smola,
Gretton, Bedo and Borgwardt (2012), Feature selection via dependence maximization, JMLR 13, equation 5 (the unbiased estimate).
Murphy, Zylberberg and Fyshe (2024), Correcting biased centered kernel alignment measures, arXiv:2405.01012. Kriegeskorte, Mur and
Bandettini (2008), Representational similarity analysis, doi:10.3389/neuro.06.004.2008.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

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


def unit(vectors: Array) -> Array:
    """Scale vectors of shape (..., d) to length one in float64; NaN where a vector has no length."""
    vectors = np.asarray(vectors, np.float64)
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.divide(vectors, length, out=np.full(vectors.shape, np.nan), where=length > 0)


def similarity_of_views(arrays: Mapping[str, Array]) -> pd.DataFrame:
    """Say how alike every two views are over the same places, by linear CKA and by RSA.

    *CKA* is the cosine of the views' matrices of inner products, centred so that its estimate is unbiased: with no
    more places than dimensions the usual centring makes unrelated views look alike. It is 1 for a view and its rotated or
    scaled copy, about 0 for unrelated ones, and may fall a little below. *RSA* is Spearman's correlation of the cosine distances
    of every two places, which sees the order of distances alone.

    Parameters
    ----------
    arrays : mapping of str to ndarray of shape (n, d of the view)
        The same n places in every view. Only places that all views know take part, so that all cells of the matrix stand on the
        same ones; a view that knows none has NaN with every other. Memory: 4 n² bytes a view.

    Returns
    -------
    DataFrame
        Columns ``first, second, measure`` (``CKA``, ``RSA``), ``value`` and ``n`` (places), each two views once.
    """
    known = {name: np.isfinite(unit(array)).all(axis=1) for name, array in arrays.items()}
    used = [name for name in arrays if known[name].any()]
    common = np.logical_and.reduce([known[name] for name in used]) if used else np.zeros(0, bool)
    n = int(common.sum())
    place = {name: number for number, name in enumerate(used)}
    rows = []
    for measure, flat in (("CKA", _inner_products), ("RSA", _ranked_distances)):
        alike = np.full((len(used), len(used)), np.nan)
        if n > 3:
            directions = np.empty((len(used), n * (n - 1) // 2))
            for number, name in enumerate(used):
                directions[number] = unit(flat(np.asarray(arrays[name], np.float64)[common]))
            alike = directions @ directions.T
        for first, second in combinations(arrays, 2):
            told = first in place and second in place
            value = float(alike[place[first], place[second]]) if told else np.nan
            rows.append((first, second, measure, value, n if told else 0))
    return pd.DataFrame(rows, columns=["first", "second", "measure", "value", "n"])


def _inner_products(vectors: Array) -> Array:
    """Return the inner products of every two of n > 3 rows, U-centred, ``ndarray of shape (n (n - 1) / 2,)``.

    The inner product of two such matrices is the unbiased estimate of the HSIC up to a factor that cancels in its ratio.
    """
    vectors = vectors - vectors.mean(0)  # changes nothing but the rounding
    gram = vectors @ vectors.T
    np.fill_diagonal(gram, 0)
    n, rows = len(gram), gram.sum(0)
    gram -= (rows[:, None] + rows) / (n - 2) - rows.sum() / ((n - 1) * (n - 2))
    return gram[np.triu_indices(n, 1)]


def _ranked_distances(vectors: Array) -> Array:
    """Return the centred ranks of the cosine distances of every two rows, ``ndarray of shape (n (n - 1) / 2,)``."""
    directions = unit(vectors)
    distance = np.round(1 - (directions @ directions.T)[np.triu_indices(len(vectors), 1)], 12)  # equal rows tie
    ranks = stats.rankdata(distance)
    return ranks - ranks.mean()
