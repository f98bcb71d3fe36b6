"""One-dimensional arrays on disk that grow while they are written and are memory-mapped when they are read."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from study.contracts import Array


class ArrayFile:
    """A ``.npy`` file to which pieces are appended; its length is written when it is closed.

    Parameters
    ----------
    path : Path
    dtype : str
        For example ``"int32"``.
    """

    def __init__(self, path: Path, dtype: str) -> None:
        self.dtype = np.dtype(dtype)
        self.length = 0
        self._file = path.open("wb")
        self._write_header()

    def append(self, piece: Array) -> None:
        """Write a piece of shape (n,) behind what is there."""
        self._file.write(np.ascontiguousarray(piece, dtype=self.dtype).data)
        self.length += len(piece)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self._file.seek(0)
            self._write_header()
        self._file.close()

    def _write_header(self) -> None:
        # NumPy pads the header so that the length can grow in place.
        header: dict[str, Any] = {"descr": self.dtype.str, "fortran_order": False, "shape": (self.length,)}
        np.lib.format.write_array_header_1_0(self._file, header)


def open_array(path: Path) -> Array:
    """Map an array from disk without reading it; an empty one, which cannot be mapped, is read."""
    empty = np.load(path, mmap_mode=None, allow_pickle=False) if path.stat().st_size <= 128 else None
    return np.load(path, mmap_mode="r", allow_pickle=False) if empty is None else empty
