"""CoarseWSD-20: the sense of a word in a sentence, learnt from labelled sentences of that word.

The layer of a model is chosen inside the training files: their items are the development items, each answered from the folds
that it is not in (or, where only some are drawn to teach, from those drawn). Test items are answered from the training file.

A view that gives every occurrence of a form the same vector cannot tell its senses apart: it answers with the sense most
frequent in training, and scores what the majority scores.

References
----------
Loureiro, Rezaee, Pilehvar and Camacho-Collados (2021), Analysis and evaluation of language models for word sense disambiguation,
Computational Linguistics 47(2), doi:10.1162/coli_a_00405.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from study.contracts import Array, Corpus, Questions, Result, StudyError
from study.evaluation.data import table
from study.evaluation.data.words import bag_of_words
from study.evaluation.polysemy import sense_files
from study.evaluation.polysemy.nearest import Classify, nearest_centroid, nearest_neighbour
from study.evaluation.polysemy.senses import unit
from study.evaluation.polysemy.shuffling import ANOTHER, SHUFFLED, deal, forms, with_shuffled
from study.evaluation.probing import classifier
from study.evaluation.statistics.uncertainty import summarise

CENTROID, NEIGHBOUR, REGRESSION = "nearest centroid", "nearest neighbour", "logistic regression"
METRICS = ("word_macro_f1", "word_accuracy")


@dataclass(frozen=True, kw_only=True)
class CoarseSenses:
    """Tell the senses of each word apart by its nearest centroid, its nearest neighbour, or logistic regression.

    The questions are named after the methods; ``nearest centroid: bank`` is that of one word. Accuracy and macro-F1 (over the
    senses that occur as gold or as an answer, as in scikit-learn) are computed for each word and averaged over words. The two
    controls are explained in ``shuffling``, beside this file; they are asked of test items by the centroids of true sentences.

    Parameters
    ----------
    data : str
        The folder of a set, with one folder per word.
    out_of_domain : str or None
        A file of further test sentences, ``word TAB sense TAB position TAB tokens``.
    words : sequence of str or None
        Which words; None for all.
    methods : sequence of str
        Of ``nearest centroid`` (by which the layer is chosen), ``nearest neighbour``, ``logistic regression``.
    shots : int or None
        Training items drawn per sense; None for all.
    draws : int
        How often they are drawn anew.
    folds : int
        Of the cross-validation inside the training files.
    penalties : sequence of float
        L2 weights per training item of the logistic regression, from which one fold of the training items chooses.
    iterations : int
        Upper bound of its solver's steps.
    shuffle : bool
        Whether each test sentence is asked with its words in random order too.
    seed : int
        Of folds, draws and controls.
    description, source : str
        What is asked, and where the data come from under which licence.
    """

    data: str = field(metadata={"resource": True})
    out_of_domain: str | None = field(metadata={"resource": True})
    words: Sequence[str] | None
    methods: Sequence[str]
    shots: int | None
    draws: int
    folds: int
    penalties: Sequence[float]
    iterations: int
    shuffle: bool
    seed: int
    description: str = field(metadata={"resource": True})
    source: str = field(metadata={"resource": True})

    main_metric: ClassVar[str] = "word_macro_f1"
    main_question: ClassVar[str] = CENTROID
    version: ClassVar[int] = 1

    def questions(self, corpus: Corpus) -> Questions:
        """Read the sentences of all words and find their targets among the corpus's words.

        Raises
        ------
        StudyError
            For a setting that cannot be; for a missing file or a bad line; for a word with fewer than two senses.
        """
        self._check()
        path = table.locate(self.data, self.source)
        words = self.words or sorted(folder.name for folder in path.iterdir() if (folder / "classes_map.txt").is_file())
        rows = [row for word in words for row in sense_files.read_word(path / word)]
        if self.out_of_domain:
            rows += sense_files.read_outside(table.locate(self.out_of_domain, self.source), rows)
        if not rows:
            raise StudyError(
                f"{path}: expected one folder per word with classes_map.txt, found none. It comes from {self.source}"
            )
        _, sentences, places, kept, dropped = table.align(rows, corpus)
        used = [rows[number] for number in kept]
        items = pd.DataFrame(
            {
                "item": [f"{row.group}-{row.split}-{row.line:05d}" for row in used],
                "group": [row.group for row in used],
                "split": ["development" if row.split == "training" else "test" for row in used],
                "gold": [row.label for row in used],
                "place": np.arange(len(used)),
                "outside": [row.split == sense_files.OUTSIDE for row in used],
                "form": forms(sentences, places, corpus),
            }
        )
        for word, part in items[items["split"] == "development"].groupby("group"):
            if part["gold"].nunique() < 2:
                raise StudyError(f"{path / str(word)}: expected two senses or more in training, found {set(part['gold'])}")
        taught = (
            f"{self.folds} folds of the training file" if self.shots is None else f"{self.shots} training items of each sense"
        )
        note = f"{items['group'].nunique()} words; development items are training items, answered from {taught}"
        if not self.shuffle:
            return Questions("target", sentences, places, items, dropped, note)
        asked = np.flatnonzero((items["split"] == "test") & ~items["outside"])
        extended, places, items["shuffled"] = with_shuffled(sentences, places, asked, seed=self.seed)
        return Questions("target", extended, places, items, dropped, note)

    def _check(self) -> None:
        if CENTROID not in self.methods or not set(self.methods) <= {CENTROID, NEIGHBOUR, REGRESSION}:
            expected = f"'{CENTROID}' and at most '{NEIGHBOUR}', '{REGRESSION}'"
            raise StudyError(f"methods={list(self.methods)}: expected {expected}")
        if self.folds < 2 or self.draws < 1 or (self.shots is not None and self.shots < 1) or not self.penalties:
            raise StudyError(
                f"folds={self.folds}, draws={self.draws}, shots={self.shots}, penalties={list(self.penalties)}: "
                "expected two folds, one draw, one shot (or null) and one penalty at least"
            )

    def score(self, questions: Questions, vectors: Mapping[str, Array]) -> Result:
        """Score every view by every method, per word and as the mean over words, and by the nearest centroid its controls."""
        known = {CENTROID: nearest_centroid, NEIGHBOUR: nearest_neighbour, REGRESSION: self._regression}
        methods = {name: known[name] for name in self.methods}
        with threadpool_limits(limits=1):  # on matrices this small more threads only wait for each other
            frames = [
                frame.assign(view=view)
                for view, array in vectors.items()
                for frame in self._answers(questions, unit(array).astype(np.float32), methods, controls=True)
            ]
        return _summarised(pd.concat(frames, ignore_index=True), questions, self.methods)

    def baselines(self, questions: Questions) -> Mapping[str, Result]:
        """Score the most frequent sense, and naive Bayes on the other words of the sentence, as answers to the main question."""
        nothing = np.ones((len(questions.places), 1), np.float32)
        floors = {
            "majority": (nothing, classifier.majority),
            "naive Bayes": (bag_of_words(questions, target=False), classifier.naive_bayes),
        }
        results = {}
        for name, (features, fit) in floors.items():
            answers = self._answers(questions, features, {CENTROID: _with_penalty(fit, 1.0)}, controls=False)
            items = pd.concat(answers, ignore_index=True).assign(view="baseline")
            results[name] = _summarised(items, questions, [CENTROID])
        return results

    def _answers(
        self, questions: Questions, features: Any, methods: Mapping[str, Classify], *, controls: bool
    ) -> Iterator[pd.DataFrame]:
        """Yield the items of every word, lesson and question."""
        for number, (_, items) in enumerate(questions.items.groupby("group", sort=True)):
            rng = np.random.default_rng((self.seed, number))
            for split, repeat, teaching, asked in self._lessons(items, rng):
                lesson = _Lesson(features, items, teaching, methods)
                if split == "development":
                    yield lesson.answer(CENTROID, asked, repeat)
                    continue
                yield from (lesson.answer(method, asked, repeat) for method in methods)
                if controls:
                    true = lesson.answer(CENTROID, asked, repeat)
                    dealt = deal(items["form"].iloc[asked].to_list(), seed=rng)
                    yield true.assign(question=ANOTHER, **{name: true[name].to_numpy()[dealt] for name in ("predicted", "known")})
                    outside = np.flatnonzero(items["outside"])
                    yield lesson.answer(CENTROID, outside, repeat, question=sense_files.OUTSIDE)
                if controls and self.shuffle:
                    yield lesson.answer(CENTROID, asked, repeat, question=SHUFFLED, column="shuffled")

    def _lessons(self, items: pd.DataFrame, rng: np.random.Generator) -> Iterator[tuple[str, str, Array, Array]]:
        """Yield the split, the mark of the repeat, the rows that teach, and the rows that are asked."""
        split, labels = items["split"].to_numpy(dtype=str), items["gold"].to_numpy(dtype=str)
        training = np.flatnonzero(split == "development")
        test = np.flatnonzero((split == "test") & ~items["outside"].to_numpy())
        if self.shots is None:
            fold = classifier.deal(training, labels[training], self.folds, self.seed)
            for number in range(fold.max() + 1):
                yield "development", "", training[fold != number], training[fold == number]
            yield "test", "", training, test
            return
        for draw in range(self.draws):
            shuffled = rng.permutation(training)
            drawn = np.concatenate([shuffled[labels[shuffled] == sense][: self.shots] for sense in np.unique(labels[training])])
            if draw == 0:
                yield "development", "/00", drawn, np.setdiff1d(training, drawn)
            yield "test", f"/{draw:02d}", drawn, test

    def _regression(self, taught: Array, labels: Array, asked: Array) -> Array:
        """Answer by logistic regression, its penalty chosen on one fold of the training items."""
        fit = classifier.logistic_regression(self.iterations)
        held = classifier.deal(np.arange(len(labels)), labels, self.folds, self.seed) == 0

        def right(penalty: float) -> float:
            """Return the share of the held-out training items that a regression with this penalty answers right."""
            return float((fit(taught[~held], labels[~held], penalty)(taught[held]) == labels[held]).mean())

        choice = len(self.penalties) > 1 and not held.all()
        penalty = max(self.penalties, key=right) if choice else self.penalties[0]
        return fit(taught, labels, penalty)(asked)


@dataclass(frozen=True)
class _Lesson:
    """What one word's teaching items say of others; an item whose vector is not known teaches nothing and gets no answer."""

    features: Any
    items: pd.DataFrame
    teaching: Array
    methods: Mapping[str, Classify]

    def answer(
        self, method: str, asked: Array, repeat: str, *, question: str | None = None, column: str = "place"
    ) -> pd.DataFrame:
        """Return the items asked; ``column`` names the places at which they are asked."""
        taught = self.items.iloc[self.teaching]
        taught = taught[_known(self.features[taught["place"].to_numpy()])]
        items = self.items.iloc[asked]
        vectors = self.features[items[column].to_numpy()]
        known = _known(vectors) & (len(taught) > 0)
        predicted = np.full(len(items), "", dtype=object)
        if known.any():
            labels = taught["gold"].to_numpy(dtype=str)
            predicted[known] = self.methods[method](self.features[taught["place"].to_numpy()], labels, vectors[known])
        return items[["item", "group", "split", "gold"]].assign(
            item=items["item"] + repeat,
            question=question or method,
            predicted=predicted,
            known=known,
            gold_value=np.nan,
            predicted_value=np.nan,
        )


def _with_penalty(fit: classifier.Fit, penalty: float) -> Classify:
    return lambda taught, labels, asked: fit(taught, labels, penalty)(asked)


def _known(features: Any) -> Array:
    """Say which rows have a vector; counts of words always are known."""
    return np.asarray(np.isfinite(features).all(1)) if isinstance(features, np.ndarray) else np.ones(features.shape[0], bool)


def _summarised(items: pd.DataFrame, questions: Questions, methods: Sequence[str]) -> Result:
    """Score development items by the main question, test items by every question and, of the methods, every word."""
    words = [f"{method}: {word}" for method in methods for word in sorted(set(questions.items["group"]))]
    wanted: dict[tuple[str, str], float | None] = dict.fromkeys(product((*methods, ANOTHER, SHUFFLED, *words), METRICS))
    outside = questions.items[questions.items["outside"]]["group"].unique()
    senses = questions.items.groupby("group")["gold"].nunique()  # of which the few sentences outside need not show all
    test, development = (items[items["split"] == split] for split in ("test", "development"))
    parts = [
        summarise(development, dict.fromkeys(product([CENTROID], METRICS))),
        summarise(test, wanted | {(sense_files.OUTSIDE, "word_accuracy"): float((1 / senses[outside]).mean())}),
    ]
    return Result(
        [score for part in parts for score in part.scores], pd.concat([part.items for part in parts], ignore_index=True)
    )
