"""Senses of a word: whether its occurrences fall apart by meaning.

Plain leave-one-out is biased on small balanced sets: the centroid of an item's own sense is one item short. So every fold
leaves one item **of each sense** out, and the senses keep training sets of one size. Similarities within 1e-6 of the highest
are ties, which go to the sense with most training items and then to the first: vectors that do not differ score exactly
one over the number of senses, and vectors without meaning score as guessing does.

Beside the question ``sense`` stand its two controls (see ``shuffling.py``): ``another's context``, with the vectors
drawn anew in every repeat from the occurrences of the same form, which leaves what the form alone tells; and ``words shuffled``,
where the sentence of the item left out has its words in random order, and the centroids are those of the true sentences.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd

from study.contracts import Array, Corpus, Questions, Result, StudyError
from study.evaluation.data import table
from study.evaluation.data.table import Row
from study.evaluation.data.words import bag_of_words
from study.evaluation.polysemy.shuffling import ANOTHER, SHUFFLED, deal, forms, with_shuffled
from study.evaluation.statistics.uncertainty import summarise

TIE = 1e-6

Similar = Callable[[Array, Array, Array], Array]
"""Items asked (f, k, d), sums of the training items (f, k, d), their numbers (k,) -> similarities (f, k items, k senses)."""


@dataclass(frozen=True, kw_only=True)
class Senses:
    """Tell the senses of each word apart by the nearest centroid, by pairs, and by silhouette, within that word only.

    Parameters
    ----------
    data : str
        A task file with the columns sentence (one ``[target]``), label (the sense), split (development or test, one for all
        sentences of a word) and group (the word).
    repeats : int
        Random pairings of the senses' items into folds.
    shuffle : bool
        Whether each sentence is asked with its words in random order too.
    seed : int
        Of the pairings, of the order of words, and of the dealing.
    description, source : str
        What is asked, and where the data come from under which licence.

    References
    ----------
    Rousseeuw (1987), Silhouettes, doi:10.1016/0377-0427(87)90125-7.
    """

    data: str = field(metadata={"resource": True})
    repeats: int
    shuffle: bool
    seed: int
    description: str = field(metadata={"resource": True})
    source: str = field(metadata={"resource": True})

    main_metric: ClassVar[str] = "word_accuracy"
    main_question: ClassVar[str] = "sense"
    version: ClassVar[int] = 2

    def questions(self, corpus: Corpus) -> Questions:
        """Read the sentences and find their targets among the corpus's words.

        Raises
        ------
        StudyError
            For a bad line; for a word with fewer than two senses of two sentences, or in two splits.
        """
        path = table.locate(self.data, self.source)
        rows = read_rows(path)
        questions = table.questions(rows, corpus, name=path.stem)
        for word, part in questions.items.groupby("group"):
            senses = part["gold"].value_counts()
            if len(senses) < 2 or senses.min() < 2 or part["split"].nunique() > 1:
                raise StudyError(
                    f"{path}: expected at least two senses of '{word}' with two usable sentences each, all in one split, "
                    f"found {senses.to_dict()} in {sorted(part['split'].unique())}"
                )
        questions.items["form"] = forms(questions.sentences, questions.places, corpus)
        if not self.shuffle:
            return questions
        own = questions.items["place"].to_numpy()
        sentences, places, shuffled = with_shuffled(questions.sentences, questions.places, own, seed=self.seed)
        return replace(questions, sentences=sentences, places=places, items=questions.items.assign(shuffled=shuffled[own]))

    def score(self, questions: Questions, vectors: Mapping[str, Array]) -> Result:
        """Score every view: accuracy and macro-F1 of the nearest centroid, area under the curve of pairs, silhouette."""
        frames = []
        for view, array in vectors.items():
            directions = unit(array)
            asked = ["sense", ANOTHER, SHUFFLED][: 2 + self.shuffle]
            parts = [self._sensed(questions, directions, nearest_centroid, question) for question in asked]
            frames += [part.assign(view=view) for part in (*parts, *_paired(questions, directions))]
        wanted = {("sense", "word_accuracy"): None, ("sense", "word_macro_f1"): None, (ANOTHER, "word_accuracy"): None}
        wanted |= {(SHUFFLED, "word_accuracy"): None, ("pair", "auc"): None, ("silhouette", "silhouette"): None}
        return summarise(pd.concat(frames, ignore_index=True), wanted)

    def baselines(self, questions: Questions) -> Mapping[str, Result]:
        """Score the most frequent sense, and naive Bayes on the other words of the sentence, under the same protocol."""
        nothing = np.ones((len(questions.items), 1))
        counts = np.asarray(bag_of_words(questions, target=False).todense(), dtype=np.float64)
        results = {}
        for name, features, similar in (("majority", nothing, nearest_centroid), ("naive Bayes", counts, naive_bayes)):
            items = self._sensed(questions, features, similar).assign(view="baseline")
            results[name] = summarise(items, {("sense", "word_accuracy"): None, ("sense", "word_macro_f1"): None})
        return results

    def _sensed(self, questions: Questions, features: Array, similar: Similar, question: str = "sense") -> pd.DataFrame:
        """Return one row per item and repeat with the sense it was given."""
        parts = []
        for number, (_, items) in enumerate(questions.items.groupby("group", sort=True)):
            taught = features[items["place"]]
            asked = features[items["shuffled"]] if question == SHUFFLED else taught
            known = np.isfinite(taught).all(1) & np.isfinite(asked).all(1)
            senses, labels = np.unique(items["gold"].to_numpy(dtype=str), return_inverse=True)
            given = np.full((len(items), self.repeats), -1)
            used = (taught[known] != 0).any(0)  # a word's sentences use few of the columns of a bag of words
            taught, asked, labels = taught[known][:, used], asked[known][:, used], labels[known]
            if len(labels) and np.bincount(labels, minlength=len(senses)).min() >= 2:
                rng = np.random.default_rng((self.seed, number))
                for repeat in range(self.repeats):
                    rows = deal(items["form"][known], seed=rng) if question == ANOTHER else np.arange(len(labels))
                    given[known, repeat] = left_out(taught[rows], asked[rows], labels, similar, rng)
            repeated = items.loc[items.index.repeat(self.repeats), ["item", "group", "split", "gold"]]
            names = np.array([*senses, ""], dtype=object)
            again = np.tile([f"/{repeat:02d}" for repeat in range(self.repeats)], len(items))
            parts.append(repeated.assign(item=repeated["item"] + again, predicted=names[given.ravel()], known=given.ravel() >= 0))
        return pd.concat(parts, ignore_index=True).assign(question=question, gold_value=np.nan, predicted_value=np.nan)


def read_rows(path: Path) -> list[Row]:
    """Read a task file with the columns sentence (one ``[target]``), label (the sense), split, and group (the word).

    Raises
    ------
    StudyError
        For a line without one of them, or of another split than development or test.
    """
    rows = table.read(path)
    for row in rows:
        if row.start is None or row.group is None or row.split not in ("development", "test"):
            raise StudyError(
                f"{path}:{row.line}: expected a [target], a word in the column 'group' and development or test in 'split', "
                f"found group {row.group}, split {row.split}: {row.text}"
            )
    return rows


def left_out(taught: Array, asked: Array, labels: Array, similar: Similar, rng: np.random.Generator) -> Array:
    """Give every item a sense, leaving one item of each sense out at a time.

    A sense with fewer items than another lends some of them to two folds; the first answer counts.

    Parameters
    ----------
    taught, asked : ndarray of shape (n, d)
        The items as the centroids are made of them, and as they are asked.
    labels : ndarray of shape (n,), int64
    similar : Similar
    rng : Generator

    Returns
    -------
    ndarray of shape (n,), int64
    """
    members = [rng.permutation(np.flatnonzero(labels == sense)) for sense in range(labels.max() + 1)]
    folds = max(map(len, members))
    left = np.stack([np.resize(items, folds) for items in members], axis=1)  # (f, k)
    total = np.stack([taught[items].sum(0) for items in members])  # (k, d)
    sizes = np.array([len(items) - 1 for items in members])
    similarity = similar(asked[left], total - taught[left], sizes)  # (f, k items, k senses)
    tied = similarity >= similarity.max(-1, keepdims=True) - TIE
    given = (tied * sizes).argmax(-1)  # ties go to the most training items, then to the first sense
    answers = np.empty(len(labels), dtype=np.int64)
    answers[left[::-1].ravel()] = given[::-1].ravel()  # backwards, so that the first of two answers stays
    return answers


def nearest_centroid(asked: Array, sums: Array, sizes: Array) -> Array:
    """Return cosines of the items asked with the centroids of the senses, (f, k, k)."""
    return np.einsum("fid,fsd->fis", unit(asked), unit(sums))


def naive_bayes(asked: Array, sums: Array, sizes: Array) -> Array:
    """Return multinomial log-likelihoods of the items' word counts with add-one smoothing and the senses' priors, (f, k, k)."""
    likelihood = np.log((sums + 1) / (sums.sum(-1, keepdims=True) + sums.shape[-1]))
    return np.einsum("fid,fsd->fis", asked, likelihood) + np.log(sizes)


def _paired(questions: Questions, vectors: Array) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows of pairs of sentences (same sense or other) and of silhouettes, within each word."""
    pairs, silhouettes = [], []
    for word, items in questions.items.groupby("group", sort=True):
        cosine = vectors[items["place"]] @ vectors[items["place"]].T
        names, senses, split = items["item"].to_list(), items["gold"].to_numpy(), items["split"].iloc[0]
        for i, j in combinations(range(len(items)), 2):
            kind = "same" if senses[i] == senses[j] else "other"
            pairs.append((f"{names[i]}|{names[j]}", word, split, kind, float(kind == "same"), cosine[i, j]))
        values = silhouette(1 - cosine, senses)
        silhouettes += [
            (name, word, split, sense, np.nan, value) for name, sense, value in zip(names, senses, values, strict=True)
        ]
    columns = ["item", "group", "split", "gold", "gold_value", "predicted_value"]
    frames = [pd.DataFrame(rows, columns=columns).assign(predicted="") for rows in (pairs, silhouettes)]
    pair, shape = (frame.assign(known=np.isfinite(frame["predicted_value"])) for frame in frames)
    return pair.assign(question="pair"), shape.assign(question="silhouette")


def silhouette(distance: Array, labels: Array) -> Array:
    """Return each item's silhouette, NaN for unknown items and for those alone in their class.

    Parameters
    ----------
    distance : ndarray of shape (n, n)
        NaN rows and columns for unknown items.
    labels : ndarray of shape (n,)

    Returns
    -------
    ndarray of shape (n,)
        ``(b - a) / max(a, b)`` of the mean distances to the own (a) and to the nearest other class (b); 0 where both are 0.
    """
    known = np.isfinite(np.diag(distance))
    classes = np.unique(labels[known])
    members = (labels[known][:, None] == classes).astype(float)  # (n known, k)
    inner = np.maximum(distance[np.ix_(known, known)], 0)
    np.fill_diagonal(inner, 0)
    own = members.astype(bool)
    number = members.sum(0) - own  # without the item itself
    mean = np.divide(inner @ members, number, out=np.full(members.shape, np.nan), where=number > 0)
    values = np.full(len(labels), np.nan)
    if len(classes) > 1:
        a, b = mean[own], np.where(own, np.inf, mean).min(1)
        larger = np.maximum(a, b)
        values[known] = np.where(larger > TIE, (b - a) / np.where(larger > TIE, larger, 1), np.where(np.isnan(a), np.nan, 0))
    return values


def unit(vectors: Array) -> Array:
    """Scale vectors to length one in float64; NaN stays, and a vector without length stays zero."""
    vectors = vectors.astype(np.float64)
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.divide(vectors, length, out=vectors.copy(), where=length > 0)
