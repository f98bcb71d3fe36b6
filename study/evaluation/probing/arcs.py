"""Probes of two words in their sentence, from a treebank: which dependency holds between them, and whether one does.

References
----------
Tenney et al. (2019), What do you learn from context?, arXiv:1905.06316. Hewitt and Liang (2019), Designing and interpreting
probes with control tasks, doi:10.18653/v1/D19-1275.
"""

from __future__ import annotations

from dataclasses import dataclass

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

    Every arc comes with a pair of the same sentence, in the same direction and as far apart as can be found, between which there
    is no such arc: neither the distance nor the sentence tells one from the other. Both classes are equally frequent.
    """

    def ask(self, sentence: Aligned, rng: np.random.Generator) -> list[Asked]:
        """Ask for arcs and for pairs without, in turn."""
        arcs = [(one, other) for one, other in _arcs(sentence) if one in sentence.spans and other in sentence.spans]
        words = [offset for offset in sentence.spans if not sentence.tree.words[offset].is_mark]
        others = [(one, other) for one in words for other in words if one != other and sentence.tree.words[one].head != other]
        free = [others[number] for number in rng.permutation(len(others))]
        asked: list[Asked] = []
        for number in rng.permutation(len(arcs)):
            if len(asked) >= self.per_sentence:
                break
            arc = arcs[number]
            same_way = [pair for pair in free if (pair[1] > pair[0]) == (arc[1] > arc[0])]
            if same_way:
                pair = min(same_way, key=lambda pair: abs(abs(pair[1] - pair[0]) - abs(arc[1] - arc[0])))
                free.remove(pair)
                asked += [("head", *arc), ("no head", *pair)]
        return asked


def _arcs(sentence: Aligned) -> list[tuple[int, int]]:
    """Return the arcs (dependent, head) between words that are no punctuation."""
    words = sentence.tree.words
    return [
        (offset, word.head)
        for offset, word in enumerate(words)
        if word.head != ROOT and not word.is_mark and not words[word.head].is_mark
    ]
