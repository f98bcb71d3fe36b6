"""Reading a task file: one sentence a line, its target in ``[brackets]``, its label, and the words of the corpus under it.

A task file is UTF-8 text with tab-separated columns. **One rule names the columns:** where the first field of the first
line is ``sentence``, that line is a header and names them (``sentence``, ``label`` and, as wanted, ``split`` and
``group``, in any order); without a header there are exactly two, ``sentence`` and ``label``. Blank lines are skipped.

    sentence	label	group
    They will [record] the song.	verb	record
    He broke the [record] twice.	noun	record

Either every sentence has exactly one ``[target]``, or no sentence has a bracket and the label speaks of the whole sentence.
"""

from __future__ import annotations

import importlib.util
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from study import paths
from study.contracts import Corpus, Level, Questions, Span, StudyError, Token

COLUMNS = ("sentence", "label", "split", "group")
SPLITS = ("training", "development", "test")
TARGET = re.compile(r"\[([^\[\]]+)\]")


@dataclass(frozen=True)
class Row:
    """One line of a task file; ``start`` and ``stop`` are the target's characters in ``text``, None for a whole sentence."""

    line: int
    text: str
    start: int | None
    stop: int | None
    label: str
    split: str | None
    group: str | None


def locate(data: str, source: str) -> Path:
    """Find the file or folder of a task's data.

    Parameters
    ----------
    data : str
        A path, or ``gensim:NAME`` for a file that gensim's wheel brings (gensim itself is not imported).
    source : str
        Where the data come from, told where they are missing.

    Raises
    ------
    StudyError
        Where there is no such file.
    """
    if data.startswith("gensim:"):
        spec = importlib.util.find_spec("gensim")
        roots = list(spec.submodule_search_locations or []) if spec else []
        path = Path(roots[0], "test", "test_data", data.removeprefix("gensim:")) if roots else Path(data)
        if not path.exists():
            raise StudyError(f"{data}: the installed gensim does not bring this file; gensim 4.4 does. It comes from {source}")
        return path
    for path in (Path(data), paths.data() / data):
        if path.exists():
            return path
    raise StudyError(
        f"{data}: no such file. Put it beside the task's YAML file or under {paths.data()} "
        f"(another folder: set STUDY_DATA). It comes from {source}"
    )


def lines(path: Path) -> list[tuple[int, str]]:
    """Return the numbered lines of a UTF-8 file that are not blank.

    Raises
    ------
    StudyError
        Where the file is not UTF-8, naming its first bad line.
    """
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        number = raw.count(b"\n", 0, fault.start) + 1
        raise StudyError(
            f"{path}:{number}: expected UTF-8 text, found the byte 0x{raw[fault.start]:02x}; save as UTF-8"
        ) from fault
    numbered = ((number, line.removesuffix("\r")) for number, line in enumerate(text.split("\n"), 1))
    return [(number, line) for number, line in numbered if line.strip()]


def read(path: Path) -> list[Row]:
    """Read a task file by the rule at the top of this module.

    Raises
    ------
    StudyError
        For a bad line, with file and line number; for a file without two labels.
    """
    numbered = lines(path)
    if not numbered:
        raise StudyError(f"{path}: expected lines 'sentence TAB label', found an empty file")
    columns = _columns(path, *numbered[0])
    rows = [_row(f"{path}:{number}", number, line, columns or COLUMNS[:2]) for number, line in numbered[bool(columns) :]]
    bracketed = rows[0].start is not None if rows else False
    for row in rows:
        if (row.start is not None) != bracketed:
            expected = "one [bracketed] target, as in the lines above" if bracketed else "no [brackets], as in the lines above"
            raise StudyError(f"{path}:{row.line}: expected {expected}, found: {row.text}")
    labels = {row.label for row in rows}
    if len(labels) < 2:
        raise StudyError(f"{path}: expected at least two labels to tell apart, found {sorted(labels)}")
    return rows


def _columns(path: Path, number: int, line: str) -> tuple[str, ...] | None:
    """Return the names in a header line, None where the first line is no header."""
    names = tuple(name.strip() for name in line.split("\t"))
    if names[0] != "sentence":
        return None
    if "label" not in names or len(set(names)) < len(names) or not set(names) <= set(COLUMNS):
        raise StudyError(f"{path}:{number}: expected a header of 'sentence', 'label' and at most 'split', 'group', found {names}")
    return names


def _row(where: str, number: int, line: str, columns: Sequence[str]) -> Row:
    """Read one line; ``where`` is ``file:line``."""
    cells = [cell.strip() for cell in line.split("\t")]
    if len(cells) != len(columns):
        hint = "" if len(columns) > 2 else " (more columns need a first line that names them: sentence, label, split, group)"
        raise StudyError(f"{where}: expected {len(columns)} columns {' TAB '.join(columns)}, found {len(cells)}{hint}")
    row = dict(zip(columns, cells, strict=True))
    for name, cell in row.items():
        if not cell:
            raise StudyError(f"{where}: the column '{name}' is empty")
    if "split" in row and row["split"] not in SPLITS:
        raise StudyError(f"{where}: expected a split of {', '.join(SPLITS)}, found '{row['split']}'")
    found = list(TARGET.finditer(row["sentence"]))
    brackets = row["sentence"].count("[") + row["sentence"].count("]")
    if brackets != 2 * len(found) or len(found) > 1:
        raise StudyError(f"{where}: expected exactly one [bracketed] target, found: {row['sentence']}")
    text, start, stop = row["sentence"], None, None
    if found:
        start, stop = found[0].start(), found[0].end() - 2
        text = text[:start] + found[0][1] + text[found[0].end() :]
    return Row(number, text, start, stop, row["label"], row.get("split"), row.get("group"))


def span(tokens: Sequence[Token], start: int, stop: int) -> Span | None:
    """Carry characters to words: the words that cover exactly ``[start, stop)`` of the text, None where there are none."""
    first = next((i for i, token in enumerate(tokens) if token.start == start), None)
    last = next((i for i, token in enumerate(tokens) if token.stop == stop), None)
    return None if first is None or last is None or last < first else (first, last + 1)


def align(rows: Sequence[Row], corpus: Corpus) -> tuple[Level, list[list[str]], np.ndarray, np.ndarray, Mapping[str, int]]:
    """Split the sentences of a file by the corpus's rule and find their targets again.

    Returns
    -------
    level : Level
        ``target``, or ``sentence`` for a file without brackets.
    sentences : list of list of str
    places : ndarray of shape (n, 3), int64
    kept : ndarray of shape (n,), int64
        The rows that the places belong to.
    dropped : mapping of str to int
        Reason -> number of rows left out.
    """
    level: Level = "target" if rows[0].start is not None else "sentence"
    sentences: list[list[str]] = []
    places, kept = [], []
    dropped: Counter[str] = Counter()
    for number, row in enumerate(rows):
        tokens = corpus.words(row.text)
        place = (0, len(tokens)) if row.start is None or row.stop is None else span(tokens, row.start, row.stop)
        if place is None:
            dropped["target does not align with the corpus's words"] += 1
        elif len(tokens) < 2 or (level == "target" and place == (0, len(tokens))):
            dropped["sentence of fewer than two words, or of its target alone"] += 1
        else:
            places.append((len(sentences), *place))
            sentences.append([token.word for token in tokens])
            kept.append(number)
    return level, sentences, np.array(places, dtype=np.int64).reshape(-1, 3), np.array(kept, dtype=np.int64), dict(dropped)


def questions(rows: Sequence[Row], corpus: Corpus, *, name: str) -> Questions:
    """Make the questions of a task file: one place and one item a line; without a ``group`` each text is its own.

    Parameters
    ----------
    rows : sequence of Row
    corpus : Corpus
    name : str
        First part of an item's text where the file names no groups; the number of its line follows.
    """
    level, sentences, places, kept, dropped = align(rows, corpus)
    if not len(kept):
        raise StudyError(f"{name}: none of the {len(rows)} lines is left: {dropped}. Are the targets whole words?")
    used = [rows[number] for number in kept]
    items = pd.DataFrame(
        {
            "item": [f"{row.group or name}-{row.line:04d}" for row in used],
            "group": [row.group or row.text for row in used],
            "split": [row.split for row in used],
            "gold": [row.label for row in used],
            "place": np.arange(len(used)),
        }
    )
    return Questions(level, sentences, places, items, dropped)
