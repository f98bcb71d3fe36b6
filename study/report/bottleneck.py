"""How much of a sentence comes through to be said again, by its length, and how fast each model learned to say it.

An encoder that hands over one vector, however long the sentence, is a bottleneck: long sentences suffer. One that hands over all
its states, for the decoder to weigh by attention, is none. A recurrent network trains serially, word after word; a Transformer
takes all words of a sentence in parallel.
"""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from study.report.album import Album, Section
from study.report.comparison import widened
from study.report.plot import RULE, STYLE, Look, legend, panels
from study.report.run import Run
from study.report.table import Table, count, duration, interval, listing, number

TITLE = "Reconstruction by sentence length"
MEASURES = {"generated": "said after its own words", "forced": "said after the right words"}
FLOOR = "always the most frequent word"
READS = {"RecurrentReconstruction": "serial", "TransformerReconstruction": "parallel"}
"""How a kind of model takes the words of a sentence while it trains."""


def section(run: Run, look: Mapping[str, Look], album: Album) -> Section:
    """Return the section on reconstruction; without such models it is empty."""
    if run.reconstruction.empty:
        return Section(TITLE)
    lengths, speeds = by_length(run), speed(run)
    caption = (
        "Share of the known words of development sentences said right, place by place, by the sentence’s length, with 95 % "
        "intervals over sentences: after the model’s own words, from what its encoder handed over alone, and after the right "
        "words. Black: always the most frequent word; grey: without training. Right: words read per second of training, word "
        f"after word (serial) or all words of a sentence at once (parallel). {told(lengths)}"
    )
    figures = album.add("reconstruction", caption, draw(lengths, speeds, look))
    return Section(TITLE, figures, [speed_table(speeds)], [length_table(lengths)])


def by_length(run: Run) -> pd.DataFrame:
    """Return each model's shares by length, averaged over seeds, whose spread widens the intervals.

    Each half of an interval is ``sqrt(h² + (t s / √k)²)``, as for scores (``study.report.comparison.over_seeds``).

    Returns
    -------
    DataFrame
        ``model, measure, shortest, longest, sentences, words, value, low, high``; ``measure`` is one of ``MEASURES``, or
        ``frequent``, which is the same for all models.
    """
    parts = []
    for measure in (*MEASURES, "frequent"):
        value, low, high = (run.reconstruction[f"{measure}{end}"] for end in ("", "_low", "_high"))
        parts.append(run.reconstruction.assign(measure=measure, value=value, below=value - low, above=high - value))
    groups = run.in_order(pd.concat(parts)).groupby(["model", "measure", "shortest", "longest"], sort=False)
    kept = groups[["sentences", "words", "value", "below", "above"]].mean()
    return widened(kept, groups["value"].std(ddof=1), groups["value"].count()).reset_index()


def speed(run: Run) -> pd.DataFrame:
    """Return the speed and cost of each training; ``reads`` says whether serial or parallel, word after word or all at once."""
    models = run.in_order(run.models[run.models["model"].isin(run.reconstruction["model"]) & (run.models["words_seen"] > 0)])
    models = models.assign(reads=models["kind"].map(READS).fillna(""))
    columns = ["model", "seed", "reads", "words_seen", "words_per_second", "training_seconds", "threads", "device"]
    return models[columns].reset_index(drop=True)


def told(lengths: pd.DataFrame) -> str:
    """Say how far each model falls from the shortest to the longest sentences."""
    rows = lengths[lengths["measure"] == "generated"]
    short, long = rows["longest"].min(), rows["longest"].max()
    if short == long:
        return ""
    falls = []
    for model, mine in rows.groupby("model", sort=False):
        ends = [mine.loc[mine["longest"] == end, "value"] for end in (short, long)]
        if all(map(len, ends)):
            falls.append(f"{model} from {number(ends[0].iloc[0], 2)} to {number(ends[1].iloc[0], 2)}")
    named = [_range(*rows.loc[rows["longest"] == end, ["shortest", "longest"]].iloc[0]) for end in (short, long)]
    return f"After its own words, from sentences of {named[0]} words to those of {named[1]}: {', '.join(falls)}."


def _range(shortest: float, longest: float) -> str:
    return f"{shortest:.0f}–{longest:.0f}"


@mpl.rc_context(STYLE)
def draw(lengths: pd.DataFrame, speeds: pd.DataFrame, look: Mapping[str, Look]) -> Figure:
    """Draw shares against length, a panel per measure, and beside them the speeds.

    Parameters
    ----------
    lengths, speeds : DataFrame
        See ``by_length`` and ``speed``.
    look : mapping of str to Look
    """
    shown = bool(speeds["words_per_second"].notna().any())
    figure, axes = panels(len(MEASURES) + shown, width=3.6, height=3.2, columns=3)
    for axis, (measure, name) in zip(axes, MEASURES.items(), strict=False):
        _lines(axis, lengths[lengths["measure"] == measure], look)
        floor = lengths[lengths["measure"] == "frequent"].groupby(["shortest", "longest"])["value"].mean().reset_index()
        axis.plot(floor[["shortest", "longest"]].mean(axis=1), floor["value"], color="black", linestyle=":", label=FLOOR)
        axis.set_title(name)
        axis.set_xlabel("words of the sentence")
        axis.set_ylim(-0.02, 1.02)
        axis.set_xlim(left=0)
        axis.grid(axis="y", color="#e3e5e8")
    axes[0].set_ylabel("share of words right")
    if shown:
        _bars(axes[-1], speeds, look)
    legend(figure, axes[: len(MEASURES)])
    return figure


def _lines(axis: Axes, rows: pd.DataFrame, look: Mapping[str, Look]) -> None:
    for model, mine in rows.groupby("model", sort=False):
        shown, middle = look[str(model)], mine[["shortest", "longest"]].mean(axis=1)
        axis.plot(middle, mine["value"], marker=shown.marker, color=shown.colour, label=str(model))
        axis.fill_between(middle, mine["low"], mine["high"], color=shown.colour, alpha=0.15, linewidth=0)


def _bars(axis: Axes, speeds: pd.DataFrame, look: Mapping[str, Look]) -> None:
    """Draw the mean speed of each model, and the speed of each of several seeds as a point."""
    models = list(dict.fromkeys(speeds["model"]))
    widest = speeds["words_per_second"].max()
    for place, model in enumerate(reversed(models)):
        mine = speeds[speeds["model"] == model]
        mean = mine["words_per_second"].mean()
        axis.barh(place, mean, color=look[model].colour, height=0.55)
        axis.text(mean + 0.02 * widest, place, f"{count(mean)}\n{mine['reads'].iloc[0]}", va="center", fontsize=8)
        if len(mine) > 1:
            axis.scatter(mine["words_per_second"], [place] * len(mine), color="black", s=8, zorder=3)
    axis.set_yticks(range(len(models)), [name.replace("_", "\n") for name in reversed(models)])
    axis.set_xlim(0, 1.35 * widest)
    axis.set_xticks([])
    axis.spines["bottom"].set_visible(False)
    axis.axvline(0, color=RULE, linewidth=1)
    axis.set_title("words per second of training")


def speed_table(speeds: pd.DataFrame) -> Table:
    """Return what each model's training cost, means over seeds."""
    numbers = ["words_seen", "words_per_second", "training_seconds", "threads"]
    groups = speeds.groupby("model", sort=False)
    frame = groups[numbers].mean().reset_index()
    frame.insert(1, "reads", groups["reads"].first().to_numpy())
    frame["device"] = groups["device"].first().to_numpy()
    formats = dict.fromkeys(["words_seen", "words_per_second", "threads"], count) | {"training_seconds": duration}
    caption = (
        "How fast each model read in training: word after word (serial) or all words of a sentence at once (parallel). To say a "
        "sentence of its own, each goes word by word. By the clock: what else the machine did meanwhile slows it."
    )
    return listing("reconstruction-speed", caption, frame, formats)


def length_table(lengths: pd.DataFrame) -> Table:
    """Return each model's shares by length with their intervals, and the floor."""
    wide = lengths.pivot_table(
        index=["model", "shortest", "longest"], columns="measure", values=["value", "low", "high"], sort=False
    )
    counts = lengths[lengths["measure"] == "frequent"].set_index(["model", "shortest", "longest"])[["sentences", "words"]]
    frame = pd.DataFrame({"length": [_range(*key[1:]) for key in wide.index]}, index=wide.index).join(counts)
    for measure, name in MEASURES.items():
        frame[name] = wide["value", measure]
        ends = zip(wide["low", measure], wide["high", measure], strict=True)
        frame[f"{name}: 95 % interval"] = [interval(*both) for both in ends]
    frame[FLOOR] = wide["value", "frequent"]
    frame = frame.reset_index().drop(columns=["shortest", "longest"])
    formats = {"sentences": count, "words": count, FLOOR: number} | dict.fromkeys(MEASURES.values(), number)
    caption = "Share of known words said right by the length of the sentence, words."
    return listing("reconstruction-lengths", caption, frame, formats)
