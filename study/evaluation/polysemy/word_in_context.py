"""Word-in-Context: whether a word means the same in two sentences.

A folder holds ``train``, ``dev`` and ``test``, each with a file of lines ``lemma TAB N or V TAB i-j TAB tokens TAB tokens`` and
one of lines T or F. The two meanings are called the same where the cosine of the two occurrences reaches a threshold: the one
that is right most often on the training pairs, of equal ones the lowest; cosines are rounded to six decimals, so that equal
vectors have equal cosines. Development and test pairs are then judged by it. A view that gives a form one vector can only tell
whether the forms differ; where the lemma stands in the place of both forms, it scores exactly one half on the balanced sets.

References
----------
Pilehvar and Camacho-Collados (2019), WiC: the Word-in-Context dataset, NAACL, doi:10.18653/v1/N19-1128.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from study.contracts import Array, Corpus, Questions, Result, Sentence, StudyError
from study.evaluation.data import table, tokens
from study.evaluation.data.table import Row
from study.evaluation.polysemy.senses import unit
from study.evaluation.polysemy.shuffling import ANOTHER, SHUFFLED, forms, with_shuffled
from study.evaluation.probing import classifier
from study.evaluation.statistics.uncertainty import summarise

THRESHOLD, REGRESSION = "cosine threshold", "logistic regression"
PARTS = (("train", "training"), ("dev", "development"), ("test", "test"))
GOLD = {"T": "same", "F": "other"}


@dataclass(frozen=True, kw_only=True)
class WordInContext:
    """Tell whether two occurrences of a word have the same sense, by their cosine or by logistic regression on the pair.

    Two controls of the test pairs are judged by the threshold of the true pairs: ``another's context`` gives one of the two
    occurrences the vector of the same form in another pair (pairs whose forms occur in no other are left out, and lower its
    coverage); ``words shuffled`` puts the other words of both sentences in random order.

    Parameters
    ----------
    data : str
        The folder of the set.
    target : {"form", "lemma"}
        Whether the word stands in its sentence as it was written, or its lemma in its place.
    methods : sequence of str
        Of ``cosine threshold`` (by which the layer is chosen) and ``logistic regression`` on ``|a - b|`` and ``a * b`` of the
        two vectors of length one.
    penalties : sequence of float
        L2 weights per training pair of the logistic regression, from which the development pairs choose.
    iterations : int
        Upper bound of its solver's steps.
    shuffle : bool
        Whether the test sentences are asked with their words in random order too.
    seed : int
        Of the two controls.
    description, source : str
        What is asked, and where the data come from under which licence.
    """

    data: str = field(metadata={"resource": True})
    target: Literal["form", "lemma"]
    methods: Sequence[str]
    penalties: Sequence[float]
    iterations: int
    shuffle: bool
    seed: int
    description: str = field(metadata={"resource": True})
    source: str = field(metadata={"resource": True})

    main_metric: ClassVar[str] = "accuracy"
    main_question: ClassVar[str] = THRESHOLD
    version: ClassVar[int] = 1

    def questions(self, corpus: Corpus) -> Questions:
        """Read the pairs and find both targets among the corpus's words.

        Raises
        ------
        StudyError
            For a method that is not known; for a missing file or a bad line.
        """
        if THRESHOLD not in self.methods or not set(self.methods) <= {THRESHOLD, REGRESSION}:
            raise StudyError(f"methods={list(self.methods)}: expected '{THRESHOLD}' and at most '{REGRESSION}'")
        path = table.locate(self.data, self.source)
        pairs = [pair for part, split in PARTS for pair in _read(path / part / part, split)]
        placed = [_lemma_placed(row) if self.target == "lemma" else row for pair in pairs for row in pair]
        words = [corpus.words(row.text) for row in placed]
        spans = [table.span(found, row.start or 0, row.stop or 0) for found, row in zip(words, placed, strict=True)]
        kept = [number for number in range(len(pairs)) if None not in spans[2 * number : 2 * number + 2]]
        rows = [2 * number + side for number in kept for side in range(2)]
        sentences = [[token.word for token in words[row]] for row in rows]
        places = np.array([(place, *(spans[row] or ())) for place, row in enumerate(rows)], dtype=np.int64)
        used = [pairs[number] for number in kept]
        items = pd.DataFrame(
            {
                "item": [f"{first.group}-{first.split}-{first.line:04d}" for first, _ in used],
                "group": [first.group for first, _ in used],
                "split": [first.split for first, _ in used],
                "gold": [first.label for first, _ in used],
                "place": np.arange(0, len(rows), 2),
                "other": np.arange(1, len(rows), 2),
                "same_form": [_form(first).lower() == _form(second).lower() for first, second in used],
            }
        )
        lost = len(pairs) - len(used)
        dropped = {"target does not align with the corpus's words": lost} if lost else {}
        meant = list(zip(forms(sentences, places, corpus), [sentences[number] for number in places[:, 0]], strict=True))
        items["another_place"], items["another_other"] = _dealt(items, meant, np.random.default_rng(self.seed))
        note = "threshold chosen on the training pairs; of equally right ones the lowest, cosines rounded to six decimals"
        if not self.shuffle:
            return Questions("target", sentences, places, items, dropped, note)
        asked = items.loc[items["split"] == "test", ["place", "other"]].to_numpy().ravel()
        extended, places, shuffled = with_shuffled(sentences, places, asked, seed=self.seed)
        items["shuffled_place"], items["shuffled_other"] = shuffled[items["place"]], shuffled[items["other"]]
        return Questions("target", extended, places, items, dropped, note)

    def score(self, questions: Questions, vectors: Mapping[str, Array]) -> Result:
        """Score every view by every method, and by the threshold its two controls."""
        items = questions.items
        frames = []
        for view, array in vectors.items():
            directions = unit(array)
            cosine = _cosine(directions, items["place"], items["other"])
            parts = [_judged(items, cosine, cosine)]
            if REGRESSION in self.methods:
                parts.append(self._regressed(items, directions))
            test = items[items["split"] == "test"]
            for question, name in ((ANOTHER, "another"), (SHUFFLED, "shuffled")):
                if f"{name}_place" in items:
                    changed = _cosine(directions, items[f"{name}_place"], items[f"{name}_other"])
                    parts.append(_judged(items, cosine, changed).loc[test.index].assign(question=question))
            frames += [part.assign(view=view) for part in parts]
        return _summarised(pd.concat(frames, ignore_index=True))

    def baselines(self, questions: Questions) -> Mapping[str, Result]:
        """Score the answer most frequent in training, and that of the same surface form (letter case aside) the same sense."""
        items = questions.items
        taught = items["split"] == "training"
        most = classifier.majority(None, items.loc[taught, "gold"].to_numpy(dtype=str), 1.0)(items)
        answers = {"majority": most, "same form": np.where(items["same_form"], "same", "other")}
        return {
            name: _summarised(
                _frame(items, THRESHOLD, predicted.astype(object), np.full(len(items), np.nan)).assign(view="baseline")
            )
            for name, predicted in answers.items()
        }

    def _regressed(self, items: pd.DataFrame, directions: Array) -> pd.DataFrame:
        """Return the answers of the logistic regression to development and test pairs."""
        a, b = directions[items["place"]], directions[items["other"]]
        features = np.concatenate([np.abs(a - b), a * b], axis=1).astype(np.float32)
        known = np.isfinite(features).all(1)
        predicted = np.full(len(items), "", dtype=object)
        labels, split = (items[name].to_numpy(dtype=str)[known] for name in ("gold", "split"))
        with threadpool_limits(limits=1):  # on matrices this small more threads only wait for each other
            predicted[known] = classifier.predict_splits(
                features[known], labels, split, fit=classifier.logistic_regression(self.iterations), penalties=self.penalties
            )
        return _frame(items, REGRESSION, predicted, np.full(len(items), np.nan))


def threshold(cosine: Array, same: Array) -> float:
    """Choose the cosine from which on two occurrences are taken to mean the same.

    Parameters
    ----------
    cosine : ndarray of shape (n,)
        Of training pairs.
    same : ndarray of shape (n,), bool

    Returns
    -------
    float
        Midway between two neighbouring cosines, or infinite on either side of all: the one that is right most often, of equal
        ones the lowest.
    """
    values, codes = np.unique(np.round(cosine, 6), return_inverse=True)
    at = np.bincount(codes, same, len(values)), np.bincount(codes, ~same, len(values))
    right = np.append(at[0][::-1].cumsum()[::-1], 0) + np.append(0, at[1].cumsum())  # same from a cut on, other below it
    cuts = np.concatenate([[-np.inf], (values[1:] + values[:-1]) / 2, [np.inf]])
    return float(cuts[right.argmax()])


def _judged(items: pd.DataFrame, cosine: Array, asked: Array) -> pd.DataFrame:
    """Judge the cosines asked by the threshold of the true training pairs' cosines."""
    taught = (items["split"] == "training").to_numpy() & np.isfinite(cosine)
    known = np.isfinite(asked) & taught.any()
    predicted = np.full(len(items), "", dtype=object)
    if known.any():
        cut = threshold(cosine[taught], (items["gold"] == "same").to_numpy()[taught])
        predicted[known] = np.where(np.round(asked[known], 6) >= cut, "same", "other")
    return _frame(items, THRESHOLD, predicted, asked)


def _frame(items: pd.DataFrame, question: str, predicted: Array, value: Array) -> pd.DataFrame:
    return items[["item", "group", "split", "gold"]].assign(
        question=question,
        predicted=predicted,
        known=predicted != "",
        gold_value=(items["gold"] == "same").astype(float),
        predicted_value=value,
    )


def _summarised(items: pd.DataFrame) -> Result:
    asked = [(question, "accuracy") for question in (THRESHOLD, REGRESSION, ANOTHER, SHUFFLED)]
    return summarise(items[items["split"] != "training"], dict.fromkeys(asked, 0.5))


def _cosine(directions: Array, first: pd.Series, second: pd.Series) -> Array:
    """Return the cosines of pairs of places; NaN where a place is negative or has no vector."""
    cosine = (directions[first] * directions[second]).sum(1)
    return np.where((first >= 0) & (second >= 0), cosine, np.nan)


def _dealt(items: pd.DataFrame, meant: Sequence[tuple[str, Sentence]], rng: np.random.Generator) -> tuple[Array, Array]:
    """Give one occurrence of each test pair the place of the same form in another pair; -1 where its forms occur in no other.

    ``meant`` tells the form and the sentence of each place; a sentence that stands in two pairs is no other context.
    """
    places_of: dict[str, list[int]] = {}
    for place in items[["place", "other"]].to_numpy().ravel().tolist():
        places_of.setdefault(meant[place][0], []).append(place)
    dealt = np.full((len(items), 2), -1, dtype=np.int64)
    for number in np.flatnonzero(items["split"] == "test"):
        own = items[["place", "other"]].iloc[number].tolist()
        for side in rng.permutation(2).tolist():
            form = meant[own[side]][0]
            strange = [place for place in places_of[form] if meant[place][1] not in (meant[own[0]][1], meant[own[1]][1])]
            if strange:
                dealt[number] = own
                dealt[number, side] = rng.choice(strange)
                break
    return dealt[:, 0], dealt[:, 1]


def _read(path: Path, split: str) -> Iterator[tuple[Row, Row]]:
    """Yield the two sentences of each pair; ``path`` is that of the two files without their endings.

    Raises
    ------
    StudyError
        For a missing file, files of different length, or a bad line.
    """
    files = [path.with_name(f"{path.name}.{kind}.txt") for kind in ("data", "gold")]
    for file in files:
        if not file.is_file():
            raise StudyError(f"{file}: no such file; the set has train, dev and test, each with a data and a gold file")
    pairs, gold = map(table.lines, files)
    if len(pairs) != len(gold):
        raise StudyError(f"{files[1]}: expected an answer for {len(pairs)} lines, found {len(gold)}")
    for (number, line), (_, answer) in zip(pairs, gold, strict=True):
        where, cells = f"{files[0]}:{number}", line.split("\t")
        if len(cells) != 5 or cells[2].count("-") != 1 or answer.strip() not in GOLD:
            expected = "lemma TAB N or V TAB i-j TAB tokens TAB tokens, and T or F in the gold file"
            raise StudyError(f"{where}: expected {expected}, found: {line} ({answer})")
        spans = zip(cells[2].split("-"), cells[3:], strict=True)
        first, second = (
            Row(number, text, *tokens.offsets(where, text, position), GOLD[answer.strip()], split, cells[0])
            for position, text in spans
        )
        yield first, second


def _form(row: Row) -> str:
    return row.text[row.start : row.stop]


def _lemma_placed(row: Row) -> Row:
    """Put the lemma in the place of the form."""
    assert row.start is not None  # every row of a pair has a target
    assert row.group is not None
    text = row.text[: row.start] + row.group + row.text[row.stop :]
    return Row(row.line, text, row.start, row.start + len(row.group), row.label, row.split, row.group)
