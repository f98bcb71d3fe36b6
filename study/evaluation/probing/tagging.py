"""Probes of words in their sentences, from a treebank: part of speech, dependency label, morphological features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from study.evaluation.data.conllu import Word
from study.evaluation.probing.treebank import Aligned, Asked, TreebankProbe


@dataclass(frozen=True, kw_only=True)
class WordProbe(TreebankProbe):
    """A label for each word; punctuation and symbols are never asked about."""

    def ask(self, sentence: Aligned, rng: np.random.Generator) -> list[Asked]:
        """Ask for the words that have a label."""
        labels = {offset: self.label(word) for offset, word in enumerate(sentence.tree.words) if not word.is_mark}
        asked: list[Asked] = [(label, offset, None) for offset, label in labels.items() if label is not None]
        return [asked[number] for number in rng.permutation(len(asked))]

    def label(self, word: Word) -> str | None:
        """Return a word's label, None where it is not to be asked about."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class PartOfSpeech(WordProbe):
    """Ask for the universal part of speech of words."""

    def label(self, word: Word) -> str:
        """Return the universal part of speech."""
        return word.tag


@dataclass(frozen=True, kw_only=True)
class DependencyLabel(WordProbe):
    """Ask for the relation of words to their heads, which are not shown.

    Parameters
    ----------
    subtypes : bool
        Whether ``aux:pass`` and ``aux`` are two relations or one.

    References
    ----------
    Tenney et al. (2019), What do you learn from context?, arXiv:1905.06316.
    """

    subtypes: bool

    def label(self, word: Word) -> str:
        """Return the relation."""
        return relation(word, subtypes=self.subtypes)


@dataclass(frozen=True, kw_only=True)
class MorphologicalFeature(WordProbe):
    """Ask for the value of one morphological feature of the words that have it; words without it are not asked about.

    To tell who has a feature at all is the work of the part of speech; here only the value counts.

    Parameters
    ----------
    feature : str
        Such as ``Number`` or ``Tense``; the values asked for are those that the treebank gives it.
    """

    feature: str

    def label(self, word: Word) -> str | None:
        """Return the value of the feature, None where the word has none."""
        return word.features.get(self.feature)


def relation(word: Word, *, subtypes: bool) -> str:
    """Return a word's relation to its head, with its subtype or without."""
    return word.relation if subtypes else word.relation.partition(":")[0]
