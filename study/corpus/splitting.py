"""Blocks of documents split into words and numbered, in this process or in several.

A block knows its own types only; joining blocks in their order gives the same numbering whatever the number of processes.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import cycle
from multiprocessing.connection import Connection

import numpy as np

from study import paths
from study.contracts import Array, StudyError
from study.corpus.text import Document
from study.corpus.words import rule


@dataclass(frozen=True)
class Split:
    """A block of documents, split.

    Attributes
    ----------
    types : list of str
        The block's surface types in the order of their first occurrence.
    tokens : ndarray of shape (n,), int32
        Identifiers into ``types``.
    sentences : ndarray of shape (s,), int64
        Words per sentence.
    documents : ndarray of shape (d,), int64
        Sentences per document; 0 where a document has no words.
    """

    types: list[str]
    tokens: Array
    sentences: Array
    documents: Array


class _Types(dict[str, int]):
    """Words as they stand in the text to identifiers of their normal forms, growing by look-up."""

    def __init__(self, normalise: Callable[[str], str]) -> None:
        self.forms: dict[str, int] = {}
        self._normalise = normalise

    def __missing__(self, written: str) -> int:
        identifier = self.forms.setdefault(self._normalise(written), len(self.forms))
        self[written] = identifier
        return identifier


def split_block(name: str, texts: list[str]) -> Split:
    """Split documents by the rule of a name."""
    splitting = rule(name)
    types = _Types(splitting.normalise)
    words: list[str] = []
    sentences: list[int] = []
    documents: list[int] = []
    for text in texts:
        before = len(sentences)
        for sentence in splitting.raw_sentences(text):
            words += sentence
            sentences.append(len(sentence))
        documents.append(len(sentences) - before)
    tokens = np.fromiter(map(types.__getitem__, words), np.int32, len(words))
    return Split(list(types.forms), tokens, np.array(sentences, np.int64), np.array(documents, np.int64))


def split_blocks(name: str, blocks: Iterable[list[Document]], *, processes: int) -> Iterator[tuple[list[Document], Split]]:
    """Split blocks of documents by the rule of a name and yield each with its documents, in order.

    Parameters
    ----------
    name : str
    blocks : iterable of list of Document
    processes : int
        Processes to start for it; with less than two the work is done in this one.
    """
    if processes < 2:
        for block in blocks:
            yield block, split_block(name, [document.text for document in block])
        return
    with ExitStack() as stack:
        connections = [stack.enter_context(_started()) for _ in range(processes)]
        busy: deque[tuple[list[Document], Connection]] = deque()
        for block, connection in zip(blocks, cycle(connections), strict=False):
            if len(busy) == processes:
                yield _received(*busy.popleft())
            with _loss_reported():
                connection.send((name, [document.text for document in block]))
            busy.append((block, connection))
        while busy:
            yield _received(*busy.popleft())


def available_processes() -> int:
    """Return how many processes are worth starting: one per core, four at most, and none where pipes cannot be inherited."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, 4) if os.name == "posix" else 0


def serve(descriptor: int) -> None:
    """Split the blocks that come through an inherited pipe until it is closed: the other end of ``split_blocks``."""
    connection = Connection(descriptor)
    with suppress(EOFError, ConnectionError, KeyboardInterrupt):
        while True:
            connection.send(split_block(*connection.recv()))


@contextmanager
def _started() -> Iterator[Connection]:
    """Start a process that splits, give the connection to it, and end it.

    It is a fresh interpreter rather than a fork: it holds no lock of this process, costs no copy of its memory, and ends by
    itself when this process is killed, because its pipe is then closed.
    """
    ours, theirs = multiprocessing.Pipe()
    search = os.pathsep.join([str(paths.PACKAGE.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    process = subprocess.Popen(
        [sys.executable, "-c", f"from study.corpus.splitting import serve; serve({theirs.fileno()})"],
        pass_fds=[theirs.fileno()],
        env={**os.environ, "PYTHONPATH": search},
    )
    theirs.close()
    try:
        yield ours
    finally:
        ours.close()
        process.wait()


def _received(block: list[Document], connection: Connection) -> tuple[list[Document], Split]:
    with _loss_reported():
        return block, connection.recv()


@contextmanager
def _loss_reported() -> Iterator[None]:
    try:
        yield
    except (EOFError, ConnectionError) as fault:
        raise StudyError("a process splitting the corpus was ended from outside (enough memory?); start again") from fault
