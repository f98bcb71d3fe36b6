"""How far models reach: sense accuracy by the distance of the words that tell the sense."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from study.report.album import Album, Section
from study.report.comparison import over_seeds
from study.report.plot import STYLE, Look, legend, panels, whiskers
from study.report.run import BASELINE, Run
from study.report.summary import join, millions
from study.report.table import Corner, Heading, Table, grid, interval, number, spell

TITLE = "Senses by distance"
AXES = {
    "distance": "words from the target to its one telling word",
    "within": "words kept on each side of the target",
}
"""The questions that are asked at several distances (``distance: 5``) -> what their axis says."""
WINDOWS = {"bank_window": "written for this study (bank)", "coarse_senses_window": "from Wikipedia (CoarseWSD-20)"}
"""The study's own tasks of whole sentences that are cut near the target -> where their sentences come from."""
BAGS = ("context", "word+context")
"""The views that gather the words around a target without regard to their order, as many as the setting ``REACH`` says."""
REACH = "context_words"
WIDTH = 0.24
"""Between the outermost marks of one distance, in logarithms to base 2, so that whiskers stand side by side."""


def by_distance(run: Run) -> pd.DataFrame:
    """Return the scores of headline views on the test split that belong to one distance, over seeds.

    Returns
    -------
    DataFrame
        The columns of ``over_seeds``, with ``stem`` (``distance`` or ``within``) and ``at`` (words).
    """
    scores = run.scores[(run.scores["split"] == "test") & run.scores["headline"] & (run.scores["view"] != BASELINE)]
    parts = scores["question"].str.extract(rf"^({'|'.join(AXES)}): (\d+)$")
    scores = scores[parts[0].notna()]
    frame = over_seeds(scores)
    parts = frame["question"].str.extract(r"^(\w+): (\d+)$")
    return frame.assign(stem=parts[0], at=parts[1].astype(float))


def section(run: Run, look: Mapping[str, Look], album: Album) -> Section:
    """Return the figure of all tasks that ask by distance and a table for each; an empty section without such a task."""
    scores = by_distance(run)
    if scores.empty:
        return Section(TITLE)
    caption = (
        "Sense accuracy of headline views by distance, with 95 % intervals; dotted: chance. Telling word: the only word of "
        "the sentence that tells the sense stands so far away, among neutral words."
    )
    same = readings(run)
    dashed = ["Dashed: the same vectors as the solid line of that colour, read over another width."] if same else []
    caption = " ".join([caption, *_windows(run, scores), *dashed, *_by_construction(run, scores), *_words_seen(run, scores)])
    figures = album.add("distance", caption, draw(scores, look, same))
    return Section(TITLE, figures, folded=tables(run, scores), answer=answer(run, scores))


def answer(run: Run, scores: pd.DataFrame) -> str:
    """Say for each task how well every trained model tells senses at the least and at the greatest distance.

    Bags of words, whose lines are flat or level by construction, are told apart from what could be a finding; a second reading
    of the same training is left to the figure.

    Parameters
    ----------
    run : Run
    scores : DataFrame
        As of ``by_distance``.
    """
    told = []
    once = [model for model in run.trained if model not in readings(run)]
    scores = scores[scores["model"].isin(once)].dropna(subset="value")
    for (task, stem), rows in scores.groupby(["task", "stem"], sort=False):
        least, most = rows["at"].min(), rows["at"].max()
        if least == most:
            continue
        ends = run.in_order(rows[rows["at"].isin((least, most))].sort_values("at"))
        bags: list[str] = []
        others: list[str] = []
        for (model, view), mine in ends.groupby(["model", "view"], sort=False):
            values = " and ".join(number(value, 2) for value in mine["value"])
            ranges = " and ".join(interval(low, high, 2) for low, high in zip(mine["low"], mine["high"], strict=True))
            (bags if view in BAGS else others).append(f"{model} {values}" + ("" if view in BAGS else f" ({ranges})"))
        parts = [", ".join(others)] if others else []
        parts += [f"bags of words, whose width makes their ends, {', '.join(bags)}"] if bags else []
        metric, chance = spell(str(rows["metric"].iloc[0])), number(rows["chance"].median(), 2)
        where = f"{least:.0f} and {most:.0f} {AXES[str(stem)]}"
        told.append(f"{spell(str(task))} ({metric}, chance {chance}), {where}: {'; '.join(parts)}.")
    return " ".join(f"{text[0].upper()}{text[1:]}" for text in told)


def _windows(run: Run, scores: pd.DataFrame) -> list[str]:
    """Say whose sentences are cut to a window, and whose were to be cut but left out."""
    cut = set(scores.loc[scores["stem"] == "within", "task"])
    whose = " or ".join(WINDOWS[task] for task in WINDOWS if task in cut)
    left_out = set(run.tasks.loc[run.tasks["note"].str.startswith("left out"), "task"])
    told = [f"Window: whole sentences,{f' {whose},' if whose else ''} cut that near the target."] if cut else []
    return told + [f"Those {WINDOWS[task]} were left out: their data were not at hand." for task in WINDOWS if task in left_out]


def readings(run: Run) -> dict[str, str]:
    """Return the models that differ from another one before them in the width of their bag of words alone, and that other.

    Such models are one and the same training, read in two ways; their settings and their kind tell so, not their names.
    """
    kinds = run.models.groupby("model")["kind"].first()
    found: dict[str, str] = {}
    seen: dict[tuple[str, frozenset[tuple[str, str]]], tuple[str, str]] = {}
    settings = {
        str(model): dict(zip(part["setting"], part["value"], strict=True)) for model, part in run.settings.groupby("model")
    }
    for model in [*run.trained, *run.controls]:
        width = settings.get(model, {}).pop(REACH, None)
        if width is None or model not in kinds:
            continue
        first, its_width = seen.setdefault((str(kinds[model]), frozenset(settings[model].items())), (model, width))
        if width != its_width:
            found[model] = first
    return found


def _by_construction(run: Run, scores: pd.DataFrame) -> list[str]:
    """Say what the lines of bags of words are by construction, and how wide each of these bags is."""
    bags = set(scores.loc[scores["view"].isin(BAGS), "model"])
    reach = run.settings[(run.settings["setting"] == REACH) & run.settings["model"].isin(bags)]
    if reach.empty:
        return []
    widths = run.in_order(reach.assign(value=reach["value"].astype(int))).groupby("value", sort=True)["model"].agg(list)
    told = "; ".join(f"{width} words for {join(models)}" for width, models in widths.items())
    shapes = {
        "distance": "flat up to its width and at chance beyond (telling word)",
        "within": "level beyond its width (window)",
    }
    drawn = join([text for stem, text in shapes.items() if (scores["stem"] == stem).any()])
    return [
        f"By construction, no finding: a bag of the words around ({' or '.join(BAGS)}) cannot tell distances within its width "
        f"apart, nor see beyond it, so that its line is {drawn}. The height of a flat line says how well words are known, not "
        f"how far a model reaches. Width on each side: {told}."
    ]


def _words_seen(run: Run, scores: pd.DataFrame) -> list[str]:
    """Say how many words each model has seen in training, repeated passes counted."""
    models = run.models[run.models["model"].isin(scores["model"]) & ~run.models["model"].isin(run.from_files)]
    models = run.in_order(models[models["words_seen"] > 0])
    seen = models.groupby("model", sort=False)["words_seen"].mean().map(millions)
    if seen.empty:
        return []
    told = "; ".join(f"{words} for {join(list(seen.index[seen == words]))}" for words in seen.unique())
    return [f"Seen in training, every pass counted: {told}." + (" The budgets are not equal." if seen.nunique() > 1 else "")]


@mpl.rc_context(STYLE)
def draw(scores: pd.DataFrame, look: Mapping[str, Look], same: Mapping[str, str]) -> Figure:
    """Draw accuracy by distance: a panel per task, a line per model.

    Parameters
    ----------
    scores : DataFrame
        ``model, view, task, stem, at, value, low, high, chance, metric``.
    look : mapping of str to Look
    same : mapping of str to str
        As of ``readings``: who has the colour of whom, with dashes.
    """
    groups = [(str(task), str(stem), part) for (task, stem), part in scores.groupby(["task", "stem"], sort=False)]
    figure, axes = panels(len(groups), width=4.6, height=3.9, columns=3)
    for axis, (task, stem, part) in zip(axes, groups, strict=True):
        _lines(axis, part, look, same)
        axis.set_title(spell(task))
        axis.set_xlabel(AXES[stem])
        axis.set_ylabel(spell(str(part["metric"].iloc[0])))
    legend(figure, axes)
    return figure


def _lines(axis: Axes, scores: pd.DataFrame, look: Mapping[str, Look], same: Mapping[str, str]) -> None:
    """Draw the lines of one task; a second reading of the same vectors has the colour of the first, with dashes."""
    models = [model for model in look if model in set(scores["model"])]
    shifts = 2.0 ** np.linspace(-WIDTH / 2, WIDTH / 2, len(models)) if len(models) > 1 else np.ones(1)
    for model, shift in zip(models, shifts, strict=True):
        mine = scores[scores["model"] == model].sort_values("at")
        kin = same.get(model)
        axis.errorbar(
            mine["at"] * shift,
            mine["value"],
            yerr=whiskers(mine),
            marker=look[kin or model].marker,
            markersize=4.5,
            markerfacecolor="white" if kin else look[model].colour,
            color=look[kin or model].colour,
            linestyle="--" if kin else "-",
            linewidth=1.4,
            elinewidth=0.7,
            label=f"{model}, {mine['view'].iloc[0]}",
        )
    axis.axhline(scores["chance"].median(), color="black", linestyle=":", linewidth=1, label="chance")
    distances = sorted(scores["at"].unique())
    axis.set_xscale("log", base=2)
    axis.set_xticks(distances, [f"{distance:.0f}" for distance in distances])
    axis.xaxis.set_minor_locator(NullLocator())
    axis.grid(axis="y", color="#e3e5e8")


def tables(run: Run, scores: pd.DataFrame) -> list[Table]:
    """Return a table for each task: models by distances, and beside them what was asked without any distance."""
    found = []
    for place, ((task, stem), part) in enumerate(scores.groupby(["task", "stem"], sort=False), 1):
        metric = part["metric"].iloc[0]
        whole = run.scores[(run.scores["task"] == task) & (run.scores["metric"] == metric) & run.scores["headline"]]
        whole = over_seeds(whole[(whole["split"] == "test") & ~whole["question"].str.contains(": ")])
        views = dict(zip(part["model"], part["view"], strict=True))
        rows = [
            Heading({"model": model}, model, views[model], quiet=model in run.controls)
            for model in [*run.trained, *run.controls]
            if model in views
        ]
        columns = [Heading({"question": f"{stem}: {at:.0f}"}, f"{at:.0f}") for at in sorted(part["at"].unique())]
        columns += [
            Heading({"question": question}, spell(question)) for question in whole["question"].unique() if question != stem
        ]
        caption = (
            f"{spell(str(task)).capitalize()}: {spell(str(metric))}, by {AXES[str(stem)]}, headline views, 95 % intervals, "
            "items that the view has a vector for (n) and their share (coverage)."
        )
        corner = Corner("model", "view")
        found.append(grid(f"distance-{place}", caption, pd.concat([part, whole]), rows, columns, corner=corner))
    return found
