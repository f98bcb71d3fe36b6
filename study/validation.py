"""Looking tasks over before they are trusted: ``python -m study validate=true probing=[legal]``.

Each chosen task is read, its items are counted and searched for repeats and leaks, its words are looked up in the corpus's
vocabulary, and it is asked of the random control, whose scores should lie at chance. No other model is trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from study import evaluation, pipeline, results
from study.contracts import Questions, StudyError
from study.corpus import EncodedCorpus
from study.ledger import Ledger
from study.model import Random, places
from study.pipeline import Study
from study.scoring import score
from study.store import Store
from study.training import Training

SHOWN = 12
"""Labels of a split that are listed."""


def validate(study: Study, folder: Path, *, store: Store) -> bool:
    """Look all tasks of a study over, print what was found and write it to ``validation.txt`` in an existing folder.

    Returns
    -------
    bool
        Whether no task has an error.

    Raises
    ------
    StudyError
        Where no task, or not the random control, is chosen.
    """
    controls = {name: model for name, model in study.models.items() if isinstance(model, Random)}
    if not controls:
        raise StudyError("validate=true asks the random control, and it is not among the models: choose model=[random].")
    if not any(study.tasks.values()):
        raise StudyError("validate=true looks tasks over, and none is chosen: name one, for example probing=[noun_or_verb].")
    ledger = Ledger()
    corpus = pipeline.prepare(study, store, ledger)
    questions, left_out = pipeline.ask(study.tasks, corpus)
    joined = places.join(questions)
    training = Training(corpus=corpus, joined=joined, seeds=1, numbers=study.vectors, store=store, ledger=ledger)
    trained = training.all(controls)
    answers = score(study.tasks, trained, questions, joined, store, ledger)
    found = {key: evaluation.inspect(asked, corpus) for key, asked in questions.items()}
    parts = [_told(key, questions[key], found[key], answers, corpus) for key in questions]
    parts += [f"{key}\n  left out: {reason}" for key, reason in left_out.items()]
    text = "\n\n".join(parts)
    (folder / "validation.txt").write_text(text + "\n", encoding="utf-8")
    print(text)
    return not any(finding.level == "error" for one in found.values() for finding in one.findings)


def _told(
    key: str, asked: Questions, found: evaluation.Inspection, answers: Sequence[results.Answer], corpus: EncodedCorpus
) -> str:
    """Return what was found of one task, as text."""
    scores = [
        (answer.model, score.view, score.split, score.question, score.metric, score.value, score.chance, score.low, score.high)
        for answer in answers
        if answer.task == key
        for score in answer.result.scores
    ]
    columns = ["model", "view", "split", "question", "metric", "value", "chance", "low", "high"]
    labels = found.labels.groupby("split", sort=False).head(SHOWN)
    more = len(found.labels) - len(labels)
    tables = {
        "Items": found.counts,
        f"Labels{f' (the {SHOWN} most frequent of each split; {more} more)' if more else ''}": labels,
        f"Words known to the vocabulary of {corpus.name} ({len(corpus.vocabulary):,} words)": found.coverage,
        "The random control and the baselines": pd.DataFrame(scores, columns=columns),
    }
    lines = [f"{key}: {len(asked.items):,} items of level {asked.level}"]
    lines += [f"  {finding.level}: {finding.text}" for finding in found.findings] or ["  nothing to complain of"]
    for title, table in tables.items():
        if len(table):
            lines += [f"  {title}", *(f"    {line}" for line in table.to_string(index=False, float_format="%.3f").splitlines())]
    return "\n".join(lines)
