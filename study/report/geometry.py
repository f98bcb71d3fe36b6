"""Tables and figures of what only describes: how vectors lie in space, and how alike two views are. Nothing here is a contest."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from study.report.comparison import over_seeds, task_headings
from study.report.plot import STYLE, Look, layers
from study.report.run import CONTROLS, STATIC_VIEWS, Run
from study.report.table import Corner, Heading, Table, grid, listing, number, spell

READABLE = 24
"""Views up to which each cell of the matrix carries its number."""


def described(run: Run, family: str) -> pd.DataFrame:
    """Return the scores, over seeds, of a family's tasks that choose no view and compare no models."""
    scores = run.scores[run.scores["family"] == family]
    main = scores.groupby("task")["main"].transform("any").astype(bool)
    return over_seeds(scores[~main]) if (~main).any() else scores.iloc[:0]


def description_table(run: Run, family: str) -> Table:
    """Return every question of a family's describing tasks for every view."""
    scores = described(run, family)
    models = list(dict.fromkeys([*run.trained, *run.controls, *scores["model"]]))
    pairs = dict.fromkeys(zip(scores["model"], scores["view"], strict=True))
    rows = [
        Heading({"model": model, "view": view}, model, view, quiet=model in CONTROLS)
        for model, view in sorted(pairs, key=lambda pair: models.index(pair[0]))
    ]
    columns = [
        Heading({"task": h.match["task"], "question": h.match["question"]}, spell(h.match["question"]), spell(h.match["task"]))
        for h in task_headings(scores)
    ]
    caption = (
        f"{spell(family).capitalize()}: every view of every model, with 95 % intervals. These figures describe; none is better."
    )
    return grid(f"{family}-described", caption, scores.assign(headline=False), rows, columns, corner=Corner("model", "view"))


def by_layer(run: Run, family: str, look: Mapping[str, Look]) -> Figure | None:
    """Draw each question of the describing tasks by layer; a static model's first view is a rule across."""
    scores = described(run, family)
    if scores.empty:
        return None
    first = scores["view"].eq(STATIC_VIEWS[0]) & scores["view"].isin(STATIC_VIEWS)
    return layers(scores.assign(task=scores["question"], question="", metric="value", headline=first, chance=np.nan), look)


def matrix_table(run: Run) -> Table:
    """Return how alike every two views are, a row per pair."""
    caption = "How alike every two views are, over the same places: 1 where one is a turned and scaled copy of the other."
    frame = run.views.assign(measure=run.views["measure"].map(spell))
    return listing("views", caption, frame, {"value": number, "n": lambda value: f"{value:,.0f}"})


@mpl.rc_context(STYLE)
def matrix(views: pd.DataFrame, measure: str) -> Figure | None:
    """Draw one measure of likeness of every two views as a matrix; None without such a measure.

    Parameters
    ----------
    views : DataFrame
        ``first, second, measure, value``, each pair once.
    measure : str
    """
    mine = views[views["measure"] == measure].dropna(subset="value")
    names = list(dict.fromkeys([*mine["first"], *mine["second"]]))
    if len(names) < 2:
        return None
    place = {name: number for number, name in enumerate(names)}
    square = np.eye(len(names))
    for row in mine.to_dict("records"):
        first, second = place[row["first"]], place[row["second"]]
        square[first, second] = square[second, first] = row["value"]
    size = max(4.0, 0.42 * len(names) + 2.4)
    figure = Figure(figsize=(size + 0.8, size), layout="constrained")
    axis = figure.subplots()
    image = axis.imshow(square, vmin=min(0.0, float(square.min())), vmax=1, cmap="cividis")
    axis.set_xticks(range(len(names)), names, rotation=90)
    axis.set_yticks(range(len(names)), names)
    axis.spines[:].set_visible(False)
    if len(names) <= READABLE:
        for (row, column), value in np.ndenumerate(square):
            shade = "white" if value < 0.55 else "black"
            axis.text(column, row, f"{value:.2f}".removeprefix("0"), ha="center", va="center", fontsize=6.5, color=shade)
    figure.colorbar(image, ax=axis, shrink=0.7, label=spell(measure))
    return figure
