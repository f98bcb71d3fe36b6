"""Probing: whether a classifier can read a property of a word, a sentence or a pair of words from vectors.

A probe shows that a property is *there* for a reader of that kind, not that the model uses it; it is to be read beside its floors
(majority, naive Bayes on the words, the ``random`` and ``untrained`` models) and its control task.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from study.contracts import Array, Questions, Result, StudyError
from study.evaluation.data.words import bag_of_words
from study.evaluation.probing import control, description, protocol, reader
from study.evaluation.probing.protocol import Answers
from study.evaluation.probing.reader import Labelled, Reader
from study.evaluation.probing.regimen import Regimen
from study.evaluation.statistics.uncertainty import summarise

CLASSIFIERS = ("linear", "mlp")
MIXED = re.compile(r"input|layer-\d+")


@dataclass(frozen=True, kw_only=True)
class LabelProbe:
    """What all probes share: how classifiers are fitted to every view, what is scored, and their floors.

    Each classifier asks its own questions; those of ``mlp`` end in ``, mlp``:

    - ``label``: what is asked, by accuracy and macro-F1;
    - ``control``: the control task, and ``selectivity``: for each item label right (1 or 0) minus control right, for words
      and pairs of words in their sentence;
    - ``description length``: bits of each item in the online code, uniform at first. These are the training items (where there
      are none, the test items). They stand under the split ``test``, because each is coded before it is learned from.

    A row of ``items`` may name a second place in the column ``other``: the features of such a pair are both vectors and
    their product, ``[a, b, a * b]``, of which even a linear classifier can see whether two words agree (Liu et al. 2019).

    Parameters
    ----------
    description, source : str
        What is asked, and where the data come from under which licence.
    regimen : Regimen
        How a probe is fitted to every view, and which of these questions are asked.

    References
    ----------
    Alain and Bengio (2016), Understanding intermediate layers using linear classifier probes, arXiv:1610.01644. Liu, Gardner,
    Belinkov, Peters and Smith (2019), Linguistic knowledge and transferability of contextual representations, arXiv:1903.08855.
    """

    description: str = field(metadata={"resource": True})
    source: str = field(metadata={"resource": True})
    regimen: Regimen

    main_metric: ClassVar[str] = "accuracy"
    main_question: ClassVar[str] = "label"
    version: ClassVar[int] = 3

    def score(self, questions: Questions, vectors: Mapping[str, Array]) -> Result:
        """Fit and score the probes on every view; items without a vector neither teach nor count, but lower the coverage.

        Raises
        ------
        StudyError
            For a classifier that there is not, or a regimen that fits nothing.
        """
        self._check()
        frames: list[pd.DataFrame] = []
        weights: list[pd.DataFrame] = []
        for view, features in self._views(questions, vectors):
            for name, read in self._readers(features.ndim == 3).items():
                found, mix = self._examined(questions, view, features, read, "" if name == "linear" else f", {name}")
                frames += found
                if mix is not None:
                    layers = _layers(vectors)
                    weights.append(pd.DataFrame({"view": view, "classifier": name, "layer": layers, "weight": mix}))
        result = summarise(pd.concat(frames, ignore_index=True), self._asked(questions))
        tables = {"mix_weights": pd.concat(weights, ignore_index=True)} if weights else {}
        return Result(result.scores, result.items, tables)

    def baselines(self, questions: Questions) -> Mapping[str, Result]:
        """Score the most frequent class, and naive Bayes on the words of the sentence (without the target where there is one)."""
        words = bag_of_words(questions, target=questions.level == "sentence")
        words = words[questions.items["place"]] + (words[questions.items["other"]] if "other" in questions.items else 0)
        floors = {"majority": reader.majority, "naive Bayes": reader.naive_bayes}
        asked = self._asked(questions)
        results = {}
        for name, read in floors.items():
            frames, _ = self._examined(questions, "baseline", words, read, "", floor=True)
            results[name] = summarise(pd.concat(frames, ignore_index=True), asked)
        return results

    def _check(self) -> None:
        given = list(self.regimen.classifiers)
        if "linear" not in given or not set(given) <= set(CLASSIFIERS):
            raise StudyError(
                f"classifiers={given}: expected [linear] or [linear, mlp]; the linear probe is what models compare by"
            )
        if not self.regimen.penalties or min(self.regimen.iterations, self.regimen.hidden, self.regimen.epochs) < 1:
            raise StudyError(
                f"penalties={list(self.regimen.penalties)}, iterations={self.regimen.iterations}, hidden={self.regimen.hidden}, "
                f"epochs={self.regimen.epochs}: expected one penalty or more, and numbers from 1"
            )

    def _views(self, questions: Questions, vectors: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
        """Yield the features (n, d) of the items in each view, and (n, layers, d) of the mix of all layers."""
        for view, array in vectors.items():
            yield view, features(questions.items, array)
        layers = _layers(vectors)
        if self.regimen.mix and sum(name.startswith("layer-") for name in layers) > 1:
            yield "mix", np.stack([features(questions.items, vectors[name]) for name in layers], axis=1)

    def _readers(self, mix: bool) -> Mapping[str, Reader]:
        """Return the readers of one view by the name of their classifier; torch is only loaded where it is needed."""
        regimen = self.regimen
        readers = {"linear": reader.linear(regimen.penalties, regimen.iterations)}
        if mix:
            from study.evaluation.probing.mixing import mixed

            units = {"linear": 0, "mlp": regimen.hidden}
            return {name: mixed(hidden=units[name], epochs=regimen.epochs, seed=regimen.seed) for name in regimen.classifiers}
        if "mlp" in regimen.classifiers:
            from study.evaluation.probing.perceptron import perceptron

            readers["mlp"] = perceptron(hidden=regimen.hidden, epochs=regimen.epochs, seed=regimen.seed)
        return readers

    def _asked(self, questions: Questions) -> dict[tuple[str, str], float | None]:
        """Name what is scored, with the level of guessing."""
        even = 1 / questions.items["gold"].nunique()
        asked: dict[tuple[str, str], float | None] = {}
        for end in ("", ", mlp"):
            asked |= {(f"label{end}", "accuracy"): even, (f"label{end}", "macro_f1"): None}
            asked |= {(f"control{end}", "accuracy"): even, (f"selectivity{end}", "selectivity"): 0.0}
            asked |= {(f"description length{end}", "codelength"): -np.log2(even)}
        return asked

    def _examined(
        self, questions: Questions, view: str, features: Any, read: Reader, end: str, *, floor: bool = False
    ) -> tuple[list[pd.DataFrame], Array | None]:
        """Ask one classifier on one view all questions; return their items and the weights of the layers."""
        items = questions.items
        dense = isinstance(features, np.ndarray)
        known = np.isfinite(features).all(axis=tuple(range(1, features.ndim))) if dense else np.ones(len(items), dtype=bool)
        names, codes = np.unique(items["gold"].to_numpy(dtype=str), return_inverse=True)
        kept = items[known]
        data = Labelled(features[known], codes[known], len(names))
        with threadpool_limits(limits=1):  # on matrices this small more threads only wait for each other
            answers = self._answers(read, data, items, kept)
            frames = [_label_items(items, view, f"label{end}", names[codes], names, answers.codes, known)]
            if self.regimen.control and questions.level == "target" and not floor:
                kinds = control.types(questions)
                by_heart = control.taught(kinds, *(items[name].to_numpy(dtype=str) for name in ("split", "group")))
                if by_heart.any():
                    drawn = self._control(questions, kinds, codes, len(names))
                    guessed = self._answers(read, Labelled(data.features, drawn[known], data.classes), items, kept)
                    controlled = _label_items(items, view, f"control{end}", names[drawn], names, guessed.codes, known)
                    controlled["known"] &= by_heart
                    frames += [controlled, _selectivity_items(frames[0], controlled, f"selectivity{end}")]
            if self.regimen.description_length:
                frames.append(self._description(items, view, f"description length{end}", read, data, known))
        return [frame[frame["split"] != "training"] for frame in frames], answers.weights

    def _answers(self, read: Reader, data: Labelled, items: pd.DataFrame, kept: pd.DataFrame) -> Answers:
        """Answer the known items by the splits of the questions, or by cross-validation where nothing is set apart to teach."""
        split = kept["split"].to_numpy(dtype=str)
        if (items["split"] == "training").any():
            return protocol.by_splits(read, data, split)
        groups = kept["group"].to_numpy(dtype=str)
        return protocol.by_folds(read, data, split, groups, folds=self.regimen.folds, seed=self.regimen.seed)

    def _control(self, questions: Questions, kinds: Array, codes: Array, classes: int) -> Array:
        """Draw the labels of the control task from those of the items that teach."""
        split = questions.items["split"].to_numpy(dtype=str)
        teaches = split == "training" if (split == "training").any() else np.ones(len(split), dtype=bool)
        return control.labels(kinds, codes, teaches, classes=classes, seed=self.regimen.seed)

    def _description(
        self, items: pd.DataFrame, view: str, question: str, read: Reader, data: Labelled, known: Array
    ) -> pd.DataFrame:
        """Return the coded items: those of training in any order, without such those of test with whole groups together."""
        told = "training" if (items["split"] == "training").any() else "test"
        split, groups = (items.loc[known, name].to_numpy(dtype=str) for name in ("split", "group"))
        rows = description.order(np.flatnonzero(split == told), groups, whole=told == "test", seed=self.regimen.seed)
        costs = np.full(int(known.sum()), np.nan)
        costs[rows] = description.bits(read, data, rows, np.flatnonzero(split == "development"))
        values = np.full(len(items), np.nan)
        values[known] = costs
        coded = items.assign(view=view, question=question, predicted="", gold_value=np.nan, predicted_value=values, known=known)
        return coded[coded["split"] == told].assign(split="test")


def features(items: pd.DataFrame, array: Array) -> Array:
    """Return the features (n, d) of each item, or of each pair of places (n, 3 d)."""
    first = np.asarray(array[items["place"].to_numpy()])
    if "other" not in items:
        return first
    second = np.asarray(array[items["other"].to_numpy()])
    return np.hstack([first, second, first * second])


def _layers(views: Mapping[str, Array]) -> list[str]:
    """Name the views that a mix is made of: all layers, and the input where it is as wide as they are."""
    names = [name for name in views if MIXED.fullmatch(name)]
    return [name for name in names if views[name].shape[1] == views[names[-1]].shape[1]]


def _label_items(
    items: pd.DataFrame, view: str, question: str, gold: Array, names: Array, codes: Array, known: Array
) -> pd.DataFrame:
    """Make items of answers; ``codes`` are those of the known items, -1 where one was not asked."""
    predicted = np.full(len(items), "", dtype=object)
    predicted[known] = np.where(codes >= 0, names[codes], "")
    told = {"view": view, "question": question, "gold": gold, "predicted": predicted, "known": predicted != ""}
    return items[["item", "group", "split"]].assign(**told, gold_value=np.nan, predicted_value=np.nan)


def _selectivity_items(label: pd.DataFrame, drawn: pd.DataFrame, question: str) -> pd.DataFrame:
    """Make items of how much better the label was read than the control."""
    right = [(frame["gold"] == frame["predicted"]).to_numpy(float) for frame in (label, drawn)]
    known = label["known"].to_numpy() & drawn["known"].to_numpy()
    value = np.where(known, right[0] - right[1], np.nan)
    return label.assign(question=question, gold="", predicted="", predicted_value=value, known=known)
