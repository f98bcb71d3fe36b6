"""When meaning is there: the moments of a learning curve from which on it lies above chance, and has come half of its way."""

from __future__ import annotations

import numpy as np
import pandas as pd

from study.report.plot import by_task
from study.report.table import DASH, Table, count, duration, interval, listing, number


def landmark_table(curves: pd.DataFrame) -> Table:
    """Return for every curve when it rises above chance for good, and when half of its way is done."""
    rows = []
    for name, part in by_task(curves):
        for (model, view), mine in part.groupby(["model", "view"], sort=False):
            mine = mine.sort_values("moment")
            above, half = for_good(mine["low"] > mine["chance"]), half_way(mine)
            end = mine.iloc[-1]
            rows.append(
                {
                    "task": name,
                    "model": model,
                    "view": view,
                    "before training": number(mine["value"].iloc[0]),
                    "above chance from": told_words(mine, above),
                    "half of the way after": told_words(mine, half),
                    "in": DASH if half is None else duration(mine["seconds"].iloc[half]),
                    "at the end": f"{number(end['value'])} ({interval(end['low'], end['high'])})",
                }
            )
    caption = (
        "When meaning is there: the first moment from which on the interval lies above chance, and the first from which on half "
        "of the way from the beginning to the end is done (a dash where the end is not shown to be better than the beginning). "
        "What lies above chance at 0 words has not learned it: random vectors may tell some items apart by luck, and intervals "
        "of one seed do not hold that luck."
    )
    return listing("emergence-landmarks", caption, pd.DataFrame(rows), {})


def _first(holds: pd.Series) -> int | None:
    """Return the number of the first row where something holds; None where it never does."""
    return int(holds.to_numpy().argmax()) if holds.any() else None


def for_good(holds: pd.Series) -> int | None:
    """Return the number of the first row from which on something holds to the end; None where it does not at the end."""
    return _first(holds[::-1].cumprod()[::-1].astype(bool))


def told_words(rows: pd.DataFrame, number_of: int | None) -> str:
    """Write the words after which a moment came; a dash where there was none."""
    return DASH if number_of is None else f"{count(rows['own_words'].iloc[number_of])} words"


def half_way(rows: pd.DataFrame) -> int | None:
    """Return the number of the moment from which on half of the way is done; None where the end is not above the beginning.

    Parameters
    ----------
    rows : DataFrame
        A curve, a row per moment in their order: ``value, low, high``.
    """
    first, last = rows.iloc[0], rows.iloc[-1]
    way = (rows["value"] - first["value"]) / (last["value"] - first["value"] or np.nan)
    return for_good(way >= 0.5) if last["low"] > first["high"] else None


def halfway(curves: pd.DataFrame) -> str:
    """Say between which two moments each model came half of its way to its own end, by its headline view.

    Parameters
    ----------
    curves : DataFrame
        As of ``study.report.emergence.growth``.
    """
    parts = []
    for task, rows in by_task(curves[curves["headline"]]):
        curves_of = rows.sort_values("moment").groupby("model", sort=False)
        parts.append(f"{task}: {'; '.join(_half(str(model), mine) for model, mine in curves_of)}.")
    return f"Between which moments half of the way to a model’s own end was done. {' '.join(parts)}" if parts else ""


def _half(model: str, rows: pd.DataFrame) -> str:
    number_of, words, end = half_way(rows), rows["own_words"], rows.iloc[-1]
    if number_of is None:
        return f"{model}, whose band at the end is not above that before training"
    before = words.iloc[max(0, number_of - 1)]
    return (
        f"{model} between {count(before)} and {count(words.iloc[number_of])} words (end: {number(end['value'])} after "
        f"{count(end['own_words'])})"
    )
