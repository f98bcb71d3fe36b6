"""The one view by which a model is compared in a family of tasks, chosen on development items and never on test."""

from __future__ import annotations

import pandas as pd

IN_ADVANCE = ("word", "averaged", "input")
"""Views in the order in which they are taken where a family has no development items."""

KEYS = ["model", "family", "level"]


def main_rows(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the rows by which each task's views and models are compared."""
    return scores[scores["main"].astype(bool)]


def headlines(scores: pd.DataFrame) -> pd.DataFrame:
    """Choose the headline view of every model, family and level.

    The view with the highest mean, over the development items of the family's tasks and over seeds, of the chance-centred main
    metric ``(value - chance) / (1 - chance)``; of equal ones the first in the model's order. A view that lacks a task which
    another has takes no part. Without development items the choice was made in advance: ``word``, else ``averaged``, else
    ``input``, else the model's first view. No row of another split is looked at.

    Parameters
    ----------
    scores : DataFrame
        Columns ``model, seed, family, task, level, view, split, question, metric, value, chance`` and ``main`` (whether the
        metric is its task's main metric), without baselines.

    Returns
    -------
    DataFrame
        Columns ``model, family, level, view``, ``value`` (the mean it was chosen by, NaN without) and ``reason``.
    """
    chosen = []
    for key, part in main_rows(scores).groupby(KEYS, sort=False):
        views = list(dict.fromkeys(part["view"]))
        view, value, reason = _choose(part[part["split"] == "development"], views)
        chosen.append((*key, view, value, reason))
    return pd.DataFrame(chosen, columns=[*KEYS, "view", "value", "reason"])


def _choose(development: pd.DataFrame, views: list[str]) -> tuple[str, float, str]:
    """Return view, mean on development items and reason; ``views`` are in the model's order."""
    centred = ((development["value"] - development["chance"]) / (1 - development["chance"])).rename("centred")
    table = development.assign(centred=centred).pivot_table(index="view", columns="task", values="centred", aggfunc="mean")
    means = table.dropna().mean(axis=1)
    if len(views) == 1:
        return views[0], float(means.get(views[0], float("nan"))), "its only view"
    if means.empty:
        first = next((name for name in IN_ADVANCE if name in views), views[0])
        return first, float("nan"), "fixed in advance: no development items"
    best = max((name for name in views if name in means.index), key=lambda name: float(means[name]))
    return best, float(means[best]), "best on development items"
