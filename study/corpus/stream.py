"""The stage ``text``: documents split once into a stream of word types, with the offsets of sentences and documents.

The folder it writes holds

- ``tokens.npy``: the running words as identifiers of surface types, int32, shape (n words,);
- ``sentences.npy``: word offsets of the sentences, int64, shape (n sentences + 1,);
- ``documents.npy``: sentence offsets of the documents, int64, shape (n documents + 1,);
- ``types.txt``: the surface types as written, one a line, in the order of their first occurrence;
- ``documents.txt``: a line per document: its name, a tab, and what it belongs to (nothing where it stands alone);
- ``facts.json``: the files and the rule it was made with, and counts.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from study.contracts import Array, Moment, Observe, StudyError
from study.corpus.arrays import ArrayFile
from study.corpus.splitting import available_processes, split_blocks
from study.corpus.text import Document, Source

BLOCK = 1 << 21
"""Characters of text that are split in one go."""
SMALL = 1 << 24
"""Bytes of files below which further processes are not worth their start."""


def split_text(source: Source, folder: Path, observe: Observe, *, processes: int | None = None) -> dict[str, Any]:
    """Split a source's documents into the stage's folder, which must exist.

    Parameters
    ----------
    source : Source
    folder : Path
    observe : callable
        Told the words seen so far, and in all as estimated from the bytes read.
    processes : int, optional
        Processes that split; by default as many as the size is worth. The result does not depend on it.

    Returns
    -------
    dict
        What ``facts.json`` holds; ``notes`` are sentences for the user.

    Raises
    ------
    StudyError
        If a file is missing, damaged or no text, or if there are no words.
    """
    start = time.monotonic()
    files = source.files()
    size = sum(path.stat().st_size for path in files)
    if processes is None:
        processes = available_processes() if size > SMALL else 0
    types: dict[str, int] = {}
    undecodable = 0
    with _Stream(folder) as stream:
        blocks = _gathered(source.documents())
        for documents, split in split_blocks(source.words, blocks, processes=processes):
            numbers = np.fromiter((types.setdefault(word, len(types)) for word in split.types), np.int32, len(split.types))
            stream.append(documents, numbers[split.tokens], split.sentences, split.documents)
            undecodable += sum(document.undecodable for document in documents)
            read = documents[-1].position / max(size, 1)
            observe(Moment(stream.tokens.length, round(stream.tokens.length / max(read, 1e-9)), time.monotonic() - start))
    if not types:
        names = ", ".join(str(path) for path in files[:3])
        raise StudyError(f"corpus {source.name}: no words in {names}{' …' if len(files) > 3 else ''}; expected running text")
    observe(Moment(stream.tokens.length, stream.tokens.length, time.monotonic() - start))
    (folder / "types.txt").write_text("\n".join(types), encoding="utf-8", newline="\n")
    facts = {
        "rule": source.words,
        "files": [path.name for path in files],
        "bytes": size,
        "undecodable_bytes": undecodable,
        "documents": stream.documents.length - 1,
        "sentences": stream.sentences.length - 1,
        "words": stream.tokens.length,
        "types": len(types),
        "notes": [f"{undecodable:,} bytes of the corpus were no UTF-8 and were replaced by U+FFFD"] if undecodable else [],
    }
    (folder / "facts.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return facts


def read_types(folder: Path) -> list[str]:
    """Read the surface types of the stage's folder."""
    return (folder / "types.txt").read_text(encoding="utf-8").split("\n")


class _Stream:
    """The growing files of the stage."""

    def __init__(self, folder: Path) -> None:
        self._files = ExitStack()
        self.tokens = self._files.enter_context(ArrayFile(folder / "tokens.npy", "int32"))
        self.sentences = self._files.enter_context(ArrayFile(folder / "sentences.npy", "int64"))
        self.documents = self._files.enter_context(ArrayFile(folder / "documents.npy", "int64"))
        self._names = self._files.enter_context((folder / "documents.txt").open("w", encoding="utf-8", newline="\n"))
        self.sentences.append(np.zeros(1))
        self.documents.append(np.zeros(1))

    def __enter__(self) -> _Stream:
        return self

    def __exit__(self, *fault: Any) -> None:
        self._files.__exit__(*fault)

    def append(self, documents: Iterable[Document], tokens: Array, sentences: Array, sizes: Array) -> None:
        """Write a block: its words, the words of each sentence, the sentences of each document (left out where 0)."""
        self.documents.append(self.sentences.length - 1 + np.cumsum(sizes[sizes > 0]))
        self.sentences.append(self.tokens.length + np.cumsum(sentences))
        self.tokens.append(tokens)
        for document, size in zip(documents, sizes, strict=True):
            if size:
                self._names.write(f"{_in_a_line(document.name)}\t{_in_a_line(document.belongs)}\n")


def _in_a_line(text: str) -> str:
    return " ".join(text.split())


def _gathered(documents: Iterable[Document]) -> Iterator[list[Document]]:
    """Gather documents to blocks of about equal size."""
    block: list[Document] = []
    size = 0
    for document in documents:
        block.append(document)
        size += len(document.text)
        if size >= BLOCK:
            yield block
            block, size = [], 0
    if block:
        yield block
