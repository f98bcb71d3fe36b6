"""Who teaches a probe, who chooses its strictness, and who is asked: by given splits, or by cross-validation in groups.

Development items choose, test items never do. The probe with the most development items right is taken, of equal ones that to
which they are most probable. Where the development items become no more probable for five probes on end, the path is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from study.contracts import Array
from study.evaluation.probing.reader import Labelled, Reader, Reading

PATIENCE = 5
"""Probes without gain after which a path is left."""
GAIN = 0.002
"""Bits an item by which the held-out items must become shorter for it to count as a gain."""


@dataclass(frozen=True)
class Answers:
    """The class that a probe gives each item (-1: not asked), and the weights of the layers where it mixed some."""

    codes: Array
    weights: Array | None = None


@dataclass(frozen=True)
class Choice:
    """The probes chosen, one for each fold, how far along their paths they lie, and their answers to the held-out items."""

    step: int
    readings: Sequence[Reading]
    answers: Array


def choose(reader: Reader, data: Labelled, folds: Sequence[tuple[Array, Array]], *, by_bits: bool = False) -> Choice:
    """Walk the paths of all folds in step and stop where the held-out items are read best.

    Parameters
    ----------
    reader : Reader
    data : Labelled
    folds : sequence of (ndarray, ndarray)
        Rows that teach and rows that are held out to choose by. With none held out at all, the end of the path is taken.
    by_bits : bool
        Whether the fewest bits decide, instead of the most items right.
    """
    best, chosen = None, None
    fewest, since = np.inf, 0
    for step, readings in enumerate(zip(*(data.read(reader, taught) for taught, _ in folds), strict=True)):
        answers, total = np.full(len(data.codes), -1), 0.0
        for reading, (taught, held) in zip(readings, folds, strict=True):
            if len(held):
                answers[held], bits = data.answers(reading, held, taught)
                total += bits.sum()
        right = int((answers == data.codes).sum())
        value = (0 if by_bits else right, -total)
        if best is None or value > best or not any(len(held) for _, held in folds):
            best, chosen = value, Choice(step, readings, answers)
        if total < fewest - GAIN * (answers >= 0).sum():
            fewest, since = total, step
        elif step - since >= PATIENCE and any(len(held) for _, held in folds):
            break
    assert chosen is not None  # a path has at least one probe
    return chosen


def by_splits(reader: Reader, data: Labelled, split: Array) -> Answers:
    """Learn from the training items, choose by the development items, answer both development and test.

    Parameters
    ----------
    reader : Reader
    data : Labelled
    split : ndarray of shape (n,), text
    """
    training, development, test = (np.flatnonzero(split == name) for name in ("training", "development", "test"))
    if not len(training):
        return Answers(np.full(len(split), -1))
    choice = choose(reader, data, [(training, development)])
    answers = choice.answers.copy()
    if len(test):
        answers[test] = data.answers(choice.readings[0], test, training)[0]
    return Answers(answers, choice.readings[0].weights)


def by_folds(reader: Reader, data: Labelled, split: Array, groups: Array, *, folds: int, seed: int) -> Answers:
    """Answer each item by a probe that saw no item of its group, in two cross-validations.

    Development items are answered among themselves, which chooses how strict the probe is. Test items are answered from the
    other folds of the test items and from all development items.

    Parameters
    ----------
    reader : Reader
    data : Labelled
    split, groups : ndarray of shape (n,), text
        Split is ``development`` or ``test``, one for all items of a group.
    folds, seed : int
        Number of folds, and the seed by which groups are dealt to them.
    """
    development, test = (np.flatnonzero(split == name) for name in ("development", "test"))
    answers, step, weights = np.full(len(split), -1), 0, []
    among = _folds(development, data.codes, groups, folds, seed)
    if among:
        choice = choose(reader, data, among)
        answers, step = choice.answers.copy(), choice.step
    for taught, held in _folds(test, data.codes, groups, folds, seed):
        taught = np.sort(np.concatenate([development, taught]))
        *_, reading = islice(data.read(reader, taught), step + 1)
        answers[held] = data.answers(reading, held, taught)[0]
        weights += [] if reading.weights is None else [reading.weights]
    return Answers(answers, np.mean(weights, axis=0) if weights else None)


def _folds(rows: Array, codes: Array, groups: Array, folds: int, seed: int) -> list[tuple[Array, Array]]:
    """Return the rows outside and inside of each fold; a fold that nothing is outside of is left out."""
    if not len(rows):
        return []
    fold = deal(groups[rows], codes[rows], folds, seed)
    parts = [(rows[fold != number], rows[fold == number]) for number in np.unique(fold)]
    return [(taught, held) for taught, held in parts if len(taught)]


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
