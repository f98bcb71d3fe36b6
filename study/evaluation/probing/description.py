"""Online description length: in how many bits the labels can be told to somebody who has the vectors.

The items are told in random order, block after block. The first block is told by an even code; every further one by the
probabilities of a probe trained on all blocks before it. A property that is easy to read soon costs little, so the length
measures both how well a probe reads and how much it must be shown first. Each item is coded before it is learned from.

References
----------
Voita and Titov (2020), Information-theoretic probing with minimum description length, arXiv:2003.12298.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from study.contracts import Array
from study.evaluation.probing.protocol import choose
from study.evaluation.probing.reader import Labelled, Reader

SHARES = (0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.0625, 0.125, 0.25, 0.5, 1.0)
"""Ends of the blocks, as shares of the items."""
FIRST = 10
"""Items of the first block, at least."""


def order(rows: Array, groups: Array, *, whole: bool, seed: int) -> Array:
    """Shuffle rows: each for itself, or (``whole``) by groups, the items of a group following each other."""
    rng = np.random.default_rng(seed)
    if not whole:
        return rng.permutation(rows)
    _, number = np.unique(groups[rows], return_inverse=True)
    turn = rng.permutation(number.max() + 1 if len(rows) else 0)
    return rows[np.argsort(turn[number], kind="stable")]


def ends(size: int) -> list[int]:
    """Return where the blocks of so many items end."""
    return sorted({min(size, max(FIRST, round(share * size))) for share in SHARES})


def bits(reader: Reader, data: Labelled, told: Array, development: Array) -> Array:
    """Return what each item costs.

    Parameters
    ----------
    reader : Reader
    data : Labelled
    told : ndarray of shape (m,), int64
        Rows in the order in which they are told.
    development : ndarray of int64
        Rows that sender and receiver both know; they choose how strict the probe of each block is.

    Returns
    -------
    ndarray of shape (m,), float64
        Bits, in the order of ``told``.
    """
    found = np.full(len(told), np.log2(data.classes))
    for begin, end in pairwise(ends(len(told))):
        taught = told[:begin]
        choice = choose(reader, data, [(taught, development)], by_bits=True)
        found[begin:end] = data.answers(choice.readings[0], told[begin:end], taught)[1]
    return found
