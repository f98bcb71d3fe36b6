"""The control task: labels that say nothing, which a probe can only get right by learning words by heart.

Each word type (each pair of types where places are paired) gets one label for good, drawn from the distribution of the real
labels. A probe is *selective* where it reads the real label well and this one badly. Where no word of the test items was ever
seen in training, nothing can be learned by heart, and the control accuracy is chance by design.

References
----------
Hewitt and Liang (2019), Designing and interpreting probes with control tasks, arXiv:1909.03368.
"""

from __future__ import annotations

import numpy as np

from study.contracts import Array, Questions


def types(questions: Questions) -> Array:
    """Return the word type of each item's target, in lower case; of a pair both: ``ndarray of shape (n,), text``."""
    spans = [
        " ".join(questions.sentences[sentence][start:stop]).lower() for sentence, start, stop in np.asarray(questions.places)
    ]
    names = np.array(spans, dtype=object)
    items = questions.items
    first = names[items["place"].to_numpy()]
    if "other" not in items:
        return first.astype(str)
    return np.array([f"{a}\t{b}" for a, b in zip(first, names[items["other"].to_numpy()], strict=True)])


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
