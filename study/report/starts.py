"""What a start from another model's vectors is worth: models that have one against models of their kind from random vectors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from study.report.landmarks import for_good, told_words
from study.report.pairing import Difference, paired
from study.report.plot import by_task
from study.report.run import Run
from study.report.table import DASH, Table, count, interval, listing, number, probability, signed

START_AND_BUDGET = ("start", "start_frozen", "words", "epochs", "minutes")
"""Settings in which a model with a start and one without are meant to differ."""


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
    rows = []
    for name, part in by_task(curves[curves["headline"]]):
        heads = {str(model): mine.set_index("moment").sort_index() for model, mine in part.groupby("model", sort=False)}
        for free, started in (pair for pair in pairs if heads.keys() >= set(pair)):
            mine, other = heads[free], heads[started]
            end = paired(run, str(part["family"].iloc[0]), str(part["task"].iloc[0]), started, free)
            found = {"task": name, "started": started, "free": free, "of": told.loc[started, "start"], "end": end}
            found |= {"took": _cost(mine.iloc[-1], other.iloc[-1]), "apart": _otherwise(run, free, started)}
            found |= {"before": other["value"].iloc[0] - mine["value"].iloc[0]}
            found |= {"ahead": other["value"].iloc[-1] - mine["value"].iloc[-1]}
            found |= {"within": _meeting(mine, other, end if run.verdicts else None)}
            found |= {"words": [number(own["own_words"].iloc[-1] / 1e6, 2) for own in (other, mine)]}
            found |= {"seconds": [count(round(own["seconds"].iloc[-1])) for own in (other, mine)]}
            rows.append(found)
    columns = ["task", "started", "free", "of", "took", "apart", "before", "ahead", "end", "within", "words", "seconds"]
    return pd.DataFrame(rows, columns=columns)


def meeting_table(starts: pd.DataFrame, note: str, *, verdicts: bool) -> Table:
    """Return what a start is worth, with what both models spent beside their names; in its CSV that has columns of its own.

    Parameters
    ----------
    starts : DataFrame
        Of ``meetings``.
    note : str
        The end of the caption.
    verdicts : bool
        Whether p-values decide.
    """
    records = starts.to_dict("records")
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
            "p (Holm)": probability(row["end"].p) if row["end"] and verdicts else DASH,
            "million words": " and ".join(row["words"]),
            "seconds": " and ".join(row["seconds"]),
        }
        for row in records
    ]
    caption = (
        "What a start is worth: how far it is ahead of starts from random vectors, of one that has read as many words "
        "itself and, where there is one, of one that took at least as much time (‘which took’ tells which is which, ‘and "
        "has’ in what else they differ); after how many words of their own training the two curves stay within their "
        "bands (these are not paired, and wide with few seeds; a dash: not by the end, or not as many words), and the "
        "paired difference at the end, which may be apart where the bands are not. Beside the names stand the million words that "
        "each read and its seconds, with those of what it starts from; they hold for the "
        "threads that the figure over seconds names."
    )
    frame = pd.DataFrame(rows)
    spent = [
        [f": {words} M, {seconds} s" for words, seconds in zip(row["words"], row["seconds"], strict=True)] for row in records
    ]
    sides = {"start": [own for own, _ in spent], "against": [other for _, other in spent]}
    shown = frame.drop(columns=["million words", "seconds"], errors="ignore")
    shown = shown.assign(**{side: shown[side] + texts for side, texts in sides.items() if records})
    return replace(listing("emergence-starts", caption + note, shown, {}), frame=frame)


def _cost(free: pd.Series, started: pd.Series) -> str:
    """Say what a model from random vectors had, at its end, of what one with a start had."""
    found = ["equal words"] if _equal_words(free, started) else []
    found += ["at least the time"] if free["seconds"] >= started["seconds"] else ["less time"]
    return ", ".join(found)


def _otherwise(run: Run, free: str, started: str) -> str:
    """Say which settings of a model from random vectors differ from those of one with a start, beside start and budget."""
    if run.settings.empty:
        return "settings unknown"
    apart = run.settings_apart(free, started).drop(index=list(START_AND_BUDGET), errors="ignore")
    return ", ".join(f"{setting}={value}" for setting, value in apart[free].items())


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
