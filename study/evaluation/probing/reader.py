"""Readers: classifiers that read a label from a vector, each a path of ever milder probes for development items to choose from.

The linear reader walks from the strictest penalty to the mildest, the perceptron from the first pass over its training items to
the last. A reader is given class *codes*, whole numbers below ``classes``, and answers with log-probabilities of all of them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import log_softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB

from study.contracts import Array

TIE = 1e-6
SMOOTHING = 0.01
"""Share of the even distribution in every probability that is turned into bits, so that no item costs more than log2(100 k)."""


@dataclass(frozen=True)
class Reading:
    """A fitted probe: features of shape (m, …) -> log-probabilities (m, k); ``weights`` of the layers where it mixes some."""

    log_probability: Callable[[Any], Array]
    weights: Array | None = None


Reader = Callable[[Any, Array, int], Iterator[Reading]]
"""Training features (n, …), their class codes (n,) and the number k of classes -> a path of probes, the strictest first."""


@dataclass(frozen=True)
class Labelled:
    """Items with their features of shape (n, …), their class codes (n,), and the number of classes."""

    features: Any
    codes: Array
    classes: int

    def read(self, reader: Reader, rows: Array) -> Iterator[Reading]:
        """Fit a reader to some of the items."""
        return reader(self.features[rows], self.codes[rows], self.classes)

    def answers(self, reading: Reading, rows: Array, taught: Array) -> tuple[Array, Array]:
        """Read some items by a probe that was taught by others.

        Returns
        -------
        answers : ndarray of shape (m,), int64
            See ``decide``.
        bits : ndarray of shape (m,), float64
            What the right class costs.
        """
        scores = reading.log_probability(self.features[rows])
        frequency = np.bincount(self.codes[taught], minlength=self.classes)
        of_gold = np.exp(scores[np.arange(len(rows)), self.codes[rows]])
        return decide(scores, frequency), -np.log2((1 - SMOOTHING) * of_gold + SMOOTHING / self.classes)


def decide(scores: Array, frequency: Array) -> Array:
    """Choose a class for each row of scores (n, k).

    Scores within 1e-6 of the highest are ties, which go to the class most frequent in training and then to the first, so that
    equal vectors always get equal answers.
    """
    tied = scores >= scores.max(1, keepdims=True) - TIE
    return (tied * (1 + frequency)).argmax(1)


def linear(penalties: Sequence[float], iterations: int) -> Reader:
    """Return multinomial logistic regression on features standardised by the training items.

    Parameters
    ----------
    penalties : sequence of float
        L2 weights per training item, one probe each.
    iterations : int
        Upper bound of the solver's steps.
    """

    def path(features: Array, codes: Array, classes: int) -> Iterator[Reading]:
        """Yield the reading of each penalty in turn, each fit begun where the last one ended."""
        present = np.unique(codes)
        if len(present) < 2:
            yield from (reading for _ in penalties for reading in majority(features, codes, classes))
            return
        standard = standardised(features)
        model = LogisticRegression(max_iter=iterations, tol=1e-3, warm_start=True)
        for penalty in penalties:
            model.set_params(C=1 / (penalty * len(codes)))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # the bound on the steps is a part of the regimen
                model.fit(standard(features), codes)
            yield _linear_reading(standard, model.coef_.copy(), model.intercept_.copy(), present, classes)

    return path


def _linear_reading(standard: Callable[[Array], Array], slope: Array, offset: Array, present: Array, classes: int) -> Reading:
    """Keep a fitted regression, which a warm start would overwrite; classes it never saw have no probability."""

    def log_probability(values: Array) -> Array:
        """Return the log-probability of each class for values (n, d): (n, classes)."""
        scores = standard(values) @ slope.T + offset
        scores = np.hstack([np.zeros_like(scores), scores]) if len(present) == 2 else scores  # of two classes sklearn keeps one
        found = np.full((len(values), classes), -np.inf)
        found[:, present] = log_softmax(scores.astype(float), axis=1)
        return found

    return Reading(log_probability)


def standardised(features: Array) -> Callable[[Array], Array]:
    """Return the function that gives features the mean 0 and the deviation 1 of these; constant ones become 0."""
    mean, spread = features.mean(0), features.std(0)
    spread = np.where(spread > TIE * np.maximum(np.abs(mean), 1e-30), spread, np.inf)
    return lambda values: (values - mean) / spread


def naive_bayes(features: Any, codes: Array, classes: int) -> Iterator[Reading]:
    """Fit multinomial naive Bayes to counts, one added to each."""
    model = MultinomialNB(alpha=1.0).fit(features, codes)

    def log_probability(values: Any) -> Array:
        """Return the log-probability of each class for counts (n, features): (n, classes)."""
        found = np.full((values.shape[0], classes), -np.inf)
        found[:, model.classes_] = model.predict_log_proba(values)
        return found

    yield Reading(log_probability)


def majority(features: Any, codes: Array, classes: int) -> Iterator[Reading]:
    """Answer every item with the frequencies of the classes in training, one added to each."""
    counts = np.bincount(codes, minlength=classes) + 1.0
    row = np.log(counts / counts.sum())
    yield Reading(lambda values: np.tile(row, (values.shape[0], 1)))
