"""Probes of whole sentences that ask whether a sentence was altered: two words, one word, or its two clauses.

Of each sentence one version is kept, every other one altered, so that no probe can learn a sentence by heart. The alterations use
a treebank's gold annotation, after the tasks of SentEval.

References
----------
Conneau, Kruszewski, Lample, Barrault and Baroni (2018), What you can cram into a single vector, doi:10.18653/v1/P18-1198.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from study.contracts import Corpus, Span
from study.evaluation.data.conllu import Tree
from study.evaluation.probing.grammar import Candidate, Drawn, GrammarProbe
from study.evaluation.probing.sentences import exchanged
from study.evaluation.probing.treebank import Aligned

CLAUSE_SUBJECTS = ("nsubj", "csubj", "expl")
OPEN = ("NOUN", "VERB")
CHANGED, AS_WRITTEN = "changed", "as written"

Alter = Callable[[Aligned, np.random.Generator], list[str] | None]
"""Returns the altered words of a sentence, None where it cannot be altered."""


@dataclass(frozen=True, kw_only=True)
class AlterationProbe(GrammarProbe):
    """What these probes share: of the sentences that can be altered every other one is."""

    def ask(self, drawn: Drawn, corpus: Corpus, rng: np.random.Generator) -> Mapping[str, list[Candidate]]:
        """Return the sentences that can be altered, changed and as written in turn."""
        alter = self.alteration(drawn, corpus)
        asked: dict[str, list[Candidate]] = {split: [] for split in drawn}
        for split, sentences in drawn.items():
            for sentence in sentences:
                altered = alter(sentence, rng)
                if altered is not None:
                    change = len(asked[split]) % 2 == 0
                    words, label = (altered, CHANGED) if change else (sentence.words, AS_WRITTEN)
                    stratum = self.stratum(sentence, changed=change)
                    asked[split].append(Candidate(words, sentence.tree.document, label, stratum=stratum))
        return asked

    def stratum(self, sentence: Aligned, *, changed: bool) -> int:
        """Return what must be equally frequent among changed sentences and others; here nothing."""
        return 0

    def alteration(self, drawn: Drawn, corpus: Corpus) -> Alter:
        """Return the function that alters a sentence."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class TreebankBigramShift(AlterationProbe):
    """Ask whether two neighbouring words were exchanged, never the first word."""

    def alteration(self, drawn: Drawn, corpus: Corpus) -> Alter:
        """Exchange two neighbours."""
        return lambda sentence, rng: exchanged(sentence.words, rng)


@dataclass(frozen=True, kw_only=True)
class CoordinationInversion(AlterationProbe):
    """Ask whether two coordinate main clauses, each with a subject of its own, were exchanged around their conjunction.

    ``I called and nobody came`` becomes ``Nobody came and I called``: the conjunction stays between them, and the capital letter
    at the beginning, so that neither tells. The first clause is the longer one equally often in both classes.
    """

    def alteration(self, drawn: Drawn, corpus: Corpus) -> Alter:
        """Exchange the clauses."""
        return lambda sentence, rng: inverted(sentence)

    def stratum(self, sentence: Aligned, *, changed: bool) -> int:
        """Say which clause is the longer one: 1 for the first, -1 for the second, 0 for neither."""
        border, after = conjunction(sentence) or (0, 0)
        longer = int(np.sign(border - (len(sentence.words) - after)))
        return -longer if changed else longer


def conjunction(sentence: Aligned) -> Span | None:
    """Find the conjunction between the two main clauses of a sentence that consists of nothing else; None in another."""
    tree = sentence.tree
    conjuncts = [offset for offset in tree.dependents[tree.root] if tree.words[offset].relation == "conj"]
    if len(conjuncts) != 1 or not (_has_subject(tree, tree.root) and _has_subject(tree, conjuncts[0])):
        return None
    found = [offset for offset in tree.dependents[conjuncts[0]] if tree.words[offset].relation == "cc"]
    if len(found) != 1 or found[0] not in sentence.spans:
        return None
    plain = [offset for offset, word in enumerate(tree.words) if not word.is_mark]
    second = [offset for offset in plain if conjuncts[0] in tree.paths[offset]]
    if second[0] != found[0] or plain[-len(second) :] != second:  # it ends the sentence, and begins with its conjunction
        return None
    border, after = sentence.spans[found[0]]
    return (border, after) if border > 0 and after < len(sentence.words) else None


def inverted(sentence: Aligned) -> list[str] | None:
    """Exchange the two main clauses of a sentence that consists of nothing else; None for another."""
    span = conjunction(sentence)
    if span is None:
        return None
    words, (border, after) = sentence.words, span
    return [*_begun(words[after:], words[0]), *words[border:after], *_continued(sentence.tree, words[:border])]


def _has_subject(tree: Tree, offset: int) -> bool:
    return any(tree.words[one].relation.partition(":")[0] in CLAUSE_SUBJECTS for one in tree.dependents[offset])


def _begun(words: Sequence[str], model: str) -> list[str]:
    """Write the beginning of a sentence as large as the model's."""
    return [words[0][0].upper() + words[0][1:] if model[0].isupper() else words[0], *words[1:]]


def _continued(tree: Tree, words: Sequence[str]) -> list[str]:
    """Write the first word of what was a sentence's beginning as it is within one: small, unless it is a name or ``I``."""
    first = next(word for word in tree.words if not word.is_mark)
    inner = first.tag == "PROPN" or first.form == "I" or words[0][1:] != words[0][1:].lower()
    return [words[0] if inner else words[0].lower(), *words[1:]]


@dataclass(frozen=True, kw_only=True)
class OddWord(AlterationProbe):
    """Ask whether a noun or verb was replaced by another of the same part of speech, inflection and frequency.

    Both words are known to all models and within a factor of two of each other in the corpus. Of such words that one is taken
    whose bigrams with both neighbours are as frequent in the treebank as those that it replaces (the sentence's own occurrence
    not counted), or as near to it as ``tried`` words come.

    Parameters
    ----------
    tried : int
        Words drawn, of which the one with the best bigrams replaces.
    """

    tried: int

    def alteration(self, drawn: Drawn, corpus: Corpus) -> Alter:
        """Replace a word."""
        return Replacement(drawn, corpus, self.tried)


Kind = tuple[str, tuple[tuple[str, str], ...], int]
"""Part of speech, features and binary logarithm of the frequency, rounded down: words of one kind replace each other."""


class Replacement:
    """The words that can replace each other, and the bigrams by which one is chosen."""

    def __init__(self, drawn: Drawn, corpus: Corpus, tried: int) -> None:
        self.vocabulary, self.tried = corpus.vocabulary, tried
        self.bigrams: Counter[tuple[str, str]] = Counter()
        pools: dict[Kind, set[str]] = defaultdict(set)
        for sentence in (sentence for sentences in drawn.values() for sentence in sentences):
            self.bigrams.update(pairwise(self._folded(sentence.words)))
        for sentence in drawn["training"]:
            for at, kind in self._open(sentence):
                pools[kind].add(sentence.words[at])
        self.pools = {kind: sorted(words) for kind, words in pools.items()}

    def __call__(self, sentence: Aligned, rng: np.random.Generator) -> list[str] | None:
        """Replace one word of a sentence, None where there is none that can be replaced."""
        places = [(at, kind) for at, kind in self._open(sentence) if set(self.pools.get(kind, ())) - {sentence.words[at]}]
        if not places:
            return None
        at, kind = places[int(rng.integers(len(places)))]
        others = [word for word in self.pools[kind] if word != sentence.words[at]]
        drawn = [others[number] for number in rng.permutation(len(others))[: self.tried]]
        words = self._folded(sentence.words)
        around = [words[at - 1], *words[at + 1 : at + 2]]
        own = self._counts(words[at], around) - 1
        best = min(
            drawn,
            key=lambda word: float(np.abs(np.log1p(self._counts(self.vocabulary.fold(word), around)) - np.log1p(own)).sum()),
        )
        return [*sentence.words[:at], best, *sentence.words[at + 1 :]]

    def _folded(self, words: Sequence[str]) -> list[str]:
        return [self.vocabulary.fold(word) for word in words]

    def _counts(self, word: str, around: Sequence[str]) -> np.ndarray:
        """Count the bigrams of a word with the word before it and, where there is one, the word after it."""
        pairs = [(around[0], word), *((word, after) for after in around[1:])]
        return np.array([self.bigrams[pair] for pair in pairs])

    def _open(self, sentence: Aligned) -> list[tuple[int, Kind]]:
        """Find the nouns and verbs in small letters, but for the first word, that the vocabulary knows."""
        found = []
        for offset, (start, stop) in sentence.spans.items():
            word = sentence.tree.words[offset]
            known = word.tag in OPEN and word.form.islower() and self.vocabulary.index(word.form) is not None
            if known and start > 0 and stop == start + 1:
                band = int(np.log2(max(1, self.vocabulary.count(word.form))))
                found.append((start, (word.tag, tuple(sorted(word.features.items())), band)))
        return found
