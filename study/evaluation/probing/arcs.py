"""Probes of two words in their sentence, from a treebank: which dependency holds between them, and whether one does.

References
----------
Tenney et al. (2019), What do you learn from context?, arXiv:1905.06316. Hewitt and Liang (2019), Designing and interpreting
probes with control tasks, doi:10.18653/v1/D19-1275.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import permutations
from typing import ClassVar

import numpy as np

from study.evaluation.data.conllu import ROOT
from study.evaluation.probing.tagging import relation
from study.evaluation.probing.treebank import Aligned, Asked, TreebankProbe


@dataclass(frozen=True, kw_only=True)
class DependencyArcLabel(TreebankProbe):
    """Ask which relation holds between a head (first) and its dependent (second).

    Parameters
    ----------
    subtypes : bool
        Whether ``aux:pass`` and ``aux`` are two relations or one.
    """

    subtypes: bool

    def ask(self, sentence: Aligned, rng: np.random.Generator) -> list[Asked]:
        """Ask for the arcs between words that are no punctuation."""
        words = sentence.tree.words
        arcs = _arcs(sentence)
        return [
            (relation(words[arcs[number][0]], subtypes=self.subtypes), arcs[number][1], arcs[number][0])
            for number in rng.permutation(len(arcs))
        ]


@dataclass(frozen=True, kw_only=True)
class DependencyArc(TreebankProbe):
    """Ask whether the second word is the head of the first.

    Every arc comes with a pair of the same sentence that is no arc: its words are of the same two parts of speech, in the same
    order and exactly as far apart. Arcs that have no such pair are left out, so neither the parts of speech nor the distance nor
    the sentence tells one from the other. Both classes are equally frequent.
    """

    version: ClassVar[int] = 4

    def ask(self, sentence: Aligned, rng: np.random.Generator) -> list[Asked]:
        """Ask for arcs and for pairs without, in turn."""
        words = sentence.tree.words
        arcs = [(one, other) for one, other in _arcs(sentence) if one in sentence.spans and other in sentence.spans]
        kinds: dict[tuple[str, str, int], list[tuple[int, int]]] = defaultdict(list)  # of pairs without an arc
        for one, other in permutations(sentence.spans, 2):
            if words[one].head != other:
                kinds[words[one].tag, words[other].tag, other - one].append((one, other))
        asked: list[Asked] = []
        for number in rng.permutation(len(arcs)):
            one, head = arcs[number]
            alike = kinds[words[one].tag, words[head].tag, head - one]
            if alike and len(asked) < self.per_sentence:
                asked += [("head", one, head), ("no head", *alike.pop(int(rng.integers(len(alike)))))]
        return asked


def _arcs(sentence: Aligned) -> list[tuple[int, int]]:
    """Return the arcs (dependent, head) between words that are no punctuation."""
    words = sentence.tree.words
    return [
        (offset, word.head)
        for offset, word in enumerate(words)
        if word.head != ROOT and not word.is_mark and not words[word.head].is_mark
    ]
