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
from study.report.caveats import caveats, orderless, other_contexts, parameters, slow_parts
from study.report.parts import KEYS, LOSS, UNTRAINED, by_task, corrected, differences, judged, losses, scale, title
from study.report.plot import RULE, STYLE, Look, panels
from study.report.run import Run
from study.report.table import DASH, Cell, Row, Table, count, interval, number, percent, probability, signed, spell

TITLE = "What each part is worth"
LOST = "So much of that is lost where a part is taken out or exchanged (below 0: more is gained)"
NAMED = 5
"""Parts of which it is told in words what they are worth on a task, those that are worth most; the table holds all."""


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
        every = [str(part) for part in shares.index]
        slow, other, without = slow_parts(rows), other_contexts(run, reference, every), orderless(run, every)
        said = [
            f"{spell(str(part))} {percent(row['difference'])}{_range(row['low'], row['high'])}"
            for part, row in shares.drop([*slow, *other], errors="ignore").iterrows()
        ]
        told.append(f"Training lowers the loss of the whole model by {number(gained)} nats a word.")
        told += [f"{LOST}: {', '.join(said)}."] if said else []
        told += [f"With {', '.join(map(spell, without))} the order of words is lost too."] if without else []
        told += [f"Too slow to tell, in as many words: {', '.join(map(spell, slow))}."] if slow else []
        told += [f"Left out, as its words have another context: {', '.join(map(spell, other))}."] if other else []
    return " ".join([*told, *_shown(run, rows)])


def _shown(run: Run, rows: pd.DataFrame) -> list[str]:
    """Say of each task which differences are shown, those that are largest, or how large one had to be."""
    told = []
    for key, task in by_task(rows[rows["family"] != LOSS]) if run.verdicts else []:
        mine = task[task["found"]].sort_values("difference", key=abs, ascending=False, kind="stable")
        said = [
            f"{spell(row['part'])} {signed(row['difference'])} ({interval(row['low'], row['high'])})"
            for row in mine.head(NAMED).to_dict("records")
        ]
        said += [f"and {len(mine) - NAMED} more (see the table)"] if len(mine) > NAMED else []
        if said:
            told.append(f"A difference is shown on {title(key, rows)}: {', '.join(said)}.")
        else:
            told.append(f"None is shown on {title(key, rows)}{_blind(task)}.")
    return told


def _blind(task: pd.DataFrame) -> str:
    """Say how large a difference on a task, of which these are the rows, had to be; or that the task cannot tell."""
    parts = task.loc[task["part"] != UNTRAINED, "detectable"]
    least, most = parts.min(), parts.max()
    if scale(task)[2]:
        return ", where even what training gains the whole could hardly be detected"
    if not np.isfinite(least):
        return ""
    ends = [number(least)] if number(least) == number(most) else [number(least), number(most)]
    return f"; tested alone, one of {' to '.join(ends)} would be found in four cases of five"


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
        caption += (
            "Filled: p below 0.05 after Holm’s correction over all parts of a family, in no grey panel; the tables of paired "
            "differences further down correct over all pairs of models, which are more, so that less is shown there. "
        )
    else:
        why = "one training of each" if run.seeds == 1 else "a demonstration"
        caption += f"All marks are hollow: {why} gives no verdict, and an interval without zero is none. "
    caption += f"All rows lean on the same {'training' if run.seeds == 1 else 'trainings'} of {reference}. "
    if run.seeds == 1:
        caption += "Intervals are over items only, and the loss has none. "
    else:
        caption += f"Intervals of tasks are over items and seeds, those of the loss over {run.seeds} pairs of trainings alone. "
    return (caption + caveats(run, rows, reference, parts)).strip()


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
        axis.set_title(f"{title(key, rows)}\n", loc="left")
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
    sizes = parameters(run)
    header = [Cell("part", "taken out or exchanged"), Cell("parameters", number=True)]
    header += [Cell(title(key, rows), "nats, lower is better" if key[0] == LOSS else spell(key[3]), number=True) for key in keys]
    lines = [Row((Cell(reference, "whole"), _size(sizes, reference), *(_whole(run, reference, key) for key in keys)))]
    for part in [*parts, UNTRAINED]:
        mine = rows[rows["part"] == part].set_index(KEYS)
        if len(mine):
            cells = [
                _cell(mine.loc[[key]].iloc[0], run.verdicts) if key in mine.index else Cell(DASH, number=True) for key in keys
            ]
            lines.append(
                Row((Cell(spell(part), _changed(run, reference, part)), _size(sizes, part), *cells), quiet=part == UNTRAINED)
            )
    for part, reason in (run.facts.get("failed") or {}).items():
        lines.append(Row((Cell(spell(part), f"failed: {reason}"), *(Cell(DASH, number=True) for _ in header[1:])), quiet=True))
    scales = [f"{title(key, rows)}: {scale(mine)[1]}" for key, mine in by_task(rows)]
    caption = (
        f"What each part costs: difference to {reference} whole, by headline view on the items all know, with 95 % intervals. "
        f"The scale of each column: {'; '.join(scales)}."
    )
    bold = "p below 0.05 after Holm’s correction over all parts of a family, where the scale is not below the detectable"
    caption += f" Bold: {bold}." if run.verdicts else " No verdicts."
    frame = rows[["part", *KEYS, "difference", "low", "high", "p", "p_holm", "detectable", "found"]]
    frame = frame.assign(parameters=frame["part"].map(sizes))
    return Table("ablation", caption, tuple(header), tuple(lines), frame)


def _changed(run: Run, reference: str, part: str) -> str:
    """Write the settings in which a model differs from the whole."""
    return "\n".join(f"{spell(name)}: {was} → {now}" for name, was, now in run.settings_apart(reference, part).itertuples())


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
