"""Many runs side by side: which keys tell them apart, and their scores pivoted over those keys."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from study.contracts import StudyError
from study.report.comparison import main_scores
from study.report.run import BASELINE, CONTROLS, Run
from study.report.table import Corner, Heading, Table, grid, spell


@dataclass(frozen=True)
class Failure:
    """A point that came to no result: its folder's name, what was set there, and why it failed."""

    name: str
    overrides: str
    message: str


@dataclass(frozen=True)
class Sweep:
    """The points of a sweep.

    Attributes
    ----------
    keys : sequence of str
        The settings that tell the points apart; each is a column of ``points``.
    points : DataFrame
        One row per point: ``point`` (folder's name), ``run``, ``corpus``, ``seeds`` and the keys.
    scores : DataFrame
        Main metric of every model's headline view (and of the baselines) at each point (column ``point``), averaged over seeds;
        ``task`` as it is called in the text, ``identifier`` as in the settings.
    failures : sequence of Failure
    """

    keys: Sequence[str]
    points: pd.DataFrame
    scores: pd.DataFrame
    failures: Sequence[Failure]


def find_points(folders: Iterable[Path]) -> list[Path]:
    """Return the folders of single runs: those given, and those directly inside a multirun's folder.

    Raises
    ------
    StudyError
        Where a folder is neither.
    """
    points: list[Path] = []
    for folder in folders:
        if _is_point(folder):
            points.append(folder)
            continue
        inside = [path for path in folder.iterdir() if _is_point(path)] if folder.is_dir() else []
        if not inside:
            raise StudyError(
                f"{folder}: expected the folder of a run (with run.json) or of a multirun holding such; found neither"
            )
        points += sorted(inside, key=lambda path: (not path.name.isdigit(), path.name.zfill(9)))
    return list(dict.fromkeys(points))


def _is_point(folder: Path) -> bool:
    return (folder / "run.json").is_file() or (folder / "failed.json").is_file()


def gather(points: Sequence[Path]) -> Sweep:
    """Read the points of a sweep and find the keys that tell them apart.

    The keys are the overridden settings whose values differ; where these leave two points alike, the corpus, the number of
    seeds and at last the name of the folder are added.

    Raises
    ------
    StudyError
        Where a folder is damaged or no point has a result.
    """
    failures, runs = [], {}
    for folder in points:
        if (folder / "run.json").is_file():
            runs[folder] = Run.read(folder)
        else:
            fault = json.loads((folder / "failed.json").read_text(encoding="utf-8"))
            overrides = ", ".join(f"{key}={value}" for key, value in fault.get("overrides", {}).items())
            failures.append(Failure(folder.name, overrides, fault.get("message", "no message")))
    if not runs:
        faults = "; ".join(f"{failure.name}: {failure.message}" for failure in failures)
        raise StudyError(f"None of the {len(points)} points has a result to compare. {faults}")
    table = pd.DataFrame([_point(folder, run) for folder, run in runs.items()]).fillna("default")
    fixed = ["point", "run", "corpus", "seeds"]
    keys = [key for key in table.columns if key not in fixed and table[key].nunique() > 1]
    keys += [key for key in ("corpus", "seeds") if key not in keys and not _determined(table, keys, key)]
    if not keys or table.duplicated(keys).any():
        keys.append("point")
    scores = pd.concat([_headlines(run).assign(point=folder.name) for folder, run in runs.items()], ignore_index=True)
    return Sweep(tuple(keys), table[list(dict.fromkeys([*fixed, *keys]))], scores, tuple(failures))


def _point(folder: Path, run: Run) -> dict[str, str]:
    overrides = {key: str(value) for key, value in run.facts.get("overrides", {}).items()}
    corpus = str(run.facts.get("corpus", {}).get("name", ""))
    return {"point": folder.name, "run": run.facts.get("name", ""), **overrides, "corpus": corpus, "seeds": str(run.seeds)}


def _determined(table: pd.DataFrame, keys: Sequence[str], key: str) -> bool:
    """Whether a column is the same wherever the keys are."""
    if not keys:
        return table[key].nunique() == 1
    return bool((table.groupby(list(keys))[key].nunique() == 1).all())


def _headlines(run: Run) -> pd.DataFrame:
    scores = main_scores(run)
    identifiers = {label: task for task, label in run.labels.items()}
    scores["identifier"] = scores["task"].replace(identifiers)
    return scores[scores["headline"] | (scores["view"] == BASELINE)]


def tidy(sweep: Sweep) -> pd.DataFrame:
    """Return the scores with the keys of their points beside them; a key that is also a score's column ends in ``_set``."""
    points = sweep.points[list(dict.fromkeys(["point", "run", *sweep.keys]))]
    scores = sweep.scores.assign(task=sweep.scores["identifier"])
    return points.merge(scores, on="point", suffixes=("_set", "")).drop(columns="identifier")


def sweep_tables(sweep: Sweep) -> list[Table]:
    """Return one table per family, task and question: points (rows) by models (columns)."""
    scores = sweep.scores.assign(remark=sweep.scores["view"].where(sweep.scores["view"] != BASELINE, ""))
    tables = []
    for key, frame in scores.groupby(["family", "task", "question", "metric"], sort=False):
        family, task, question, metric = map(str, key)
        rows = [
            Heading({"point": point["point"]}, ", ".join(str(point[key]) for key in sweep.keys), point["point"])
            for point in sweep.points.to_dict("records")
        ]
        models = sorted(frame["model"].unique(), key=_rank)
        columns = [Heading({"model": model}, model, quiet=_rank(model) > 0) for model in models]
        several = scores.loc[(scores["family"] == family) & (scores["task"] == task), "question"].nunique() > 1
        identifier = frame["identifier"].iloc[0]
        name = f"{family}-{identifier}-{question}" if several else f"{family}-{identifier}"
        about = f"{spell(task)}, {spell(question)}" if several else spell(task)
        caption = f"{spell(family).capitalize()}: {about}, {spell(metric)}, headline views."
        tables.append(grid(name, caption, frame, rows, columns, corner=Corner(", ".join(sweep.keys), "point")))
    return tables


def _rank(model: str) -> int:
    return int(model in CONTROLS)
