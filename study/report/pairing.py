"""Paired differences: the best encoder against the best static model on each task, and two models on one word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from study.report.comparison import main_scores
from study.report.run import Run
from study.report.table import Cell, Row, Table, interval, number, probability, signed, spell

RESAMPLES = 5000
AHEAD, BEHIND, OPEN, UNTESTED = "encoder ahead", "static ahead", "interval includes zero", "not tested"
UNSHOWN, WITHHELD = "not shown after correction", "no verdict"


@dataclass(frozen=True)
class Difference:
    """A paired difference with its 95 % interval and its p-value after Holm's correction (NaN where none was computed)."""

    value: float
    low: float
    high: float
    p: float

    def __str__(self) -> str:
        return f"{signed(self.value)} ({interval(self.low, self.high)})"

    @property
    def sign(self) -> int:
        """1 where the interval lies above zero, -1 where it lies below, 0 where it includes zero."""
        return int(self.low > 0) - int(self.high < 0)

    @property
    def found(self) -> bool:
        """Whether interval and corrected p both tell it from zero."""
        return bool(self.sign) and self.p < 0.05


@dataclass(frozen=True)
class Contest:
    """The best encoder and the best static model on one task, each by its headline view.

    Attributes
    ----------
    family, name : str
        The name is the task's, with the question where the task has several.
    encoder, static : Series
        Their rows of ``main_scores``.
    difference : Difference or None
        Encoder minus static; None where no paired test was made.
    judged : bool
        Whether anything decides (``Run.verdicts``): the interval, and the p-value after Holm's correction.
    """

    family: str
    name: str
    encoder: pd.Series
    static: pd.Series
    difference: Difference | None
    judged: bool

    @property
    def verdict(self) -> str:
        """Who is ahead, or that this is not shown or not said."""
        if self.difference is None:
            return UNTESTED
        if not self.judged:
            return WITHHELD
        if self.difference.sign and not self.difference.found:
            return UNSHOWN
        return {1: AHEAD, -1: BEHIND, 0: OPEN}[self.difference.sign]


def by_task(scores: pd.DataFrame) -> list[tuple[str, str, pd.DataFrame]]:
    """Cut scores by task and question: the task's identifier, its name (with the question where it has several), its rows."""
    several = scores.groupby("task")["question"].nunique()
    found = []
    for key, rows in scores.groupby(["task", "question"], sort=False):
        task, question = map(str, key)
        found.append((task, f"{spell(task)} ({spell(question)})" if several[task] > 1 else spell(task), rows))
    return found


def paired(run: Run, family: str, task: str, first: str, second: str) -> Difference | None:
    """Return the paired difference ``first - second`` on a task; None where none was computed."""
    rows = run.comparisons[(run.comparisons["family"] == family) & (run.comparisons["task"] == task)]
    whole = rows["question"] == "all"
    rows = (rows[whole] if whole.any() else rows).dropna(subset=["difference", "low", "high"])
    for model_a, model_b, sign in ((first, second, 1), (second, first, -1)):
        for row in rows[(rows["model_a"] == model_a) & (rows["model_b"] == model_b)].to_dict("records"):
            low, high = sorted((sign * row["low"], sign * row["high"]))
            return Difference(sign * row["difference"], low, high, row["p_holm"])
    return None


def contests(run: Run) -> list[Contest]:
    """Return, for every task that both sides have a score on, the best encoder against the best static model."""
    scores = main_scores(run).dropna(subset="value")
    scores = scores[scores["headline"] & scores["model"].isin(run.trained)]
    found = []
    for family in run.families:
        for task, name, rows in by_task(scores[scores["family"] == family]):
            layered = rows["model"].isin(run.encoders)
            if layered.all() or not layered.any():
                continue
            encoder, static = (side.iloc[side["value"].argmax()] for side in (rows[layered], rows[~layered]))
            difference = paired(run, family, task, encoder["model"], static["model"])
            found.append(Contest(family, name, encoder, static, difference, run.verdicts))
    return found


def contest_table(found: Sequence[Contest], run: Run) -> Table:
    """Return the contests of a run, one row per task.

    The p-value after Holm's correction stands below the interval. Of a demonstration, and of one seed, there are differences and
    intervals alone: neither a p-value nor who is ahead.
    """
    header = [Cell("task", "metric"), *(Cell(side, number=True) for side in ("encoder", "static", "difference"))]
    header += [Cell("who is ahead")] if run.verdicts else []
    rows, records = [], []
    for contest in found:
        task = Cell(contest.name, spell(contest.encoder["metric"]))
        sides = [
            Cell(number(side["value"]), f"{side['model']} ({side['view']})", number=True)
            for side in (contest.encoder, contest.static)
        ]
        verdict = [Cell(contest.verdict)] if run.verdicts else []
        rows.append(Row((task, *sides, _difference_cell(contest), *verdict)))
        record = {"family": contest.family, "task": contest.name, "metric": contest.encoder["metric"]}
        for label, side in (("encoder", contest.encoder), ("static", contest.static)):
            record |= {label: side["model"], f"{label}_view": side["view"], f"{label}_value": side["value"]}
        shown = contest.difference or Difference(np.nan, np.nan, np.nan, np.nan)
        record |= {"difference": shown.value, "low": shown.low, "high": shown.high, "p_holm": shown.p}
        records.append(record | {"verdict": contest.verdict})
    caption = (
        "Encoder against the best static model: on each task the best of either kind by headline view, and their paired "
        "difference on the items both know, with its 95 % interval"
    )
    caption += " over items (one seed: no verdict)" if run.seeds == 1 else ""
    caption += "; p is Holm-corrected within the family" if run.verdicts else ""
    caption += "; a demonstration, where an interval without zero is no verdict" if run.demonstration else ""
    caption += ". Which is best is read off these same test items."
    starts = run.models[run.models["start"] != ""].drop_duplicates("model")
    begun = [f"{model} from those of {start}" for model, start in zip(starts["model"], starts["start"], strict=True)]
    caption += f" Not all begin with random vectors: {', '.join(begun)}." if begun else ""
    return Table("encoder-against-static", caption, tuple(header), tuple(rows), pd.DataFrame(records))


def _difference_cell(contest: Contest) -> Cell:
    difference = contest.difference
    if difference is None:
        return Cell(number(np.nan), number=True)
    note = interval(difference.low, difference.high)
    note += f"\np (Holm) {probability(difference.p)}" if contest.judged else ""
    return Cell(signed(difference.value), note, number=True)


def word_difference(answers: pd.DataFrame, first: str, second: str, seed: int) -> Difference | None:
    """Return the difference of two models' shares of right answers on one word's sentences, with a bootstrap over these.

    Parameters
    ----------
    answers : DataFrame
        ``model, sentence, right``: a row per answer, of one view per model.
    first, second : str
        Models; the difference is ``first - second`` over the sentences that both answer.
    seed : int
        Of the resampling.

    Returns
    -------
    Difference or None
        With the percentile interval of 95 %; None where the models share no sentence.
    """
    shares = answers.groupby(["sentence", "model"])["right"].mean().unstack("model")
    if first not in shares or second not in shares:
        return None
    gaps = (shares[first] - shares[second]).dropna().to_numpy(dtype=float)
    if not len(gaps):
        return None
    chosen = np.random.default_rng(seed).integers(len(gaps), size=(RESAMPLES, len(gaps)))
    low, high = np.quantile(gaps[chosen].mean(axis=1), [0.025, 0.975])
    return Difference(float(gaps.mean()), float(low), float(high), np.nan)
