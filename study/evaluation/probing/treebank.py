"""A treebank of Universal Dependencies: its files, and its sentences in the corpus's own words.

References
----------
Silveira et al. (2014), A gold standard dependency corpus for English (LREC).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from study import paths
from study.contracts import Corpus, NotAskableError, Questions, Span, StudyError
from study.evaluation.data import conllu, fetching
from study.evaluation.data.conllu import Tree
from study.evaluation.data.table import SPLITS
from study.evaluation.probing.probe import LabelProbe


@dataclass(frozen=True)
class Aligned:
    """A sentence of the treebank in the corpus's words.

    Attributes
    ----------
    tree : Tree
    words : list of str
    spans : mapping of int to Span
        Offset of a word of the tree -> the words of the corpus that have exactly its characters; without those that have none.
    """

    tree: Tree
    words: list[str]
    spans: Mapping[int, Span]


@dataclass(frozen=True, kw_only=True)
class Treebank:
    """The files of a treebank.

    Parameters
    ----------
    data : str
        Their folder.
    files : mapping of str to str
        Split (training, development, test) -> file name in that folder.
    fetch : mapping of str to str
        File name -> address from which it is fetched where it is missing.
    digests : mapping of str to str
        File name -> ``sha256:…`` of a fetched file; a file without one is not checked.
    source : str
        Where the treebank comes from under which licence.
    """

    data: str = field(metadata={"resource": True})
    files: Mapping[str, str]
    fetch: Mapping[str, str] = field(metadata={"resource": True})
    digests: Mapping[str, str] = field(metadata={"resource": True})
    source: str = field(metadata={"resource": True})

    def trees(self, split: str) -> Sequence[Tree]:
        """Read the sentences of a split, once for all tasks that ask for them.

        Raises
        ------
        StudyError
            Where the file is missing and cannot be fetched, or is not CoNLL-U.
        """
        if split not in self.files:
            raise StudyError(f"{self.data}: expected files for {', '.join(SPLITS)}, found {', '.join(self.files)}")
        name = self.files[split]
        folder = Path(self.data) if Path(self.data).is_dir() else paths.data() / self.data
        path = fetching.fetched(folder / name, self.fetch.get(name, self.source), self.digests.get(name))
        return _read(path, path.stat().st_mtime_ns)

    def sentences(self, corpus: Corpus, split: str, *, seed: int) -> Iterator[Aligned]:
        """Yield the distinct sentences of a split in random order, those of two words or more that no split before it has."""
        seen = {tree.text.casefold() for before in SPLITS[: SPLITS.index(split)] for tree in self.trees(before)}
        trees = self.trees(split)
        for number in np.random.default_rng((seed, SPLITS.index(split))).permutation(len(trees)):
            tree = trees[number]
            if tree.text.casefold() not in seen:
                seen.add(tree.text.casefold())
                sentence = align(tree, corpus)
                if len(sentence.words) > 1:
                    yield sentence


@lru_cache(maxsize=6)
def _read(path: Path, modified: int) -> Sequence[Tree]:
    """Read a file again only where it was changed since."""
    return conllu.read(path)


def align(tree: Tree, corpus: Corpus) -> Aligned:
    """Split a sentence by the corpus's rule and find the words of its tree again."""
    tokens = corpus.words(tree.text)
    first = {token.start: number for number, token in enumerate(tokens)}
    last = {token.stop: number + 1 for number, token in enumerate(tokens)}
    spans = {
        offset: (first[word.start], last[word.stop])
        for offset, word in enumerate(tree.words)
        if word.start in first and word.stop in last
    }
    return Aligned(tree, [token.word for token in tokens], spans)


Asked = tuple[str, int, int | None]
"""A label, the offset in the tree of the word that is asked about, and that of the second word of a pair."""


@dataclass(frozen=True, kw_only=True)
class TreebankProbe(LabelProbe):
    """What the probes of words and pairs of words of a treebank share; learnt, chosen and tested on the treebank's own splits.

    Parameters
    ----------
    treebank : Treebank
    training, development, test : int
        Questions at most in each split.
    per_sentence : int
        Questions at most of one sentence.
    fewest : int
        Training questions that a label needs; questions of rarer ones are left out.
    """

    treebank: Treebank
    training: int
    development: int
    test: int
    per_sentence: int
    fewest: int

    def questions(self, corpus: Corpus) -> Questions:
        """Draw sentences of each split, and words or pairs of words in them.

        Raises
        ------
        StudyError
            Where a file of the treebank is missing and cannot be fetched, or is not CoNLL-U.
        NotAskableError
            Where fewer than two labels are left.
        """
        drawn = Draw()
        for split in SPLITS:
            rng = np.random.default_rng((self.regimen.seed, 1 + SPLITS.index(split)))
            sentences = self.treebank.sentences(corpus, split, seed=self.regimen.seed)
            asked = ((sentence, self.ask(sentence, rng)) for sentence in sentences)
            drawn.add(split, asked, wanted=getattr(self, split), per_sentence=self.per_sentence)
        return drawn.questions(self.fewest)

    def ask(self, sentence: Aligned, rng: np.random.Generator) -> list[Asked]:
        """Return what could be asked of a sentence, in random order; each kind of probe says its own."""
        raise NotImplementedError


class Draw:
    """The questions drawn so far."""

    def __init__(self) -> None:
        self.sentences: list[list[str]] = []
        self.items: list[tuple[str, str, str, str]] = []
        self.places: list[list[tuple[int, int, int]]] = []  # of each item
        self.dropped: Counter[str] = Counter()

    def add(self, split: str, asked: Iterator[tuple[Aligned, list[Asked]]], *, wanted: int, per_sentence: int) -> None:
        """Take questions of a split until there are as many as wanted."""
        enough = len(self.items) + wanted
        for sentence, questions in asked:
            taken = 0
            for label, *offsets in questions:
                spans = [sentence.spans.get(offset) for offset in offsets if isinstance(offset, int)]
                if None in spans:
                    self.dropped["word does not align with the corpus's words"] += 1
                elif taken < per_sentence and len(self.items) < enough:
                    self.items.append((f"{split}-{len(self.items):05d}", sentence.tree.document, split, str(label)))
                    self.places.append([(len(self.sentences), *span) for span in spans if span is not None])
                    taken += 1
            if taken:
                self.sentences.append(sentence.words)
            if len(self.items) >= enough:
                return

    def questions(self, fewest: int) -> Questions:
        """Make the questions, without those of labels that are too rare."""
        items = pd.DataFrame(self.items, columns=["item", "group", "split", "gold"])
        learnt = items.loc[items["split"] == "training", "gold"].value_counts()
        kept = items["gold"].isin(learnt.index[learnt >= fewest])
        if items.loc[kept, "gold"].nunique() < 2:
            raise NotAskableError(f"needs two labels with at least {fewest} training questions each, found {learnt.to_dict()}")
        if not kept.all():
            self.dropped["label too rare in the training questions"] += int((~kept).sum())
        places = np.array([self.places[row] for row in np.flatnonzero(kept)], dtype=np.int64)  # (n, 1 or 2, 3)
        items = items[kept].reset_index(drop=True)
        for column, name in zip(range(places.shape[1]), ("place", "other"), strict=False):
            items[name] = np.arange(len(items)) * places.shape[1] + column
        note = f"{items['gold'].nunique()} classes"
        return Questions("target", self.sentences, places.reshape(-1, 3), items, dict(self.dropped), note)
