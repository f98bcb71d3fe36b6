"""The occurrences of any word a user names, clustered: whether a view sees groups among them, and which.

k-means on vectors of length one is tried with 2, 3, … clusters, and the number with the highest mean silhouette is taken. k-means
finds clusters in anything, so the same is done with samples of one Gaussian that has the mean and the covariance of the
occurrences, brought to length one as well: clusters are shown only where the silhouette exceeds 95 of 100 such samples.
Clusters are not senses: they may be topics, spellings or constructions, and example sentences are shown to be read.

References
----------
Rousseeuw (1987), Silhouettes, doi:10.1016/0377-0427(87)90125-7. Liu, Hayes, Nobel and Marron (2008), Statistical significance of
clustering for high-dimension, low-sample size data, doi:10.1198/016214508000000454 (the Gaussian null).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, cast

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from study.contracts import Array, Corpus, NotAskableError, Part, Questions, Result, Score, Sentence, StudyError
from study.evaluation.data.table import SPLITS
from study.evaluation.geometry.space import plane
from study.evaluation.polysemy.senses import TIE, silhouette, unit
from study.evaluation.polysemy.shuffling import SHUFFLED, with_shuffled
from study.evaluation.statistics.uncertainty import summarise

Found = tuple[Part, int, Sentence, int]
"""Part, number of the sentence in it, its words, and the place of the word."""


@dataclass(frozen=True, kw_only=True)
class WordClusters:
    """Collect the occurrences of a word from the corpus and cluster them in every view. It describes and compares no models.

    Each occurrence has its silhouette (question ``cluster``; chance: the mean of samples without clusters). The control ``words
    shuffled`` asks how many stay in their cluster; to deal the vectors out anew among the occurrences would change nothing.

    Parameters
    ----------
    word : str
        Compared as the corpus's vocabulary folds words.
    parts : sequence of str
        Parts of the corpus that are searched; what is found in the training part, models have seen in training.
    occurrences : int
        Drawn at most, each sentence with equal chance; in each sentence the first occurrence, and equal sentences once.
    fewest : int
        Below this number of occurrences the question is not asked.
    most_clusters : int
        Highest number of clusters that is tried.
    starts : int
        Of k-means, the best of which is kept.
    null_draws : int
        Samples without clusters.
    examples : int
        Sentences shown of each cluster, those nearest to its centroid.
    shuffle : bool
        Whether it is asked how many occurrences stay in their cluster when the words around them are put in random order.
    seed : int
        Of the draws, k-means and the order of words.
    description, source : str
        What is asked, and where the data come from under which licence.
    """

    word: str
    parts: Sequence[str]
    occurrences: int
    fewest: int
    most_clusters: int
    starts: int
    null_draws: int
    examples: int
    shuffle: bool
    seed: int
    description: str = field(metadata={"resource": True})
    source: str = field(metadata={"resource": True})

    main_metric: ClassVar[str] = ""
    main_question: ClassVar[str] = ""
    version: ClassVar[int] = 1

    def questions(self, corpus: Corpus) -> Questions:
        """Draw sentences with the word.

        Raises
        ------
        StudyError
            Where ``word`` is not one word by the corpus's rule, or ``parts`` names no part.
        NotAskableError
            Where the corpus has too few occurrences.
        """
        if len(corpus.words(self.word)) != 1 or not self.parts or not set(self.parts) <= set(SPLITS):
            raise StudyError(
                f"word='{self.word}', parts={list(self.parts)}: expected one word, and parts of {', '.join(SPLITS)}. "
                "Name the word on the command line: tasks.polysemy.word.word=plant"
            )
        found, total = self._drawn(corpus)
        if len(found) < self.fewest:
            raise NotAskableError(
                f"needs {self.fewest} sentences of two words or more with '{self.word}' in the corpus's {', '.join(self.parts)} "
                f"part, found {len(found)}"
            )
        items = pd.DataFrame(
            {
                "item": [f"{part}-{number:07d}" for part, number, _, _ in found],
                "group": corpus.vocabulary.fold(self.word),
                "split": "test",
                "gold": "",
                "place": np.arange(len(found)),
                "part": [part for part, *_ in found],
            }
        )
        counted = Counter(items["part"])
        note = f"{len(found)} of {total} occurrences of '{self.word}': " + ", ".join(f"{counted[part]} {part}" for part in SPLITS)
        note += "; sentences of the training part were seen in training"
        sentences: list[Sentence] = [words for _, _, words, _ in found]
        places = np.array([(place, at, at + 1) for place, (*_, at) in enumerate(found)], dtype=np.int64)
        if self.shuffle:
            sentences, places, items["shuffled"] = with_shuffled(sentences, places, np.arange(len(found)), seed=self.seed)
        return Questions("target", sentences, places, items, note=note)

    def _drawn(self, corpus: Corpus) -> tuple[list[Found], int]:
        """Return a sample of the occurrences in the order of the text, and how many there are."""
        rng = np.random.default_rng(self.seed)
        kept: list[Found] = []
        total = 0
        for one in _occurrences(corpus, self.word, self.parts):
            total += 1
            if len(kept) < self.occurrences:
                kept.append(one)
            elif (slot := int(rng.integers(total))) < self.occurrences:  # so that each has been kept with equal chance
                kept[slot] = one
        kept.sort(key=lambda one: (SPLITS.index(one[0]), one[1]))
        distinct: dict[Sentence, Found] = {}
        for one in kept:
            distinct.setdefault(tuple(one[2]), one)
        return list(distinct.values()), total

    def score(self, questions: Questions, vectors: Mapping[str, Array]) -> Result:
        """Cluster every view: silhouette beside that of samples without clusters, and tables of clusters and of points."""
        scores: list[Score] = []
        items, clusters, points = [], [], []
        for view, array in vectors.items():
            answers, chance, *tables = self._view(questions, unit(array))
            found = summarise(answers.assign(view=view), chance)
            scores += found.scores
            items.append(found.items)
            clusters.append(tables[0].assign(view=view))
            points.append(tables[1].assign(view=view))
        tables_by_name = {"clusters": pd.concat(clusters, ignore_index=True), "points": pd.concat(points, ignore_index=True)}
        return Result(scores, pd.concat(items, ignore_index=True), tables_by_name)

    def _view(
        self, questions: Questions, directions: Array
    ) -> tuple[pd.DataFrame, dict[tuple[str, str], float | None], pd.DataFrame, pd.DataFrame]:
        """Return the items, the chance level of each score, and the rows of both tables."""
        items = questions.items
        own = directions[items["place"]]
        known = np.isfinite(own).all(1)
        with threadpool_limits(limits=1):  # on matrices this small more threads only wait for each other
            found = cluster(own[known], self.most_clusters, starts=self.starts, draws=self.null_draws, seed=self.seed)
        names, values = np.full(len(items), "", dtype=object), np.full(len(items), np.nan)
        names[known], values[known] = found.labels.astype(str), found.silhouettes
        answers = items[["item", "group", "split", "gold"]].assign(
            question="cluster", predicted=names, predicted_value=values, gold_value=np.nan, known=known
        )
        chance: dict[tuple[str, str], float | None] = {("cluster", "silhouette"): found.null}
        if self.shuffle and found.k > 1:
            shuffled = directions[items["shuffled"]]
            asked = known & np.isfinite(shuffled).all(1)
            moved = np.full(len(items), "", dtype=object)
            moved[asked] = ((shuffled[asked] @ found.centroids.T).argmax(1) + 1).astype(str)
            changed = answers.assign(question=SHUFFLED, gold=names, predicted=moved, predicted_value=np.nan, known=asked)
            answers = pd.concat([answers, changed], ignore_index=True)
            chance[SHUFFLED, "word_accuracy"] = float(np.square(np.bincount(found.labels) / len(found.labels)).sum())
        return answers, chance, self._examples(questions, found, own, known), _points(questions, found, own, known)

    def _examples(self, questions: Questions, found: Clustering, own: Array, known: Array) -> pd.DataFrame:
        """Return a row for each example sentence of each cluster."""
        rows = []
        items = questions.items[known]
        for number, centroid in enumerate(found.centroids, 1):
            members = np.flatnonzero(found.labels == number)
            nearest = members[np.argsort(-(own[known][members] @ centroid), kind="stable")][: self.examples]
            facts = (found.k, found.silhouettes.mean(), found.null, found.level, number, len(members))
            for rank, row in enumerate(nearest, 1):
                rows.append((*facts, rank, items["item"].iloc[row], _bracketed(questions, items["place"].iloc[row])))
        columns = ["k", "silhouette", "null", "level", "cluster", "size", "example", "item", "sentence"]
        return pd.DataFrame(rows, columns=columns)


@dataclass(frozen=True)
class Clustering:
    """The clusters of some vectors, numbered from 1 by size.

    Attributes
    ----------
    labels : ndarray of shape (n,), int64
        All 1 where no clusters are shown.
    silhouettes : ndarray of shape (n,)
        Under the best number of clusters, shown or not; 0 for a vector alone in its cluster.
    centroids : ndarray of shape (k, d)
    null, level : float
        Mean and 95th percentile of the mean silhouettes of samples without clusters.
    """

    labels: Array
    silhouettes: Array
    centroids: Array
    null: float
    level: float

    @property
    def k(self) -> int:
        """Return the number of clusters shown."""
        return len(self.centroids)


def cluster(directions: Array, most: int, *, starts: int, draws: int, seed: int) -> Clustering:
    """Cluster vectors of length one, and compare with samples of one Gaussian.

    Parameters
    ----------
    directions : ndarray of shape (n, d)
    most : int
        Highest number of clusters.
    starts, draws, seed : int
        Starts of k-means; samples of the null.
    """
    n = len(directions)
    if n <= 2 or np.ptp(directions, axis=0).max() < TIE:
        return Clustering(np.ones(n, np.int64), np.zeros(n), directions.mean(0, keepdims=True) if n else directions, 0.0, 0.0)
    labels, values = _best(directions, most, starts, seed)
    rng = np.random.default_rng(seed)
    mean = directions.mean(0)
    samples = (mean + rng.normal(size=(n, n)) @ (directions - mean) / np.sqrt(n) for _ in range(draws))  # same covariance
    null = [_best(unit(sample), most, starts, seed)[1].mean() for sample in samples]
    level = float(np.quantile(null, 0.95))
    if not values.mean() > level:
        labels = np.zeros(n, np.int64)
    order = np.argsort(-np.bincount(labels), kind="stable")  # clusters by size
    centroids = np.stack([directions[labels == number].mean(0) for number in order])
    return Clustering(np.argsort(order)[labels] + 1, values, unit(centroids), float(np.mean(null)), level)


def _best(directions: Array, most: int, starts: int, seed: int) -> tuple[Array, Array]:
    """Return labels from 0 and silhouettes of the number of clusters with the highest mean silhouette."""
    distance = 1 - directions @ directions.T
    tried = []
    for k in range(2, min(most, len(directions) - 1) + 1):
        labels = KMeans(k, n_init=starts, random_state=seed).fit_predict(directions).astype(np.int64)
        tried.append((labels, np.nan_to_num(silhouette(distance, labels))))
    return max(tried, key=lambda one: one[1].mean())


def _occurrences(corpus: Corpus, word: str, parts: Sequence[str]) -> Iterator[Found]:
    """Yield the first occurrence of a word in each sentence of two words or more."""
    folded = corpus.vocabulary.fold(word)
    meant: dict[str, bool] = {}  # words as written, each folded once
    for part in cast(Sequence[Part], parts):
        for number, (_, words) in enumerate(corpus.sentences(part)):
            for at, written in enumerate(words):
                if written not in meant:
                    meant[written] = corpus.vocabulary.fold(written) == folded
                if meant[written] and len(words) > 1:
                    yield part, number, words, at
                    break


def _points(questions: Questions, found: Clustering, own: Array, known: Array) -> pd.DataFrame:
    """Return the occurrences in the plane of their two principal components."""
    items = questions.items[known]
    places, shares = plane(own[known]) if len(items) else (np.zeros((0, 2)), np.zeros(2))
    sentences = [_bracketed(questions, place) for place in items["place"]]
    table = items[["item", "part"]].assign(cluster=found.labels, x=places[:, 0], y=places[:, 1], sentence=sentences)
    return table.assign(share_x=shares[0], share_y=shares[1]).reset_index(drop=True)


def _bracketed(questions: Questions, place: int) -> str:
    """Return the sentence of a place with its target in brackets."""
    number, start, stop = questions.places[place]
    words = questions.sentences[number]
    return " ".join([*words[:start], f"[{' '.join(words[start:stop])}]", *words[stop:]])
