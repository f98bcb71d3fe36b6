"""Probes made of two files: a file of labels, and a YAML file that names it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from study.contracts import Array, Corpus, Questions, StudyError
from study.evaluation.data import formats, table
from study.evaluation.data.table import Row
from study.evaluation.probing import protocol
from study.evaluation.probing.probe import LabelProbe


@dataclass(frozen=True, kw_only=True)
class Probe(LabelProbe):
    """A probe of labelled words, sentences, words in their sentence, or pairs of them.

    Where the data name splits (by a column, a key or the names of files), training items teach (and lend development items
    where there are none). Where they do not, a share of the groups is set apart as development items, and the others are
    tested by cross-validation grouped by ``group`` (without one, each text is its own group).

    Parameters
    ----------
    data : str
        A file, or a folder of a file for each split; see ``study.evaluation.data.formats``.
    """

    data: str = field(metadata={"resource": True})

    def questions(self, corpus: Corpus) -> Questions:
        """Read the task file.

        Raises
        ------
        StudyError
            For a bad line; where there are too few groups to set some apart.
        """
        path = table.locate(self.data, self.source)
        rows = self._rows(path)
        questions = table.questions(rows, corpus, name=path.stem)
        items = questions.items
        if all(row.split is None for row in rows):
            items["split"] = np.where(self._apart(items, path.name), "development", "test")
            return questions
        missing = {"training", "test"} - set(items["split"])
        if missing or any(row.split is None for row in rows):
            raise StudyError(
                f"{path}: names no {' and no '.join(sorted(missing)) or 'split of some'} items; it needs both, or none"
            )
        if not (items["split"] == "development").any():
            training = items["split"] == "training"
            items.loc[training, "split"] = np.where(self._apart(items[training], path.name), "development", "training")
        return questions

    def _rows(self, path: Path) -> Sequence[Row]:
        return formats.rows(path)

    def _apart(self, items: pd.DataFrame, name: str) -> Array:
        """Say which items are set apart as development items: whole groups, the labels spread evenly."""
        development, folds = self.regimen.development, self.regimen.folds
        if not 0 < development < 1 or folds < 2:
            raise StudyError(f"development={development}, folds={folds}: expected a share in (0, 1) and two folds or more")
        groups, labels = items["group"].to_numpy(dtype=str), items["gold"].to_numpy(dtype=str)
        if len(np.unique(groups)) < 4:
            raise StudyError(f"{name}: expected at least four groups (or sentences), found {len(np.unique(groups))}")
        return protocol.deal(groups, labels, max(2, round(1 / development)), self.regimen.seed) == 0


@dataclass(frozen=True, kw_only=True)
class ColumnProbe(Probe):
    """A probe of the words of a CoNLL-U file, labelled by the column that is named; its documents are the groups.

    A sentence that stands in several splits counts in the first of training, development and test only.

    Parameters
    ----------
    column : str
        ``upos``, ``xpos``, ``lemma``, ``deprel`` or ``feats.NAME``, such as ``feats.Number``.
    most : int
        Words of each split at most (of the file, where it has no splits), drawn at random.
    """

    column: str
    most: int

    def _rows(self, path: Path) -> Sequence[Row]:
        rows = formats.words(path, self.column)
        rng = np.random.default_rng(self.regimen.seed)
        drawn: list[Row] = []
        met: set[str] = set()
        for split in (*table.SPLITS, None):
            own = [row for row in rows if row.split == split and row.text.lower() not in met]
            met |= {row.text.lower() for row in own}
            drawn += [own[number] for number in np.sort(rng.permutation(len(own))[: self.most])]
        return drawn
