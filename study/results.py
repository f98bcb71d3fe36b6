"""What a run found, as tidy tables in its folder: every table and figure of a report is a pivot of these."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from study import evaluation
from study.contracts import OF_TYPES, Corpus, Level, Model, Moment, Predicts, Questions, Result, Task
from study.model import places
from study.model.places import Places
from study.store import Artefact, settings_of

IN_CONTEXT = "target"
GUESSES = 5
"""Words that a model names for a hidden one."""
PLACES_COMPARED = 1000
"""Places over which views are compared, at most: the comparison holds a square of them per view."""


@dataclass(frozen=True)
class Trained:
    """A model after its training, under the name and seed it has in a study, with its vectors of all places."""

    name: str
    model: Model
    artefact: Artefact
    vectors: Artefact
    start: Trained | None = None
    """The model from whose vectors its training started, if any."""
    done: bool = True
    """Whether its training has ended; else it was kept while it learned."""

    @property
    def spent(self) -> tuple[int, float]:
        """Return the words seen and the seconds of its training, those of what it started from included."""
        words, seconds = (0, 0.0) if self.start is None else self.start.spent
        last = self.model.history[-1] if self.model.history else None
        return (words + last.words_seen, seconds + last.seconds) if last else (words, seconds)

    @property
    def seed(self) -> int:
        """Return the seed it was trained with."""
        return self.model.seed

    def answers(self, level: Level) -> bool:
        """Whether the model has anything to say to questions of a level."""
        return isinstance(self.model, Predicts) if level == "hidden" else bool(self.model.views(level))

    def vectors_of(self, task: str, asked: Questions, joined: Places) -> Mapping[str, Any]:
        """Return what a task gets to score, view by view."""
        level = asked.level
        if level == "vocabulary":
            return self.model.lexicons()
        if level == "hidden":
            assert isinstance(self.model, Predicts)  # only such models are asked
            return self.model.guess(asked.sentences, asked.places, GUESSES)
        return places.vectors_of(self.vectors.folder, self.model, joined, task, level)


@dataclass(frozen=True)
class Answer:
    """What one model, or one baseline (seed None), scored on one task (``family/name``).

    Attributes
    ----------
    digest : str
        Of the artefact that holds it.
    spent : tuple of int and float
        Words and seconds of training that it took; see ``Trained.spent``.
    done : bool
        Whether the training had ended.
    """

    task: str
    level: Level
    model: str
    seed: int | None
    result: Result
    digest: str
    spent: tuple[int, float] = (0, 0.0)
    done: bool = True


def scores_table(run: str, corpus: str, answers: Sequence[Answer], main: Mapping[str, tuple[str, str]]) -> pd.DataFrame:
    """Return the tidy table of all scores, headline views marked: those of the finished models, at every moment.

    Parameters
    ----------
    run, corpus : str
    answers : sequence of Answer
    main : mapping of str to (str, str)
        ``family/name`` of a task -> the question and the metric it is compared by.
    """
    rows = []
    for answer in answers:
        family, task = answer.task.split("/", 1)
        words, seconds = answer.spent
        for score in answer.result.scores:
            rows.append(
                {
                    "run": run,
                    "corpus": corpus,
                    "model": answer.model,
                    "family": family,
                    "task": task,
                    "level": answer.level,
                    **asdict(score),
                    "main": (score.question, score.metric) == main[answer.task],
                    "seed": answer.seed,
                    "words_seen": words,
                    "seconds": seconds,
                    "done": answer.done,
                }
            )
    table = pd.DataFrame(rows).astype({"seed": "Int64"})
    chosen = evaluation.headlines(table[table["done"] & (table["view"] != "baseline")])
    headline = set(zip(chosen["model"], chosen["family"], chosen["level"], chosen["view"], strict=True))
    keys = zip(table["model"], table["family"], table["level"], table["view"], strict=True)
    table["headline"] = [key in headline or key[-1] == "baseline" for key in keys]
    return table


def items_table(run: str, answers: Sequence[Answer]) -> pd.DataFrame:
    """Return the tidy table of all items, from which every score can be computed again."""
    parts = []
    for answer in answers:
        family, task = answer.task.split("/", 1)
        parts.append(answer.result.items.assign(run=run, model=answer.model, seed=answer.seed, family=family, task=task))
    return pd.concat(parts, ignore_index=True).astype({"seed": "Int64"})


def task_tables(answers: Sequence[Answer]) -> dict[str, pd.DataFrame]:
    """Collect the further tables of all tasks by name, with the columns ``family, task, model, seed`` before their own."""
    parts: dict[str, list[pd.DataFrame]] = {}
    for answer in answers:
        family, task = answer.task.split("/", 1)
        for title, table in answer.result.tables.items():
            told = pd.DataFrame({"family": family, "task": task, "model": answer.model, "seed": answer.seed}, index=table.index)
            parts.setdefault(title, []).append(pd.concat([told, table], axis=1))
    return {title: pd.concat(tables, ignore_index=True).astype({"seed": "Int64"}) for title, tables in parts.items()}


def models_table(trained: Sequence[Trained]) -> pd.DataFrame:
    """Return what each trained model cost."""
    rows = []
    for one in trained:
        model, history = one.model, one.model.history
        last = history[-1] if history else None
        validated = [moment for moment in history if moment.validation_loss is not None]
        seconds = last.seconds if last else one.artefact.seconds
        speed = last.words_seen / seconds if last and seconds else None
        resources: dict[str, Any] = {"operations_per_word": None, "peak": None, "precision": None, **model.resources}
        share = speed * resources["operations_per_word"] / resources["peak"] if speed and resources["peak"] else None
        rows.append(
            {
                "model": one.name,
                "seed": one.seed,
                "kind": type(model).__name__,
                "parameters": model.parameters,
                "words_seen": last.words_seen if last else 0,
                "words_per_second": speed,
                "share_of_peak": share,
                "training_seconds": seconds,
                "start": one.start.name if one.start else "",
                "start_words": one.start.spent[0] if one.start else 0,
                "start_seconds": one.start.spent[1] if one.start else 0.0,
                "embedding_seconds": one.vectors.seconds,
                "reused": one.artefact.reused,
                "reproducible": model.reproducible,
                **resources,
                "validation_loss": validated[-1].validation_loss if validated else None,
                "masked_accuracy": validated[-1].masked_accuracy if validated else None,
            }
        )
    return pd.DataFrame(rows)


def settings_table(trained: Sequence[Trained]) -> pd.DataFrame:
    """Return the plain settings of each model as texts, but for its seed: ``model, setting, value``."""
    rows = []
    for name, one in {one.name: one for one in reversed(trained)}.items():
        plain = (
            pd.json_normalize(settings_of(one.model))
            .drop(columns=["class", "version", "seed"], errors="ignore")
            .to_dict("records")[0]
        )
        rows += [(name, setting, value if isinstance(value, str) else json.dumps(value)) for setting, value in plain.items()]
    return pd.DataFrame(rows, columns=["model", "setting", "value"])


def curves_table(histories: Mapping[tuple[str, int], Sequence[Moment]]) -> pd.DataFrame:
    """Return learning curves, of models by name and seed, as one table."""
    rows = [{"model": name, "seed": seed, **asdict(one)} for (name, seed), history in histories.items() for one in history]
    columns = ["model", "seed", "words_seen", "total_words", "seconds", "loss", "validation_loss", "masked_accuracy"]
    return pd.DataFrame(rows, columns=columns)


def tasks_table(tasks: Mapping[str, Task], questions: Mapping[str, Questions], left_out: Mapping[str, str]) -> pd.DataFrame:
    """Return what was asked: sources, sizes, and why a question or a whole task was left out."""
    rows = []
    for key, task in tasks.items():
        family, name = key.split("/", 1)
        asked = questions.get(key)
        splits = Counter(asked.items["split"]) if asked else Counter()
        rows.append(
            {
                "family": family,
                "task": name,
                "level": asked.level if asked else None,
                "description": task.description,
                "source": task.source,
                "items_test": splits["test"],
                "items_development": splits["development"],
                "dropped": "; ".join(f"{count} {reason}" for reason, count in asked.dropped.items()) if asked else "",
                "note": asked.note if asked else f"left out: {left_out[key]}",
            }
        )
    return pd.DataFrame(rows)


def targets_table(questions: Mapping[str, Questions], corpus: Corpus) -> pd.DataFrame:
    """Return, for every word that a task asks about, how often the training part has it."""
    rows = []
    for key, asked in questions.items():
        family, name = key.split("/", 1)
        if asked.level not in ("word", "target"):
            continue
        spans = [asked.sentences[number][start:stop] for number, start, stop in asked.places]
        words = sorted({corpus.vocabulary.fold(word) for span in spans for word in span})
        rows += [(family, name, word, corpus.vocabulary.count(word), word in corpus.vocabulary) for word in words]
    return pd.DataFrame(rows, columns=["family", "task", "target", "training_count", "in_vocabulary"])


def plane_table(
    word: str,
    scores: pd.DataFrame,
    questions: Mapping[str, Questions],
    joined: Places,
    corpus: Corpus,
    trained: Sequence[Trained],
) -> pd.DataFrame:
    """Return the occurrences of a word in a polysemy task as points in the plane, for each model's first seed.

    The task is the first that asks for senses of the word. Each model shows its headline view in context and, where it has one,
    its single vector of the word.
    """
    headline = scores[scores["headline"] & (scores["family"] == "polysemy") & (scores["level"] == IN_CONTEXT)]
    chosen = dict(zip(headline["model"], headline["view"], strict=True))
    first = {one.name: one for one in reversed(trained)}
    rows: list[pd.DataFrame] = []
    for key, asked in questions.items():
        if not key.startswith("polysemy/") or asked.level != IN_CONTEXT or "other" in asked.items or rows:
            continue
        items = asked.items[asked.items["gold"].astype(bool)]
        items = items.assign(word=[_target(asked, corpus, place) for place in items["place"]])
        items = items[items["word"] == corpus.vocabulary.fold(word)]
        for name, one in reversed(first.items()):
            arrays = one.vectors_of(key, asked, joined)
            static = [view for view in OF_TYPES if view in arrays]
            for view in dict.fromkeys([*static, chosen.get(name, "")]):
                if view not in arrays or items.empty:
                    continue
                vectors = np.asarray(arrays[view])[items["place"].to_numpy()]
                known = np.isfinite(vectors).all(axis=1)
                if not known.any():
                    continue
                points, shares = evaluation.plane(vectors[known])
                sentences = [" ".join(asked.sentences[asked.places[place][0]]) for place in items["place"][known]]
                rows.append(
                    pd.DataFrame(
                        {
                            "model": name,
                            "view": view,
                            "word": word,
                            "item": items["item"][known].to_numpy(),
                            "sense": items["gold"][known].to_numpy(),
                            "sentence": sentences,
                            "x": points[:, 0],
                            "y": points[:, 1],
                            "share_x": shares[0],
                            "share_y": shares[1],
                            "static": view in static,
                        }
                    )
                )
    columns = ["model", "view", "word", "item", "sense", "sentence", "x", "y", "share_x", "share_y", "static"]
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=columns)


def _target(asked: Questions, corpus: Corpus, place: int) -> str:
    number, start, stop = asked.places[place]
    return " ".join(corpus.vocabulary.fold(word) for word in asked.sentences[number][start:stop])


def views_table(questions: Mapping[str, Questions], joined: Places, trained: Sequence[Trained]) -> pd.DataFrame:
    """Say how alike every two views of all models' first seeds are, over the same places in sentences.

    The places are those of one task, of the family ``geometry`` if there is one: one place of each word, at most
    ``PLACES_COMPARED``.
    """
    keys = [key for key, asked in questions.items() if asked.level == IN_CONTEXT]
    arrays = {}
    for key in sorted(keys, key=lambda key: not key.startswith("geometry/"))[:1]:
        rows = _one_place_a_word(questions[key])
        for one in {one.name: one for one in reversed(trained)}.values():
            for view, array in one.vectors_of(key, questions[key], joined).items():
                arrays[f"{one.name} {view}"] = np.asarray(array)[rows]
    return evaluation.similarity_of_views(arrays)


def _one_place_a_word(asked: Questions) -> np.ndarray:
    """Draw rows of places, each of another word: the occurrences of one are alike, and would make all views look alike."""
    order = np.random.default_rng(0).permutation(len(asked.places))
    rows: dict[str, int] = {}
    for row in order:
        number, start, stop = asked.places[row]
        if stop - start == 1:
            rows.setdefault(asked.sentences[number][start].lower(), int(row))
    return np.sort(list(rows.values())[:PLACES_COMPARED]).astype(np.int64)


def neighbours_table(words: Sequence[str], nearest: int, corpus: Corpus, trained: Sequence[Trained]) -> pd.DataFrame:
    """Return the nearest neighbours of chosen words in every model's type vectors, for each model's first seed."""
    rows = []
    for one in {one.name: one for one in reversed(trained)}.values():
        for view, lexicon in one.model.lexicons().items():
            for word in words:
                found = evaluation.neighbours(lexicon, word, nearest)
                found = found or evaluation.neighbours(lexicon, corpus.vocabulary.fold(word), nearest)
                rows += [(one.name, view, word, rank, other, cosine) for rank, (other, cosine) in enumerate(found, 1)]
    return pd.DataFrame(rows, columns=["model", "view", "word", "rank", "neighbour", "cosine"])
