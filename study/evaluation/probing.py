"""Probing: whether a linear classifier can read a property of a word or a sentence from its vector.

A probe shows that a property is *there* for a linear reader, not that the model uses it; it is to be read beside its floors
(majority, naive Bayes on the words, the ``random`` and ``untrained`` models).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from study.contracts import Array, Corpus, Questions, Result, StudyError
from study.evaluation import classifier, table
from study.evaluation.classifier import Fit
from study.evaluation.uncertainty import summarise
from study.evaluation.words import bag_of_words


@dataclass(frozen=True, kw_only=True)
class LinearProbe:
    """What all probes share: the regimen by which a linear classifier is fitted to every view, and their floors.

    Parameters
    ----------
    description, source : str
        What is asked, and where the data come from under which licence.
    penalties : sequence of float
        L2 weights per training item, from which the development items choose.
    iterations : int
        Upper bound of the solver's steps.
    seed : int
        Of sampling and of folds.

    References
    ----------
    Alain and Bengio (2016), Understanding intermediate layers using linear classifier probes, arXiv:1610.01644.
    """

    description: str = field(metadata={"resource": True})
    source: str = field(metadata={"resource": True})
    penalties: Sequence[float]
    iterations: int
    seed: int

    main_metric: ClassVar[str] = "accuracy"
    main_question: ClassVar[str] = "label"
    version: ClassVar[int] = 1

    def score(self, questions: Questions, vectors: Mapping[str, Array]) -> Result:
        """Fit and score a probe on every view; items without a vector neither teach nor count, but lower the coverage."""
        fit = classifier.logistic_regression(self.iterations)
        answers = {view: self._answers(questions, array, fit, self.penalties) for view, array in vectors.items()}
        return _result(questions, answers)

    def baselines(self, questions: Questions) -> Mapping[str, Result]:
        """Score the most frequent class, and naive Bayes on the words of the sentence (without the target where there is one)."""
        floors = {"majority": classifier.majority, "naive Bayes": classifier.naive_bayes}
        words = bag_of_words(questions, target=questions.level == "sentence")
        return {
            name: _result(questions, {"baseline": self._answers(questions, words, fit, (1.0,))}) for name, fit in floors.items()
        }

    def _answers(self, questions: Questions, features: Any, fit: Fit, penalties: Sequence[float]) -> Array:
        """Predict all items of which the features are known; the others stay empty."""
        dense = isinstance(features, np.ndarray)
        known = np.asarray(np.isfinite(features).all(1)) if dense else np.ones(features.shape[0], dtype=bool)
        labels, split, groups = (questions.items[name].to_numpy(dtype=str)[known] for name in ("gold", "split", "group"))
        predicted = np.array([""] * len(known), dtype=object)
        with threadpool_limits(limits=1):  # on matrices this small more threads only wait for each other
            predicted[known] = self._predicted(features[known], labels, groups, split, fit, penalties)
        return predicted

    def _predicted(
        self, features: Any, labels: Array, groups: Array, split: Array, fit: Fit, penalties: Sequence[float]
    ) -> Array:
        """Predict the known items; here by the splits that the questions bring."""
        return classifier.predict_splits(features, labels, split, fit=fit, penalties=penalties)


def _result(questions: Questions, answers: Mapping[str, Array]) -> Result:
    asked = questions.items[["item", "group", "split", "gold"]]
    frames = [
        asked.assign(view=view, question="label", predicted=given, gold_value=np.nan, predicted_value=np.nan, known=given != "")
        for view, given in answers.items()
    ]
    items = pd.concat(frames, ignore_index=True)
    even = 1 / questions.items["gold"].nunique()
    wanted: dict[tuple[str, str], float | None] = {("label", "accuracy"): even, ("label", "macro_f1"): even}
    return summarise(items[items["split"] != "training"], wanted)


@dataclass(frozen=True, kw_only=True)
class Probe(LinearProbe):
    """A probe made of two files: a task file of labelled sentences, and a YAML file that names it.

    Where the file has a column ``split``, its training items teach (and lend development items where it has none).
    Where it has not, a share of the groups is set apart as development items, and the others are tested by
    cross-validation grouped by the column ``group`` (without one, each text is its own group).

    The settings below have their defaults here, the one exception to the rule that defaults live in YAML: a probe's own YAML file
    is four lines long and need not know them.

    Parameters
    ----------
    data : str
        The task file; see ``study.evaluation.table``.
    development : float
        Share of the groups set apart as development items where the file does not say, in (0, 1).
    folds : int
        Folds of the cross-validation.
    """

    data: str = field(metadata={"resource": True})
    penalties: Sequence[float] = (0.1, 0.01, 0.001)
    iterations: int = 200
    seed: int = 0
    development: float = 0.25
    folds: int = 10

    def questions(self, corpus: Corpus) -> Questions:
        """Read the task file.

        Raises
        ------
        StudyError
            For a bad line; where there are too few groups to set some apart.
        """
        path = table.locate(self.data, self.source)
        rows = table.read(path)
        questions = table.questions(rows, corpus, name=path.stem)
        items = questions.items
        if rows[0].split is None:
            items["split"] = np.where(self._apart(items, path.name), "development", "test")
            return questions
        missing = {"training", "test"} - set(items["split"])
        if missing:
            raise StudyError(f"{path}: the column 'split' names no {' and no '.join(sorted(missing))} items; it needs both")
        if not (items["split"] == "development").any():
            training = items["split"] == "training"
            items.loc[training, "split"] = np.where(self._apart(items[training], path.name), "development", "training")
        return questions

    def _apart(self, items: pd.DataFrame, name: str) -> Array:
        """Say which items are set apart as development items: whole groups, the labels spread evenly."""
        if not 0 < self.development < 1 or self.folds < 2:
            raise StudyError(
                f"development={self.development}, folds={self.folds}: expected a share in (0, 1) and two folds or more"
            )
        groups, labels = items["group"].to_numpy(dtype=str), items["gold"].to_numpy(dtype=str)
        if len(np.unique(groups)) < 4:
            raise StudyError(f"{name}: expected at least four groups (or sentences), found {len(np.unique(groups))}")
        return classifier.deal(groups, labels, max(2, round(1 / self.development)), self.seed) == 0

    def _predicted(
        self, features: Any, labels: Array, groups: Array, split: Array, fit: Fit, penalties: Sequence[float]
    ) -> Array:
        if (split == "training").any():
            return classifier.predict_splits(features, labels, split, fit=fit, penalties=penalties)
        return classifier.predict_folds(
            features, labels, groups, split, fit=fit, penalties=penalties, folds=self.folds, seed=self.seed
        )
