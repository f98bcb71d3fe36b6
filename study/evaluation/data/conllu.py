"""Reading CoNLL-U: the sentences of a treebank with their words, tags and trees.

The format is that of Universal Dependencies: comments that begin with ``#``, a line of ten columns for each word, a blank line
after each sentence. Words that are written as one (``don't`` = ``do`` + ``n't``) come after a line ``2-3``, which alone has
characters in the text; empty nodes (``7.1``) belong to the enhanced graph and are left out.

References
----------
De Marneffe, Manning, Nivre and Zeman (2021), Universal Dependencies, doi:10.1162/coli_a_00402;
https://universaldependencies.org/format.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from study.contracts import StudyError
from study.evaluation.data import table

COMMENTS = ("sent_id", "text")
ROOT = -1
"""The head of the root."""


@dataclass(frozen=True, slots=True)
class Word:
    """A syntactic word.

    Attributes
    ----------
    form, lemma, tag, fine_tag : str
        As written, its dictionary form, and the universal and the language's own part of speech.
    features : mapping of str to str
        Morphological features, such as ``{"Number": "Sing"}``.
    head : int
        Offset of its head among the words of the sentence; ``ROOT`` for the root.
    relation : str
        To its head, with its subtype if it has one (``aux:pass``).
    start, stop : int
        Half-open characters in the sentence's text; both -1 for a word that is written as one with another.
    """

    form: str
    lemma: str
    tag: str
    fine_tag: str
    features: Mapping[str, str]
    head: int
    relation: str
    start: int
    stop: int

    @property
    def is_mark(self) -> bool:
        """Whether it is punctuation or a symbol."""
        return self.tag in ("PUNCT", "SYM")


@dataclass(frozen=True)
class Tree:
    """A sentence with its dependency tree; ``line`` is that of its first word in the file."""

    name: str
    text: str
    words: Sequence[Word]
    line: int

    @property
    def document(self) -> str:
        """The document it comes from: its name without the number at its end."""
        return self.name.rpartition("-")[0] or self.name

    @property
    def root(self) -> int:
        """Offset of the word that has no head."""
        return next(offset for offset, word in enumerate(self.words) if word.head == ROOT)

    @cached_property
    def dependents(self) -> Sequence[Sequence[int]]:
        """For each word the offsets of its dependents, in the order of the sentence."""
        found: list[list[int]] = [[] for _ in self.words]
        for offset, word in enumerate(self.words):
            if word.head != ROOT:
                found[word.head].append(offset)
        return found

    @cached_property
    def paths(self) -> Sequence[Sequence[int]]:
        """For each word the offsets from itself up to the root; its depth is their number less one."""
        found = []
        for offset in range(len(self.words)):
            path = [offset]
            while self.words[path[-1]].head != ROOT:
                path.append(self.words[path[-1]].head)
            found.append(path)
        return found


def read(path: Path) -> list[Tree]:
    """Read the sentences of a CoNLL-U file.

    A sentence without a name gets its number; one without a text gets that of its words, joined by spaces except after
    ``SpaceAfter=No``.

    Raises
    ------
    StudyError
        Where the file is not UTF-8; for a line that is not of ten columns, words that are not numbered 1, 2, 3, …, a head that
        is no word, a sentence without exactly one root, a cycle of heads; with file and line.
    """
    trees: list[Tree] = []
    for lines in _sentences(path):
        told = {"sent_id": f"{path.stem}-{len(trees) + 1:04d}"}
        rows: list[tuple[int, list[str]]] = []
        for number, line in lines:
            if line.startswith("#"):
                key, _, value = line[1:].partition("=")
                told |= {key.strip(): value.strip()} if key.strip() in COMMENTS else {}
                continue
            cells = line.split("\t")
            if len(cells) != 10:
                raise StudyError(f"{path}:{number}: expected the ten columns of CoNLL-U, separated by tabs, found {len(cells)}")
            rows.append((number, cells))
        if rows:
            trees.append(_tree(path, told["sent_id"], told.get("text"), rows))
    return trees


def _sentences(path: Path) -> Iterator[list[tuple[int, str]]]:
    """Yield the numbered lines of each sentence; they end where numbers are missing, because blank lines were left out."""
    sentence: list[tuple[int, str]] = []
    for number, line in table.lines(path):
        if sentence and number > sentence[-1][0] + 1:
            yield sentence
            sentence = []
        sentence.append((number, line))
    if sentence:
        yield sentence


def _tree(path: Path, name: str, text: str | None, rows: Sequence[tuple[int, list[str]]]) -> Tree:
    if text is None:
        text = _written(rows)
    words: list[Word] = []
    lines: list[int] = []
    at, inside = 0, 0  # characters passed; number of the last word that is written as one with another
    for number, cells in rows:
        where, identifier = f"{path}:{number}", cells[0]
        if "." in identifier:
            continue
        start = text.find(cells[1], at)
        first, dash, last = identifier.partition("-")
        if not first.isdigit() or (dash and not last.isdigit()):
            raise StudyError(f"{where}: expected the number of a word, found '{identifier}'")
        if dash:
            inside = int(last)
        else:
            if int(first) != len(words) + 1:
                raise StudyError(f"{where}: expected word {len(words) + 1}, found '{identifier}'")
            own = start >= 0 and int(first) > inside
            words.append(_word(where, cells, start if own else -1))
            lines.append(number)
        if start >= 0 and (dash or int(first) > inside):
            at = start + len(cells[1])
    _check(path, words, lines)
    return Tree(name, text, tuple(words), lines[0])


def _word(where: str, cells: Sequence[str], start: int) -> Word:
    _, form, lemma, tag, fine_tag, features, head, relation = cells[:8]
    if not head.isdigit():
        raise StudyError(f"{where}: expected the number of the head (0 for the root), found '{head}'")
    named = _features(features)
    if named is None:
        raise StudyError(f"{where}: expected features Name=Value|Name=Value or _, found '{features}'")
    return Word(form, lemma, tag, fine_tag, named, int(head) - 1, relation, start, start + len(form) if start >= 0 else -1)


@lru_cache(maxsize=10_000)
def _features(cell: str) -> Mapping[str, str] | None:
    """Split a cell of features, once for all words that have the same; None where it cannot be read."""
    pairs = [feature.partition("=") for feature in cell.split("|")] if cell != "_" else []
    return {key: value for key, _, value in pairs} if all(equals for _, equals, _ in pairs) else None


def _check(path: Path, words: Sequence[Word], lines: Sequence[int]) -> None:
    """Refuse what is no tree."""
    if not words:
        raise StudyError(f"{path}: a sentence has no words of its own")
    for word, line in zip(words, lines, strict=True):
        if word.head >= len(words):
            raise StudyError(f"{path}:{line}: the head is {word.head + 1}, but the sentence has {len(words)} words")
    roots = [line for word, line in zip(words, lines, strict=True) if word.head == ROOT]
    if len(roots) != 1:
        raise StudyError(f"{path}:{lines[0]}: expected one word with head 0, found {len(roots)}")
    safe: set[int] = set()  # words known to lead to the root
    for offset in range(len(words)):
        path_up, at = [], offset
        while at != ROOT and at not in safe:
            if at in path_up:
                raise StudyError(f"{path}:{lines[at]}: the heads of '{words[at].form}' lead back to itself")
            path_up.append(at)
            at = words[at].head
        safe.update(path_up)


def _written(rows: Sequence[tuple[int, list[str]]]) -> str:
    """Join the forms of a sentence that brings no text."""
    pieces, inside = [], 0
    for _, cells in rows:
        first, dash, last = cells[0].partition("-")
        if "." in cells[0] or (not dash and first.isdigit() and int(first) <= inside):
            continue
        inside = int(last) if dash and last.isdigit() else inside
        pieces.append(cells[1] + ("" if "SpaceAfter=No" in cells[9].split("|") else " "))
    return "".join(pieces).strip()
