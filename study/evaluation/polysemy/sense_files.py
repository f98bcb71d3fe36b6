"""Reading the files of CoarseWSD-20.

A word's folder holds ``train.data.txt`` and ``test.data.txt`` with a line ``position TAB tokens`` for each sentence,
``train.gold.txt`` and ``test.gold.txt`` with the number of its sense on the same line, and ``classes_map.txt``, JSON that gives
the senses' names by number. Sentences of another domain stand in one file for all words.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from study.contracts import StudyError
from study.evaluation.data import table, tokens
from study.evaluation.data.table import Row

OUTSIDE = "out of domain"


def read_word(folder: Path) -> Iterator[Row]:
    """Yield the training and test sentences of the word that the folder is named after.

    Raises
    ------
    StudyError
        For a missing file, files of different length, or a bad line.
    """
    parts = (("train", "training"), ("test", "test"))
    for name in ("classes_map.txt", *(f"{part}.{kind}.txt" for part, _ in parts for kind in ("data", "gold"))):
        if not (folder / name).is_file():
            raise StudyError(f"{folder / name}: no such file, but the word '{folder.name}' needs it. Is it a word of this set?")
    senses = json.loads((folder / "classes_map.txt").read_text(encoding="utf-8"))
    for part, split in parts:
        path = folder / f"{part}.data.txt"
        sentences, gold = table.lines(path), table.lines(folder / f"{part}.gold.txt")
        if len(sentences) != len(gold):
            raise StudyError(f"{path}: expected a sense in {part}.gold.txt for {len(sentences)} lines, found {len(gold)}")
        for (number, line), (_, sense) in zip(sentences, gold, strict=True):
            position, _, text = line.partition("\t")
            if sense.strip() not in senses:
                raise StudyError(f"{folder / part}.gold.txt:{number}: expected a sense of {sorted(senses)}, found '{sense}'")
            yield Row(
                number, text, *tokens.offsets(f"{path}:{number}", text, position), senses[sense.strip()], split, folder.name
            )


def read_outside(path: Path, rows: Sequence[Row]) -> list[Row]:
    """Read sentences of another domain, lines ``word TAB sense TAB position TAB tokens``, of the words of these rows.

    Raises
    ------
    StudyError
        For a bad line, or a sense that the word does not have in the rows.
    """
    senses: dict[str | None, set[str]] = {}
    for row in rows:
        senses.setdefault(row.group, set()).add(row.label)
    found = []
    for number, line in table.lines(path):
        cells = line.split("\t")
        if len(cells) != 4:
            raise StudyError(f"{path}:{number}: expected word TAB sense TAB position TAB tokens, found: {line}")
        word, sense, position, text = cells
        if word not in senses:
            continue
        if sense not in senses[word]:
            raise StudyError(f"{path}:{number}: expected a sense of {sorted(senses[word])}, found '{sense}'")
        found.append(Row(number, text, *tokens.offsets(f"{path}:{number}", text, position), sense, OUTSIDE, word))
    return found
