"""The questions beside a task's main one: other classifiers, controls, corrections, and the words one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from study.report.comparison import over_seeds
from study.report.distance import AXES
from study.report.run import BASELINE, Run
from study.report.table import Cell, Corner, Heading, Row, Table, grid, interval, number, spell

WITH_CONTROLS = ("polysemy", "probing")
"""Families whose every question is a main question, another way of answering it, or its control."""
GROUP = ": "
"""What stands between a question and the group of items (such as a word) that it is asked of alone."""
KEYS = ["family", "task"]


def beside(run: Run, family: str) -> pd.DataFrame:
    """Return the scores, over seeds, of headline views and baselines on a family's compared tasks, with what each question is.

    Returns
    -------
    DataFrame
        The columns of ``over_seeds``, ``asked`` (the task's main question) and ``role``: ``group`` for a question asked of one
        word alone; ``variant`` for the main question, other ways to answer it and its controls; ``part`` for any other.
    """
    main = run.compared[["family", "task", "question"]].drop_duplicates(KEYS).rename(columns={"question": "asked"})
    scores = run.scores[(run.scores["family"] == family) & (run.scores["split"] == "test")]
    scores = scores[scores["headline"] | (scores["view"] == BASELINE)]
    frame = over_seeds(scores).merge(main, on=KEYS)
    variant = [
        family in WITH_CONTROLS or question == asked or question.startswith(f"{asked}, ")
        for question, asked in zip(frame["question"], frame["asked"], strict=True)
    ]
    role = np.where(variant, "variant", "part")
    return frame.assign(role=np.where(frame["question"].str.contains(GROUP, regex=False), "group", role))


def question_tables(run: Run, family: str) -> list[Table]:
    """Return the main questions with their controls and variants beside them, a table for all tasks with the same main question.

    A row is a model, by its headline view, or a baseline on one task; the last row of each task is chance.
    """
    scores = beside(run, family)
    scores = scores[scores["role"] == "variant"]
    several = scores.assign(column=scores["question"] + scores["metric"]).groupby("task")["column"].transform("nunique") > 1
    groups = [(str(asked), part) for asked, part in scores[several].groupby("asked", sort=False)]
    return [_question_table(run, family, asked, part, place) for place, (asked, part) in enumerate(groups, 1)]


def _question_table(run: Run, family: str, asked: str, scores: pd.DataFrame, place: int) -> Table:
    columns = _columns(scores)
    models = [*run.trained, *run.controls]
    header = [Cell("task"), Cell("model", "view")]
    header += [Cell(spell(question), spell(metric), number=True) for question, metric in columns]
    rows, records = [], []
    for task, part in scores.groupby("task", sort=False):
        names = sorted(part["model"].unique(), key=lambda name: models.index(name) if name in models else len(models))
        found = {(row["model"], row["question"], row["metric"]): row for row in part.to_dict("records")}
        for name in names:
            view = part.loc[part["model"] == name, "view"].iloc[0]
            mine = [found.get((name, *column)) for column in columns]
            cells = [_cell(row, strong=name in run.trained and row["question"] == asked) if row else _cell() for row in mine]
            note = "" if view == BASELINE else str(view)
            rows.append(Row((Cell(spell(str(task))), Cell(name, note), *cells), quiet=name not in run.trained))
            records.append(_record(str(task), name, str(view), columns, mine))
        chance = part.groupby(["question", "metric"])["chance"].median().to_dict()
        floors = [Cell(number(chance.get(column, np.nan)), number=True) for column in columns]
        rows.append(Row((Cell(spell(str(task))), Cell("chance"), *floors), quiet=True))
        records.append({"task": task, "model": "chance", "view": "", **{_label(c): chance.get(c, np.nan) for c in columns}})
    caption = (
        f"{spell(family).capitalize()}: ‘{asked}’ beside its controls and the other ways to answer it, by headline views, with "
        "95 % intervals; the last row of each task is chance."
    )
    if any(metric == "selectivity" for _, metric in columns):
        caption += " Selectivity: the share that has the label right, less the share that has the control right."
    return Table(f"{family}-questions-{place}", caption, tuple(header), tuple(rows), pd.DataFrame(records))


def _columns(scores: pd.DataFrame) -> list[tuple[str, str]]:
    """Return the questions with their metrics, variants (``label, mlp``) next to what they vary (``label``)."""
    sizes = scores.groupby(["task", "model"])["question"].transform("nunique").sort_values(ascending=False, kind="stable")
    ordered = scores.loc[sizes.index]  # the model and task with the most questions have them in the order that is shown
    found = list(dict.fromkeys(zip(ordered["question"], ordered["metric"], strict=True)))
    stems = list(dict.fromkeys(question.partition(", ")[0] for question, _ in found))
    return sorted(found, key=lambda column: stems.index(column[0].partition(", ")[0]))


def _cell(row: dict[Any, Any] | None = None, *, strong: bool = False) -> Cell:
    if row is None or not np.isfinite(row["value"]):
        return Cell(number(np.nan), number=True)
    return Cell(number(row["value"]), interval(row["low"], row["high"]), strong=strong, number=True)


def _label(column: tuple[str, str]) -> str:
    return f"{column[0]} ({column[1]})"


def _record(task: str, name: str, view: str, columns: list[tuple[str, str]], found: list[Any]) -> dict[str, Any]:
    """Return a row in full precision."""
    record: dict[str, Any] = {"task": task, "model": name, "view": view}
    for column, row in zip(columns, found, strict=True):
        for end, part in (("", "value"), (" low", "low"), (" high", "high"), (" n", "n")):
            record[f"{_label(column)}{end}"] = row[part] if row else np.nan
    return record


def group_tables(run: Run, family: str) -> list[Table]:
    """Return the scores of words (or other groups of items) one by one: a table per task and question, groups by models.

    They have the metric that the task is compared by; ``scores.csv`` has the others. Distances have tables of their own.
    """
    scores = beside(run, family)
    by_distance = np.array([question.partition(GROUP)[0] in AXES for question in scores["question"]], bool)
    scores = scores[(scores["role"] == "group").to_numpy() & ~by_distance]
    scores = scores.assign(
        stem=[question.partition(GROUP)[0] for question in scores["question"]],
        group=[question.partition(GROUP)[2] for question in scores["question"]],
    )
    compared = run.compared[run.compared["family"] == family]
    main = dict(zip(compared["task"], compared["metric"], strict=True))
    tables = []
    for place, (key, part) in enumerate(scores.groupby(["task", "stem"], sort=False), 1):
        task, stem = map(str, key)
        metric = main[task] if main[task] in set(part["metric"]) else part["metric"].iloc[0]
        part = part[part["metric"] == metric]
        rows = [Heading({"group": group}, group) for group in part["group"].unique()]
        kind, told = "word" if family == "polysemy" else "kind", spell(metric).partition(",")[0]
        caption = f"{spell(task).capitalize()}, {stem}: {told} {kind} by {kind}, by headline views, with 95 % intervals."
        corner = Corner(kind, "")
        tables.append(grid(f"{family}-each-{place}", caption, part, rows, model_headings(run, part), corner=corner))
    return tables


def part_table(run: Run, family: str) -> Table | None:
    """Return the parts that a family's tasks are scored on too, a row each below the task's main question; None without any."""
    scores = beside(run, family)
    parted = scores.loc[scores["role"] == "part", "task"].unique()
    scores = scores[scores["task"].isin(parted) & ((scores["role"] == "part") | (scores["question"] == scores["asked"]))]
    if scores.empty:
        return None
    keys = scores[["task", "question", "metric"]].drop_duplicates()
    rows = [
        Heading({"task": task, "question": question, "metric": metric}, spell(task), f"{spell(question)} · {spell(metric)}")
        for task, question, metric in keys.itertuples(index=False)
    ]
    caption = f"{spell(family).capitalize()}: the parts of each task scored by themselves, by headline views."
    return grid(
        f"{family}-parts", caption, scores, rows, model_headings(run, scores), corner=Corner("task", "question and metric")
    )


def model_headings(run: Run, scores: pd.DataFrame) -> list[Heading]:
    """Return a column per model that has a score, then the baselines; a model of one view has it below its name."""
    models = dict.fromkeys([*run.trained, *run.controls, *scores["model"]])
    headings = []
    for model in models:
        views = scores.loc[scores["model"] == model, "view"].unique()
        if len(views):
            note = str(views[0]) if len(views) == 1 and views[0] != BASELINE else ""
            headings.append(Heading({"model": model}, model, note, quiet=model not in run.trained))
    return headings
