"""Reading a task file: one word or sentence a line, its targets in ``[brackets]``, its label, and the corpus's words under it.

A task file is UTF-8 text with tab-separated columns. **One rule names the columns:** where the first field of the first
line is ``sentence`` or ``word``, that line is a header and names them (that one, ``label`` and, as wanted, ``split`` and
``group``, in any order); without a header there are exactly two, ``sentence`` and ``label``. Blank lines are skipped.

    sentence	label	group
    They will [record] the song.	verb	record
    He broke the [record] twice.	noun	record

What the label speaks of is the same in all lines of a file:

- a **word** without a sentence, where the first column is named ``word``;
- a whole **sentence**, where none has a bracket;
- a **token** in its sentence, where each has one ``[target]`` (of one or more words);
- a **pair** of tokens, where each has two: the first and the second as they follow in the sentence, or as numbered,
  ``The [sails]{2} of the old [ship]{1} were torn.``
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

FIRST = ("sentence", "word")
COLUMNS = ("sentence", "label", "split", "group")
SPLITS = ("training", "development", "test")
TARGET = re.compile(r"\[([^\[\]]+)\](?:\{([12])\})?")
KINDS = {0: "no [brackets]", 1: "one [bracketed] target", 2: "two [bracketed] targets"}


@dataclass(frozen=True)
class Row:
    """One line of a task file.

    Attributes
    ----------
    line : int
    text : str
    start, stop : int or None
        Characters of the target in ``text``; None where the label speaks of the whole text.
    label : str
    split, group : str or None
        None where the file does not say.
    other : (int, int) or None
        Characters of the second target of a pair.
    alone : bool
        Whether the text is a bare word and no sentence.
    """

    line: int
    text: str
    start: int | None
    stop: int | None
    label: str
    split: str | None
    group: str | None
    other: Span | None = None
    alone: bool = False

    @property
    def targets(self) -> list[Span]:
        """The characters of none, one or two targets."""
        first = [] if self.start is None or self.stop is None else [(self.start, self.stop)]
        return first if self.other is None else [*first, self.other]


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
    wanted = len(rows[0].targets) if rows else 0
    for row in rows:
        if len(row.targets) != wanted:
            raise StudyError(f"{path}:{row.line}: expected {KINDS[wanted]}, as in the lines above, found: {row.text}")
    check_labels(path, rows)
    return rows


def check_labels(path: Path, rows: Sequence[Row]) -> None:
    """Raise StudyError for a file without two labels."""
    labels = sorted({row.label for row in rows})
    if len(labels) < 2:
        raise StudyError(f"{path}: expected at least two labels to tell apart, found {labels}")


def _columns(path: Path, number: int, line: str) -> tuple[str, ...] | None:
    """Return the names in a header line, None where the first line is no header."""
    names = tuple(name.strip() for name in line.split("\t"))
    if names[0] not in FIRST:
        return None
    if "label" not in names or len(set(names)) < len(names) or not set(names[1:]) <= set(COLUMNS[1:]):
        raise StudyError(
            f"{path}:{number}: expected a header of 'sentence' or 'word', 'label' and at most 'split', 'group', found {names}"
        )
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
    told = (row["label"], row.get("split"), row.get("group"))
    if "word" in row:
        if "[" in row["word"] or "]" in row["word"]:
            raise StudyError(f"{where}: expected a bare word without [brackets], found: {row['word']}")
        return Row(number, row["word"], None, None, *told, alone=True)
    text, spans = _targets(where, row["sentence"])
    start, stop = spans[0] if spans else (None, None)
    return Row(number, text, start, stop, *told, other=spans[1] if len(spans) > 1 else None)


def _targets(where: str, sentence: str) -> tuple[str, list[Span]]:
    """Take the brackets out of a sentence; return it and the characters of its targets, the first target first."""
    found = list(TARGET.finditer(sentence))
    numbers = [match[2] for match in found if match[2]]
    brackets = sentence.count("[") + sentence.count("]")
    if brackets != 2 * len(found) or len(found) > 2:
        raise StudyError(f"{where}: expected exactly one [bracketed] target, or two of a pair, found: {sentence}")
    if numbers and sorted(numbers) != ["1", "2"]:
        raise StudyError(f"{where}: expected the two targets of a pair numbered {{1}} and {{2}}, or neither, found: {sentence}")
    text, end, spans = "", 0, []
    for match in found:
        text += sentence[end : match.start()]
        spans.append((len(text), len(text) + len(match[1])))
        text, end = text + match[1], match.end()
    return text + sentence[end:], spans[::-1] if numbers == ["2", "1"] else spans


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
        ``word``, ``sentence`` or ``target`` (of tokens and of pairs).
    sentences : list of list of str
    places : ndarray of shape (n, 3), int64
        Of pairs (2 n, 3): all first targets, then all second ones.
    kept : ndarray of shape (n,), int64
        The rows that the places belong to.
    dropped : mapping of str to int
        Reason -> number of rows left out.
    """
    level: Level = "word" if rows[0].alone else "target" if rows[0].targets else "sentence"
    sentences: list[list[str]] = []
    kept: list[int] = []
    places: list[list[tuple[int, int, int]]] = []
    dropped: Counter[str] = Counter()
    for number, row in enumerate(rows):
        tokens = corpus.words(row.text)
        whole = (0, len(tokens))
        spans = [span(tokens, *target) for target in row.targets] or [whole]
        found = [one for one in spans if one is not None]
        if len(found) < len(spans) or not tokens:
            dropped["target does not align with the corpus's words"] += 1
        elif level != "word" and (len(tokens) < 2 or (level == "target" and found == [whole])):
            dropped["sentence of fewer than two words, or of its target alone"] += 1
        else:
            places.append([(len(sentences), *one) for one in found])
            sentences.append([token.word for token in tokens])
            kept.append(number)
    in_order = [place for turn in zip(*places, strict=True) for place in turn]
    return level, sentences, np.array(in_order, dtype=np.int64).reshape(-1, 3), np.array(kept, dtype=np.int64), dict(dropped)


def questions(rows: Sequence[Row], corpus: Corpus, *, name: str) -> Questions:
    """Make the questions of a task file: one item a line; without a ``group`` each text is its own.

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
            "item": _distinct([f"{row.group or name}-{row.line:04d}" for row in used]),
            "group": [row.group or row.text for row in used],
            "split": [row.split for row in used],
            "gold": [row.label for row in used],
            "place": np.arange(len(used)),
        }
    )
    if len(places) > len(used):
        items["other"] = len(used) + np.arange(len(used))
    return Questions(level, sentences, places, items, dropped)


def _distinct(names: Sequence[str]) -> list[str]:
    """Add a number to names that occur again, as where one line holds several targets."""
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name}.{seen[name]}")
    return found
