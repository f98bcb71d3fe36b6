"""How far the occurrences of a word differ from each other, measured against how far any two words differ.

Four measures, each a mean over what it is taken of:

- *anisotropy*: the cosine of occurrences of two different words; 0 where vectors point in all directions alike;
- *self-similarity*: the cosine of two occurrences of one word, over all pairs of them;
- *intra-sentence similarity*: the cosine of a sentence's words with their mean vector;
- *maximum explainable variance*: the share of the first principal component in the occurrences of one word, not centred; the most
  that one vector per word could keep of them.

A space in which everything is alike makes all of them high. So each is also given *corrected*: less the anisotropy, or for the
explainable variance less that of as many occurrences of as many different words. The interval of a corrected measure takes this
baseline as known. A static type vector has the self-similarity 1 and the explainable variance 1.

References
----------
Ethayarajh (2019), How contextual are contextualized word representations?, arXiv:1909.00512, section 3.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import ClassVar

import numpy as np
import pandas as pd

from study.contracts import Array, Corpus, NotAskableError, Questions, Result, Sentence, Vocabulary
from study.evaluation.geometry import correction
from study.evaluation.geometry.space import unit
from study.evaluation.statistics.uncertainty import summarise

CORRECTIONS = {
    "mean removed": correction.centred,
    "top components removed": correction.without_top,
    "standardised": correction.standardised,
}

Occurrence = tuple[int, int]
"""Number of the sentence and of the word in it."""


@dataclass(frozen=True, kw_only=True)
class Contextuality:
    """Describe how contextual the vectors of words are, in sentences of the development and test parts, which no model saw.

    Words are drawn in turn from bands of frequency of equal width on a logarithmic scale, so that function words and rare
    words stand side by side. Every word has the same number of occurrences, each in a sentence of its own.

    Parameters
    ----------
    read : int
        Distinct sentences of the two parts that are looked at, at most.
    shortest, longest : int
        Words of the sentences used; longer ones would be cut by an encoder, and differently by each.
    words : int
        Words at most.
    bands : int
        Bands of frequency.
    occurrences : int
        Of each word; words with fewer do not enter.
    sentences : int
        Sentences, at most, for the similarity within a sentence.
    pairs : int
        Pairs of occurrences of different words, for the anisotropy.
    draws : int
        Samples of occurrences of different words, for the baseline of the explainable variance.
    seed : int
        Of all draws.
    description, source : str
        What is asked, and where the data come from under which licence.
    """

    read: int
    shortest: int
    longest: int
    words: int
    bands: int
    occurrences: int
    sentences: int
    pairs: int
    draws: int
    seed: int
    description: str = field(metadata={"resource": True})
    source: str = field(metadata={"resource": True})

    main_metric: ClassVar[str] = ""
    main_question: ClassVar[str] = ""
    version: ClassVar[int] = 1

    def questions(self, corpus: Corpus) -> Questions:
        """Draw words with their occurrences, and sentences with all their words.

        Raises
        ------
        NotAskableError
            Where too few words have enough occurrences for the baseline, which needs as many words as a word has occurrences.
        """
        rng = np.random.default_rng(self.seed)
        read = self._read(corpus)
        found = self._found(read, corpus.vocabulary)
        if len(found) < self.occurrences:
            raise NotAskableError(
                f"needs {self.occurrences} words with {self.occurrences} sentences each in the corpus's development and test "
                f"parts, found {len(found)}"
            )
        rows = []
        chosen = self._spread(found, corpus.vocabulary, rng)
        for word in chosen:
            drawn = sorted(rng.permutation(len(found[word]))[: self.occurrences])
            rows += [("occurrence", word, word, *found[word][number]) for number in drawn]
        for number in sorted(rng.permutation(len(read))[: self.sentences]):
            document, words = read[number]
            rows += [("member", f"sentence-{number}", f"document-{document}", number, at) for at in range(len(words))]
        items = pd.DataFrame(rows, columns=["kind", "of", "group", "sentence", "at"])
        used, renumbered = np.unique(items["sentence"].to_numpy(), return_inverse=True)
        places = np.stack([renumbered, items["at"], items["at"] + 1], axis=1).astype(np.int64)
        items = items[["kind", "of", "group"]].assign(split="test", gold="", place=np.arange(len(items)))
        items.insert(0, "item", [f"place-{number:06d}" for number in range(len(items))])
        note = f"{len(chosen)} words, {self.occurrences} occurrences each"
        return Questions("target", [read[number][1] for number in used], places, items, note=note)

    def _read(self, corpus: Corpus) -> list[tuple[int, Sentence]]:
        """Return the first distinct sentences that are neither too short nor too long, with their documents."""
        found: dict[tuple[str, ...], tuple[int, Sentence]] = {}
        for document, words in chain(corpus.sentences("development"), corpus.sentences("test")):
            if self.shortest <= len(words) <= self.longest:
                found.setdefault(tuple(word.lower() for word in words), (document, list(words)))
                if len(found) == self.read:
                    break
        return list(found.values())

    def _found(self, read: Sequence[tuple[int, Sentence]], vocabulary: Vocabulary) -> dict[str, list[Occurrence]]:
        """Return the first occurrence in each sentence of the known words that have enough of them."""
        known = set(vocabulary.words)
        found: dict[str, list[Occurrence]] = defaultdict(list)
        for number, (_, words) in enumerate(read):
            first: dict[str, int] = {}
            for at, word in enumerate(words):
                first.setdefault(vocabulary.fold(word), at)
            for word, at in first.items():
                if word in known and word.isalpha():
                    found[word].append((number, at))
        return {word: places for word, places in found.items() if len(places) >= self.occurrences}

    def _spread(self, found: Mapping[str, Sequence[Occurrence]], vocabulary: Vocabulary, rng: np.random.Generator) -> list[str]:
        """Draw words, one of each band of frequency in turn until there are enough."""
        names = sorted(found)
        frequency = np.log([1 + vocabulary.count(word) for word in names])
        edges = np.linspace(frequency.min(), frequency.max(), self.bands + 1)[1:-1]
        band = np.searchsorted(edges, frequency, side="right")
        members = [rng.permutation(np.flatnonzero(band == number)) for number in range(self.bands)]
        turns = ([rows[turn] for rows in members if turn < len(rows)] for turn in range(max(map(len, members))))
        return [names[row] for row in islice(chain.from_iterable(turns), self.words)]

    def score(self, questions: Questions, vectors: Mapping[str, Array]) -> Result:
        """Take every measure of every view, raw and corrected."""
        frames = []
        for view, array in vectors.items():
            frames += [frame.assign(view=view) for frame in self._measured(questions.items, np.asarray(array, np.float64))]
        items = pd.concat(frames, ignore_index=True).assign(split="test", gold="", gold_value=np.nan, predicted="")
        items["known"] = np.isfinite(items["predicted_value"])
        return summarise(items, {(question, "mean"): None for question in dict.fromkeys(items["question"])})

    def _measured(self, items: pd.DataFrame, array: Array) -> list[pd.DataFrame]:
        """Return the items of one view, a frame per question."""
        occurrences, members = items[items["kind"] == "occurrence"], items[items["kind"] == "member"]
        words = occurrences["of"].unique()
        vectors = array[occurrences["place"]].reshape(len(words), self.occurrences, -1)  # (w, o, d)
        cosines, groups = self._cosines(vectors, words)
        anisotropy = _mean(cosines)
        frames = [_frame("anisotropy", "pair", groups, cosines)]
        for name, corrected in CORRECTIONS.items():
            freed = corrected(vectors.reshape(-1, vectors.shape[-1])).reshape(vectors.shape)
            frames.append(_frame(f"anisotropy, {name}", "pair", groups, self._cosines(freed, words)[0]))
        within = members.groupby("of", sort=False)
        alike = np.array([intra_sentence_similarity(array[part["place"]]) for _, part in within])
        drawn = self._of_random_words(vectors)
        explained = "maximum explainable variance"
        for question, names, values, baseline in (
            ("self-similarity", words, np.array([self_similarity(rows) for rows in vectors]), anisotropy),
            ("intra-sentence similarity", within["group"].first().to_numpy(), alike, anisotropy),
            (explained, words, np.array([explainable_variance(rows) for rows in vectors]), _mean(drawn)),
        ):
            for told, measured in ((question, values), (f"{question}, corrected", values - baseline)):
                frames.append(_frame(told, "sentence" if values is alike else "word", names, measured))
        return [*frames, _frame(f"{explained} of random words", "draw", [f"draw-{n}" for n in range(self.draws)], drawn)]

    def _cosines(self, vectors: Array, words: Array) -> tuple[Array, list[str]]:
        """Return the cosines of random occurrences of two different words, and the pairs of words, the same for every view."""
        rng = np.random.default_rng((self.seed, 1))
        first = rng.integers(len(words), size=self.pairs)
        second = (first + rng.integers(1, len(words), size=self.pairs)) % len(words)
        at, other = rng.integers(self.occurrences, size=(2, self.pairs))
        directions = unit(vectors)
        cosines = (directions[first, at] * directions[second, other]).sum(1)
        return cosines, [f"{words[a]}|{words[b]}" for a, b in zip(first, second, strict=True)]

    def _of_random_words(self, vectors: Array) -> Array:
        """Return the explainable variance of random occurrences of different words, ``ndarray of shape (draws,)``."""
        rng = np.random.default_rng((self.seed, 2))
        known = np.flatnonzero(np.isfinite(vectors).all((1, 2)))
        if len(known) < self.occurrences:
            return np.full(self.draws, np.nan)
        words = np.stack([rng.permutation(known)[: self.occurrences] for _ in range(self.draws)])  # (draws, o)
        return np.array([explainable_variance(rows) for rows in vectors[words, rng.integers(self.occurrences, size=words.shape)]])


def self_similarity(vectors: Array) -> float:
    """Return the mean cosine of every two of n vectors of shape (n, d); NaN where one is unknown or has no length."""
    n = len(vectors)
    total = unit(vectors).sum(0)
    return float((total @ total - n) / (n * (n - 1)))


def intra_sentence_similarity(vectors: Array) -> float:
    """Return the mean cosine of the known rows of (n, d) with their mean; NaN with fewer than two.

    The mean holds each of them, so that n words without anything in common still score 1/√n.
    """
    known = vectors[np.isfinite(vectors).all(1)]
    return float(np.mean(unit(known) @ unit(known.mean(0)))) if len(known) > 1 else np.nan


def explainable_variance(vectors: Array) -> float:
    """Return the share of the largest squared singular value of n vectors of shape (n, d); NaN where one is unknown.

    It is at least 1/n, and not centred: a constant vector is explained wholly.
    """
    if not np.isfinite(vectors).all():
        return np.nan
    squares = np.linalg.eigvalsh(vectors @ vectors.T)  # (n,)
    total = squares.sum()
    return float(squares[-1] / total) if total > 0 else np.nan


def _mean(values: Array) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else np.nan


def _frame(question: str, kind: str, groups: Sequence[str] | Array, values: Array) -> pd.DataFrame:
    names = groups if kind in ("word", "draw") else [f"{kind}-{number:05d}" for number in range(len(values))]
    return pd.DataFrame({"question": question, "item": names, "group": groups, "predicted_value": values})
