"""A linear probe and its floors: how they are fitted, how their strictness is chosen, and what they then predict.

The regimen is the same for every view: features are standardised by the training items, the penalty is chosen on development
items, and only then are test items predicted. Scores within 1e-6 of the highest are ties, which go to the class most frequent
in training and then to the first, so that equal vectors always get equal answers.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB

from study.contracts import Array

TIE = 1e-6

Predict = Callable[[Any], Array]
Fit = Callable[[Any, Array, float], Predict]
"""Training features (n, d), their labels (n,) and a penalty -> a function from features to labels."""


def logistic_regression(iterations: int) -> Fit:
    """Return the fit of a multinomial logistic regression; its penalty is the L2 weight per training item.

    Parameters
    ----------
    iterations : int
        Upper bound of the solver's steps.
    """

    def fit(features: Array, labels: Array, penalty: float) -> Predict:
        if len(np.unique(labels)) < 2:
            return majority(features, labels, penalty)
        mean, spread = features.mean(0), features.std(0)
        spread = np.where(spread > TIE * np.maximum(np.abs(mean), 1e-30), spread, 1.0)

        def standard(values: Array) -> Array:
            return (values - mean) / spread

        model = LogisticRegression(C=1 / (penalty * len(labels)), max_iter=iterations, tol=1e-3)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the bound on the steps is a part of the regimen
            model.fit(standard(features), labels)
        frequency = np.array([(labels == name).sum() for name in model.classes_])

        def predict(values: Array) -> Array:
            scores = model.decision_function(standard(values))
            scores = np.stack([-scores, scores], axis=1) if scores.ndim == 1 else scores
            tied = scores >= scores.max(1, keepdims=True) - TIE
            return model.classes_[(tied * frequency).argmax(1)]

        return predict

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


def predict_folds(
    features: Any, labels: Array, groups: Array, split: Array, *, fit: Fit, penalties: Sequence[float], folds: int, seed: int
) -> Array:
    """Predict each item by a probe that saw no item of its group, in two cross-validations.

    Development items are predicted among themselves, which chooses the penalty. Test items are predicted from the other folds
    of the test items and from all development items.

    Parameters
    ----------
    features, labels, groups, split : arrays of n known items
        Split is ``development`` or ``test``, one for all items of a group.
    fit, penalties
        As in ``predict_splits``.
    folds, seed : int
        Number of folds, and the seed by which groups are dealt to them.

    Returns
    -------
    ndarray of shape (n,), text
    """
    predicted = np.full(len(labels), "", dtype=object)
    penalty = penalties[0]
    for name in ("development", "test"):
        here = np.flatnonzero(split == name)
        if not len(here):
            continue
        fold = np.full(len(labels), -1)
        fold[here] = deal(groups[here], labels[here], folds, seed)
        learns = fold >= 0 if name == "development" else np.ones(len(labels), dtype=bool)
        answers = {}
        for candidate in penalties if name == "development" else (penalty,):
            answers[candidate] = _crossed(features, labels, fold, learns, fit, candidate)
        penalty = max(answers, key=lambda candidate: (answers[candidate][here] == labels[here]).mean())
        predicted[here] = answers[penalty][here]
    return predicted


def _crossed(features: Any, labels: Array, fold: Array, learns: Array, fit: Fit, penalty: float) -> Array:
    """Predict each fold from the items that may be learned from outside it; what cannot be predicted stays empty."""
    predicted = np.full(len(labels), "", dtype=object)
    for number in range(fold.max() + 1):
        held, training = fold == number, learns & (fold != number)
        if held.any() and training.any():
            predicted[held] = fit(features[training], labels[training], penalty)(features[held])
    return predicted


def deal(groups: Array, labels: Array, folds: int, seed: int) -> Array:
    """Deal whole groups to folds so that every fold has its share of each label.

    Groups are shuffled, and the groups of each label (their first) are dealt in turn; never more folds than groups.

    Returns
    -------
    ndarray of shape (n,), int64
        The fold of each item.
    """
    names, first, codes = np.unique(groups, return_index=True, return_inverse=True)
    shuffled = np.random.default_rng(seed).permutation(len(names))
    fold = np.empty(len(names), dtype=np.int64)
    for label in np.unique(labels):
        own = shuffled[labels[first][shuffled] == label]
        fold[own] = np.arange(len(own)) % min(folds, len(names))
    return fold[codes]
