"""Asking the models: every task of every model, the answers kept so that none is asked twice."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from study.contracts import HasBaselines, Moment, Questions, Result, Score, Task
from study.ledger import Ledger
from study.model import places
from study.progress import bar
from study.results import Answer, Trained
from study.store import Store, digest_of
from study.training import Training

SCORING_VERSION = 4
"""Raised when metrics, intervals or classifiers change their meaning."""

Tasks = Mapping[str, Mapping[str, Task]]
"""Family -> name -> task."""


def score(
    tasks: Tasks,
    trained: Sequence[Trained],
    questions: Mapping[str, Questions],
    joined: places.Places,
    store: Store,
    ledger: Ledger,
) -> list[Answer]:
    """Ask every task of every model, and of every baseline that needs no model."""
    answers: list[Answer] = []
    done = 0
    asked_digests = {key: _digest_of_questions(asked) for key, asked in questions.items()}
    start, total = time.perf_counter(), len(questions) * len(trained)

    def scored(
        key: str, digest: str, who: str, answer: Callable[[Task], Mapping[str, Result]]
    ) -> tuple[Mapping[str, Result], str]:
        """Return the results of one task by one who answers, and the digest of their artefact."""
        family, name = key.split("/", 1)
        task = tasks[family][name]
        inputs = {"questions": asked_digests[key], "answered by": digest}
        settings = {"task": task, "version": SCORING_VERSION}
        artefact = store.artefact("scores", settings, inputs, lambda folder: write_results(folder, answer(task)))
        ledger.enter(f"score {key} of {who}", artefact)
        return read_results(artefact.folder), artefact.digest

    with bar("scoring", " tasks") as observe:
        for key, asked in questions.items():
            made, content = scored(key, "baselines", "baselines", partial(_baselines, asked))
            answers += [Answer(key, asked.level, name, None, result, content) for name, result in made.items()]
            for one in trained:
                done += 1
                observe(Moment(done, total, time.perf_counter() - start))
                if not one.answers(asked.level):
                    continue
                of_model = asked.level in ("vocabulary", "hidden")
                digest = one.artefact.digest if of_model else one.vectors.digest
                made, content = scored(key, digest, one.name, partial(_answered, asked, one, key, joined))
                (result,) = made.values()  # under the name of the first model that had these very vectors
                answers.append(Answer(key, asked.level, one.name, one.seed, result, content, one.spent, one.done))
    return answers


def grow(
    tasks: Tasks,
    chosen: Collection[str],
    trained: Sequence[Trained],
    questions: Mapping[str, Questions],
    training: Training,
) -> list[Answer]:
    """Ask chosen tasks, ``family/name``, of every model as it was at each moment of its training, where any was kept."""
    asked = {key: questions[key] for key in chosen if key in questions}
    if not training.moments or not asked:
        return []
    joined, answers = places.join(asked), []
    with training.ledger.timed("asking models while they learned"):
        for one in trained:  # each by itself, so that memory holds the moments of one training only
            answers += score(tasks, training.grown(one, joined), asked, joined, training.store, Ledger())
    return [answer for answer in answers if not answer.done]


def _answered(questions: Questions, one: Trained, key: str, joined: places.Places, task: Task) -> Mapping[str, Result]:
    return {one.name: task.score(questions, one.vectors_of(key, questions, joined))}


def _baselines(questions: Questions, task: Task) -> Mapping[str, Result]:
    return task.baselines(questions) if isinstance(task, HasBaselines) else {}


def _digest_of_questions(questions: Questions) -> str:
    """Return a digest of all that a task's score depends on beside its settings and the vectors."""
    items = questions.items.to_json(orient="split", double_precision=15)
    return digest_of([questions.level, [list(s) for s in questions.sentences], np.asarray(questions.places).tolist(), items])


def write_results(folder: Path, results: Mapping[str, Result]) -> None:
    """Write results by name: ``scores.json`` and ``items.parquet``."""
    scores = {name: [asdict(score) for score in result.scores] for name, result in results.items()}
    (folder / "scores.json").write_text(json.dumps(scores), encoding="utf-8")
    items = [result.items.assign(of=name) for name, result in results.items()]
    table = pd.concat(items, ignore_index=True) if items else pd.DataFrame({"of": pd.Series(dtype=str)})
    table.to_parquet(folder / "items.parquet", index=False)
    for title in {title for result in results.values() for title in result.tables}:
        found = [result.tables[title].assign(of=name) for name, result in results.items() if title in result.tables]
        pd.concat(found, ignore_index=True).to_parquet(folder / f"table-{title}.parquet", index=False)


def read_results(folder: Path) -> dict[str, Result]:
    """Read what ``write_results`` wrote."""
    scores = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
    items = pd.read_parquet(folder / "items.parquet")
    tables = {path.stem.removeprefix("table-"): pd.read_parquet(path) for path in sorted(folder.glob("table-*.parquet"))}
    return {
        name: Result(
            [Score(**score) for score in found],
            _of(items, name),
            {title: _of(table, name) for title, table in tables.items() if (table["of"] == name).any()},
        )
        for name, found in scores.items()
    }


def _of(table: pd.DataFrame, name: str) -> pd.DataFrame:
    return table[table["of"] == name].drop(columns="of").reset_index(drop=True)
