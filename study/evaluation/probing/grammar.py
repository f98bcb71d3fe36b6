"""Probes of whole sentences whose answers a treebank's gold annotation gives, after the tasks of SentEval.

In every split all classes are equally frequent, sentences are distinct, and documents stand in one split only, as the
treebank deals them.

References
----------
Conneau, Kruszewski, Lample, Barrault and Baroni (2018), What you can cram into a single vector, doi:10.18653/v1/P18-1198.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from study.contracts import Corpus, NotAskableError, Questions
from study.evaluation.data.conllu import Tree
from study.evaluation.data.table import SPLITS
from study.evaluation.probing.probe import LabelProbe
from study.evaluation.probing.tagging import relation
from study.evaluation.probing.treebank import Aligned, Treebank


@dataclass(frozen=True)
class Candidate:
    """A sentence that could be asked about.

    Attributes
    ----------
    words : sequence of str
    document, label : str
    target : str
        The word that the label speaks of, in lower case; empty where it speaks of the whole sentence.
    stratum : int
        Classes are equally frequent among the sentences of each stratum.
    """

    words: Sequence[str]
    document: str
    label: str
    target: str = ""
    stratum: int = 0


Drawn = Mapping[str, Sequence[Aligned]]
"""Split -> its sentences, in random order."""


@dataclass(frozen=True, kw_only=True)
class GrammarProbe(LabelProbe):
    """What the probes of a treebank's sentences share.

    Parameters
    ----------
    treebank : Treebank
    shortest, longest : int
        Words of the sentences used.
    training, development, test : int
        Sentences at most in each split.
    """

    treebank: Treebank
    shortest: int
    longest: int
    training: int
    development: int
    test: int

    def questions(self, corpus: Corpus) -> Questions:
        """Ask for the property of sentences of each split.

        Training sentences about a word that sentences of the other splits are about too are left out, so that no probe can learn
        by heart which words are plural.

        Raises
        ------
        StudyError
            Where a file of the treebank is missing and cannot be fetched, or is not CoNLL-U.
        NotAskableError
            Where a split has no sentences of every class.
        """
        seed = self.regimen.seed
        drawn = {
            split: [
                sentence
                for sentence in self.treebank.sentences(corpus, split, seed=seed)
                if self.shortest <= len(sentence.words) <= self.longest
            ]
            for split in SPLITS
        }
        candidates = {split: list(found) for split, found in self.ask(drawn, corpus, np.random.default_rng(seed)).items()}
        later = {candidate.target for split in SPLITS[1:] for candidate in candidates[split] if candidate.target}
        candidates["training"] = [candidate for candidate in candidates["training"] if candidate.target not in later]
        classes = sorted({candidate.label for candidate in candidates["training"]})
        chosen = [(split, each) for split in SPLITS for each in balanced(candidates[split], classes, getattr(self, split))]
        present = {split for split, _ in chosen}
        if len(classes) < 2 or len(present) < len(SPLITS):
            raise NotAskableError(f"needs sentences of two classes or more in each split, found {_counts(candidates)}")
        items = pd.DataFrame(
            {
                "item": [f"{split}-{number:05d}" for number, (split, _) in enumerate(chosen)],
                "group": [candidate.document for _, candidate in chosen],
                "split": [split for split, _ in chosen],
                "gold": [candidate.label for _, candidate in chosen],
                "place": np.arange(len(chosen)),
            }
        )
        sentences = [list(candidate.words) for _, candidate in chosen]
        places = np.array([(number, 0, len(words)) for number, words in enumerate(sentences)], dtype=np.int64)
        return Questions("sentence", sentences, places, items, note=f"{len(classes)} classes")

    def ask(self, drawn: Drawn, corpus: Corpus, rng: np.random.Generator) -> Mapping[str, list[Candidate]]:
        """Return the sentences that have the property, with their labels; here each by itself."""
        return {split: [found for each in sentences if (found := self.candidate(each))] for split, sentences in drawn.items()}

    def candidate(self, sentence: Aligned) -> Candidate | None:
        """Return one sentence with its label, None where it has none."""
        raise NotImplementedError


def _counts(candidates: Mapping[str, Sequence[Candidate]]) -> dict[str, dict[str, int]]:
    return {split: dict(Counter(candidate.label for candidate in found)) for split, found in candidates.items()}


def balanced(candidates: Sequence[Candidate], classes: Sequence[str], wanted: int) -> list[Candidate]:
    """Take at most so many candidates that all classes are equally frequent in each stratum; the first come first."""
    found: dict[int, dict[str, list[Candidate]]] = defaultdict(lambda: {name: [] for name in classes})
    for candidate in candidates:
        if candidate.label in classes:
            found[candidate.stratum][candidate.label].append(candidate)
    matched = [group for _, members in sorted(found.items()) for group in zip(*members.values(), strict=False)]
    order = {id(candidate): number for number, candidate in enumerate(candidates)}
    matched.sort(key=lambda group: min(order[id(candidate)] for candidate in group))
    return [candidate for group in matched[: wanted // max(1, len(classes))] for candidate in group]


def of(sentence: Aligned, label: str, *, target: str = "", stratum: int = 0) -> Candidate:
    """Make a candidate of a sentence of the treebank."""
    return Candidate(sentence.words, sentence.tree.document, label, target, stratum)


@dataclass(frozen=True, kw_only=True)
class TreeDepth(GrammarProbe):
    """Ask how many arcs lie between the root and the word farthest from it.

    Sentences of each length are equally frequent in all classes, so that the length gives nothing away.

    Parameters
    ----------
    depths : sequence of int
        The classes; other sentences are not asked about.
    """

    depths: Sequence[int]

    def candidate(self, sentence: Aligned) -> Candidate | None:
        """Return the sentence with its depth."""
        words = sentence.tree.words
        depth = max(
            len(path) - 1 for path, word in zip(sentence.tree.paths, words, strict=True) if not word.is_mark or word.head < 0
        )
        return of(sentence, f"depth {depth}", stratum=len(sentence.words)) if depth in self.depths else None


@dataclass(frozen=True, kw_only=True)
class TopConstituents(GrammarProbe):
    """Ask for the order of the root and its main dependents, such as ``nsubj root obj``.

    Parameters
    ----------
    relations : sequence of str
        The dependents that count, subtypes aside.
    classes : int
        The most frequent orders of training but for one, and ``other`` for all that are rarer.
    """

    relations: Sequence[str]
    classes: int

    def ask(self, drawn: Drawn, corpus: Corpus, rng: np.random.Generator) -> Mapping[str, list[Candidate]]:
        """Ask for the frequent orders by name."""
        orders = {split: [self._order(one.tree) for one in sentences] for split, sentences in drawn.items()}
        counts = sorted(Counter(orders["training"]).items(), key=lambda entry: (-entry[1], entry[0]))
        frequent = {name for name, _ in counts[: self.classes - 1]}
        return {
            split: [of(one, name if name in frequent else "other") for one, name in zip(sentences, orders[split], strict=True)]
            for split, sentences in drawn.items()
        }

    def _order(self, tree: Tree) -> str:
        named = {offset: relation(tree.words[offset], subtypes=False) for offset in tree.dependents[tree.root]}
        kept = {offset: name for offset, name in named.items() if name in self.relations} | {tree.root: "root"}
        return " ".join(kept[offset] for offset in sorted(kept))


@dataclass(frozen=True, kw_only=True)
class MainTense(GrammarProbe):
    """Ask for the tense of the root, where it is a finite verb."""

    def candidate(self, sentence: Aligned) -> Candidate | None:
        """Return the sentence with the tense of its root."""
        root = sentence.tree.words[sentence.tree.root]
        tense = root.features.get("Tense")
        if root.tag != "VERB" or root.features.get("VerbForm") != "Fin" or tense not in ("Past", "Pres"):
            return None
        return of(sentence, tense, target=root.form.lower())


@dataclass(frozen=True, kw_only=True)
class ArgumentNumber(GrammarProbe):
    """Ask whether the root's subject, or its object, is singular or plural, where it is one noun.

    Parameters
    ----------
    relations : sequence of str
        Of the argument to the root: ``[nsubj, nsubj:pass]`` or ``[obj]``.
    """

    relations: Sequence[str]

    def candidate(self, sentence: Aligned) -> Candidate | None:
        """Return the sentence with the number of the noun."""
        tree = sentence.tree
        found = [word for offset in tree.dependents[tree.root] if (word := tree.words[offset]).relation in self.relations]
        if len(found) != 1 or found[0].tag != "NOUN" or found[0].features.get("Number") not in ("Sing", "Plur"):
            return None
        return of(sentence, found[0].features["Number"], target=found[0].form.lower())
