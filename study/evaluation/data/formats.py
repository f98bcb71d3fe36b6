"""Which format a file of labels has, and which split it is.

| file | format |
|---|---|
| ``*.jsonl`` | JSON lines of edge probing, see ``edges`` |
| ``*.conllu`` | a treebank of which one column is named |
| lines ``tr|va|te TAB label TAB sentence`` | SentEval |
| any other | one word or sentence a line, see ``table`` |

Data may be one file, or a folder with one file for each split, told by its name: it contains ``train``, ``dev`` or ``test`` (or
one of their longer names) as a word of its own, as in ``en_ewt-ud-train.conllu``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from study.contracts import StudyError
from study.evaluation.data import conllu, edges, table
from study.evaluation.data.conllu import Word
from study.evaluation.data.table import Row

NAMES = {
    **dict.fromkeys(("tr", "train", "training"), "training"),
    **dict.fromkeys(("va", "val", "valid", "validation", "dev", "development"), "development"),
    **dict.fromkeys(("te", "test"), "test"),
}
"""How a split may be called -> its name here."""
SENTEVAL = ("tr", "va", "te")
SUFFIXES = (".tsv", ".txt", ".jsonl", ".conllu")
COLUMNS = "upos, xpos, lemma, deprel or feats.NAME (such as feats.Number)"


def files(path: Path) -> list[tuple[Path, str | None]]:
    """Return a file, or the files of a folder with the splits that their names tell.

    Raises
    ------
    StudyError
        Where a folder has no file of a split, files of two formats, or two files of one split.
    """
    if path.is_file():
        return [(path, None)]
    told = [(each, split) for each in sorted(path.iterdir()) if each.suffix in SUFFIXES and (split := _split(each)) is not None]
    kept = [entry for entry in told if entry[0].suffix != ".txt"] or told  # a treebank brings its plain text too
    if len({split for _, split in kept}) < len(kept) or len({each.suffix for each, _ in kept}) != 1:
        found = ", ".join(each.name for each, _ in kept) or "none"
        raise StudyError(
            f"{path}: expected one file for each split, all of one format ({', '.join(SUFFIXES)}), with train, dev or test in "
            f"their names, found {found}"
        )
    return list(kept)


def _split(path: Path) -> str | None:
    return next((NAMES[word] for word in re.split(r"[^a-z]+", path.stem.lower()) if word in NAMES and len(word) > 2), None)


def rows(path: Path) -> list[Row]:
    """Read a file or a folder of any format but CoNLL-U.

    Raises
    ------
    StudyError
        For a bad line, with file and line; where the labels are all the same.
    """
    if path.suffix == ".conllu":
        raise StudyError(f"{path}: CoNLL-U has many columns; use _target_: study.evaluation.ColumnProbe and name one by 'column'")
    return _joined(path, _read)


def _read(path: Path) -> list[Row]:
    if path.suffix == ".jsonl":
        return edges.read(path)
    lines = table.lines(path)
    first = lines[0][1].split("\t") if lines else []
    return list(_senteval(path)) if len(first) > 2 and first[0] in SENTEVAL else table.read(path)


def words(path: Path, column: str) -> list[Row]:
    """Read the words of a treebank, labelled by one column; punctuation, and words that lack the feature, are left out.

    Parameters
    ----------
    path : Path
        A CoNLL-U file, or a folder of them.
    column : str
        ``upos``, ``xpos``, ``lemma``, ``deprel`` or ``feats.NAME``.

    Raises
    ------
    StudyError
        For a column that there is not, and for a file that is not CoNLL-U.
    """
    label = _label(column)

    def read(path: Path) -> list[Row]:
        """Return a row for each word of a treebank that has a label in the column."""
        return [
            Row(tree.line + at, tree.text, word.start, word.stop, value, None, tree.document)
            for tree in conllu.read(path)
            for at, word in enumerate(tree.words)
            if word.start >= 0 and not word.is_mark and (value := label(word)) not in (None, "_")
        ]

    return _joined(path, read)


def _label(column: str) -> Callable[[Word], str | None]:
    plain: dict[str, Callable[[Word], str | None]] = {
        "upos": lambda word: word.tag,
        "xpos": lambda word: word.fine_tag,
        "lemma": lambda word: word.lemma,
        "deprel": lambda word: word.relation,
    }
    name = column.removeprefix("feats.")
    if column not in plain and (name == column or not name):
        raise StudyError(f"column={column}: expected {COLUMNS}")
    return plain.get(column, lambda word: word.features.get(name))


def _joined(path: Path, read: Callable[[Path], Sequence[Row]]) -> list[Row]:
    """Read the files of all splits; a split that a line names must be one, and goes before that of its file."""
    found = []
    for each, split in files(path):
        for row in read(each):
            if row.split is not None and row.split not in NAMES:
                raise StudyError(f"{each}:{row.line}: expected a split of {', '.join(table.SPLITS)}, found '{row.split}'")
            found.append(replace(row, split=NAMES.get(row.split) if row.split else split))
    table.check_labels(path, found)
    return found


def _senteval(path: Path) -> Iterator[Row]:
    """Read lines ``tr|va|te TAB label TAB sentence``; some files have more columns, the sentence always is the last."""
    for number, line in table.lines(path):
        cells = line.split("\t")
        if len(cells) < 3 or cells[0] not in SENTEVAL or not cells[1].strip() or not cells[-1].strip():
            raise StudyError(f"{path}:{number}: expected tr, va or te TAB label TAB sentence, found: {line[:80]}")
        yield Row(number, cells[-1].strip(), None, None, cells[1].strip(), NAMES[cells[0]], None)
