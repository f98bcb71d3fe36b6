"""Figures of words themselves: the occurrences of one word in the plane, and the neighbours of words."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from study.report.plot import COLOURS, MARKERS, STYLE, legend

WIDEST = 5
"""Panels side by side, at most."""
LONGEST = 18
"""Characters of a word that a column has room for beside its cosine; a heading has some more."""


@mpl.rc_context(STYLE)
def plane(points: pd.DataFrame) -> Figure:
    """Draw the occurrences of one word in the plane: a panel per model and view, the same sentences in each.

    Views in context come first. A type vector is the same for every sentence, and is drawn as the one point it is.

    Parameters
    ----------
    points : DataFrame
        ``model, view, sense, x, y, share_x, share_y, static``.
    """
    static = points["static"].astype(bool)
    models = list(dict.fromkeys(points["model"]))
    columns = min(WIDEST, len(models))
    rows = []
    for part in (points[~static], points[static]):
        views = {str(model): mine for model, mine in part.groupby("model", sort=False)}
        for start in range(0, len(models), columns):
            row = [views.get(model) for model in models[start : start + columns]]
            rows += [row] if any(mine is not None for mine in row) else []
    heights = [1.2 if next(mine for mine in row if mine is not None)["static"].iloc[0] else 2.6 for row in rows]
    figure = Figure(figsize=(max(2.6 * columns, 4.0), sum(heights) + 0.4 * len(rows) + 0.6), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.06)  # type: ignore[union-attr, call-arg]
    layout = figure.add_gridspec(len(rows), columns, height_ratios=heights)
    senses = list(dict.fromkeys(points["sense"]))
    axes = []
    for number, row in enumerate(rows):
        for column, occurrences in enumerate(row):
            if occurrences is None:
                continue
            axis = figure.add_subplot(layout[number, column])
            axis.set_title(f"{occurrences['model'].iloc[0]} · {occurrences['view'].iloc[0]}")
            axis.set_xticks([])
            axis.set_yticks([])
            draw = _one_point if occurrences["static"].iloc[0] else _cloud
            draw(axis, occurrences, senses)
            axes.append(axis)
    legend(figure, axes)
    return figure


def _cloud(axis: Axes, points: pd.DataFrame, senses: Sequence[str]) -> None:
    for place, sense in enumerate(senses):
        mine = points[points["sense"] == sense]
        axis.scatter(
            mine["x"],
            mine["y"],
            s=34,
            alpha=0.85,
            color=COLOURS[place % len(COLOURS)],
            marker=MARKERS[place % len(MARKERS)],
            edgecolors="white",
            linewidths=0.5,
            label=sense,
        )
    axis.margins(0.08)
    axis.set_xlabel(f"1st component, {points['share_x'].iloc[0]:.2f} of variance")
    axis.set_ylabel(f"2nd, {points['share_y'].iloc[0]:.2f}")


def _one_point(axis: Axes, points: pd.DataFrame, senses: Sequence[str]) -> None:
    axis.scatter([0.5], [0.62], s=170, color="#3c4043", marker="*", label="every sense: one type vector")
    axis.text(0.5, 0.2, f"all {len(points)} sentences:\none point", ha="center", va="center", fontsize=8.5)
    axis.set_xlim(0, 1)
    axis.set_ylim(0, 1)


def short(word: str, longest: int = LONGEST) -> str:
    """Cut a word to the room that a figure has."""
    return word if len(word) <= longest else word[: longest - 1] + "…"


@mpl.rc_context(STYLE)
def neighbours(frame: pd.DataFrame) -> Figure:
    """Write the nearest neighbours of chosen words: a block per word, a column per model; the paler, the lower the cosine.

    Parameters
    ----------
    frame : DataFrame
        ``model, view, word, rank, neighbour, cosine``.
    """
    columns = list(dict.fromkeys(zip(frame["model"], frame["view"], strict=True)))
    words = list(dict.fromkeys(frame["word"]))
    most = int(frame["rank"].max())
    size = (1.75 * len(columns) + 0.2, 0.2 * (most + 2.4) * len(words))
    figure = Figure(figsize=size, layout="constrained")
    axes = np.atleast_1d(figure.subplots(len(words), 1))
    for axis, word in zip(axes, words, strict=True):
        axis.set_xlim(0, len(columns))
        axis.set_ylim(most + 0.7, -0.7)
        axis.axis("off")
        axis.set_title(short(word), loc="left", fontweight="bold")
        for place, (model, view) in enumerate(columns):
            axis.text(place, 0, short(f"{model} · {view}", LONGEST + 6), color="#5f6368", va="center", fontsize=8)
            mine = frame[(frame["word"] == word) & (frame["model"] == model) & (frame["view"] == view)]
            for row in mine.itertuples():
                shade = str(0.55 * (1 - float(np.clip(row.cosine, 0, 1))))
                axis.text(place, row.rank, f"{row.cosine:.2f}  {short(str(row.neighbour))}", color=shade, va="center", fontsize=8)
        axis.plot([0, len(columns)], [0.5, 0.5], color="#dadce0", linewidth=0.8)
    return figure
