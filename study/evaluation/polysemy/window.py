"""Senses in a window: how many words around a word in a whole sentence tell its sense.

The study's own tasks cut sentences that were written for it (``bank_window``) or come from Wikipedia (``coarse_senses_window``,
CoarseWSD-20). In such sentences nobody knows which word tells the sense, nor is it one alone; to count which words go with a
sense takes more labelled sentences than there are. So nothing is guessed: sentences are cut to the words within a distance of
their target, and everything is done as with whole ones. What accuracy gains from one distance to the next is what the words
between tell beyond the nearer ones; what it lacks against whole sentences is what a reader of so few words misses.

Controlled: a view is taught and asked the same occurrences at every distance. One that has no vector for a sentence at some
distance, as a bag of the words around has none where the next words are all unknown, is not asked it at the others either: else a
curve would rise or fall because its sentences change. Which these are differs between views, as their coverage tells. Senses are
taught and asked alike, from sentences cut alike, so that no system is punished for meeting fragments that it was not taught with.
All senses of a word have equally many sentences: chance is one over the senses. The folds are those of ``senses``: one sentence
of each sense is left out at a time.

Not controlled: telling words of such sentences stand near more often than far, so a flat end of a curve may mean that nothing was
left to tell. A fragment breaks off anywhere; an encoder was trained on whole sentences.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd

from study.contracts import Array, Corpus, NotAskableError, Questions, Result, StudyError
from study.evaluation.data import table
from study.evaluation.data.table import Row
from study.evaluation.polysemy import sense_files
from study.evaluation.polysemy.distances import METRIC, summarise_by_distance
from study.evaluation.polysemy.senses import left_out, nearest_centroid, read_rows, unit


@dataclass(frozen=True, kw_only=True)
class SensesInWindow:
    """Tell the senses of a word apart by the nearest centroid, in sentences cut to the words near the word.

    The question ``within`` pools all distances, ``within: 5`` is that of sentences cut to five words before and after the target.

    Parameters
    ----------
    data : str
        A task file as for ``Senses``, or the folder of CoarseWSD-20, all of whose words and sentences are taken for the test: its
        models choose their headline views on the development words of another task of the family.
    needed : bool
        Whether a study stops where the data are missing; else it goes on without this task, and its report says so.
    distances : sequence of int
        Words kept on each side of the target.
    sentences : int
        Sentences drawn of each sense, at most; all senses of a word have equally many.
    fewest : int
        Sentences that a sense needs; those with fewer are left out.
    repeats : int
        Random pairings of the senses' sentences into folds.
    seed : int
        Of the draws and of the pairings.
    description, source : str
        What is asked, and where the data come from under which licence.
    """

    data: str = field(metadata={"resource": True})
    needed: bool = field(metadata={"resource": True})
    distances: Sequence[int]
    sentences: int
    fewest: int
    repeats: int
    seed: int
    description: str = field(metadata={"resource": True})
    source: str = field(metadata={"resource": True})

    main_metric: ClassVar[str] = METRIC
    main_question: ClassVar[str] = "within"
    version: ClassVar[int] = 2

    def questions(self, corpus: Corpus) -> Questions:
        """Read the sentences, draw equally many of each sense of a word, and cut them.

        Raises
        ------
        StudyError
            For a setting that cannot be, missing data, a bad line, or a word without two senses of enough sentences, or in two
            splits.
        NotAskableError
            For missing data that are not needed.
        """
        if not self.distances or min(self.distances) < 1 or self.fewest < 2 or self.sentences < self.fewest or self.repeats < 1:
            raise StudyError(
                f"distances={list(self.distances)}, sentences={self.sentences}, fewest={self.fewest}, repeats={self.repeats}: "
                "expected distances from 1, two or more as the fewest sentences of a sense, no fewer to draw, and one repeat"
            )
        path = self._located()
        rows = _folder(path) if path.is_dir() else read_rows(path)
        _, sentences, places, kept, dropped = table.align(rows, corpus)
        used = [rows[number] for number in kept]
        items = pd.DataFrame(
            {
                "item": [f"{row.group}-{row.split}-{row.line:05d}" for row in used],
                "group": [row.group for row in used],
                "split": ["test" if path.is_dir() else row.split for row in used],
                "gold": [row.label for row in used],
                "place": np.arange(len(used)),
            }
        )
        items = self._drawn(items, path)
        cut: list[tuple[Sequence[str], tuple[int, int]]] = []
        rows_of = {}
        for distance in self.distances:
            rows_of[f"within {distance}"] = len(cut) + np.arange(len(items))
            cut += [_cut(sentences[number], start, stop, distance) for number, start, stop in places[items["place"]].tolist()]
        at = np.array([(number, *span) for number, (_, span) in enumerate(cut)], dtype=np.int64)
        note = f"{items['group'].nunique()} words, {len(items)} sentences, each cut to {len(self.distances)} widths"
        items = items.assign(**rows_of, place=rows_of[f"within {max(self.distances)}"])
        return Questions("target", [words for words, _ in cut], at, items, dropped, note)

    def _located(self) -> Path:
        try:
            return table.locate(self.data, self.source)
        except StudyError as fault:
            if self.needed:
                raise
            raise NotAskableError(str(fault)) from fault

    def _drawn(self, items: pd.DataFrame, path: Path) -> pd.DataFrame:
        """Draw equally many sentences of each sense of a word."""
        parts = []
        for number, (word, part) in enumerate(items.groupby("group", sort=True)):
            senses = part["gold"].value_counts()
            usable = senses[senses >= self.fewest]
            if len(usable) < 2 or part["split"].nunique() > 1:
                raise StudyError(
                    f"{path}: expected two senses of '{word}' with {self.fewest} usable sentences each, all in one split, found "
                    f"{senses.to_dict()} in {sorted(part['split'].unique())}"
                )
            rng = np.random.default_rng((self.seed, number))
            each = min(self.sentences, int(usable.min()))
            for sense in sorted(usable.index):
                drawn = rng.permutation(np.flatnonzero(part["gold"] == sense))[:each]
                parts.append(part.iloc[np.sort(drawn)])
        return pd.concat(parts, ignore_index=True)

    def score(self, questions: Questions, vectors: Mapping[str, Array]) -> Result:
        """Score every view at every width, on the sentences that it has a vector for at all widths."""
        frames = []
        rows = questions.items[[f"within {distance}" for distance in self.distances]].to_numpy()  # (n, widths)
        for view, array in vectors.items():
            directions = unit(array)
            known = np.isfinite(directions).all(1)[rows].all(1)
            for distance, at in zip(self.distances, rows.T, strict=True):
                answers = self._answers(questions.items, directions[at], known)
                item = answers["item"] + f"-{distance:02d}"
                frames.append(answers.assign(view=view, question=f"within: {distance}", item=item))
        return summarise_by_distance(pd.concat(frames, ignore_index=True), "within", self.distances)

    def _answers(self, items: pd.DataFrame, directions: Array, known: Array) -> pd.DataFrame:
        """Return a row per item and repeat with the sense it was given; none where a sense of its word lacks two known ones."""
        given = np.full((len(items), self.repeats), "", dtype=object)
        for number, (_, part) in enumerate(items.groupby("group", sort=True)):
            rows = part.index[known[part.index]]
            senses, labels = np.unique(items.loc[rows, "gold"].to_numpy(dtype=str), return_inverse=True)
            if len(senses) < part["gold"].nunique() or np.bincount(labels).min() < 2:
                continue
            rng = np.random.default_rng((self.seed, number))
            for repeat in range(self.repeats):
                given[rows, repeat] = senses[left_out(directions[rows], directions[rows], labels, nearest_centroid, rng)]
        repeated = items.loc[items.index.repeat(self.repeats), ["item", "group", "split", "gold"]].reset_index(drop=True)
        again = np.tile([f"/{repeat:02d}" for repeat in range(self.repeats)], len(items))
        told = {"item": repeated["item"] + again, "predicted": given.ravel(), "known": given.ravel() != ""}
        return repeated.assign(**told, gold_value=np.nan, predicted_value=np.nan)


def _folder(path: Path) -> list[Row]:
    words = sorted(folder for folder in path.iterdir() if (folder / "classes_map.txt").is_file())
    if not words:
        raise StudyError(f"{path}: expected one folder per word with classes_map.txt, found none")
    return [row for word in words for row in sense_files.read_word(word)]


def _cut(words: Sequence[str], start: int, stop: int, distance: int) -> tuple[Sequence[str], tuple[int, int]]:
    """Return the words within a distance of the target, and where it stands among them."""
    first = max(0, start - distance)
    return words[first : stop + distance], (start - first, stop - first)
