"""Files opened by their ending: plain, ``.gz``, ``.bz2`` or ``.zst``; one that breaks off or is damaged is refused by name."""

from __future__ import annotations

import bz2
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import zstandard

from study.contracts import StudyError

ENDINGS = (".gz", ".bz2", ".zst")
READ_AT_ONCE = 1 << 20
"""Bytes read in one go."""


@dataclass(frozen=True)
class OpenFile:
    """A file open for reading.

    Attributes
    ----------
    path : Path
    stream : binary file
        Its content, decompressed.
    """

    path: Path
    stream: IO[bytes]
    _file: IO[bytes]

    @property
    def position(self) -> int:
        """Return how many bytes of the file on disk have been read."""
        return self._file.tell()


@contextmanager
def open_file(path: Path) -> Iterator[OpenFile]:
    """Open a file for reading, decompressed by its ending.

    Raises
    ------
    StudyError
        If it does not exist or cannot be read, or if the compressed data are damaged or break off.
    """
    try:
        with path.open("rb") as file:
            yield OpenFile(path, _decompressed(file, path.suffix), file)
    except FileNotFoundError as fault:
        raise StudyError(f"{path}: no such file") from fault
    except (EOFError, zlib.error, zstandard.ZstdError, OSError) as fault:
        if isinstance(fault, OSError) and fault.errno is not None:
            raise StudyError(f"{path}: cannot be read ({fault.strerror})") from fault
        raise StudyError(f"{path}: damaged or incomplete {path.suffix} file ({fault}); fetch or compress it again") from fault


def _decompressed(file: IO[bytes], ending: str) -> IO[bytes]:
    match ending:
        case ".gz":
            return cast(IO[bytes], gzip.GzipFile(fileobj=file))
        case ".bz2":
            return bz2.BZ2File(file)
        case ".zst":
            return cast(IO[bytes], io.BufferedReader(_Zstandard(file), READ_AT_ONCE))
        case _:
            return file


class _Zstandard(io.RawIOBase):
    """A decompressed zstd file which, unlike the library's own reader, notices data that break off."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._compressed = b""
        self._ready = b""

    def readable(self) -> bool:
        """Say yes: it is there to be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Unpack into a buffer and return how many bytes; 0 at the end."""
        while not self._ready:
            self._compressed = self._compressed or self._file.read(1 << 16)
            if not self._compressed:
                if self._frame is not None:
                    raise EOFError("it ends in the middle")
                return 0
            frame = self._frame or zstandard.ZstdDecompressor().decompressobj()
            self._ready = frame.decompress(self._compressed)
            self._compressed = frame.unused_data if frame.eof else b""
            self._frame = None if frame.eof else frame
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count
