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
            first, last = mine.iloc[0], mine.iloc[-1]
            above = for_good(mine["low"] > mine["chance"])
            way = (mine["value"] - first["value"]) / (last["value"] - first["value"] or np.nan)
            half = for_good(way >= 0.5) if last["low"] > first["high"] else None
            rows.append(
                {
                    "task": name,
                    "model": model,
                    "view": view,
                    "before training": number(first["value"]),
                    "above chance from": told_words(mine, above),
                    "half of the way after": told_words(mine, half),
                    "in": DASH if half is None else duration(mine["seconds"].iloc[half]),
                    "at the end": f"{number(last['value'])} ({interval(last['low'], last['high'])})",
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


def halfway(landmarks: pd.DataFrame, curves: pd.DataFrame) -> str:
    """Say after how many words each model had come half of its way to its end, by its headline view.

    Parameters
    ----------
    landmarks : DataFrame
        That of ``landmark_table``.
    curves : DataFrame
    """
    heads, parts = curves[curves["headline"]], []
    for task, part in by_task(heads):
        views = part.drop_duplicates("model").set_index("model")["view"]
        mine = landmarks[(landmarks["task"] == task) & (landmarks["view"] == landmarks["model"].map(views))]
        told = mine[mine["half of the way after"] != DASH]
        said = [f"{row['model']} after {row['half of the way after']} ({row['in']})" for row in told.to_dict("records")]
        said += [f"{model} is not shown to have risen" for model in mine["model"] if model not in {*told["model"]}]
        parts.append(f"{task}: {', '.join(said)}")
    return f"Half of the way from before training to its end was done on {'; '.join(parts)}." if parts else ""
