"""How far a score could be off: 95 % intervals by a bootstrap that draws groups (documents, words), not rows.

Three ways to draw, by what a metric is:

- *groups*: each item weighs as often as its group was drawn (accuracy, macro-F1);
- *pairs of groups*: a group written ``a|b`` belongs to two units, and its item weighs the product of the weights of both
  (Owen 2007). Similarity draws words, analogies draw pairs of words. The product of two counts gives an item without
  relatives three times its variance, which is right where each unit has many items, as in analogies. Word similarity has
  few pairs a word, so there the words get smooth weights of variance 1/2 (as in Rubin's Bayesian bootstrap): a lone pair then
  has 1.25 times its variance, and the interval stays a little wide instead of far too wide;
- *words, then items of each class within each drawn word* for the metrics that are means over words.

The draws depend on groups, item names and the seed alone, never on answers: two models asked the same items are resampled
alike, so that the difference of their replicates is a paired one.

References
----------
Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapters 8 and 13. Owen (2007), The pigeonhole bootstrap,
Annals of Applied Statistics 1(2), doi:10.1214/07-AOAS122. Rubin (1981), The Bayesian bootstrap, doi:10.1214/aos/1176345338.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from study.contracts import ITEM_COLUMNS, Array, Result, Score
from study.evaluation.statistics import metric as metrics

REPLICATES = 1000
BLOCK = 250  # replicates at a time, so that a block of weights stays small


def interval(items: pd.DataFrame, metric: str, *, replicates: int = REPLICATES, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % percentile interval of a metric; NaN where it cannot be resampled.

    Parameters
    ----------
    items : DataFrame
        The items of one view, split and question, with ``ITEM_COLUMNS``.
    metric : str
        A name of ``metric.METRICS``.
    replicates, seed : int
    """
    return bounds(resample(items, metric, replicates=replicates, seed=seed))


def bounds(values: Array) -> tuple[float, float]:
    """Return the 2.5 and 97.5 percentiles of replicates, NaN where fewer than two are numbers."""
    finite = values[np.isfinite(values)]
    if len(finite) < 2:
        return np.nan, np.nan
    low, high = np.percentile(finite, [2.5, 97.5])
    return float(low), float(high)


def resample(items: pd.DataFrame, metric: str, *, replicates: int = REPLICATES, seed: int = 0) -> Array:
    """Compute a metric on resamples of its known items.

    Returns
    -------
    ndarray of shape (replicates,)
        NaN where there is nothing to resample: an unknown metric, or fewer than two groups.
    """
    return resample_alike([items], metric, replicates=replicates, seed=seed)[0]


def resample_alike(
    several: Sequence[pd.DataFrame], metric: str, *, replicates: int = REPLICATES, seed: int = 0
) -> Sequence[Array]:
    """Compute a metric on resamples of several answers to the same items, drawing them once for all.

    Returns
    -------
    sequence of ndarray of shape (replicates,)
        What ``resample`` gives for each of them.
    """
    known = [items[items["known"].astype(bool)] for items in several]
    groups = [items["group"].to_numpy() for items in known]
    if not all(np.array_equal(groups[0], others) for others in groups[1:]):
        return [resample(items, metric, replicates=replicates, seed=seed) for items in known]
    if metric in WITHIN_A_WORD and len(groups[0]):
        return [_over_words(items, WITHIN_A_WORD[metric], replicates, np.random.default_rng(seed)) for items in known]
    if metric not in WEIGHTED or len(set(groups[0])) < 2:
        return [np.full(replicates, np.nan)] * len(known)
    functions = [WEIGHTED[metric](items) for items in known]
    draw = weights(groups[0], np.random.default_rng(seed), smooth=metric == "spearman")
    blocks = []
    for done in range(0, replicates, BLOCK):
        drawn = draw(min(BLOCK, replicates - done))
        blocks.append([replicate(drawn) for replicate in functions])
    return [np.concatenate(parts) for parts in zip(*blocks, strict=True)]


def weights(groups: Array, rng: np.random.Generator, *, smooth: bool = False) -> Callable[[int], Array]:
    """Return a function that draws the weights of items, one row a replicate.

    Parameters
    ----------
    groups : ndarray of shape (n,), text
        ``a``, or ``a|b`` for an item that belongs to two units.
    rng : Generator
    smooth : bool
        Whether units of pairs get weights of variance 1/2 instead of counts.

    Returns
    -------
    function of the number of replicates r
        Gives an ``ndarray of shape (r, n), float32``.
    """
    sides = [str(group).partition("|") for group in groups]
    codes, units = pd.factorize(np.array([side[0] for side in sides] + [side[2] or side[0] for side in sides], dtype=object))
    first, second = codes[: len(sides)], codes[len(sides) :]
    paired = bool((first != second).any())

    def draw(replicates: int) -> Array:
        """Return the weight of each item in so many replicates: (r, n)."""
        if paired and smooth:
            exponential = rng.standard_exponential((2, replicates, len(units)), dtype=np.float32)
            times = (exponential[0] + exponential[1]) / 2  # a gamma variable of mean 1 and variance 1/2
        else:
            times = counts(rng, len(units), replicates)  # (r, units)
        drawn = times[:, first]
        return np.where(first == second, drawn, drawn * times[:, second]) if paired else drawn  # (r, n)

    return draw


def counts(rng: np.random.Generator, units: int, replicates: int) -> Array:
    """Draw ``units`` of ``units`` with replacement, and count: ``ndarray of shape (replicates, units), float32``."""
    drawn = rng.integers(units, size=(replicates, units), dtype=np.int32)
    return np.stack([np.bincount(row, minlength=units) for row in drawn]).astype(np.float32)


# A weighted metric takes its known items once, and then weights of shape (r, n) to values of shape (r,).
Replicate = Callable[[Array], Array]


def _accuracy(items: pd.DataFrame) -> Replicate:
    right = (items["gold"] == items["predicted"]).to_numpy(np.float32)
    return lambda weight: _ratio(weight @ right, weight.sum(1))


def _macro_f1(items: pd.DataFrame) -> Replicate:
    table, cells = metrics.confusion(items)
    k = len(table)
    used, codes = np.unique(cells[:, 0] * k + cells[:, 1], return_inverse=True)
    one_hot = np.eye(len(used), dtype=np.float32)[codes]  # (n, cells that occur)

    def replicate(weight: Array) -> Array:
        """Return the macro-F1 of each weighted sample: (r, n) -> (r,)."""
        table = np.zeros((len(weight), k * k))
        table[:, used] = weight @ one_hot
        return metrics.f1_of(table.reshape(-1, k, k))

    return replicate


def _spearman(items: pd.DataFrame) -> Replicate:
    rank_gold, rank_predicted = (_ranker(items[name].to_numpy()) for name in ("gold_value", "predicted_value"))

    def replicate(weight: Array) -> Array:
        """Return the rank correlation of each weighted sample: (r, n) -> (r,)."""
        total = weight.sum(1, keepdims=True)
        x, y = rank_gold(weight), rank_predicted(weight)
        x -= _ratio((weight * x).sum(1, keepdims=True), total)
        y -= _ratio((weight * y).sum(1, keepdims=True), total)
        x_weighted = weight * x
        norm = np.sqrt((x_weighted * x).sum(1) * np.einsum("rn,rn,rn->r", weight, y, y))
        return _ratio((x_weighted * y).sum(1), norm)

    return replicate


def _ranker(values: Array) -> Replicate:
    """Return a function from weights to middle ranks in the weighted sample, over its size: (r, n) -> (r, n) in [0, 1]."""
    order = np.argsort(values, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(values[order]) != 0])
    codes = np.empty(len(values), dtype=np.int64)
    codes[order] = np.repeat(np.arange(len(starts)), np.diff(np.r_[starts, len(values)]))

    def ranks(weight: Array) -> Array:
        """Return middle ranks over the weight of all: (r, n) -> (r, n)."""
        tied = weight[:, order]
        if len(starts) < len(values):
            tied = np.add.reduceat(tied, starts, axis=1)  # (r, distinct values)
        upto = np.cumsum(tied, axis=1)
        return _ratio(upto - tied / 2, upto[:, -1:])[:, codes]

    return ranks


def _ratio(above: Array, below: Array) -> Array:
    """Divide, NaN where there is nothing to divide by."""
    above, below = np.broadcast_arrays(above, below)
    return np.divide(above, below, out=np.full(above.shape, np.nan, dtype=above.dtype), where=below > 0)


def _mean_value(items: pd.DataFrame) -> Replicate:
    value = items["predicted_value"].to_numpy(np.float32)
    return lambda weight: _ratio(weight @ value, weight.sum(1))


WEIGHTED: Mapping[str, Callable[[pd.DataFrame], Replicate]] = {
    "accuracy": _accuracy,
    "macro_f1": _macro_f1,
    "spearman": _spearman,
    **dict.fromkeys(("mean", "selectivity", "codelength", "reciprocal_rank", "log_probability"), _mean_value),
}


def _over_words(
    items: pd.DataFrame, metric: Callable[[pd.DataFrame], Replicate], replicates: int, rng: np.random.Generator
) -> Array:
    """Draw words; for each word drawn draw its items afresh; return the mean over the words drawn, shape (replicates,).

    Items are drawn within their class, because the numbers of a balanced set were chosen and not found. Repeats of an item
    are drawn with it.
    """
    words = [part for _, part in _counted(items).groupby("group", sort=True)]
    chosen = rng.integers(len(words), size=(replicates, len(words)))
    values = np.full(chosen.shape, np.nan)
    for number, part in enumerate(words):
        first, second = np.unique(part[["first", "second"]].to_numpy(), return_inverse=True)[1].reshape(-1, 2).T
        here = chosen == number
        if (first == second).all():
            times = _within_classes(rng, first, part["gold"].to_numpy(), int(here.sum()))[:, first]
        else:
            drawn = counts(rng, 1 + max(first.max(), second.max()), int(here.sum()))
            times = drawn[:, first] * drawn[:, second]
        values[here] = metric(part)(times * part["times"].to_numpy(np.float32))
    present = np.isfinite(values)
    return _ratio(np.where(present, values, 0).sum(1), present.sum(1))


def _counted(items: pd.DataFrame) -> pd.DataFrame:
    """Name the one or two units of each item by ``first`` and ``second``, and count equal answers of its repeats in ``times``."""
    sides = items["item"].str.partition("/")[0].str.partition("|")
    units = pd.concat([sides[0], sides[2].where(sides[2] != "", sides[0])])
    first, second = pd.factorize(units)[0].reshape(2, -1)
    items = items.assign(first=first, second=second, times=1)
    if not items["item"].str.contains("/").any():
        return items
    return items.groupby(["group", "first", "second", "gold", "predicted"], sort=False)["times"].sum().reset_index()


def _within_classes(rng: np.random.Generator, units: Array, classes: Array, replicates: int) -> Array:
    """Draw as many units of each class as it has, ``ndarray of shape (replicates, units), float32``."""
    class_of = np.empty(units.max() + 1, dtype=object)
    class_of[units] = classes
    times = np.empty((replicates, len(class_of)), dtype=np.float32)
    for name in sorted(set(class_of)):
        times[:, class_of == name] = counts(rng, int((class_of == name).sum()), replicates)
    return times


def _area_under_curve(items: pd.DataFrame) -> Replicate:
    values, codes = np.unique(items["predicted_value"].to_numpy(), return_inverse=True)
    same = items["gold_value"].to_numpy() > 0.5
    steps = len(values)

    def at_values(weight: Array, kind: Array) -> Array:
        """Sum the weights of one kind of pair at each distinct value: (r, steps)."""
        where = codes[kind] + steps * np.arange(len(weight))[:, None]
        return np.bincount(where.ravel(), weight[:, kind].ravel(), minlength=steps * len(weight)).reshape(-1, steps)

    def replicate(weight: Array) -> Array:
        """Return the area under the curve of each weighted sample: (r, n) -> (r,)."""
        near, far = at_values(weight, same), at_values(weight, ~same)
        below = np.cumsum(far, axis=1) - far / 2
        return _ratio((near * below).sum(1), near.sum(1) * far.sum(1))

    return replicate


WITHIN_A_WORD: Mapping[str, Callable[[pd.DataFrame], Replicate]] = {
    "word_accuracy": _accuracy,
    "word_macro_f1": _macro_f1,
    "auc": _area_under_curve,
    "silhouette": _mean_value,
}


def summarise(items: pd.DataFrame, asked: Mapping[tuple[str, str], float | None]) -> Result:
    """Turn items into a result: a score for every view, split and wanted metric, with its chance, coverage and interval.

    Parameters
    ----------
    items : DataFrame
        The items of all views of one model, with ``ITEM_COLUMNS``.
    asked : mapping of (question, metric) to float or None
        What to score, and its chance level; None for the metric's own (``metric.chance``).
    """
    items = items[list(ITEM_COLUMNS)].reset_index(drop=True)
    scores = []
    for (view, split), part in items.groupby(["view", "split"], sort=False):
        for (question, metric), chance in asked.items():
            chosen = metrics.select(part, question)
            if not len(chosen):
                continue
            low, high = interval(chosen, metric)
            scores.append(
                Score(
                    view=str(view),
                    split=str(split),
                    question=question,
                    metric=metric,
                    value=metrics.METRICS[metric](chosen),
                    chance=metrics.chance(chosen, metric) if chance is None else chance,
                    n=metrics.number(chosen),
                    coverage=float(chosen["known"].mean()),
                    low=low,
                    high=high,
                )
            )
    return Result(scores, items)
