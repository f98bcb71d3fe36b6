"""How meaning emerges: the scores of models that were asked while they learned, over what they had read and what it took."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from study.contracts import CONTROLS, OF_TYPES
from study.report.album import Album, Section
from study.report.comparison import over_seeds
from study.report.landmarks import halfway, landmark_table
from study.report.plot import RULE, STYLE, Look, by_task, legend, panels
from study.report.run import Run
from study.report.starts import meeting_table, meetings, worth
from study.report.table import Table, count, duration, listing, number, spell

TITLE = "How meaning emerges"
AXES = {
    "own_words": "own words read (not annealed before the end)",
    "seconds": "seconds of training (not annealed before the end)",
}
Dash = str | tuple[int, tuple[int, ...]]
DASHED: dict[str, tuple[str, Dash]] = {"input": ("dotted", (0, (1, 1))), "averaged": ("dashed", (0, (5, 2)))}
"""Views of bare words that are drawn beside the headline view: what a caption calls their lines, and how they are drawn."""


def growth(run: Run) -> pd.DataFrame:
    """Return the curves of all models: the main metric on test items at each moment, averaged over seeds, the end last.

    Tasks that were asked of no model while it learned have no curve.

    Returns
    -------
    DataFrame
        As ``over_seeds``, with ``done``, ``moment`` (its number, from 1) and ``own_words`` (words that the model itself has read,
        without those of the model that it starts from, which ``words_seen`` and ``seconds`` include).
    """
    rows = run.growth[run.growth["main"] & (run.growth["split"] == "test")]
    rows = rows[~rows.groupby(["family", "task"])["done"].transform("all").astype(bool)]
    rows = rows.assign(moment=rows.groupby(["model", "seed"])["words_seen"].rank("dense"))
    moments = [part for _, part in rows.groupby(["moment", "done"])]
    parts = [over_seeds(part).assign(moment=part["moment"].iloc[0], done=part["done"].iloc[0]) for part in moments]
    if not parts:
        return rows.assign(own_words=rows["words_seen"])
    curves = pd.concat(parts, ignore_index=True)
    before = run.models.groupby("model")["start_words"].mean()
    return run.in_order(curves.assign(own_words=curves["words_seen"] - curves["model"].map(before)))


def section(run: Run, look: Mapping[str, Look], album: Album) -> Section:
    """Return the section on how meaning emerges; empty where no model was asked while it learned."""
    curves = growth(run)
    if curves.empty:
        return Section(TITLE)
    drawn = curves[curves["headline"] | (curves["view"].isin([*DASHED]) & (curves["level"] == "word"))]
    floors = over_seeds(run.scores[run.scores["main"] & (run.scores["split"] == "test") & run.scores["headline"]])
    floors = floors[floors["model"].isin(CONTROLS)]
    caption = (
        "Scores of models while they learn, over {}, with 95\N{NO-BREAK SPACE}% bands. Solid: each model’s headline view, chosen "
        "on development items when its training had ended. Small marks: the learning rate had not yet fallen to its end. Large "
        "hollow marks: the end of the training, annealed. A band may reach beyond its panel. Grey rules: controls; black, "
        "dotted: chance."
    )
    others = [f"{told} {view}" for view, (told, _) in DASHED.items() if (drawn["view"].eq(view) & ~drawn["headline"]).any()]
    caption += f" Other views of bare words: {', '.join(others)}." if others else ""
    words, seconds = "the words they have read themselves", "the time their training took"
    started = run.models[run.models["start"] != ""]
    if len(started):
        words += " (what they start from had read its own before)"
        seconds += ", that of what they start from included"
    figures = album.add("emergence-words", caption.format(words) + type_views(drawn), figure(drawn, floors, look, "own_words"))
    timed = caption.format(seconds) + type_views(drawn) + threads(run, drawn)
    figures += album.add("emergence-seconds", timed, figure(drawn, floors, look, "seconds"))
    landmarks = landmark_table(drawn)
    tables, answer = [landmarks], ""
    if len(started):
        starts = meetings(run, drawn)
        tables.insert(0, meeting_table(starts, type_views(drawn), verdicts=run.verdicts))
        answer = worth(starts, verdicts=run.verdicts)
    answer = answer or halfway(drawn)
    return Section(TITLE, figures, tables, [growth_table(curves)], answer)


def type_views(curves: pd.DataFrame) -> str:
    """Say whose headline view gives a word the same vector in every sentence although words are asked in their sentences."""
    bare = curves[curves["headline"] & (curves["level"] == "target") & curves["view"].isin(OF_TYPES)]
    parts = bare.drop_duplicates(["task", "question", "model"])
    told = [f"{row['model']} on {name} ({row['view']})" for name, rows in by_task(parts) for row in rows.to_dict("records")]
    if not told:
        return ""
    return (
        f" The headline view of {', '.join(told)} is a type view: the same in every sentence, so that it tells no senses apart."
    )


def threads(run: Run, curves: pd.DataFrame) -> str:
    """Say with how many threads each model with a curve, and each that one starts from, was trained."""
    drawn = run.models[run.models["model"].isin(curves["model"])]
    told = run.models[run.models["model"].isin([*drawn["model"], *drawn["start"]])].dropna(subset="threads")
    by_count: dict[str, list[str]] = {}
    for model, numbers in told.groupby("model", sort=False)["threads"]:
        by_count.setdefault(" or ".join(map(count, sorted(set(numbers)))), []).append(str(model))
    shown = [f"{number} of {', '.join(models)}" for number, models in by_count.items()]
    return f" Threads: {'; '.join(shown)}." if shown else ""


@mpl.rc_context(STYLE)
def figure(curves: pd.DataFrame, floors: pd.DataFrame, look: Mapping[str, Look], x: str) -> Figure:
    """Draw a panel per task, a line per model and view, on an axis of what was spent.

    The axis is logarithmic, unless some curve begins late, as that of a model does that waits for what it starts from.

    Parameters
    ----------
    curves : DataFrame
        As ``growth`` returns.
    floors : DataFrame
        Headline scores of the controls.
    look : mapping of str to Look
    x : {"own_words", "seconds"}
    """
    groups = by_task(curves)
    drawn, axes = panels(len(groups), width=4.2, height=3.2, columns=3)
    late = curves.groupby("model")[x].min().max() > 0
    least = 0.0 if late else float(curves.loc[curves[x] > 0, x].min())
    nothing = least / 4  # where a moment stands at which nothing was spent: a logarithm has no place for it
    for axis, (name, rows) in zip(axes, groups, strict=True):
        for (model, view), mine in rows.groupby(["model", "view"], sort=False):
            label = str(model) if mine["headline"].any() else f"{model}, {view}"
            dash = "-" if mine["headline"].any() else DASHED[str(view)][1]
            _curve(axis, mine.assign(x=mine[x].clip(lower=nothing)).sort_values("moment"), look[str(model)], label, dash)
        of_task = (floors["task"] == rows["task"].iloc[0]) & (floors["question"] == rows["question"].iloc[0])
        for row in floors[of_task].to_dict("records"):
            axis.axhline(row["value"], color=look[row["model"]].colour, linewidth=1, zorder=1, label=row["model"])
        axis.axhline(rows["chance"].median(), color="black", linestyle=":", linewidth=1, label="chance")
        if not late:
            _logarithmic(axis, nothing, least, float(curves[x].max()))
        told = [*rows["value"], *floors.loc[of_task, "value"], rows["chance"].median()]
        room = 0.02 + 0.4 * (max(told) - min(told))
        lowest, highest = axis.get_ylim()  # of the bands, which few seeds make so wide that no curve could be told
        axis.set_ylim(max(lowest, min(told) - room), min(highest, max(told) + room))
        axis.set_title(name)
        axis.set_xlabel(AXES[x])
        axis.set_ylabel(spell(rows["metric"].iloc[0]))
        axis.grid(axis="y", color="#e3e5e8")
    axes[0].plot([], [], "o", color="black", markersize=8, markerfacecolor="white", label="end of training, annealed")
    legend(drawn, axes)
    return drawn


def _logarithmic(axis: Axes, nothing: float, least: float, most: float) -> None:
    """Let an axis be logarithmic, with a tick for 0 where nothing stands."""
    decades = 10.0 ** np.arange(np.ceil(np.log10(least) - 0.1), np.log10(most) + 0.2)
    axis.set_xscale("log")
    axis.set_xticks([nothing, *decades], ["0", *map(short, decades)])
    axis.minorticks_off()
    axis.set_xlim(nothing / 1.5, 1.6 * most)
    axis.axvline(nothing, color=RULE, linewidth=0.6, zorder=0)


def _curve(axis: Axes, rows: pd.DataFrame, shown: Look, label: str, dash: Dash) -> None:
    """Draw one view of one model: small marks and a band while it learns, a thin line to a large hollow mark at its end."""
    learning, end, marker, colour = rows[~rows["done"]], rows[rows["done"]], shown.marker, shown.colour
    axis.plot(learning["x"], learning["value"], marker=marker, markersize=3, linestyle=dash, color=colour, label=label)
    axis.plot(rows["x"].tail(2), rows["value"].tail(2), linewidth=0.8, linestyle=dash, color=colour)
    if rows["headline"].any():
        axis.fill_between(rows["x"], rows["low"], rows["high"], color=colour, alpha=0.12, linewidth=0)
    axis.plot(end["x"], end["value"], marker=marker, markersize=8, markerfacecolor="white", linestyle="", color=colour)


def short(value: float) -> str:
    """Write a tick of words or seconds: 100, 10 k, 1 M."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}\N{NO-BREAK SPACE}{unit}"
    return f"{value:g}"


def growth_table(curves: pd.DataFrame) -> Table:
    """Return every score at every moment."""
    columns = [
        "family",
        "task",
        "question",
        "model",
        "view",
        "own_words",
        "words_seen",
        "seconds",
        "done",
        "value",
        "low",
        "high",
    ]
    frame = curves.sort_values(["family", "task", "question"], kind="stable")[columns]
    frame = frame.assign(done=np.where(frame["done"], "end", "learning")).rename(columns={"done": "training"})
    formats = dict.fromkeys(["own_words", "words_seen"], count) | {"seconds": duration}
    caption = "All views at all moments, means over seeds; words_seen and seconds include those of what a model starts from."
    return listing("emergence", caption, frame, formats | dict.fromkeys(["value", "low", "high"], number))
