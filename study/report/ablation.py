"""What each part of a model is worth: models with one part taken out or exchanged against the whole model, the reference.

Every figure is the paired difference ``part taken out − whole``. Its scale is what training gave the whole model at all,
``whole − untrained``: where a task could hardly detect even that (``minimum_detectable_effect``), it says nothing of a part, and
the figure says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from study.report.album import Album, Section
from study.report.parts import KEYS, LOSS, UNTRAINED, by_task, corrected, differences, judged, losses, scale
from study.report.plot import RULE, STYLE, Look, panels
from study.report.run import Run
from study.report.table import DASH, Cell, Row, Table, count, interval, number, percent, probability, signed, spell

TITLE = "What each part is worth"
MEASURES = {"similarity": "similarity", "polysemy": "senses", "probing": "probes", LOSS: "validation loss"}
LITTLE = 0.2
"""Share of what training gains the whole model in loss; of a model that gains less it shows how slowly it learns."""


def section(run: Run, look: Mapping[str, Look], album: Album) -> Section:
    """Return the section on parts; without a reference among the models, or others beside it, it is empty."""
    reference = run.facts.get("report", {}).get("reference")
    parts = [model for model in run.trained if model != reference]
    if reference not in run.trained or not parts:
        return Section(TITLE)
    rows = pd.concat([differences(run, reference), losses(run, reference)], ignore_index=True)
    rows = judged(corrected(rows[rows["part"].isin([*parts, UNTRAINED])]), verdicts=run.verdicts)
    figures = album.add("ablation", _caption(run, rows, reference, parts), forest(rows, parts, look[reference]))
    return Section(TITLE, figures, [ablation_table(run, rows, reference, parts)], answer=answer(run, rows, reference))


def answer(run: Run, rows: pd.DataFrame, reference: str) -> str:
    """Say what each part costs in loss, of what training gains the whole, who hardly learned, and what is shown on tasks.

    Parameters
    ----------
    run : Run
    rows : DataFrame
        As of ``judged``.
    reference : str
    """
    told, loss = [], rows[rows["family"] == LOSS].set_index("part")
    gained = loss["difference"].get(UNTRAINED, np.nan)
    if gained > 0 and len(loss) > 1:
        shares = (loss.drop(UNTRAINED)[["difference", "low", "high"]] / gained).sort_values("difference", ascending=False)
        slow, other = slow_parts(rows), other_contexts(run, reference, [str(part) for part in shares.index])
        said = [
            f"{spell(str(part))} {percent(row['difference'])}{_range(row['low'], row['high'])}"
            for part, row in shares.drop([*slow, *other], errors="ignore").iterrows()
        ]
        told.append(f"Training gains the whole {number(gained)} nats a word in loss.")
        gone = "Of that so much is gone with a part taken out or exchanged (below 0: more is gained)"
        told += [f"{gone}: {', '.join(said)}."] if said else []
        told += [f"Hardly learned, in as many words: {', '.join(map(spell, slow))}."] if slow else []
        told += [f"Of words in another context, and so left out: {', '.join(map(spell, other))}."] if other else []
    tasks = rows[(rows["family"] != LOSS) & (rows["part"] != UNTRAINED)]
    for key, mine in by_task(tasks[tasks["found"]].sort_values("difference", kind="stable")):
        said = [
            f"{spell(row['part'])} {signed(row['difference'])} ({interval(row['low'], row['high'])})"
            for row in mine.to_dict("records")
        ]
        told.append(f"A difference is shown on {_title(key, rows)}: {', '.join(said)}.")
    if run.verdicts and len(tasks) and not tasks["found"].any():
        told.append("On no task is a difference shown.")
    return " ".join(told)


def _range(low: float, high: float) -> str:
    """Write the interval of a share; nothing where there is none."""
    return f" ({percent(low)} to {percent(high)})" if np.isfinite(low) else ""


def _caption(run: Run, rows: pd.DataFrame, reference: str, parts: Sequence[str]) -> str:
    caption = (
        f"Every row is {reference} with one part taken out or exchanged, minus {reference} whole, after equal numbers of words "
        "seen, with 95 % intervals; left of the line: worse without the part (the axis of the loss is reversed). Dashed: without "
        "any training. Above each panel is its scale, full minus untrained, and the smallest such difference that would be "
        "detected; a grey panel’s scale is below that. "
    )
    if run.verdicts:
        caption += "Filled: p below 0.05 after Holm’s correction over all parts of a family, in no grey panel. "
    else:
        why = "one training of each" if run.seeds == 1 else "a demonstration"
        caption += f"All marks are hollow: {why} gives no verdict, and an interval without zero is none. "
    caption += f"All rows lean on the same {'training' if run.seeds == 1 else 'trainings'} of {reference}. "
    caption += "Intervals are over items only, and the loss has none. " if run.seeds == 1 else ""
    models = [reference, *parts]
    said = [*_budget(run, models), *_rates(run, models), *_slow(rows), *_contexts(run, reference, parts)]
    said += [*_sizes(run, reference, parts), *_views(run, models)]
    return (caption + " ".join(said)).strip()


def _budget(run: Run, models: Sequence[str]) -> list[str]:
    """Say how many words each model read, and how much of the corpus's training part that is."""
    read = run.models.loc[run.models["model"].isin(models), "words_seen"]
    training = run.facts.get("corpus", {}).get("parts", {}).get("training", {}).get("words", 0)
    if read.empty or not training:
        return []
    least, most = count(read.min()), count(read.max())
    share = read.max() / training
    part = f"{100 * share:.1f}\N{NO-BREAK SPACE}% of" if share < 1 else f"{share:.1f} times"
    return [f"Each model read {least if least == most else f'{least} to {most}'} words, {part} the training part."]


def _rates(run: Run, models: Sequence[str]) -> list[str]:
    """Say that all models have one learning rate, which need not suit each of them; or that they have several."""
    rates = run.settings.loc[(run.settings["setting"] == "rate") & run.settings["model"].isin(models), "value"].unique()
    if len(rates) == 1:
        return [f"All share one highest learning rate, {rates[0]}: what a part costs is what it costs at this rate."]
    return ["The learning rates differ."] if len(rates) else []


def slow_parts(rows: pd.DataFrame) -> list[str]:
    """Return the models that have gained little in loss over their start, which is what the frequencies of words tell."""
    found = rows[rows["family"] == LOSS].set_index("part")["difference"]
    gained = found.get(UNTRAINED, np.nan)
    return [str(part) for part, behind in found.items() if part != UNTRAINED and gained - behind < LITTLE * gained]


def other_contexts(run: Run, reference: str, parts: Sequence[str]) -> list[str]:
    """Return the models whose loss is that of other text than the whole's: of words that see no more than their sentence."""
    told = run.settings[run.settings["setting"] == "context"].set_index("model")["value"]
    return [part for part in parts if part in told and told[part] != told.get(reference)]


def _slow(rows: pd.DataFrame) -> list[str]:
    """Name the models that have hardly learned."""
    slow = [spell(part) for part in slow_parts(rows)]
    if not slow:
        return []
    return [
        f"In loss, these have gained less than {percent(LITTLE)} of what the whole has over its start, which knows the "
        f"frequencies of words alone: {', '.join(slow)}. Their rows show how slowly they learn, not what the part is worth to "
        "who trains longer."
    ]


def _contexts(run: Run, reference: str, parts: Sequence[str]) -> list[str]:
    """Name the models whose loss is of words in another context."""
    other = [spell(part) for part in other_contexts(run, reference, parts)]
    return [f"The loss of {', '.join(other)} is of words that see another context than the whole’s."] if other else []


def _views(run: Run, models: Sequence[str]) -> list[str]:
    """Say which views stand for the models where they differ."""
    heads = run.scores[run.scores["headline"] & run.scores["main"] & run.scores["model"].isin(models)]
    found = []
    for level, rows in heads[heads["level"] != "hidden"].groupby("level", sort=False):
        by_view = rows.drop_duplicates("model").groupby("view", sort=False)["model"].apply(lambda names: [*map(spell, names)])
        usual = max(by_view.index, key=lambda view: len(by_view[view]))
        others = [f"{view} of {', '.join(names)}" for view, names in by_view.items() if view != usual]
        place = "words in their places" if level == "target" else f"a {level}"
        found += [f"Asked of {place}, the headline view is {usual}, but {'; '.join(others)}."] if others else []
    return found


def _parameters(run: Run) -> dict[str, float]:
    """Return the number of parameters of each model that has any."""
    sizes = run.models.groupby("model")["parameters"].mean()
    return {str(model): size for model, size in sizes.items() if size > 0}


def _sizes(run: Run, reference: str, parts: Sequence[str]) -> list[str]:
    """Say which parts, taken out or exchanged, change the number of parameters most."""
    sizes = _parameters(run)
    sizes = {model: sizes[model] for model in (reference, *parts) if model in sizes}
    if reference not in sizes or len(set(sizes.values())) < 2:
        return []
    ends = (choose(sizes, key=lambda model: sizes[model]) for choose in (min, max))
    least, most = (f"{spell(end)} {count(sizes[end])}" for end in ends)
    return [f"Sizes differ: {count(sizes[reference])} parameters for {reference} whole, from {least} to {most}."]


def _title(key: Sequence[str], rows: pd.DataFrame) -> str:
    """Name a task by what it measures, its own name, and its question where it has several."""
    family, task, question, _ = key
    if family == LOSS:
        return MEASURES[LOSS]
    several = rows.loc[rows["task"] == task, "question"].nunique() > 1
    return f"{MEASURES.get(family, spell(family))}: {spell(task)}{f', {spell(question)}' if several else ''}"


@mpl.rc_context(STYLE)
def forest(rows: pd.DataFrame, parts: Sequence[str], look: Look) -> Figure:
    """Draw a panel per task, a row per part and, last, the model without training.

    Parameters
    ----------
    rows : DataFrame
        As of ``judged``.
    parts : sequence of str
        From top to bottom.
    look : Look
        Of the parts; what is without training is grey.
    """
    order = [*parts, *([UNTRAINED] if (rows["part"] == UNTRAINED).any() else [])]
    groups = by_task(rows)
    figure, axes = panels(len(groups), width=3.5, height=1.2 + 0.22 * len(order), columns=3)
    for place, (axis, (key, mine)) in enumerate(zip(axes, groups, strict=True)):
        full, text, unreadable = scale(mine)
        _marks(axis, mine.set_index("part"), order, look)
        axis.axvline(0, color="black", linewidth=1)
        axis.axvline(-full, color=RULE, linestyle="--") if np.isfinite(full) else None
        axis.set_facecolor("#e9eaec" if unreadable else "white")
        axis.set_title(f"{_title(key, rows)}\n", loc="left")
        axis.text(0, 1.02, text, transform=axis.transAxes, fontsize=7.5, color="#b00020" if unreadable else "#444444")
        axis.set_xlabel("difference in nats, reversed" if key[0] == LOSS else f"difference in {spell(key[3])}")
        axis.invert_xaxis() if key[0] == LOSS else None
        axis.set_yticks(range(len(order), 0, -1), list(map(spell, order)) if place % 3 == 0 else [""] * len(order))
        axis.set_ylim(0.4, len(order) + 0.6)
        axis.grid(axis="x", color="#e3e5e8")
        axis.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    return figure


def _marks(axis: Axes, rows: pd.DataFrame, order: Sequence[str], look: Look) -> None:
    """Draw one row per part, every second one on a band; filled where a difference is found."""
    for place, part in enumerate(order):
        height = len(order) - place
        if place % 2 == 0:
            axis.axhspan(height - 0.5, height + 0.5, color=RULE, alpha=0.12, linewidth=0, zorder=0)
        if part not in rows.index:
            axis.text(0.02, height, DASH, transform=axis.get_yaxis_transform(), va="center")
            continue
        row, colour = rows.loc[part], "black" if part == UNTRAINED else look.colour
        bars = np.nan_to_num([[row["difference"] - row["low"]], [row["high"] - row["difference"]]])
        face = colour if row["found"] else "white"
        axis.errorbar(
            row["difference"], height, xerr=bars, fmt=look.marker, color=colour, markerfacecolor=face, markersize=5, capsize=2
        )


def ablation_table(run: Run, rows: pd.DataFrame, reference: str, parts: Sequence[str]) -> Table:
    """Return what each part costs on every task and in loss: the whole model's own figures, then differences with intervals.

    Beside each stands how many parameters the model has.

    Models whose training failed are named, with the reason.
    """
    keys = [key for key, _ in by_task(rows)]
    sizes = _parameters(run)
    header = [Cell("part", "taken out or exchanged"), Cell("parameters", number=True)]
    header += [Cell(_title(key, rows), "nats, lower is better" if key[0] == LOSS else spell(key[3]), number=True) for key in keys]
    lines = [Row((Cell(reference, "whole"), _size(sizes, reference), *(_whole(run, reference, key) for key in keys)))]
    for part in [*parts, UNTRAINED]:
        mine = rows[rows["part"] == part].set_index(KEYS)
        if len(mine):
            cells = [
                _cell(mine.loc[[key]].iloc[0], run.verdicts) if key in mine.index else Cell(DASH, number=True) for key in keys
            ]
            lines.append(Row((Cell(spell(part)), _size(sizes, part), *cells), quiet=part == UNTRAINED))
    for part, reason in (run.facts.get("failed") or {}).items():
        lines.append(Row((Cell(spell(part), f"failed: {reason}"), *(Cell(DASH, number=True) for _ in header[1:])), quiet=True))
    scales = [f"{_title(key, rows)}: {scale(mine)[1]}" for key, mine in by_task(rows)]
    caption = (
        f"What each part costs: difference to {reference} whole, by headline view on the items all know, with 95 % intervals. "
        f"The scale of each column: {'; '.join(scales)}."
    )
    bold = "p below 0.05 after Holm’s correction over all parts of a family, where the scale is not below the detectable"
    caption += f" Bold: {bold}." if run.verdicts else " No verdicts."
    frame = rows[["part", *KEYS, "difference", "low", "high", "p", "p_holm", "detectable", "found"]]
    frame = frame.assign(parameters=frame["part"].map(sizes))
    return Table("ablation", caption, tuple(header), tuple(lines), frame)


def _size(sizes: Mapping[str, float], model: str) -> Cell:
    return Cell(count(sizes.get(model, np.nan)), number=True)


def _whole(run: Run, reference: str, key: Sequence[str]) -> Cell:
    """Write the reference's own figure: on the items all models know, or its loss, averaged over seeds."""
    if key[0] == LOSS:
        value = run.models.loc[run.models["model"] == reference, "validation_loss"].mean()
    else:
        same = (run.common[["model", *KEYS]] == [reference, *key]).all(axis=1)
        value = run.common.loc[same, "value_common"].mean()
    return Cell(number(value), number=True)


def _cell(row: pd.Series, verdicts: bool) -> Cell:
    note = interval(row["low"], row["high"])
    note += f"\np (Holm) {probability(row['p_holm'])}" if verdicts and np.isfinite(row["p_holm"]) else ""
    return Cell(signed(row["difference"]), note, strong=bool(row["found"]), number=True)
