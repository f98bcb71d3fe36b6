"""Probes of whole sentences of a treebank that ask what is on their surface: how long they are, and which word they contain.

References
----------
Conneau, Kruszewski, Lample, Barrault and Baroni (2018), What you can cram into a single vector, doi:10.18653/v1/P18-1198.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from study.contracts import Corpus
from study.evaluation.data.conllu import Tree
from study.evaluation.data.table import SPLITS
from study.evaluation.probing.grammar import Candidate, Drawn, GrammarProbe, of
from study.evaluation.probing.sentences import length_classes

CONTENT = ("NOUN", "VERB", "ADJ", "ADV")


@dataclass(frozen=True, kw_only=True)
class TreebankLength(GrammarProbe):
    """Ask how long a sentence is.

    Parameters
    ----------
    bins : int
        Classes of length, cut at the quantiles of the training sentences.
    """

    bins: int

    def ask(self, drawn: Drawn, corpus: Corpus, rng: np.random.Generator) -> Mapping[str, list[Candidate]]:
        """Ask for the class of length; sentences longer than any of training are in no class."""
        name_of = length_classes([len(sentence.words) for sentence in drawn["training"]], self.shortest, self.bins)
        return {
            split: [of(one, name_of[len(one.words)]) for one in sentences if len(one.words) in name_of]
            for split, sentences in drawn.items()
        }


@dataclass(frozen=True, kw_only=True)
class TreebankWordContent(GrammarProbe):
    """Ask which one of some words a sentence contains: content words of middling frequency that all models know.

    Parameters
    ----------
    words : int
        Words at most, the most frequent that qualify.
    most_frequent_left_out : int
        How many of the treebank's most frequent content words take no part.
    sentences_per_word : sequence of int
        Sentences with this one of the words that each word needs in training, development and test.
    """

    words: int
    most_frequent_left_out: int
    sentences_per_word: Sequence[int]

    def ask(self, drawn: Drawn, corpus: Corpus, rng: np.random.Generator) -> Mapping[str, list[Candidate]]:
        """Ask for the word in the sentences that have one of them; words short of sentences are given up one by one."""
        vocabulary = corpus.vocabulary
        contents = {
            split: [{vocabulary.fold(word) for word in one.words} for one in sentences] for split, sentences in drawn.items()
        }
        frequent = _content_words([sentence.tree for sentence in drawn["training"]])
        folded = dict.fromkeys(vocabulary.fold(word) for word in frequent[self.most_frequent_left_out :])
        asked = [word for word in folded if vocabulary.index(word) is not None][: self.words]
        while True:
            alone = {split: _alone(content, set(asked)) for split, content in contents.items()}
            short = [word for word in asked if self._lacks(word, alone)]
            if not short:
                break
            asked.remove(short[-1])
        return {
            split: [of(drawn[split][number], word) for number, word in sorted(found.items())] for split, found in alone.items()
        }

    def _lacks(self, word: str, alone: Mapping[str, Mapping[int, str]]) -> bool:
        counts = (list(alone[split].values()).count(word) for split in SPLITS)
        return any(count < wanted for count, wanted in zip(counts, self.sentences_per_word, strict=True))


def _content_words(trees: Sequence[Tree]) -> list[str]:
    """Return the words that are content words in nine of ten places or more, the most frequent first."""
    words = [word for tree in trees for word in tree.words if word.form.isalpha()]
    total = Counter(word.form.lower() for word in words)
    content = Counter(word.form.lower() for word in words if word.tag in CONTENT)
    frequent = sorted(content.items(), key=lambda entry: (-entry[1], entry[0]))
    return [word for word, count in frequent if count >= 0.9 * total[word]]


def _alone(contents: Sequence[set[str]], asked: set[str]) -> dict[int, str]:
    """Return the sentences that contain exactly one of the words asked for, with that word."""
    return {number: next(iter(found)) for number, content in enumerate(contents) if len(found := content & asked) == 1}
