"""Classifiers that take and give labels by name: fitted, their strictness chosen on development items, and what they predict.

They are the readers of ``study.evaluation.probing.reader`` for tasks that need no more than answers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.naive_bayes import MultinomialNB

from study.contracts import Array
from study.evaluation.probing import reader
from study.evaluation.probing.protocol import deal

__all__ = ["Fit", "Predict", "deal", "logistic_regression", "majority", "naive_bayes", "predict_splits"]

Predict = Callable[[Any], Array]
Fit = Callable[[Any, Array, float], Predict]
"""Training features (n, d), their labels (n,) and a penalty -> a function from features to labels."""


def logistic_regression(iterations: int) -> Fit:
    """Return the fit of the linear reader; its penalty is the L2 weight per training item.

    Parameters
    ----------
    iterations : int
        Upper bound of the solver's steps.
    """

    def fit(features: Array, labels: Array, penalty: float) -> Predict:
        """Fit one regression and return how it names the labels of values (n, d)."""
        names, codes = np.unique(labels, return_inverse=True)
        (reading,) = reader.linear((penalty,), iterations)(features, codes, len(names))
        return lambda values: names[reader.decide(reading.log_probability(values), np.bincount(codes))]

    return fit


def naive_bayes(features: Any, labels: Array, penalty: float) -> Predict:
    """Fit multinomial naive Bayes to counts; its penalty is the smoothing count."""
    return MultinomialNB(alpha=penalty).fit(features, labels).predict


def majority(features: Any, labels: Array, penalty: float) -> Predict:
    """Answer with the class most frequent in training, of equal ones with the first."""
    names, frequency = np.unique(labels, return_counts=True)
    answer = names[frequency.argmax()]
    return lambda values: np.full(values.shape[0], answer, dtype=names.dtype)


def predict_splits(features: Any, labels: Array, split: Array, *, fit: Fit, penalties: Sequence[float]) -> Array:
    """Learn from the training items, choose the penalty on the development items, predict both development and test.

    Parameters
    ----------
    features : ndarray or csr_matrix of shape (n, d)
        Of known items only.
    labels, split : ndarray of shape (n,), text
    fit : Fit
    penalties : sequence of float
        The grid to choose from; of equal ones the first.

    Returns
    -------
    ndarray of shape (n,), text
        Empty for training items, and for all where there is nothing to learn from.
    """
    predicted = np.full(len(labels), "", dtype=object)
    training, development, test = (split == name for name in ("training", "development", "test"))
    if not training.any():
        return predicted
    fitted = [fit(features[training], labels[training], penalty) for penalty in penalties]
    best = fitted[0]
    if development.any():
        answers = [predict(features[development]) for predict in fitted]
        choice = int(np.argmax([(answer == labels[development]).mean() for answer in answers]))
        best, predicted[development] = fitted[choice], answers[choice]
    if test.any():
        predicted[test] = best(features[test])
    return predicted
