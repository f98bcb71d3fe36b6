"""The study on one page: text -> corpus -> questions -> models -> vectors -> scores -> report."""

from __future__ import annotations

import os
import platform
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from study import evaluation, measurements, report, results
from study.contracts import Instrument, Model, NotAskableError, Questions, StudyError
from study.corpus import EncodedCorpus, PartsSettings, Source, VocabularySettings, encode, split_text
from study.emergence import Emergence
from study.ledger import Ledger
from study.model import exported, places
from study.progress import bar
from study.results import Answer, Trained
from study.scoring import Tasks, grow, score
from study.store import Store, digest_of_file, settings_of, versions, write_json
from study.training import Training, check_models

TEXT_VERSION = 3
"""Raised when the sources' cleaning or the splitting rule change their meaning."""
CORPUS_VERSION = 2
"""Raised when the division into parts or the vocabulary change their meaning."""
COMPARISON_VERSION = 6
"""Raised when headline views, or the tests and intervals of differences between models, change their meaning."""


@dataclass(frozen=True, kw_only=True)
class ReportSettings:
    """What a report shows beside the scores.

    Parameters
    ----------
    plane : str
        The word whose occurrences in the polysemy tasks are drawn in the plane.
    neighbours : sequence of str
        Words whose nearest neighbours are listed.
    nearest : int
        Neighbours per word.
    opening : str or None
        Title of the section that stands first; None keeps the usual order.
    reference : str or None
        The model that others are compared with where its parts are taken out; None for none.
    """

    plane: str
    neighbours: Sequence[str]
    nearest: int
    opening: str | None
    reference: str | None


@dataclass(frozen=True, kw_only=True)
class Study:
    """Everything that decides a study's figures, and how often each model is trained.

    Parameters
    ----------
    name : str
    source : Source
        Where the text comes from.
    vocabulary, parts : settings
    models : mapping of str to Model
    tasks : mapping of str to mapping of str to Task
    instruments : mapping of str to Instrument
        What looks inside the trained models.
    size : str or None
        ``quick`` or ``full``, of an experiment; a quick one demonstrates and gives no verdict.
    seeds : int
        Trainings of each model, with seeds ``seed``, ``seed + 1``, …
    vectors : {"float32", "float16"}
        Numbers in which vectors are kept on disk.
    emergence : Emergence
        When models are looked at while they learn.
    report : ReportSettings
    """

    name: str
    source: Source
    vocabulary: VocabularySettings
    parts: PartsSettings
    models: Mapping[str, Model]
    tasks: Tasks
    instruments: Mapping[str, Instrument]
    size: Literal["quick", "full"] | None
    seeds: int
    vectors: Literal["float32", "float16"]
    emergence: Emergence
    report: ReportSettings


def run(study: Study, folder: Path, *, store: Store, facts: Mapping[str, Any], export: Path | None = None) -> None:
    """Run a study and write its results and its report into an existing folder.

    Parameters
    ----------
    study : Study
    folder : Path
        The run's own folder.
    store : Store
    facts : mapping
        What the command line knows of this run (``command``, ``overrides``), copied to ``run.json``.
    export : Path, optional
        A folder into which every trained model is written, in formats that other software reads.
    """
    started, start, ledger = datetime.now().astimezone(), time.perf_counter(), Ledger()
    _check(study)
    corpus = prepare(study, store, ledger)
    with ledger.timed("questions"):
        questions, left_out = ask(study.tasks, corpus)
    if not questions:
        reasons = " ".join(f"{key}: {reason}" for key, reason in left_out.items())
        raise StudyError(f"No task is left to ask. {reasons}")
    joined = places.join(questions)
    training = Training(
        corpus=corpus,
        joined=joined,
        seeds=study.seeds,
        numbers=study.vectors,
        store=store,
        ledger=ledger,
        moments=study.emergence.counts(),
    )
    try:
        trained = training.all(study.models)
    finally:  # a curve that ends where numbers do is a finding too
        if training.broken_off:
            results.curves_table(training.broken_off).to_csv(folder / "failed_curves.csv", index=False)
    if export is not None:
        _export(trained, export)
    answers = score(study.tasks, trained, questions, joined, store, ledger)
    answers += grow(study.tasks, study.emergence.chosen(_keys(study)), trained, questions, training)
    tables = measurements.measured(study.instruments, trained, corpus, store, ledger) | measurements.of_models(trained)
    with ledger.timed("comparison"):
        _write_tables(folder, study, corpus, trained, questions, joined, left_out, answers, tables, store)
    pd.DataFrame(ledger.rows).to_csv(folder / "stages.csv", index=False)
    write_json(
        folder / "run.json",
        {
            "name": study.name,
            **facts,
            "started": started.isoformat(timespec="seconds"),
            "seconds": round(time.perf_counter() - start, 1),
            "seeds": study.seeds,
            "size": study.size,
            "failed": training.failed,
            "versions": versions(),
            "machine": _machine(),
            "corpus": _corpus_facts(study.source, corpus),
            "report": settings_of(study.report),
        },
    )
    report.write(folder)


def _write_tables(
    folder: Path,
    study: Study,
    corpus: EncodedCorpus,
    trained: Sequence[Trained],
    questions: Mapping[str, Questions],
    joined: places.Places,
    left_out: Mapping[str, str],
    answers: Sequence[Answer],
    further: measurements.Tables,
    store: Store,
) -> None:
    tasks = {f"{family}/{name}": task for family, members in study.tasks.items() for name, task in members.items()}
    main = {key: (task.main_question, task.main_metric) for key, task in tasks.items()}
    all_scores = results.scores_table(folder.name, corpus.name, answers, main)
    # What models were while they learned is told in their scores alone: all else is of what they became.
    scores, answers = all_scores[all_scores["done"]], [answer for answer in answers if answer.done]
    items = results.items_table(folder.name, answers)
    common, comparisons = _compared(study, scores, items, answers, store)
    tables = {
        "scores": all_scores,
        "common": common,
        "comparisons": comparisons,
        "models": results.models_table(trained),
        "settings": results.settings_table(trained),
        "curves": results.curves_table({(one.name, one.seed): one.model.history for one in trained}),
        "tasks": results.tasks_table(tasks, questions, left_out),
        "targets": results.targets_table(questions, corpus),
        "plane": results.plane_table(study.report.plane, scores, questions, joined, corpus, trained),
        "views": results.views_table(questions, joined, trained),
        "variance": evaluation.variance_components(scores),
        "detectable": evaluation.detectable(comparisons),
        "neighbours": results.neighbours_table(study.report.neighbours, study.report.nearest, corpus, trained),
    }
    for name, table in (tables | results.task_tables(answers) | further).items():
        table.to_csv(folder / f"{name}.csv", index=False)
    all_scores.to_parquet(folder / "scores.parquet", index=False)
    items.to_parquet(folder / "items.parquet", index=False)


def _export(trained: Sequence[Trained], folder: Path) -> None:
    """Write every trained model to a folder of its own, named after the model and, of several, its seed."""
    several = len({one.seed for one in trained}) > 1
    for one in trained:
        target = folder / (f"{one.name}-{one.seed}" if several else one.name)
        target.mkdir(parents=True, exist_ok=True)
        for path in exported(one.model, target):
            print(path)


def _compared(
    study: Study, scores: pd.DataFrame, items: pd.DataFrame, answers: Sequence[Answer], store: Store
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compare the models, or find these same answers compared before."""

    def compare(folder: Path) -> None:
        """Write the comparison into a folder."""
        common, comparisons = evaluation.compare(scores, items, seeds=study.seeds, verdicts=study.size != "quick")
        common.to_parquet(folder / "common.parquet", index=False)
        comparisons.to_parquet(folder / "comparisons.parquet", index=False)

    inputs = {f"{answer.task} {answer.model} {answer.seed}": answer.digest for answer in answers}
    settings = {
        "models": list(study.models),
        "seeds": study.seeds,
        "verdicts": study.size != "quick",
        "version": COMPARISON_VERSION,
    }
    folder = store.artefact("comparison", settings, inputs, compare).folder
    return pd.read_parquet(folder / "common.parquet"), pd.read_parquet(folder / "comparisons.parquet")


def _corpus_facts(source: Source, corpus: EncodedCorpus) -> dict[str, Any]:
    told = {name: getattr(source, name) for name in ("name", "description", "source", "licence")}
    return {**told, **corpus.facts["text"], **{name: fact for name, fact in corpus.facts.items() if name != "text"}}


def _check(study: Study) -> None:
    if study.seeds < 1:
        raise StudyError(f"seeds={study.seeds}: a study trains each model at least once.")
    if not study.models:
        raise StudyError("No model is chosen. Name at least one, for example model=[cbow,skipgram].")
    check_models(study.models)
    reference = study.report.reference
    if reference is not None and reference not in study.models:
        raise StudyError(f"report.reference={reference}: expected a model of this study ({', '.join(study.models)}).")
    if not any(study.tasks.values()):
        raise StudyError("No task is chosen. Name at least one, for example similarity=[simlex].")
    study.emergence.chosen(_keys(study))


def prepare(study: Study, store: Store, ledger: Ledger) -> EncodedCorpus:
    """Split the text into words and encode it."""
    source = study.source
    with bar(f"reading {source.name}") as observe:
        files = {str(number): digest_of_file(path) for number, path in enumerate(source.files())}
        settings = {"source": source, "version": TEXT_VERSION}
        text = ledger.enter("text", store.artefact("text", settings, files, lambda f: split_text(source, f, observe)))
    with bar("encoding") as observe:
        settings = {"vocabulary": study.vocabulary, "parts": study.parts, "version": CORPUS_VERSION}
        encoded = store.artefact(
            "corpus",
            settings,
            {"text": text.digest},
            lambda f: encode(text.folder, f, vocabulary=study.vocabulary, parts=study.parts, observe=observe),
        )
    ledger.enter("corpus", encoded)
    corpus = EncodedCorpus.open(encoded.folder, text.folder, name=source.name, digest=encoded.digest)
    for note in corpus.facts["text"]["notes"]:
        warnings.warn(note, stacklevel=2)
    return corpus


def ask(tasks: Tasks, corpus: EncodedCorpus) -> tuple[dict[str, Questions], dict[str, str]]:
    """Prepare the questions of all tasks, by ``family/name``, and name those that this corpus cannot be asked."""
    questions, left_out = {}, {}
    for family, members in tasks.items():
        for name, task in members.items():
            try:
                questions[f"{family}/{name}"] = task.questions(corpus)
            except NotAskableError as reason:
                left_out[f"{family}/{name}"] = str(reason)
    return questions, left_out


def _keys(study: Study) -> list[str]:
    return [f"{family}/{name}" for family, members in study.tasks.items() for name in members]


def _machine() -> dict[str, Any]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30 if hasattr(os, "sysconf") else None
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": platform.processor() or "unknown",
        "cores": os.cpu_count(),
        "memory_gib": None if memory is None else round(memory, 1),
    }
