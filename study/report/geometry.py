"""Tables and figures of what only describes: how vectors lie in space, and how alike two views are. Nothing here is a contest."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from study.contracts import CONTROLS
from study.report.comparison import over_seeds, task_headings
from study.report.plot import STYLE, Look, depth, layer_panel, legend
from study.report.run import STATIC_VIEWS, Run
from study.report.table import Corner, Heading, Table, grid, listing, number, spell

SIDE_BY_SIDE = 4
"""Panels in a row of the figure, at most."""
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


def by_stem(scores: pd.DataFrame) -> list[list[tuple[str, pd.DataFrame]]]:
    """Group a describing task's questions in rows: what is measured, then its corrections (``anisotropy, mean removed``).

    Returns
    -------
    list of list of (str, DataFrame)
        Rows of panels, each with its question and its scores.
    """
    rows: dict[str, list[tuple[str, pd.DataFrame]]] = {}
    for key, part in scores.groupby(["task", "question"], sort=False):
        task, question = map(str, key)
        known = [stem for stem in rows if f"{task}/{question}".startswith((f"{stem},", f"{stem} of "))]
        rows.setdefault(known[0] if known else f"{task}/{question}", []).append((question, part))
    return list(rows.values())


@mpl.rc_context(STYLE)
def by_layer(run: Run, family: str, look: Mapping[str, Look]) -> Figure | None:
    """Draw each question of the describing tasks by layer, corrections beside what they correct and on the same scale.

    A static model's first view is a rule across; a family without layers has no figure.
    """
    scores = described(run, family).dropna(subset="value")
    first = scores["view"].eq(STATIC_VIEWS[0]) & scores["view"].isin(STATIC_VIEWS)
    scores = scores.assign(headline=first, chance=np.nan, depth=scores["view"].map(depth))
    layered = set(scores.loc[scores["depth"] >= 1, "model"])
    rows = [row for _, part in scores.groupby("task", sort=False) for row in by_stem(part[part["model"].isin(look)])]
    rows = [[(name, part) for name, part in row if (part["depth"] >= 1).any()] for row in rows]
    rows = [row[start : start + SIDE_BY_SIDE] for row in rows for start in range(0, len(row), SIDE_BY_SIDE)]
    if not rows:
        return None
    columns = max(map(len, rows))
    figure = Figure(figsize=(max(2.9 * columns, 5.4), 2.6 * len(rows) + 0.5), layout="constrained")
    grid_of = figure.add_gridspec(len(rows), columns)
    axes: list[Axes] = []
    several = scores["task"].nunique() > 1 or family in set(run.compared["family"])  # then panels name their task
    for number_of, row in enumerate(rows):
        shared = None
        for column, (name, part) in enumerate(row):
            shared = axis = figure.add_subplot(grid_of[number_of, column], sharey=shared)
            layer_panel(axis, part, look, layered)
            title = f"{spell(part['task'].iloc[0])}: {name}" if several else name
            axis.set_title(textwrap.fill(title, 26), fontsize=9)
            axis.set_ylabel("" if column else spell(part["metric"].iloc[0]))
            axes.append(axis)
    legend(figure, axes)
    return figure


def matrix_table(run: Run) -> Table:
    """Return how alike every two views are, a row per pair."""
    caption = "How alike every two views are, over the same places: 1 where one is a turned and scaled copy of the other."
    frame = run.views.assign(measure=run.views["measure"].map(spell))
    return listing("views", caption, frame, {"value": number, "n": lambda value: f"{value:,.0f}"})


@mpl.rc_context(STYLE)
def matrix(views: pd.DataFrame, measure: str, models: Sequence[str] = ()) -> Figure | None:
    """Draw one measure of likeness of every two views as a matrix; None without such a measure.

    Parameters
    ----------
    views : DataFrame
        ``first, second, measure, value``, each pair once; a view is named ``model view``.
    measure : str
    models : sequence of str
        In the order of the rows; others stand behind them.
    """
    mine = views[views["measure"] == measure].dropna(subset="value")
    names = list(dict.fromkeys([*mine["first"], *mine["second"]]))
    if len(names) < 2:
        return None
    order = [*models, *dict.fromkeys(map(_model, names))]
    names.sort(key=lambda name: order.index(_model(name)))
    place = {name: number for number, name in enumerate(names)}
    square = np.eye(len(names))
    for row in mine.to_dict("records"):
        first, second = place[row["first"]], place[row["second"]]
        square[first, second] = square[second, first] = row["value"]
    size = max(4.0, 0.42 * len(names) + 2.4)
    figure = Figure(figsize=(size + 0.8, size), layout="constrained")
    axis = figure.subplots()
    image = axis.imshow(square, vmin=min(0.0, float(square.min())), vmax=1, cmap="cividis")
    letters = max(9.0, 0.72 * size)  # a page shows large figures smaller
    axis.set_xticks(range(len(names)), names, rotation=90, fontsize=letters)
    axis.set_yticks(range(len(names)), names, fontsize=letters)
    for edge in (at for at in range(1, len(names)) if _model(names[at]) != _model(names[at - 1])):
        axis.axhline(edge - 0.5, color="white", linewidth=1.5)
        axis.axvline(edge - 0.5, color="white", linewidth=1.5)
    axis.spines[:].set_visible(False)
    if len(names) <= READABLE:
        for (row, column), value in np.ndenumerate(square):
            shade = "white" if value < 0.55 else "black"
            axis.text(
                column,
                row,
                f"{value:.2f}".replace("-0.00", "0.00").replace("0.", ".", 1),
                ha="center",
                va="center",
                fontsize=6.5,
                color=shade,
            )
    bar = figure.colorbar(image, ax=axis, shrink=0.7)
    bar.set_label(spell(measure), fontsize=letters)
    bar.ax.tick_params(labelsize=letters)
    return figure


def _model(name: str) -> str:
    return name.rpartition(" ")[0]
