"""What a score is: each metric is a function of the items it is computed from, and of nothing else.

An item's text before ``/`` names the thing that was asked about; what follows numbers its repeats. Items that are not
``known`` count in the coverage alone. A score whose question is ``all`` is computed from the items of every question of its task.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy import stats

from study.contracts import Array

Metric = Callable[[pd.DataFrame], float]


def spearman(items: pd.DataFrame) -> float:
    """Rank correlation of ``gold_value`` and ``predicted_value`` over the known items, in [-1, 1]."""
    known = items[items["known"].astype(bool)]
    if len(known) < 3 or known["predicted_value"].nunique() < 2 or known["gold_value"].nunique() < 2:
        return np.nan
    return float(stats.spearmanr(known["gold_value"], known["predicted_value"]).statistic)


def accuracy(items: pd.DataFrame) -> float:
    """Share of the known items whose ``predicted`` is ``gold``, in [0, 1]."""
    known = items[items["known"].astype(bool)]
    return float((known["gold"] == known["predicted"]).mean()) if len(known) else np.nan


def macro_f1(items: pd.DataFrame) -> float:
    """Mean over the classes of the harmonic mean of precision and recall, in [0, 1]."""
    known = items[items["known"].astype(bool)]
    if not len(known):
        return np.nan
    counts, _ = confusion(known)
    return float(f1_of(counts))


def confusion(items: pd.DataFrame) -> tuple[Array, Array]:
    """Count gold (rows) against predicted (columns) classes.

    Returns
    -------
    counts : ndarray of shape (k, k), float64
        ``k`` classes that occur as gold or as predicted.
    cells : ndarray of shape (n, 2), int64
        Row and column of each item.
    """
    codes, classes = pd.factorize(pd.concat([items["gold"], items["predicted"]]), sort=True)
    cells = codes.reshape(2, -1).T
    counts = np.zeros((len(classes), len(classes)))
    np.add.at(counts, (cells[:, 0], cells[:, 1]), 1)
    return counts, cells


def f1_of(counts: Array) -> Array:
    """Return the macro-F1 of confusion counts of shape (..., k, k); classes that occur nowhere take no part."""
    hits = np.einsum("...ii->...i", counts)
    either = counts.sum(-1) + counts.sum(-2)  # gold + predicted = 2 hits + misses + false alarms
    present = either > 0
    f1 = np.divide(2 * hits, either, out=np.zeros_like(hits, dtype=float), where=present)
    classes = present.sum(-1)
    return np.divide(f1.sum(-1), classes, out=np.full(np.shape(classes), np.nan), where=classes > 0)


def area_under_curve(items: pd.DataFrame) -> float:
    """Chance that a pair with ``gold_value`` 1 is closer than one with 0; ties count half. NaN without both kinds."""
    known = items[items["known"].astype(bool)]
    same = known["gold_value"].to_numpy() > 0.5
    if not same.any() or same.all():
        return np.nan
    ranks = stats.rankdata(known["predicted_value"])
    return float((ranks[same].mean() - (same.sum() + 1) / 2) / (~same).sum())


def mean_value(items: pd.DataFrame) -> float:
    """Mean of ``predicted_value`` over the known items."""
    return float(items.loc[items["known"].astype(bool), "predicted_value"].mean())


def over_words(metric: Metric) -> Metric:
    """Make a metric the mean of itself over the groups (words), each word counting the same."""

    def mean(items: pd.DataFrame) -> float:
        """Average the metric over the words that have one; NaN where none has."""
        values = [metric(part) for _, part in items.groupby("group", sort=True)]
        return float(np.nanmean(values)) if np.isfinite(values).any() else np.nan

    return mean


METRICS: dict[str, Metric] = {
    "spearman": spearman,
    "accuracy": accuracy,
    "macro_f1": macro_f1,
    "word_accuracy": over_words(accuracy),
    "word_macro_f1": over_words(macro_f1),
    "auc": over_words(area_under_curve),
    "silhouette": over_words(mean_value),
    "mean": mean_value,
    "selectivity": mean_value,
    "codelength": mean_value,
    "reciprocal_rank": mean_value,
    "log_probability": mean_value,
}


def guessed_f1(gold: pd.Series) -> float:
    """Return about the macro-F1 of guessing: for a class of share p, precision p and recall one over the number of classes.

    With even classes that is one over their number; the less even they are, the lower.
    """
    shares = gold.value_counts(normalize=True).to_numpy()
    return float((2 * shares / (len(shares) * shares + 1)).mean()) if len(shares) else np.nan


def chance(items: pd.DataFrame, metric: str) -> float:
    """Return what guessing is worth: 0 for a correlation or a silhouette, 1/2 for an area, else one over the classes."""
    if metric in ("spearman", "silhouette", "mean", "selectivity"):
        return 0.0
    if metric in ("codelength", "reciprocal_rank", "log_probability"):
        return np.nan  # its task knows
    if metric == "auc":
        return 0.5
    if metric == "macro_f1":
        return guessed_f1(items["gold"])
    if metric == "word_macro_f1":
        return float(np.mean([guessed_f1(part["gold"]) for _, part in items.groupby("group")]))
    if metric.startswith("word_"):
        return float((1 / items.groupby("group")["gold"].nunique()).mean())
    return 1 / items["gold"].nunique()


def number(items: pd.DataFrame) -> int:
    """Count the known things that were asked about, repeats of one only once."""
    return len({name.partition("/")[0] for name in items.loc[items["known"].astype(bool), "item"].tolist()})


def select(items: pd.DataFrame, question: str) -> pd.DataFrame:
    """Return the items that the scores of a question are computed from.

    ``all`` takes every item; a question takes its own items and those of its parts, which are written ``question: part``.
    Where there are none, ``question: group`` takes those of a question that belong to one group, such as a word.
    """
    if question == "all":
        return items
    own = [name for name in items["question"].unique() if name == question or name.startswith(f"{question}: ")]
    if own:
        return items[items["question"].isin(own)]
    name, _, group = question.partition(": ")
    return items[(items["question"] == name) & (items["group"] == group)]
