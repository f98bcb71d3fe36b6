"""The occurrences of a word that was asked about: how each view clusters them, drawn and read."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from study.report.plot import COLOURS, MARKERS, STYLE, legend, panels
from study.report.run import Run
from study.report.table import LINE, Cell, Row, Table, count, number

KEYS = ["model", "view"]
NONE = "no clusters shown"
"""What is said of a view whose occurrences are no more clustered than those of samples without clusters."""
RULE = (
    "of each model the view with clusters whose silhouette is furthest above its null; where no view has clusters, "
    "the one furthest above, a type vector only where there is no other"
)


def words(run: Run) -> list[tuple[str, str, str]]:
    """Return the family, the task and the word of each task that clusters a word."""
    found = []
    for key in dict.fromkeys(zip(run.clusters["family"], run.clusters["task"], strict=True)):
        asked = run.items[(run.items["family"] == key[0]) & (run.items["task"] == key[1])]
        found.append((*key, str(asked["group"].iloc[0]) if len(asked) else key[1]))
    return found


def of_task(frame: pd.DataFrame, family: str, task: str) -> pd.DataFrame:
    """Return a task's rows of ``clusters`` or ``points``; of a model with several seeds those of the first."""
    mine = frame[(frame["family"] == family) & (frame["task"] == task)]
    return mine[mine["seed"] == mine.groupby("model")["seed"].transform("min")]


def chosen(clusters: pd.DataFrame) -> pd.DataFrame:
    """Choose a view for each model: by how far the silhouette lies above its null.

    A view with clusters goes before one without, and one that differs between occurrences before a type vector.

    Parameters
    ----------
    clusters : DataFrame
        ``model, view, k, silhouette, null, level`` of one task and one seed per model.

    Returns
    -------
    DataFrame
        One row per model, in the order of the clusters.
    """
    views = clusters.drop_duplicates(KEYS)
    views = views.assign(above=views["silhouette"] - views["null"], shown=views["k"] > 1, varies=views["level"] > 0)
    best = views.sort_values(["shown", "varies", "above"], ascending=False, kind="stable").drop_duplicates("model")
    return best.sort_index()


@mpl.rc_context(STYLE)
def draw(points: pd.DataFrame, views: pd.DataFrame) -> Figure | None:
    """Draw the occurrences of a word in the plane, a panel per model; colours number the clusters of that panel alone.

    Parameters
    ----------
    points : DataFrame
        ``model, view, cluster, x, y, share_x, share_y`` of one task and one seed per model.
    views : DataFrame
        The view drawn of each model, as ``chosen`` returns them.
    """
    drawn = [(row, _of(points, row)) for row in views.to_dict("records")]
    drawn = [(row, mine) for row, mine in drawn if len(mine)]
    if not drawn:
        return None
    figure, axes = panels(len(drawn), width=3.2, height=3.1, columns=3)
    for axis, (row, mine) in zip(axes, drawn, strict=True):
        said = f"{count(row['k'])} clusters" if row["k"] > 1 else NONE
        figures = f"silhouette {number(row['silhouette'], 2)}, null {number(row['null'], 2)}"
        axis.set_title(f"{row['model']} · {row['view']}\n{said}: {figures}", fontsize=8.5)
        axis.set_xticks([])
        axis.set_yticks([])
        if mine["share_x"].iloc[0] > 0:
            _cloud(axis, mine, several=row["k"] > 1)
        else:
            axis.scatter([0], [0], s=170, color="#3c4043", marker="*")
            axis.text(0, -0.03, f"all {len(mine)} sentences:\none point", ha="center", va="top")
    if len(figure_entries := [axis for axis in axes if axis.get_legend_handles_labels()[1]]):
        legend(figure, figure_entries)
    return figure


def _of(points: pd.DataFrame, row: dict[Any, Any]) -> pd.DataFrame:
    return points[(points["model"] == row["model"]) & (points["view"] == row["view"])].dropna(subset=["x", "y"])


def _cloud(axis: Axes, points: pd.DataFrame, *, several: bool) -> None:
    for cluster in sorted(points["cluster"].unique()):
        mine, place = points[points["cluster"] == cluster], int(cluster) - 1
        axis.scatter(
            mine["x"],
            mine["y"],
            s=26,
            alpha=0.8,
            color=COLOURS[place % len(COLOURS)] if several else "#80868b",
            marker=MARKERS[place % len(MARKERS)],
            edgecolors="white",
            linewidths=0.4,
            label=f"cluster {place + 1}" if several else NONE,
        )
    axis.margins(0.08)
    axis.set_xlabel(f"1st component, {points['share_x'].iloc[0]:.2f} of variance")
    axis.set_ylabel(f"2nd, {points['share_y'].iloc[0]:.2f}")


def table(name: str, caption: str, clusters: pd.DataFrame) -> Table:
    """Return clusters to be read: a row each, with its size and the sentences nearest to its centre."""
    header = (
        Cell("model", "view"),
        Cell("clusters", number=True),
        Cell("silhouette", "null, 95 % level", number=True),
        Cell("cluster", number=True),
        Cell("size", number=True),
        Cell("sentences nearest to its centre"),
    )
    rows = []
    for _, group in clusters.groupby([*KEYS, "cluster"], sort=False):
        first = group.iloc[0]
        several = first["k"] > 1
        level = f"{number(first['null'])}, {number(first['level'])}"
        nearest, *others = group.sort_values("example")["sentence"]
        cells = (
            Cell(first["model"], first["view"]),
            Cell(count(first["k"]) if several else NONE, number=several),
            Cell(number(first["silhouette"]), level, number=True),
            Cell(count(first["cluster"]) if several else "–", number=True),
            Cell(count(first["size"]), number=True),
            Cell(nearest, LINE.join(" ".join(str(other).split()) for other in others)),
        )
        rows.append(Row(cells, quiet=not several))
    return Table(name, caption, header, tuple(rows), clusters)


def tables(run: Run, family: str, task: str, word: str) -> tuple[Table, Table]:
    """Return the clusters of a word in the chosen view of each model, and those in all views."""
    mine = run.in_order(of_task(run.clusters, family, task))
    views = chosen(mine)
    best = mine.merge(views[KEYS], on=KEYS)
    seeds = " First seed." if run.seeds > 1 else ""
    caption = f"The occurrences of ‘{word}’ in clusters: {RULE}. Clusters are not senses: read the sentences.{seeds}"
    everything = f"The occurrences of ‘{word}’ in clusters, every view of every model.{seeds}"
    return table(f"{family}-{task}-clusters", caption, best), table(f"{family}-{task}-clusters-all", everything, mine)


def figure(run: Run, family: str, task: str) -> Figure | None:
    """Draw the occurrences of a task's word in the chosen view of each model."""
    views = chosen(run.in_order(of_task(run.clusters, family, task)).reset_index(drop=True))
    return draw(of_task(run.points, family, task), views) if np.isfinite(run.points["x"]).any() else None
