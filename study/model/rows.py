"""Word vectors read row by row from the files they are shared in, so that memory stays flat however large a file is.

- *Text*: ``word number number …`` a line; word2vec's and fastText's ``.vec`` begin with a line ``words size``, GloVe's do not.
- *Binary*: word2vec's own, a line ``words size``, then for each word its name, a space and ``size`` little-endian float32.
- *Array*: a ``.npy`` of shape (v, d) and the words beside it, one a line, or in a Parquet file with one column of text.

A word may hold spaces (GloVe's 840B has some), so a line is cut from the right, by the number of columns. What is damaged is
refused with its place. None of this runs code that a file might hold: no pickle is ever read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.lib.format import open_memmap

from study.contracts import Array, StudyError
from study.corpus.compression import READ_AT_ONCE, open_file

LINES = 1024
"""Rows that are held at a time."""
LARGEST = 65_536
"""Numbers of a vector, at most: what a damaged header claims beyond that is not believed."""


@dataclass(frozen=True)
class Rows:
    """Some words and their vectors.

    Attributes
    ----------
    words : sequence of bytes
        As in the file, not decoded.
    vectors : ndarray of shape (n, d), float32
    share : float
        How much of the file has been read with these, in (0, 1].
    before, first : str, int
        What the place of a row is told by: the file's name, and the number of the first row.
    """

    words: Sequence[bytes]
    vectors: Array
    share: float
    before: str
    first: int

    def place(self, row: int) -> str:
        """Return where a row stands, for a message."""
        return f"{self.before}{self.first + row}"


def header(line: bytes) -> tuple[int, int] | None:
    """Return the number of words and their vectors' size where a file's first line tells them, else None."""
    cells = line.split()
    return (int(cells[0]), int(cells[1])) if len(cells) == 2 and all(cell.isdigit() for cell in cells) else None


def columns(line: bytes) -> int:
    """Return how many numbers end a line, its first column not counted."""
    cells = line.split()
    return next((count for count, cell in enumerate(reversed(cells[1:])) if not _is_number(cell)), max(0, len(cells) - 1))


def text_rows(path: Path, *, headed: bool) -> Iterator[Rows]:
    """Read vectors written as text.

    Parameters
    ----------
    path : Path
        Possibly compressed; see ``study.corpus.compression``.
    headed : bool
        Whether the first line tells the number of words and their size; otherwise the first word's line tells the size.

    Raises
    ------
    StudyError
        For a line with another number of columns, something that is no number, or a first line that is not true.
    """
    length = path.stat().st_size if path.is_file() else 0
    with open_file(path) as file:
        first_line = file.stream.readline().removeprefix(b"\xef\xbb\xbf")
        count, size = _promised(path, first_line) if headed else (None, columns(first_line))
        if size == 0:
            raise StudyError(f"{path}:1: expected a word and its numbers, found {_shown(first_line)}")
        done, number = 0, 1 + headed
        lines = [] if headed else [first_line]
        while lines := lines + list(islice(file.stream, LINES)):
            words, vectors = _parsed(path, _without_blank_end(lines), number, size)
            yield Rows(words, vectors, min(1.0, file.position / length), f"{path}:", number)
            done, number, lines = done + len(words), number + len(lines), []
    if count is not None and done != count:
        raise StudyError(
            f"{path}:1: the first line promises {count:,} words, the file holds {done:,}. Fetch it again, or mend that line."
        )


def _promised(path: Path, line: bytes) -> tuple[int, int]:
    found = header(line)
    if found is None or not 0 < found[1] <= LARGEST or found[0] == 0:
        raise StudyError(
            f"{path}:1: expected the number of words and the size of their vectors (up to {LARGEST:,}), found {_shown(line)}"
        )
    return found


def _without_blank_end(lines: Sequence[bytes]) -> Sequence[bytes]:
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    return lines[:end]


def _parsed(path: Path, lines: Sequence[bytes], first: int, size: int) -> tuple[list[bytes], Array]:
    """Return the words and vectors of lines."""
    words: list[bytes] = []
    cells: list[bytes] = []
    for number, line in enumerate(lines, first):
        word, *numbers = line.rsplit(None, size) or [b""]
        if len(numbers) != size or (len(word.split()) > 1 and _is_number(word.split()[-1])):
            found = f"{columns(line)} numbers in {_shown(line)}"
            raise StudyError(f"{path}:{number}: expected a word and {size} numbers, found {found}")
        words.append(word)
        cells += numbers
    try:
        values = pa.array(cells, pa.binary()).cast(pa.string()).cast(pa.float32()).to_numpy()
    except pa.ArrowInvalid:  # Something that is no number, or one that only Python reads, such as "+0.5".
        values = np.array([_number(f"{path}:{first + at // size}", cell) for at, cell in enumerate(cells)], np.float32)
    return words, values.reshape(-1, size)


def _number(place: str, cell: bytes) -> float:
    if not _is_number(cell):
        raise StudyError(f"{place}: expected a number, found {_shown(cell)}")
    return float(cell)


def _is_number(cell: bytes) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _shown(line: bytes) -> str:
    text = line.decode(errors="replace").strip()
    return repr(text if len(text) <= 60 else text[:60] + "…")


def binary_rows(path: Path) -> Iterator[Rows]:
    """Read vectors in word2vec's binary format.

    Raises
    ------
    StudyError
        For a first line that is not true, and a file that breaks off.
    """
    with open_file(path) as file:
        count, size = _promised(path, file.stream.readline(READ_AT_ONCE))
        width, rest, done = 4 * size, b"", 0
        while done < count:
            buffer = rest + file.stream.read(READ_AT_ONCE)
            words, values, rest = _unpacked(buffer, width, count - done)
            if not words:
                fault = "it breaks off there" if len(buffer) < READ_AT_ONCE else "no such word, so the file is damaged"
                raise StudyError(f"{path}: word {done + 1:,} of {count:,}: {fault}. Fetch the file again.")
            vectors = np.frombuffer(values, "<f4").reshape(-1, size)
            done += len(words)
            yield Rows(words, vectors, done / count, f"{path}: word ", done - len(words) + 1)
        if (rest + file.stream.read(64)).strip():
            raise StudyError(f"{path}:1: the first line promises {count:,} words of {size} numbers, but the file goes on.")


def _unpacked(buffer: bytes, width: int, most: int) -> tuple[list[bytes], bytes, bytes]:
    """Return the words that are whole in a buffer, their vectors of ``width`` bytes, and what is left over."""
    words: list[bytes] = []
    values, at = [], 0
    while len(words) < most:
        space = buffer.find(b" ", at)
        if space < 0 or space + 1 + width > len(buffer):
            break
        words.append(buffer[at:space].lstrip(b"\r\n"))  # word2vec ends a vector with a line break, gensim does not
        values.append(buffer[space + 1 : space + 1 + width])
        at = space + 1 + width
    return words, b"".join(values), buffer[at:]


def array_rows(path: Path, words: Path) -> Iterator[Rows]:
    """Read vectors of a ``.npy`` file, memory-mapped, and their words.

    Parameters
    ----------
    path : Path
        Of an array of shape (v, d) of floating-point numbers.
    words : Path
        One word a line, or Parquet with one column of text.

    Raises
    ------
    StudyError
        Where either file is not what it should be, or they are not equally long.
    """
    array, done = _opened(path), 0
    for some in _parquet_words(words) if words.suffix == ".parquet" else _listed_words(words):
        piece = array[done : done + len(some)]
        if len(piece) == len(some):
            with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, which is refused
                vectors = np.asarray(piece, np.float32)
            yield Rows(some, vectors, (done + len(some)) / len(array), f"{path}: word ", done + 1)
        done += len(some)
    if done != len(array):
        raise StudyError(f"{words}: expected a word for each of the {len(array):,} rows of {path.name}, found {done:,} words")


def _opened(path: Path) -> Array:
    try:
        array = open_memmap(path, mode="r")  # which maps no pickled objects
    except (OSError, ValueError, EOFError) as fault:
        raise StudyError(f"{path}: not a whole .npy file of plain numbers ({fault})") from fault
    if array.ndim != 2 or array.dtype.kind != "f" or array.shape[1] == 0:
        raise StudyError(f"{path}: expected floating-point numbers of shape (words, size), found {array.dtype}{array.shape}")
    return array


def _listed_words(path: Path) -> Iterator[list[bytes]]:
    with open_file(path) as file:
        while lines := [line.rstrip(b"\r\n") for line in islice(file.stream, LINES)]:
            yield lines


def _parquet_words(path: Path) -> Iterator[list[bytes]]:
    try:
        file = pq.ParquetFile(path)
        texts = [one.name for one in file.schema_arrow if pa.types.is_string(one.type) or pa.types.is_large_string(one.type)]
        if len(texts) != 1:
            raise StudyError(f"{path}: expected one column of text, the words, found {texts or 'none'}")
        for batch in file.iter_batches(LINES, columns=texts):
            yield batch.column(0).cast(pa.binary()).to_pylist()
    except (OSError, pa.ArrowException) as fault:
        raise StudyError(f"{path}: not a whole Parquet file ({fault})") from fault
