"""Text from files: decoded and cut into documents as a stream, so that memory stays flat at any size.

A *source* is a keyword-only dataclass of plain settings (an option of ``conf/corpus/``) that names its files and yields its
documents. Files are opened when documents are asked for, never in a constructor.
"""

from __future__ import annotations

import codecs
import glob
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from study import paths
from study.contracts import StudyError
from study.corpus.compression import ENDINGS, READ_AT_ONCE, OpenFile, open_file

MOST_UNDECODABLE = 0.01
"""Share of a file's bytes that may be undecodable or control characters before the file is not taken for text."""
LONGEST_DOCUMENT = 1 << 20
"""Characters after which text without a blank line is cut: at a line's end, or else at a space."""

_SURROGATES = re.compile("[\ud800-\udfff]")
_CONTROLS = bytes([*range(0x09), *range(0x0E, 0x20), 0x7F])
_BLANK_LINES = re.compile(r"\n[^\S\n]*\n\s*")


@dataclass(frozen=True)
class Document:
    """A text with a name.

    Attributes
    ----------
    name : str
        For people; it need not be unique.
    text : str
        A line break ends a sentence.
    position : int
        Bytes of the source's files read so far.
    undecodable : int
        Bytes replaced by U+FFFD since the document before, because they were no UTF-8.
    belongs : str
        What documents share that go to the same part, because they are versions of one text; empty where it stands alone.
    """

    name: str
    text: str
    position: int
    undecodable: int = 0
    belongs: str = ""


class Source(Protocol):
    """Where a corpus comes from."""

    @property
    def name(self) -> str:
        """Return the corpus's name in reports."""
        ...

    @property
    def words(self) -> str:
        """Return the name of the splitting rule, ``unicode`` or ``whitespace``."""
        ...

    @property
    def description(self) -> str:
        """Return what the text is, in a line."""
        ...

    @property
    def source(self) -> str:
        """Return the upstream address."""
        ...

    @property
    def licence(self) -> str:
        """Return the terms under which the text may be used."""
        ...

    def files(self) -> list[Path]:
        """Return the files that the documents are made from, fetching them if need be."""
        ...

    def documents(self) -> Iterator[Document]:
        """Yield the documents in order."""
        ...


@dataclass(frozen=True, kw_only=True)
class Described:
    """What every source says of itself; of these fields only the splitting rule takes part in an artefact's name.

    Parameters
    ----------
    name : str
        The corpus's name in reports.
    words : {"unicode", "whitespace"}
        The splitting rule.
    description, source, licence : str
        What the text is, its upstream address, and the terms under which it may be used.
    """

    name: str = field(metadata={"resource": True})
    words: str
    description: str = field(metadata={"resource": True})
    source: str = field(metadata={"resource": True})
    licence: str = field(metadata={"resource": True})


class Decoder:
    """UTF-8 with a tally: bytes that cannot be decoded are replaced and counted, and a file that is not text is refused.

    Parameters
    ----------
    path : Path
        Names the file in messages.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.bytes = 0
        self.undecodable = 0
        self._controls = 0
        self._decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8-sig")("surrogateescape"), translate=True)

    def decode(self, raw: bytes, *, final: bool = False) -> str:
        """Decode the next bytes; line breaks of any kind become line feeds."""
        text = self._decoder.decode(raw, final=final)
        self.bytes += len(raw)
        self._controls += len(raw) - len(raw.translate(None, _CONTROLS))
        try:
            text.encode()
        except UnicodeEncodeError:
            # Each undecodable byte became one surrogate.
            text, undecodable = _SURROGATES.subn("\ufffd", text)
            self.undecodable += undecodable
        return text

    def check(self, *, at_most: float = MOST_UNDECODABLE) -> None:
        """Refuse the file if what has been decoded so far is not text.

        Raises
        ------
        StudyError
            If more than a share ``at_most`` of the bytes are undecodable or control characters.
        """
        if self.undecodable + self._controls > at_most * self.bytes:
            raise StudyError(
                f"{self.path}: not a text in UTF-8: {self.undecodable:,} undecodable bytes and {self._controls:,} control"
                f" characters in {self.bytes:,} bytes, expected 1 % at most; if it is text in another encoding, convert it"
                " (iconv -f latin1 -t utf-8)"
            )


@dataclass(frozen=True, kw_only=True)
class File(Described):
    """Text or JSON lines of one's own: a file, a folder of files, or a pattern of file names.

    Files end in ``.txt`` or ``.jsonl``, or in one of these and ``.gz``, ``.bz2`` or ``.zst``; a file named by itself may have any
    ending and is taken for plain text. In plain text a document ends at a blank line.

    Parameters
    ----------
    path : str
        A file, a folder or a glob, from the working directory or else from the data folder.
    field : str
        The key of the text in a JSON record, in files ending in ``.jsonl``.
    wrapped : bool
        Whether lines of plain text are broken within sentences, so that only a blank line ends a sentence for certain.
    name, words, description, source, licence : str
        As in ``Described``.
    """

    path: str = field(metadata={"resource": True})
    field: str
    wrapped: bool

    def files(self) -> list[Path]:
        """Return the files in the order of their names.

        Raises
        ------
        StudyError
            If there are none.
        """
        for start in (Path.cwd(), paths.data()):
            if found := _matching(start / Path(self.path).expanduser()):
                return found
        raise StudyError(
            f"corpus.path: no text found at {self.path!r}, neither from {Path.cwd()} nor from {paths.data()};"
            f" expected a file, or a folder or pattern of .txt or .jsonl files (also with {', '.join(ENDINGS)})"
        )

    def documents(self) -> Iterator[Document]:
        """Yield a document per block between blank lines, or per JSON record."""
        before = 0
        for path in self.files():
            read = json_documents(path, self.field) if _kind(path) == ".jsonl" else plain_documents(path)
            for document in read:
                text = document.text.replace("\n", " ") if self.wrapped else document.text
                yield replace(document, text=text, position=before + document.position)
            before += path.stat().st_size


def plain_documents(path: Path) -> Iterator[Document]:
    """Yield the blocks of a plain text between blank lines.

    Raises
    ------
    StudyError
        If the file cannot be read or is not text.
    """
    with open_file(path) as file:
        for number, (text, undecodable) in enumerate(_blocks(file)):
            yield Document(f"{path.name}:{number}", text, file.position, undecodable)


def json_documents(path: Path, key: str) -> Iterator[Document]:
    """Yield the text under a key of each record of a file of JSON lines.

    Raises
    ------
    StudyError
        If the file cannot be read, or a line is not a JSON object with a text under the key.
    """
    with open_file(path) as file:
        for number, (text, undecodable) in enumerate(_records(file, key)):
            yield Document(f"{path.name}:{number}", text, file.position, undecodable)


def _kind(path: Path) -> str:
    """Return a file's ending without that of its compression."""
    return Path(path.stem).suffix if path.suffix in ENDINGS else path.suffix


def _matching(path: Path) -> list[Path]:
    """Return the file, the text files below the folder, or the files of the pattern, by name."""
    if path.is_file():
        return [path]
    # The pattern may be absolute, which Path.glob does not take.
    found = path.rglob("*") if path.is_dir() else map(Path, glob.glob(str(path), recursive=True))  # noqa: PTH207
    return sorted(file for file in found if file.is_file() and _kind(file) in (".txt", ".jsonl") and file.name[0] != ".")


def _blocks(file: OpenFile) -> Iterator[tuple[str, int]]:
    """Yield the blocks between blank lines, each with the undecodable bytes since the one before."""
    decoder = Decoder(file.path)
    rest, reported = "", 0
    while True:
        raw = file.stream.read(READ_AT_ONCE)
        *whole, rest = _BLANK_LINES.split(rest + decoder.decode(raw, final=not raw))
        if not raw:
            whole, rest = [*whole, rest], ""
        elif len(rest) > LONGEST_DOCUMENT:
            cut = max(rest.rfind("\n"), 0) or max(rest.rfind(" "), 0) or len(rest)
            whole, rest = [*whole, rest[:cut]], rest[cut:]
        decoder.check(at_most=MOST_UNDECODABLE if not raw else 10 * MOST_UNDECODABLE)
        for block in filter(None, map(str.strip, whole)):
            yield block, decoder.undecodable - reported
            reported = decoder.undecodable
        if not raw:
            return


def _records(file: OpenFile, key: str) -> Iterator[tuple[str, int]]:
    """Yield the text of each JSON record, with its undecodable bytes."""
    decoder = Decoder(file.path)
    for number, raw in enumerate(file.stream, 1):
        before = decoder.undecodable
        line = decoder.decode(raw)
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as fault:
            decoder.check()
            raise StudyError(f"{file.path}:{number}: expected a JSON object, found {line[:60]!r} ({fault})") from fault
        if not isinstance(record, dict) or not isinstance(record.get(key), str):
            keys = ", ".join(record) if isinstance(record, dict) else type(record).__name__
            raise StudyError(f"{file.path}:{number}: expected a text under the key {key!r}, found {keys}; set corpus.field")
        yield _SURROGATES.sub("\ufffd", record[key]), decoder.undecodable - before
    decoder.check()
