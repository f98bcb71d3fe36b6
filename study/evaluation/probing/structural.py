"""The structural probe asks whether a linear map of word vectors holds the shape of a sentence's dependency tree.

A matrix ``B`` of rank ``k`` is learned on the training sentences. In the *distance* probe the squared length of ``B (x_i - x_j)``
is to be the number of arcs between the words i and j; in the *depth* probe the squared length of ``B x_i`` is to be the number
of arcs between the word i and the root.

References
----------
Hewitt and Manning (2019), A structural probe for finding syntax in word representations, doi:10.18653/v1/N19-1419.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd
from scipy import stats
from scipy.sparse.csgraph import minimum_spanning_tree
from threadpoolctl import threadpool_limits

from study.contracts import Array, Corpus, NotAskableError, Questions, Result
from study.evaluation.data.conllu import ROOT
from study.evaluation.data.table import SPLITS
from study.evaluation.probing import linear_map
from study.evaluation.probing.linear_map import Parse
from study.evaluation.probing.treebank import Aligned, Treebank
from study.evaluation.statistics.uncertainty import summarise

DISTANCE, DEPTH = "distance", "depth"
FEWEST = 3
"""Words of a sentence that a rank correlation needs."""


@dataclass(frozen=True, kw_only=True)
class StructuralProbe:
    """Read dependency trees off vectors, and compare them with the treebank's.

    Only sentences are used whose words are just the corpus's words (punctuation aside): the others are counted as dropped. Words
    unknown to a model neither teach nor count: what is asked of them is not known. The questions are

    - ``distance``: for each arc between words (not punctuation) whether the minimum spanning tree of the predicted distances
      has it, by accuracy (UUAS);
    - ``distance, spearman``: of predicted and true distances from each word, the mean over the words of a sentence; the score
      is the mean over sentences (the paper takes the mean for each length from 5 to 50 words first);
    - ``depth``: whether the word of the smallest predicted depth is the root, by accuracy;
    - ``depth, spearman``: of predicted and true depths in a sentence; the mean over sentences.

    Parameters
    ----------
    treebank : Treebank
    shortest, longest : int
        Words of the sentences used.
    training, development, test : int
        Sentences at most in each split.
    rank : int
        Rows of ``B``, at most as many as a vector has numbers.
    epochs : int
        Passes over the training sentences, at most; the loss on the development sentences stops it earlier.
    patience : int
        Passes without a better development loss, after which it stops.
    batch : int
        Sentences of one step, all of one length.
    learning_rate : float
        Of Adam.
    seed : int
        Of sampling, order and initial weights.
    description, source : str
        What is asked, and where the data come from under which licence.
    """

    treebank: Treebank
    shortest: int
    longest: int
    training: int
    development: int
    test: int
    rank: int
    epochs: int
    patience: int
    batch: int
    learning_rate: float
    seed: int
    description: str = field(metadata={"resource": True})
    source: str = field(metadata={"resource": True})

    main_metric: ClassVar[str] = "accuracy"
    main_question: ClassVar[str] = DISTANCE
    version: ClassVar[int] = 1

    def questions(self, corpus: Corpus) -> Questions:
        """Draw sentences; each of their words is a place and an item, its gold value the offset of its head in the sentence.

        Raises
        ------
        StudyError
            Where a file of the treebank is missing and cannot be fetched, or is not CoNLL-U.
        NotAskableError
            Where a split has too few sentences whose words align.
        """
        sentences: list[list[str]] = []
        rows: list[tuple[str, str, str, int, int, int]] = []
        dropped: Counter[str] = Counter()
        for split in SPLITS:
            found, wanted = 0, getattr(self, split)
            for sentence in self.treebank.sentences(corpus, split, seed=self.seed):
                if not self.shortest <= len(sentence.words) <= self.longest:
                    continue
                heads = _heads(sentence)
                if heads is None:
                    dropped["sentence whose words are not the corpus's words"] += 1
                    continue
                name, document = f"{split}-{found:05d}", sentence.tree.document
                rows += [(f"{name}:{at:02d}", document, split, len(sentences), at, head) for at, head in enumerate(heads)]
                sentences.append(sentence.words)
                found += 1
                if found >= wanted:
                    break
            if found < 10:
                raise NotAskableError(f"needs at least 10 {split} sentences whose words are the corpus's words, found {found}")
        items = pd.DataFrame(rows, columns=["item", "group", "split", "sentence", "at", "gold_value"])
        places = np.stack([items["sentence"], items["at"], items["at"] + 1], axis=1).astype(np.int64)
        items = items.drop(columns="at").assign(gold="edge", place=np.arange(len(items))).astype({"gold_value": float})
        return Questions("target", sentences, places, items, dict(dropped), f"{len(sentences)} sentences")

    def score(self, questions: Questions, vectors: Mapping[str, Array]) -> Result:
        """Learn both maps on every view, and score the trees that they predict."""
        parses = _parses(questions)
        return _result(parses, {view: self._predict(parses, np.asarray(array)) for view, array in vectors.items()})

    def baselines(self, questions: Questions) -> Mapping[str, Result]:
        """Score the tree that chains the words from the first, which is its root, to the last."""
        parses = _parses(questions)
        orders = [np.arange(len(parse.depth), dtype=float) for parse in parses]
        chain = [Prediction(np.abs(np.subtract.outer(order, order)), order) for order in orders]
        return {"chain": _result(parses, {"baseline": chain})}

    def _predict(self, parses: Sequence[Parse], vectors: Array) -> list[Prediction]:
        settings = linear_map.Settings(self.rank, self.epochs, self.patience, self.batch, self.learning_rate, self.seed)
        with threadpool_limits(limits=1):  # on matrices this small more threads only wait for each other
            to_distance = linear_map.fit(parses, vectors, settings, depth=False)
            to_depth = linear_map.fit(parses, vectors, settings, depth=True)
        predicted = []
        for parse in parses:
            mapped = vectors[parse.rows] @ to_distance  # (t, k)
            distance = ((mapped[:, None] - mapped[None]) ** 2).sum(-1)
            predicted.append(Prediction(distance, ((vectors[parse.rows] @ to_depth) ** 2).sum(-1)))
        return predicted


@dataclass(frozen=True)
class Prediction:
    """What is predicted of a sentence: distances of shape (t, t) and depths of shape (t,), NaN for unknown words."""

    distance: Array
    depth: Array


def _heads(sentence: Aligned) -> list[int] | None:
    """Return for each word of the corpus the offset of its head, None where words differ or hang from punctuation.

    The root's head is ``ROOT``.
    """
    words = [offset for offset, word in enumerate(sentence.tree.words) if not word.is_mark]
    wanted = [(number, number + 1) for number in range(len(sentence.words))]
    if [sentence.spans.get(offset) for offset in words] != wanted:
        return None
    number_of = {offset: number for number, offset in enumerate(words)} | {ROOT: ROOT}
    heads = [number_of.get(sentence.tree.words[offset].head) for offset in words]
    return None if None in heads else [head for head in heads if head is not None]


def _parses(questions: Questions) -> list[Parse]:
    """Make the trees of the sentences again from the heads of their words."""
    return [
        Parse(
            split=str(part["split"].iloc[0]),
            rows=part["place"].to_numpy(),
            heads=(heads := part["gold_value"].to_numpy().astype(int)),
            distance=distances(heads),
            depth=distances(heads)[int(np.flatnonzero(heads == ROOT)[0])],
            name=str(part["item"].iloc[0]).partition(":")[0],
            group=str(part["group"].iloc[0]),
        )
        for _, part in questions.items.groupby("sentence", sort=False)
    ]


def distances(heads: Array) -> Array:
    """Count the arcs between every two words of a tree.

    Parameters
    ----------
    heads : ndarray of shape (t,), int
        Offset of each word's head, ``ROOT`` for the root.

    Returns
    -------
    ndarray of shape (t, t), float64
    """
    lineages = []
    for word in range(len(heads)):
        path = [word]
        while heads[path[-1]] != ROOT:
            path.append(int(heads[path[-1]]))
        lineages.append(set(path))
    return np.array([[len(one ^ other) for other in lineages] for one in lineages], dtype=float)


def _result(parses: Sequence[Parse], predicted: Mapping[str, Sequence[Prediction]]) -> Result:
    """Turn the predictions of all views into items and scores; chance is what a tree drawn at random is worth."""
    rows = []
    for view, sentences in predicted.items():
        for parse, prediction in zip(parses, sentences, strict=True):
            if parse.split != "training":
                common = {"view": view, "group": parse.group, "split": parse.split}
                rows += [common | row for row in _items(parse, prediction)]
    sizes = np.array([len(parse.depth) for parse in parses if parse.split != "training"])
    asked: dict[tuple[str, str], float | None] = {
        (DISTANCE, "accuracy"): float(
            2 * (1 - 1 / sizes).sum() / (sizes - 1).sum()
        ),  # a tree has t - 1 of the t (t - 1) / 2 pairs
        (f"{DISTANCE}, spearman", "mean"): 0.0,
        (DEPTH, "accuracy"): float((1 / sizes).mean()),
        (f"{DEPTH}, spearman", "mean"): 0.0,
    }
    return summarise(pd.DataFrame(rows), asked)


def _items(parse: Parse, prediction: Prediction) -> Iterator[dict[str, object]]:
    """Yield the items of one sentence."""
    known = np.isfinite(prediction.depth)
    empty = {"gold": "", "predicted": "", "gold_value": np.nan, "predicted_value": np.nan}
    edges = spanning_tree(prediction.distance, known)
    for word, head in enumerate(parse.heads):
        if head != ROOT:
            answered = bool(known[word] and known[head])
            found = "edge" if (min(word, head), max(word, head)) in edges else "none"
            item = {"question": DISTANCE, "item": f"{parse.name}:{word:02d}", "gold": "edge", "known": answered}
            yield empty | item | {"predicted": found if answered else ""}
    root = int(np.flatnonzero(parse.heads == ROOT)[0])
    item = {"question": DEPTH, "item": parse.name, "gold": f"word {root}", "known": bool(known[root])}
    yield empty | item | {"predicted": f"word {np.nanargmin(prediction.depth)}" if known[root] else ""}
    enough = int(known.sum()) >= FEWEST
    both = np.ix_(known, known)
    correlations = {
        DISTANCE: rank_correlation(prediction.distance[both], parse.distance[both]).mean() if enough else np.nan,
        DEPTH: rank_correlation(prediction.depth[None, known], parse.depth[None, known])[0] if enough else np.nan,
    }
    for question, value in correlations.items():
        item = {"question": f"{question}, spearman", "item": parse.name, "predicted_value": value, "known": enough}
        yield empty | item


def spanning_tree(distance: Array, known: Array) -> set[tuple[int, int]]:
    """Return the pairs (smaller, larger offset) of the minimum spanning tree of the known words.

    Parameters
    ----------
    distance : ndarray of shape (t, t)
    known : ndarray of shape (t,), bool
    """
    offsets = np.flatnonzero(known)
    above = np.triu(distance[np.ix_(known, known)] + 1, 1)  # plus 1, because scipy takes a distance of 0 for no edge
    rows, columns = minimum_spanning_tree(above).nonzero()
    return {(int(offsets[one]), int(offsets[other])) for one, other in zip(rows, columns, strict=True)}


def rank_correlation(one: Array, other: Array) -> Array:
    """Return Spearman's correlation of each row of two arrays of shape (n, t); 0 where one of them has no order."""
    ranks = [stats.rankdata(values, axis=1) for values in (one, other)]
    x, y = (rank - rank.mean(1, keepdims=True) for rank in ranks)
    norm = np.sqrt((x**2).sum(1) * (y**2).sum(1))
    return np.divide((x * y).sum(1), norm, out=np.zeros(len(x)), where=norm > 0)
