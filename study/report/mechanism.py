"""Panels that show what a part of an encoder does: lines over widths or depths, marks over kinds, heads over questions."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator

from study.report.plot import COLOURS, GREYS, MARKERS, STYLE, panels, whiskers

GRID = "#e3e5e8"
STAGES = {"start": ("--", "none", "before training"), "trained": ("-", None, "trained")}
"""Stage -> its line, the filling of its marks (None: the colour itself), and what a legend calls it."""
BAND = "#f0e3c8"
FARTHEST = 4
"""How far a band reaches down on a logarithmic axis, as a factor, where its end is near or below 0."""


@dataclass(frozen=True)
class Panel:
    """One panel: its title, what draws it, and whether it stands in the opening figure."""

    title: str
    draw: Callable[[Axes], None]
    opens: bool = False


@mpl.rc_context(STYLE)
def figure(shown: Sequence[Panel], *, columns: int = 3) -> Figure | None:
    """Draw panels beside each other, each with its own legend below it; None without panels."""
    if not shown:
        return None
    made, axes = panels(len(shown), width=4.1, height=3.7, columns=columns)
    for axis, panel in zip(axes, shown, strict=True):
        axis.set_title(panel.title, fontsize=9.5)
        panel.draw(axis)
        handles, labels = axis.get_legend_handles_labels()
        entries = dict(zip(labels, handles, strict=True))
        if entries:
            number = 1 if max(map(len, entries)) > 26 else 2
            place: Any = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.17), "ncols": number, "fontsize": 7.5}
            axis.legend(list(entries.values()), list(entries), **place)
    return made


def lines(axis: Axes, frame: pd.DataFrame, x: str, y: str, *, logarithmic: tuple[bool, bool] = (False, False)) -> None:
    """Draw a measure over a number, a line per kind and stage with its 95 % band.

    Parameters
    ----------
    axis : Axes
    frame : DataFrame
        ``kind, stage, x, value, low, high``.
    x, y : str
        What the axes show.
    logarithmic : (bool, bool)
        Whether x and y are.
    """
    kinds = list(dict.fromkeys(frame["kind"]))
    stages = frame["stage"].nunique()
    for (kind, stage), part in frame.groupby(["kind", "stage"], sort=False):
        place, part = kinds.index(kind), part.sort_values("x")
        dash, filling, told = STAGES[str(stage)]
        colour = COLOURS[place % len(COLOURS)]
        style: Any = {"color": colour, "linestyle": dash, "marker": MARKERS[place % len(MARKERS)], "markersize": 5}
        label = f"{kind}, {told}" if stages > 1 else str(kind)
        axis.plot(part["x"], part["value"], label=label, markerfacecolor=filling or colour, **style)
        low = part["low"].clip(lower=part["value"] / FARTHEST) if logarithmic[1] else part["low"]
        axis.fill_between(part["x"], low, part["high"], color=colour, alpha=0.12, linewidth=0)
    for chosen, scale in zip(logarithmic, (axis.set_xscale, axis.set_yscale), strict=True):
        if chosen:
            scale("log")
    ticks = sorted(frame["x"].unique())
    axis.minorticks_off()
    if logarithmic[1] and frame["value"].max() < 100 * frame["value"].min():
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter("{x:g}")
    axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.set_xlabel(x)
    axis.set_ylabel(y)
    axis.grid(axis="y", color=GRID)


def marks(axis: Axes, frame: pd.DataFrame, x: str) -> None:
    """Draw a measure of each kind as a mark per stage, the first kind on top.

    Parameters
    ----------
    axis : Axes
    frame : DataFrame
        ``kind, stage, value, low, high``.
    x : str
        What the axis shows.
    """
    kinds = list(dict.fromkeys(frame["kind"]))
    for stage, part in frame.groupby("stage", sort=False):
        _, filling, told = STAGES[str(stage)]
        heights = [len(kinds) - kinds.index(kind) for kind in part["kind"]]
        style: Any = {"fmt": "o", "color": COLOURS[0], "markerfacecolor": filling or COLOURS[0], "capsize": 3, "markersize": 6}
        axis.errorbar(part["value"], heights, xerr=whiskers(part), label=told, **style)
    axis.set_yticks(range(len(kinds), 0, -1), kinds)
    axis.set_ylim(0.4, len(kinds) + 0.6)
    axis.xaxis.set_major_locator(MaxNLocator(5))
    axis.set_xlabel(x)
    axis.grid(axis="x", color=GRID)


def scale(axis: Axes, full: pd.DataFrame) -> None:
    """Draw what losses are to be seen against: that before training, and differences too small to be shown.

    Parameters
    ----------
    axis : Axes
    full : DataFrame
        ``x, value, detectable, scale``: the loss of the full encoder, the smallest difference to it that would be shown, and what
        training has gained it; over several x the loss is the y-axis, else the x-axis.
    """
    low, high, told = full["value"] - full["detectable"], full["value"] + full["detectable"], "below the detectable difference"
    if len(full) > 1:
        axis.fill_between(full["x"], low, high, color=BAND, zorder=0, label=told)
    else:
        axis.axvspan(low.iloc[0], high.iloc[0], color=BAND, zorder=0, label=told)
    rule = axis.axhline if len(full) > 1 else axis.axvline
    rule((full["value"] + full["scale"]).mean(), color="black", linestyle=":", linewidth=1, label="before training")
    lost = full[full["scale"] < full["detectable"]]
    if len(lost):
        at = "" if len(lost) == len(full) else f" at {', '.join(f'{x:g}' for x in lost['x'])}"
        said = f"full minus untrained is below the minimum detectable effect{at}"
        axis.set_title(f"{axis.get_title()}\n{textwrap.fill(said, 48)}", fontsize=8)


def heads(axis: Axes, frame: pd.DataFrame) -> None:
    """Draw each head's accuracy by question: before training left, trained right, and what the same heads get shuffled.

    Parameters
    ----------
    axis : Axes
    frame : DataFrame
        ``question, stage, block, head, shuffled, value, low, high``.
    """
    questions = list(dict.fromkeys(frame["question"]))
    for (stage, shuffled), part in frame.groupby(["stage", "shuffled"], sort=False):
        if shuffled:
            continue
        for block in sorted(part["block"].astype(int).unique()):
            mine, number = part[part["block"] == block], block - 1
            colour = GREYS["random"] if stage == "start" else COLOURS[number % len(COLOURS)]
            ranks = mine.groupby("question").cumcount() - (mine.groupby("question")["head"].transform("size") - 1) / 2
            x = mine["question"].map(questions.index) + (-0.22 if stage == "start" else 0.16) + 0.05 * ranks
            told = "before training" if stage == "start" else f"trained, block {block}"
            style: Any = {"fmt": MARKERS[number % len(MARKERS)], "color": colour, "markersize": 4.5, "linewidth": 1}
            axis.errorbar(x + 0.02 * number, mine["value"], yerr=whiskers(mine), label=told, **style)
    for place, question in enumerate(questions):
        floor, ends = frame.loc[frame["shuffled"] & (frame["question"] == question), "value"], [place - 0.42, place + 0.42]
        axis.fill_between(ends, floor.min(), floor.max(), color="black", alpha=0.25, label="shuffled heads")
    axis.set_xticks(range(len(questions)), [textwrap.fill(question, 10) for question in questions])
    axis.set_ylabel("probe accuracy, 4 classes")
    axis.grid(axis="y", color=GRID)


def matrix(axis: Axes, frame: pd.DataFrame, brightest: float) -> None:
    """Draw what each head tells beyond its shuffled self as a matrix of heads and questions.

    Parameters
    ----------
    axis : Axes
    frame : DataFrame
        ``name`` of the head, ``question``, ``gain``.
    brightest : float
        The gain that is brightest.
    """
    square = frame.pivot_table(index="name", columns="question", values="gain", sort=False)
    axis.imshow(square.to_numpy(), cmap="cividis", vmin=0, vmax=brightest, aspect="auto")
    for (row, column), value in np.ndenumerate(square.to_numpy()):
        shade = "white" if value < 0.6 * brightest else "black"
        axis.text(column, row, f"{value:+.2f}", ha="center", va="center", fontsize=8, color=shade)
    axis.set_xticks(range(len(square.columns)), square.columns)
    axis.set_yticks(range(len(square)), square.index)
    axis.spines[:].set_visible(False)


def kinds(labels: pd.Series) -> dict[str, str]:
    """Return the label of each model, given a column of labels with the models as its index."""
    return {str(model): str(label) for model, label in labels.items()}


def named(frame: pd.DataFrame, labels: Mapping[str, str], **columns: str) -> pd.DataFrame:
    """Return the rows of some models with the column ``kind``, their label, in the order of the labels.

    ``columns`` names values that other columns must have.
    """
    mine = frame[frame["model"].isin(labels)]
    for column, value in columns.items():
        mine = mine[mine[column] == value]
    order = {model: place for place, model in enumerate(labels)}
    return mine.sort_values("model", key=lambda models: models.map(order), kind="stable").assign(kind=mine["model"].map(labels))
