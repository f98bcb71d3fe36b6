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
from study.report.landmarks import for_good, halfway, landmark_table, told_words
from study.report.pairing import Difference, paired
from study.report.plot import RULE, STYLE, Look, by_task, legend, panels
from study.report.run import Run
from study.report.table import DASH, Table, count, duration, interval, listing, number, probability, signed, spell

TITLE = "How meaning emerges"
AXES = {
    "own_words": "own words read (not annealed before the end)",
    "seconds": "seconds of training (not annealed before the end)",
}
START_AND_BUDGET = ("start", "start_frozen", "words", "epochs", "minutes")
"""Settings in which a model with a start and one without are meant to differ."""
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
    tables = [meeting_table(run, drawn), landmarks] if len(started) else [landmarks]
    answer = worth(meetings(run, drawn), verdicts=run.verdicts) if len(started) else ""
    answer = answer or halfway(drawn)
    return Section(TITLE, figures, tables, [growth_table(curves)], answer)


def worth(starts: pd.DataFrame, *, verdicts: bool) -> str:
    """Say how far each start is ahead, in the end, of what differs from it in its start and its budget alone.

    Parameters
    ----------
    starts : DataFrame
        Of ``meetings``.
    verdicts : bool
        Whether p-values decide.
    """
    parts = []
    for task, rows in starts[starts["apart"] == ""].groupby("task", sort=False):
        said = [
            f"{row['started']} {_ahead(row['end'], row['ahead'], verdicts=verdicts)} over {row['free']}, which had {row['took']}"
            for row in rows.to_dict("records")
        ]
        parts.append(f"{task}: {'; '.join(said)}.")
    if not parts:
        return ""
    judged = "p after Holm’s correction" if verdicts else "no verdicts"
    return f"What a start is worth in the end, by paired differences with 95 % intervals ({judged}). {' '.join(parts)}"


def _ahead(end: Difference | None, ahead: float, *, verdicts: bool) -> str:
    """Write how far a model is ahead, with what is known of that."""
    if end is None:
        return f"{signed(ahead)} (not tested)"
    return f"{signed(end.value)} ({interval(end.low, end.high)}{f', p {probability(end.p)}' if verdicts else ''})"


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


def meetings(run: Run, curves: pd.DataFrame) -> pd.DataFrame:
    """Compare each model that has a start with each of its kind from random vectors, on every task, by headline views.

    Those that have read as many words are compared along their curves too; others, such as one that took as much time as
    another took with its start, at their ends only.

    Returns
    -------
    DataFrame
        ``task``, ``started`` and ``free`` (the two models), ``of`` (whose vectors it starts from), ``took`` (what the free one
        had), ``apart`` (settings in which it differs, beside start and budget), ``before`` and ``ahead`` (how far the started one
        is ahead before training and at the end), ``end`` (the same, paired; None where none was tested), ``within`` (from when on
        the curves lie within their bands), ``words`` and ``seconds`` (of both; words in millions).
    """
    told = run.models.drop_duplicates("model").set_index("model")
    models = [model for model in dict.fromkeys(curves["model"]) if model in told.index]
    pairs = [
        (free, started)
        for started in models
        if told.loc[started, "start"]
        for free in models
        if not told.loc[free, "start"] and told.loc[free, "kind"] == told.loc[started, "kind"]
    ]
    settings, rows = run.settings.pivot(index="setting", columns="model", values="value"), []
    for name, part in by_task(curves[curves["headline"]]):
        heads = {str(model): mine.set_index("moment").sort_index() for model, mine in part.groupby("model", sort=False)}
        for free, started in (pair for pair in pairs if heads.keys() >= set(pair)):
            mine, other = heads[free], heads[started]
            end = paired(run, str(part["family"].iloc[0]), str(part["task"].iloc[0]), started, free)
            found = {"task": name, "started": started, "free": free, "of": told.loc[started, "start"], "end": end}
            found |= {"took": _cost(mine.iloc[-1], other.iloc[-1]), "apart": _otherwise(settings, free, started)}
            found |= {"before": other["value"].iloc[0] - mine["value"].iloc[0]}
            found |= {"ahead": other["value"].iloc[-1] - mine["value"].iloc[-1]}
            found |= {"within": _meeting(mine, other, end if run.verdicts else None)}
            found |= {"words": " and ".join(number(own["own_words"].iloc[-1] / 1e6, 2) for own in (other, mine))}
            found |= {"seconds": " and ".join(count(round(own["seconds"].iloc[-1])) for own in (other, mine))}
            rows.append(found)
    columns = ["task", "started", "free", "of", "took", "apart", "before", "ahead", "end", "within", "words", "seconds"]
    return pd.DataFrame(rows, columns=columns)


def meeting_table(run: Run, curves: pd.DataFrame) -> Table:
    """Return what a start is worth: the rows of ``meetings``."""
    rows = [
        {
            "task": row["task"],
            "start": f"{row['of']}, {row['started']}",
            "against": row["free"],
            "which took": row["took"],
            "and has": row["apart"] or DASH,
            "ahead before training": signed(row["before"]),
            "within their bands": row["within"],
            "ahead at the end": str(row["end"] or signed(row["ahead"])),
            "p (Holm)": probability(row["end"].p) if row["end"] and run.verdicts else DASH,
            "million words": row["words"],
            "seconds": row["seconds"],
        }
        for row in meetings(run, curves).to_dict("records")
    ]
    caption = (
        "What a start is worth: how far it is ahead of starts from random vectors, of one that has read as many words "
        "itself and, where there is one, of one that took at least as much time (‘which took’ tells which is which, ‘and "
        "has’ in what else they differ); after how many words of their own training the two curves stay within their "
        "bands (these are not paired, and wide with few seeds; a dash: not by the end, or not as many words), and the "
        "paired difference at the end, which may be apart where the bands are not. Words and seconds are of both, the seconds "
        "with those of what a model starts from; they hold for the threads that the figure over seconds names."
    )
    return listing("emergence-starts", caption + type_views(curves), pd.DataFrame(rows), {})


def _cost(free: pd.Series, started: pd.Series) -> str:
    """Say what a model from random vectors had, at its end, of what one with a start had."""
    found = ["equal words"] if _equal_words(free, started) else []
    found += ["at least the time"] if free["seconds"] >= started["seconds"] else ["less time"]
    return ", ".join(found)


def _otherwise(settings: pd.DataFrame, free: str, started: str) -> str:
    """Say which settings of a model from random vectors differ from those of one with a start, beside start and budget."""
    wide = settings.reindex(columns=[free, started])
    apart = wide[wide[free] != wide[started]].dropna().drop(index=list(START_AND_BUDGET), errors="ignore")
    return ", ".join(f"{setting}={value}" for setting, value in apart[free].items()) if len(settings) else "settings unknown"


def _equal_words(first: pd.Series, second: pd.Series) -> bool:
    """Tell whether two models have read as many words, but for the last batch."""
    return bool(np.isclose(first["own_words"], second["own_words"], rtol=0.01))


def _meeting(free: pd.DataFrame, started: pd.DataFrame, end: Difference | None) -> str:
    """Say from when on two curves lie within their bands, and where these hide that they end apart."""
    if not _equal_words(free.iloc[-1], started.iloc[-1]):
        return DASH
    gap = started["value"] - free["value"]
    room = np.hypot(np.where(gap > 0, free["high"] - free["value"], free["value"] - free["low"]), _towards(started, gap))
    met = for_good(gap.abs() <= room)
    if met is None:
        return DASH
    told = "throughout" if met == 0 else f"from {told_words(free, met)}"
    return f"{told}; paired, apart at the end" if end is not None and end.found else told


def _towards(other: pd.DataFrame, gap: pd.Series) -> np.ndarray:
    """Return the half of the other curve's interval that points to the first curve."""
    return np.where(gap > 0, other["value"] - other["low"], other["high"] - other["value"])


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
