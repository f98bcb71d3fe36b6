"""Probes made from the corpus's own test part, which no model saw: length, word content, word order.

Their training, development and test items come from different documents, and no sentence occurs twice. Where a corpus is too
small for one of them, its questions raise NotAskableError and a study goes on without it.

References
----------
Conneau, Kruszewski, Lample, Barrault and Baroni (2018), What you can cram into a single vector, doi:10.18653/v1/P18-1198.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd

from study.contracts import Corpus, NotAskableError, Questions, Sentence
from study.evaluation.data.table import SPLITS
from study.evaluation.probing.probe import LabelProbe

Candidate = tuple[int, Sentence]
"""Document number and words as written."""


@dataclass(frozen=True, kw_only=True)
class SentenceProbe(LabelProbe):
    """What the probes made from the corpus share: which sentences, and how many.

    Parameters
    ----------
    shortest, longest : int
        Words of the sentences used.
    training, development, test : int
        Sentences at most in each split; the documents are dealt in the same proportion.
    """

    shortest: int
    longest: int
    training: int
    development: int
    test: int

    def _candidates(self, corpus: Corpus) -> list[Candidate]:
        """Return the distinct sentences of the test part that are neither too short nor too long."""
        found: dict[tuple[str, ...], Candidate] = {}
        for document, words in corpus.sentences("test"):
            if self.shortest <= len(words) <= self.longest:
                found.setdefault(tuple(word.lower() for word in words), (document, list(words)))
        return list(found.values())

    def _splits(self, candidates: Sequence[Candidate]) -> dict[int, str]:
        """Deal documents to splits, the largest first, each to the split that lacks most."""
        sizes = Counter(document for document, _ in candidates)
        if len(sizes) < len(SPLITS):
            raise NotAskableError(f"needs sentences from at least 3 documents of the corpus's test part, found {len(sizes)}")
        wanted = np.array([self.training, self.development, self.test], dtype=float)
        lacking = wanted / wanted.sum() * sum(sizes.values())
        dealt = {}
        for document, size in sorted(sizes.items(), key=lambda entry: (-entry[1], entry[0])):
            split = int(lacking.argmax())
            lacking[split] -= size
            dealt[document] = SPLITS[split]
        return dealt

    def _sample(self, candidates: Sequence[Candidate], dealt: dict[int, str]) -> list[tuple[str, Candidate]]:
        """Draw at most the wanted number of sentences of each split."""
        rng = np.random.default_rng(self.regimen.seed)
        chosen = []
        for split, wanted in zip(SPLITS, (self.training, self.development, self.test), strict=True):
            own = [candidate for candidate in candidates if dealt[candidate[0]] == split]
            if len(own) < 20:
                raise NotAskableError(
                    f"needs at least 20 sentences of {split} documents in the corpus's test part, found {len(own)}"
                )
            chosen += [(split, own[number]) for number in sorted(rng.permutation(len(own))[:wanted])]
        return chosen


def _questions(chosen: Sequence[tuple[str, Candidate]], labels: Sequence[str]) -> Questions:
    """Make whole-sentence questions, grouped by document."""
    items = pd.DataFrame(
        {
            "item": [f"sentence-{number:05d}" for number in range(len(chosen))],
            "group": [f"document-{document}" for _, (document, _) in chosen],
            "split": [split for split, _ in chosen],
            "gold": labels,
            "place": np.arange(len(chosen)),
        }
    )
    learnt = set(items["gold"][items["split"] == "training"])
    if len(learnt) < 2:
        raise NotAskableError(f"needs at least two classes among the training sentences, found {sorted(learnt)}")
    sentences = [words for _, (_, words) in chosen]
    places = np.array([(number, 0, len(words)) for number, words in enumerate(sentences)], dtype=np.int64)
    return Questions("sentence", sentences, places, items)


@dataclass(frozen=True, kw_only=True)
class SentenceLength(SentenceProbe):
    """Ask how long a sentence is.

    Parameters
    ----------
    bins : int
        Classes of length, cut at the quantiles of all sentences.
    """

    bins: int

    def questions(self, corpus: Corpus) -> Questions:
        """Ask for the class of length of sentences of the test part."""
        candidates = self._candidates(corpus)
        chosen = self._sample(candidates, self._splits(candidates))
        name_of = length_classes([len(words) for _, words in candidates], self.shortest, self.bins)
        return _questions(chosen, [name_of[len(words)] for _, (_, words) in chosen])


def length_classes(lengths: Sequence[int], shortest: int, bins: int) -> dict[int, str]:
    """Cut lengths at their quantiles, and name the class of each length from the shortest to the longest there is."""
    longest = max(lengths, default=shortest)
    cuts = np.unique(np.quantile(lengths or [shortest], np.arange(1, bins) / bins, method="lower"))
    edges = [shortest, *(int(cut) + 1 for cut in cuts if cut + 1 <= longest), longest + 1]
    return {length: f"{low:02d}-{high - 1:02d} words" for low, high in pairwise(edges) for length in range(low, high)}


@dataclass(frozen=True, kw_only=True)
class BigramShift(SentenceProbe):
    """Ask whether two neighbouring words were exchanged; of each sentence one version is kept, as written or changed."""

    def questions(self, corpus: Corpus) -> Questions:
        """Ask for each sampled sentence, every other one with two neighbours exchanged, never its capitalised first word."""
        candidates = self._candidates(corpus)
        rng = np.random.default_rng((self.regimen.seed, 1))
        chosen, labels = [], []
        turn: Counter[str] = Counter()
        for split, (document, words) in self._sample(candidates, self._splits(candidates)):
            turn[split] += 1
            changed = exchanged(words, rng) if turn[split] % 2 else None
            chosen.append((split, (document, changed or words)))
            labels.append("exchanged" if changed else "as written")
        return _questions(chosen, labels)


def exchanged(words: Sentence, rng: np.random.Generator) -> list[str] | None:
    """Exchange two different neighbours anywhere but at the sentence's capitalised first word; None where there are none."""
    places = [at for at in range(1, len(words) - 1) if words[at].lower() != words[at + 1].lower()]
    if not places:
        return None
    at = int(rng.choice(places))
    return [*words[:at], words[at + 1], words[at], *words[at + 2 :]]


@dataclass(frozen=True, kw_only=True)
class WordContent(SentenceProbe):
    """Ask which one of some words of middling frequency a sentence contains.

    Parameters
    ----------
    words : int
        Words at most, the most frequent that qualify.
    most_frequent_left_out : int
        How many of the corpus's most frequent words take no part.
    sentences_per_word, documents_per_word : int
        What a word needs in the test part, in sentences that contain no other of the words.
    fewest_words : int
        Below this number of words the question is not asked.
    """

    words: int
    most_frequent_left_out: int
    sentences_per_word: int
    documents_per_word: int
    fewest_words: int

    def questions(self, corpus: Corpus) -> Questions:
        """Ask for the word that a sentence contains; the number of words is logged.

        Raises
        ------
        NotAskableError
            Where fewer than ``fewest_words`` words qualify.
        """
        candidates = self._candidates(corpus)
        dealt = self._splits(candidates)
        contents = [{corpus.vocabulary.fold(word) for word in words} for _, words in candidates]
        asked = self._words(corpus, candidates, contents, dealt)
        if len(asked) < self.fewest_words:
            raise NotAskableError(
                f"needs {self.fewest_words} words with {self.sentences_per_word} sentences in {self.documents_per_word} "
                f"documents of the corpus's test part, found {len(asked)}"
            )
        single = [(candidate, content & asked) for candidate, content in zip(candidates, contents, strict=True)]
        answer = {id(candidate): next(iter(found)) for candidate, found in single if len(found) == 1}
        chosen = self._sample([candidate for candidate, _ in single if id(candidate) in answer], dealt)
        note = f"{len(asked)} words to be told apart"
        return replace(_questions(chosen, [answer[id(candidate)] for _, candidate in chosen]), note=note)

    def _words(
        self, corpus: Corpus, candidates: Sequence[Candidate], contents: Sequence[set[str]], dealt: dict[int, str]
    ) -> set[str]:
        """Add words, the most frequent first, as long as each of them still has enough sentences to itself."""
        frequency = Counter(word for content in contents for word in content)
        vocabulary = corpus.vocabulary.words[self.most_frequent_left_out :]
        frequent = [word for word in vocabulary if word.isalpha() and frequency[word] >= self.sentences_per_word]
        holds: dict[str, list[int]] = {word: [] for word in frequent}
        for number, content in enumerate(contents):
            for word in content & holds.keys():
                holds[word].append(number)
        asked: list[str] = []
        for word in frequent:
            trial = [*asked, word]
            load = Counter(number for each in trial for number in holds[each])
            alone = ([candidates[number][0] for number in holds[each] if load[number] == 1] for each in trial)
            if all(self._qualifies(documents, dealt) for documents in alone):
                asked = trial
            if len(asked) == self.words:
                break
        return set(asked)

    def _qualifies(self, documents: Sequence[int], dealt: dict[int, str]) -> bool:
        """Say whether sentences from these documents are enough for a word, and in every split."""
        enough = len(documents) >= self.sentences_per_word and len(set(documents)) >= self.documents_per_word
        return enough and {dealt[document] for document in documents} == set(SPLITS)
