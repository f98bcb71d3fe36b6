"""Figures of scores: each function takes frames and returns a figure; nothing is read and no global state is touched."""

from __future__ import annotations

import math
import warnings
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from study.report.run import BASELINE, CONTROLS
from study.report.table import spell

STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "legend.frameon": False,
    "svg.fonttype": "path",
    "svg.hashsalt": "study",  # the same figure gives the same bytes
    "text.parse_math": False,  # a word may hold a dollar sign
}
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Okabe and Ito's colours, told apart by colour-blind readers too; markers differ as well."""
MARKERS = ("o", "s", "D", "^", "v", "P", "X", "<", ">", "h")
GREYS = {"untrained": "#5f6368", "random": "#a0a4a8"}
RULE = "#9aa0a6"
ENTRY_HEIGHT = 0.2
"""Inches of a row of a legend; every figure has room for two."""
OVER_LAYERS = (0, (7, 2, 1, 2, 1, 2))
"""The dashes of a headline view that belongs to no one layer, such as the mean over all."""


@dataclass(frozen=True)
class Look:
    """How a model is drawn in every figure of a report."""

    colour: str
    marker: str


def looks(models: Sequence[str]) -> dict[str, Look]:
    """Give every model its colour and marker; controls are grey."""
    found = {}
    for place, model in enumerate(dict.fromkeys(model for model in models if model not in CONTROLS)):
        found[model] = Look(COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)])
    return found | {
        model: Look(GREYS[model], marker) for model, marker in zip(CONTROLS, ("d", "x"), strict=True) if model in models
    }


def panels(number: int, *, width: float, height: float, columns: int) -> tuple[Figure, list[Axes]]:
    """Make a figure of ``number`` panels, each ``width`` by ``height`` inches, none of them empty."""
    columns = min(number, columns)
    rows = math.ceil(number / columns)
    width = max(width, 5.4) if columns == 1 else width
    figure = Figure(figsize=(width * columns, height * rows + 0.5), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.06)  # type: ignore[union-attr, call-arg]
    axes = list(figure.subplots(rows, columns, squeeze=False).ravel())
    for spare in axes[number:]:
        spare.remove()
    return figure, axes[:number]


def legend(figure: Figure, axes: Sequence[Axes]) -> None:
    """Write one legend for all panels below them, each entry once; the figure grows by what a long one needs."""
    entries: dict[str, Any] = {}
    for panel in axes:
        handles, labels = panel.get_legend_handles_labels()
        entries |= {label: handle for label, handle in zip(labels, handles, strict=True) if label not in entries}
    widest = max(map(len, entries), default=1)
    columns = max(1, min(len(entries), int(figure.get_figwidth() * 11 / (widest + 6))))
    rows = math.ceil(len(entries) / columns)
    figure.set_figheight(figure.get_figheight() + ENTRY_HEIGHT * max(0, rows - 2))
    figure.legend(list(entries.values()), list(entries), loc="outside lower center", ncols=columns)


def save(figure: Figure, folder: Path, name: str) -> None:
    """Write a figure as PNG and SVG, the same bytes each time."""
    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a word of a script without a font here shows as boxes; the tables have it
        figure.savefig(folder / f"{name}.png", dpi=144, metadata={"Software": None})
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None, "Creator": None})


def title(task: str, question: str, scores: pd.DataFrame) -> str:
    """Name a panel by its task, and by the question where the task has several."""
    several = scores.loc[scores["task"] == task, "question"].nunique() > 1
    return f"{spell(task)}, {spell(question)}" if several else spell(task)


def by_task(scores: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Cut scores into panels: title and rows of each task and question that has a score."""
    scores = scores.dropna(subset="value")
    groups = scores.groupby(["task", "question"], sort=False)
    return [(title(str(task), str(question), scores), rows) for (task, question), rows in groups]


def whiskers(rows: pd.DataFrame) -> np.ndarray:
    """Return the lengths of error bars below and above the values, ``ndarray of shape (2, n)``; 0 where there is no interval."""
    return np.nan_to_num(np.stack([rows["value"] - rows["low"], rows["high"] - rows["value"]])).clip(min=0)


@mpl.rc_context(STYLE)
def dots(scores: pd.DataFrame, look: Mapping[str, Look]) -> Figure:
    """Draw the headline scores of a family: a panel per task, a row per model, baselines below, whiskers of 95 %.

    Parameters
    ----------
    scores : DataFrame
        ``model, view, task, question, metric, value, low, high, chance``.
    look : mapping of str to Look
    """
    groups = by_task(scores)
    models = [model for model in look if model in set(scores["model"])]
    models += [model for model in dict.fromkeys(scores["model"]) if model not in look]
    figure, axes = panels(len(groups), width=3.4, height=0.7 + 0.3 * len(models), columns=3)
    for place, (axis, (name, rows)) in enumerate(zip(axes, groups, strict=True)):
        rows = rows.set_index("model").loc[[model for model in models if model in set(rows["model"])]].reset_index()
        for (_, row), (below, above) in zip(rows.iterrows(), whiskers(rows).T, strict=True):
            shown = look.get(row["model"], Look(RULE, "p"))
            height = len(models) - models.index(row["model"])
            axis.errorbar(
                row["value"], height, xerr=[[below], [above]], fmt=shown.marker, color=shown.colour, capsize=3, markersize=7
            )
        axis.axvline(rows["chance"].median(), color="black", linestyle=":", linewidth=1, label="chance")
        axis.set_title(name)
        axis.set_xlabel(spell(rows["metric"].iloc[0]))
        axis.set_ylim(0.4, len(models) + 0.6)
        axis.set_yticks(range(len(models), 0, -1), models if place % 3 == 0 else [""] * len(models))
        axis.grid(axis="x", color="#e3e5e8")
        axis.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    legend(figure, axes)
    return figure


def depth(view: str) -> float:
    """Return the layer a view reads: ``input`` 0, ``layer-3`` and ``averaged-3`` 3, not a number for others."""
    if view == "input":
        return 0.0
    kind, _, layer = view.partition("-")
    return float(layer) if kind in ("layer", "averaged") and layer.isdigit() else math.nan


@mpl.rc_context(STYLE)
def layers(scores: pd.DataFrame, look: Mapping[str, Look]) -> Figure | None:
    """Draw scores by layer: lines for models with layers, rules for headline views of no layer; None without layers.

    Parameters
    ----------
    scores : DataFrame
        All views: ``model, view, headline, task, question, metric, value, low, high, chance``.
    look : mapping of str to Look
    """
    scores = scores.assign(depth=scores["view"].map(depth))
    layered = set(scores.loc[scores["depth"] >= 1, "model"])
    groups = [(name, rows) for name, rows in by_task(scores) if (rows["depth"] >= 1).any()]
    if not groups:
        return None
    figure, axes = panels(len(groups), width=3.6, height=2.8, columns=3)
    for axis, (name, rows) in zip(axes, groups, strict=True):
        layer_panel(axis, rows, look, layered)
        axis.set_title(name)
    legend(figure, axes)
    return figure


def layer_panel(axis: Axes, rows: pd.DataFrame, look: Mapping[str, Look], layered: Container[str]) -> None:
    """Draw one question by layer, ``layered`` being the models with layers; rows have the columns of ``layers`` and ``depth``."""
    for model, mine in rows.groupby("model", sort=False):
        shown = look.get(str(model), Look(RULE, ""))
        if model in layered:
            _by_layer(axis, str(model), mine.dropna(subset="depth").sort_values("depth"), shown)
            for row in mine[mine["headline"] & mine["depth"].isna()].to_dict("records"):
                axis.axhline(row["value"], color=shown.colour, linestyle=OVER_LAYERS, label=f"{model}, {row['view']} (headline)")
        elif mine["headline"].any():
            dash = (0, (1, 1)) if model == "majority" else "-." if model not in look else "--"
            value = mine.loc[mine["headline"], "value"].iloc[0]
            axis.axhline(value, color=shown.colour, linestyle=dash, linewidth=1.4, label=model)
    if rows["chance"].notna().any():
        axis.axhline(rows["chance"].median(), color="black", linestyle=":", linewidth=1, label="chance")
    depths = sorted(rows["depth"].dropna().unique())
    axis.set_xticks(depths, ["input" if layer == 0 else f"{layer:.0f}" for layer in depths])
    axis.set_xlim(depths[0] - 0.4, depths[-1] + 0.4)
    axis.set_xlabel("layer")
    axis.set_ylabel(spell(rows["metric"].iloc[0]))
    axis.grid(axis="y", color="#e3e5e8")


def _by_layer(axis: Axes, model: str, rows: pd.DataFrame, shown: Look) -> None:
    """Draw one line per way of reading a layer: in its sentence (or bare), and averaged over occurrences."""
    averaged = rows["view"].str.startswith("averaged")
    for mine, dash, name in ((rows[~averaged], "-", model), (rows[averaged], "--", f"{model}, averaged by layer")):
        if len(mine):
            axis.plot(mine["depth"], mine["value"], marker=shown.marker, linestyle=dash, color=shown.colour, label=name)
            axis.fill_between(mine["depth"], mine["low"], mine["high"], color=shown.colour, alpha=0.12, linewidth=0)


@mpl.rc_context(STYLE)
def words(accuracy: pd.DataFrame, look: Mapping[str, Look], highlight: str) -> Figure:
    """Draw the accuracy of each word of several senses, a mark per model; the highlighted word stands first.

    Parameters
    ----------
    accuracy : DataFrame
        ``model, word, accuracy, chance`` of headline views.
    look : mapping of str to Look
    highlight : str
    """
    means = accuracy.groupby("word")["accuracy"].mean().sort_values(ascending=False)
    order = sorted(means.index, key=lambda word: word != highlight)
    models = [model for model in look if model in set(accuracy["model"])]
    figure, (axis,) = panels(1, width=7.2, height=1.0 + 0.42 * len(order), columns=1)
    offsets = np.linspace(0.3, -0.3, len(models)) if len(models) > 1 else [0.0]
    heights = {word: len(order) - place for place, word in enumerate(order)}
    for place, word in enumerate(order):
        if place % 2 == 0:
            axis.axhspan(heights[word] - 0.5, heights[word] + 0.5, color="#fff3d6" if word == highlight else "#f4f5f7", zorder=0)
    for model, offset in zip(models, offsets, strict=True):
        mine = accuracy[accuracy["model"] == model]
        y = mine["word"].map(heights) + offset
        axis.scatter(mine["accuracy"], y, color=look[model].colour, marker=look[model].marker, s=34, label=model)
    chance = accuracy.drop_duplicates("word")
    y = chance["word"].map(heights)
    axis.vlines(chance["chance"], y - 0.42, y + 0.42, color="black", linestyle=":", linewidth=1.2, label="chance")
    axis.set_yticks(list(heights.values()), list(heights))
    for label in axis.get_yticklabels():
        label.set_fontweight("bold" if label.get_text() == highlight else "normal")
    axis.set_ylim(0.5, len(order) + 0.5)
    axis.set_xlim(min(0.0, accuracy["accuracy"].min()) - 0.02, 1.02)
    axis.set_xlabel("share of sentences given the right sense")
    axis.grid(axis="x", color="#e3e5e8")
    legend(figure, [axis])
    return figure


def headline_rows(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the headline views and the baselines."""
    return scores[scores["headline"] | (scores["view"] == BASELINE)]
