"""The control task: labels that say nothing, which a probe can only get right by learning words by heart.

Each word type (of a pair of places the type of the first) gets one label for good, drawn from the distribution of the real
labels. A probe is *selective* where it reads the real label well and this one badly. What was never taught cannot be known by
heart: only items whose type teaches too are scored, and where there are none (groups that are words) there is no control task.

References
----------
Hewitt and Liang (2019), Designing and interpreting probes with control tasks, arXiv:1909.03368.
"""

from __future__ import annotations

import numpy as np

from study.contracts import Array, Questions


def types(questions: Questions) -> Array:
    """Return the word type of each item's target, of a pair that of its first, in lower case: ``ndarray of shape (n,), text``."""
    spans = [
        " ".join(questions.sentences[sentence][start:stop]).lower() for sentence, start, stop in np.asarray(questions.places)
    ]
    names = np.array(spans, dtype=object)
    return names[questions.items["place"].to_numpy()].astype(str)


def taught(kinds: Array, split: Array, groups: Array) -> Array:
    """Say of each item whether its type is among those that teach: in training, or else in another group.

    Parameters
    ----------
    kinds, split, groups : ndarray of shape (n,), text

    Returns
    -------
    ndarray of shape (n,), bool
    """
    training = split == "training"
    if training.any():
        return np.isin(kinds, np.unique(kinds[training]))
    pairs = np.unique(np.stack([kinds, groups]), axis=1)  # each type with each of its groups, once
    names, times = np.unique(pairs[0], return_counts=True)
    return np.isin(kinds, names[times > 1])


def labels(kinds: Array, codes: Array, teaches: Array, *, classes: int, seed: int) -> Array:
    """Draw one label for each type.

    Parameters
    ----------
    kinds : ndarray of shape (n,), text
        The type of each item.
    codes : ndarray of shape (n,), int64
        The real labels.
    teaches : ndarray of shape (n,), bool
        The items whose labels make the distribution.
    classes, seed : int

    Returns
    -------
    ndarray of shape (n,), int64
    """
    names, number = np.unique(kinds, return_inverse=True)
    counts = np.bincount(codes[teaches], minlength=classes)
    return np.random.default_rng(seed).choice(classes, size=len(names), p=counts / counts.sum())[number]
