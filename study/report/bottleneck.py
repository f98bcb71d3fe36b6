"""How much of a sentence comes through to be said again, by its length, and how fast each model learned to say it.

An encoder that hands over one vector, however long the sentence, is a bottleneck: long sentences suffer. One that hands over all
its states, for the decoder to weigh by attention, is none. A recurrent network trains serially, word after word; a Transformer
takes all words of a sentence in parallel. What the caption says of a model is read off the run: how far its training came, what
it was told of places, and on what machine it was timed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
UNTRAINED = {"RecurrentReconstruction": "untrained RNN", "TransformerReconstruction": "untrained transformer"}
FALLING = 0.05
"""Nats a word between the last two looks at the development part: where the loss fell by more, the training was not done."""
PLACES = {
    "rotary": (
        "is told by rotary places, in cross-attention too, how far apart the place it says and each place it reads are; what is "
        "to be said always stands at the same distance, so it can copy by index, a help that an RNN with attention lacks"
    ),
    "learned": (
        "has a learned vector of each place added to the words and has to find out itself which place answers to which; where it "
        "says less than with rotary places, that is what their help is worth"
    ),
}
"""What a caption says of a Transformer by its kind of positions."""


def section(run: Run, look: Mapping[str, Look], album: Album) -> Section:
    """Return the section on reconstruction; without such models it is empty."""
    if run.reconstruction.empty:
        return Section(TITLE)
    lengths, speeds = by_length(run), speed(run)
    caption = (
        "Share of the known words of development sentences said right, place by place, by the sentence’s length, with 95 % "
        "intervals over sentences: after the model’s own words (from what its encoder handed over, alone), and after the right "
        "words. For its own words it is told how many to say, and where the sentence has an unknown word: there it goes on from "
        "the unknown symbol, and nothing is counted. Right: words read per second of training, word after word (serial) or all "
        "words of a sentence at once (parallel)."
    )
    last = falling(run.curves, list(speeds["model"].unique()))
    parts = [caption, machine(speeds), unfinished(last), places(run, speeds)]
    figures = album.add("reconstruction", " ".join(filter(None, parts)), draw(lengths, speeds, look))
    falls = last["validation_loss"]
    short = [f"Not trained out: {', '.join(falls.index[-falls > FALLING])}."] if (-falls > FALLING).any() else []
    answer = " ".join(filter(None, [told(lengths), *short, pace(speeds)]))
    return Section(TITLE, figures, [speed_table(speeds)], [length_table(lengths)], answer)


def by_length(run: Run) -> pd.DataFrame:
    """Return each model's shares by length, averaged over seeds, whose spread widens the intervals.

    Each half of an interval is ``sqrt(h² + (t s / √k)²)``, as for scores (``study.report.comparison.over_seeds``), and ends at 0
    and 1, as shares do.

    Returns
    -------
    DataFrame
        ``model, name, measure, shortest, longest, sentences, words, value, low, high``; ``name`` is what a reader is told, such
        as "untrained transformer"; ``measure`` is one of ``MEASURES``, or ``frequent``, which is the same for all models.
    """
    parts = []
    for measure in (*MEASURES, "frequent"):
        value, low, high = (run.reconstruction[f"{measure}{end}"] for end in ("", "_low", "_high"))
        parts.append(run.reconstruction.assign(measure=measure, value=value, below=value - low, above=high - value))
    kinds = run.models[run.models["model"] == "untrained"].set_index("model")["kind"]
    names = {model: UNTRAINED.get(kind, model) for model, kind in kinds.items()}
    rows = run.in_order(pd.concat(parts)).assign(name=lambda rows: rows["model"].replace(names))
    groups = rows.groupby(["model", "name", "measure", "shortest", "longest"], sort=False)
    kept = groups[["sentences", "words", "value", "below", "above"]].mean()
    wide = widened(kept, groups["value"].std(ddof=1), groups["value"].count()).reset_index()
    return wide.assign(low=wide["low"].clip(lower=0.0), high=wide["high"].clip(upper=1.0))


def speed(run: Run) -> pd.DataFrame:
    """Return the speed and cost of each training; ``reads`` says whether serial or parallel, word after word or all at once."""
    models = run.in_order(run.models[run.models["model"].isin(run.reconstruction["model"]) & (run.models["words_seen"] > 0)])
    models = models.assign(reads=models["kind"].map(READS).fillna(""))
    columns = ["model", "seed", "reads", "words_seen", "words_per_second", "training_seconds", "operations_per_word"]
    return models[[*columns, "threads", "device"]].reset_index(drop=True)


def machine(speeds: pd.DataFrame) -> str:
    """Say on what the models were timed, and what work a word is to each."""
    ways = speeds[["device", "threads"]].drop_duplicates()
    timed = [f"{on}, {count(n)} thread{'s' * (n != 1)}" for on, n in zip(ways["device"], ways["threads"], strict=True)]
    work = speeds.dropna(subset="operations_per_word").groupby("model", sort=False)["operations_per_word"].mean() / 1e6
    each = [f"{model} {number(millions, 1)}" for model, millions in work.items()]
    told = [f"Timed on {' or '.join(timed)}."] if timed else []
    told += [f"Millions of operations a word, in products of matrices: {', '.join(each)}."] if each else []
    return " ".join(told)


def unfinished(last: pd.DataFrame) -> str:
    """Say which models were not trained out: their validation loss still fell by more than ``FALLING`` (see ``falling``)."""
    if last.empty:
        return ""
    since = f"in the last {number(last['words_seen'].mean() / 1e6, 2)} million words, between the last two looks"
    falls = [f"{model} ({number(-fall, 2)})" for model, fall in last["validation_loss"].items() if -fall > FALLING]
    if not falls:
        return f"No model’s validation loss still fell by more than {FALLING} nats a word {since}; the rate ends at 0."
    return (
        f"Not trained out: {', '.join(falls)}. By so many nats a word, more than {FALLING}, the validation loss still fell "
        f"{since}: such a line shows short training as well as a bottleneck. As the rate ends at 0, a small fall is no proof "
        "of long enough training."
    )


def falling(curves: pd.DataFrame, models: Sequence[str]) -> pd.DataFrame:
    """Return by how much the validation loss rose between the last two looks, and the words between them.

    A model a row, the mean over its seeds; without two looks none.
    """
    looks = curves[curves["model"].isin(models)].dropna(subset="validation_loss")
    looked = ["words_seen", "validation_loss"]
    looks[looked] = looks.groupby(["model", "seed"])[looked].diff()
    return looks.groupby(["model", "seed"], sort=False)[looked].last().groupby("model", sort=False).mean().dropna()


def places(run: Run, speeds: pd.DataFrame) -> str:
    """Say what each Transformer is told of places."""
    parallel = speeds.loc[speeds["reads"] == "parallel", "model"]
    mine = run.settings[run.settings["model"].isin(parallel) & (run.settings["setting"] == "positions")]
    told = run.in_order(mine[mine["value"].isin(list(PLACES))])
    return " ".join(f"{model} {PLACES[str(kind)]}." for model, kind in zip(told["model"], told["value"], strict=True))


def told(lengths: pd.DataFrame) -> str:
    """Say how far each trained model falls from the shortest to the longest sentences, and where the floor then is."""
    rows = lengths[(lengths["measure"] == "generated") & ~lengths["name"].isin(UNTRAINED.values())]
    short, long = rows["longest"].min(), rows["longest"].max()
    if short == long:
        return ""
    falls = []
    for model, mine in rows.groupby("name", sort=False):
        ends = [mine.loc[mine["longest"] == end, "value"] for end in (short, long)]
        if all(map(len, ends)):
            falls.append(f"{model} from {number(ends[0].iloc[0], 2)} to {number(ends[1].iloc[0], 2)}")
    named = [_range(*rows.loc[rows["longest"] == end, ["shortest", "longest"]].iloc[0]) for end in (short, long)]
    floors = [("always the most frequent word", lengths[lengths["measure"] == "frequent"])]
    bare = lengths[(lengths["measure"] == "generated") & lengths["name"].isin(UNTRAINED.values())]
    floors += [(f"the {name}", mine) for name, mine in bare.groupby("name", sort=False)]
    ends = [f"{name} {number(mine.loc[mine['longest'] == long, 'value'].mean(), 2)}" for name, mine in floors]
    return (
        f"Share of words said right after its own words, from sentences of {named[0]} words to those of {named[1]}: "
        f"{', '.join(falls)}; of the latter {', '.join(ends)}."
    )


def pace(speeds: pd.DataFrame) -> str:
    """Say how many words a second each model reads in training, and how."""
    means = speeds.dropna(subset="words_per_second").groupby(["model", "reads"], sort=False)["words_per_second"].mean()
    table = means.reset_index()
    said = [f"{model} {count(pace)} ({how})" for model, how, pace in table.itertuples(index=False)]
    return f"Words a second in training: {', '.join(said)}." if said else ""


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
        axis.plot(middle, mine["value"], marker=shown.marker, color=shown.colour, label=mine["name"].iloc[0])
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
    numbers = ["words_seen", "words_per_second", "training_seconds", "operations_per_word", "threads"]
    groups = speeds.groupby("model", sort=False)
    frame = groups[numbers].mean().reset_index()
    frame.insert(1, "reads", groups["reads"].first().to_numpy())
    frame["device"] = groups["device"].first().to_numpy()
    formats = dict.fromkeys(numbers, count) | {"training_seconds": duration}
    caption = (
        "How fast each model read in training: word after word (serial) or all words of a sentence at once (parallel). To say a "
        "sentence of its own, each goes word by word. Operations are those of products of matrices, there and back. By the "
        "clock: what else the machine did meanwhile slows it."
    )
    return listing("reconstruction-speed", caption, frame, formats)


def length_table(lengths: pd.DataFrame) -> Table:
    """Return each model's shares by length with their intervals, and the floor."""
    lengths, keys = lengths.drop(columns="model").rename(columns={"name": "model"}), ["model", "shortest", "longest"]
    wide = lengths.pivot_table(index=keys, columns="measure", values=["value", "low", "high"], sort=False)
    counts = lengths[lengths["measure"] == "frequent"].set_index(keys)[["sentences", "words"]]
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
