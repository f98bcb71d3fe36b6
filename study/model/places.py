"""The places of all tasks joined, so that each distinct sentence is embedded once per model for all of them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap

from study.contracts import Array, Level, Model, Moment, Observe, Questions, Sentence, Span
from study.store import digest_of

SENTENCES_AT_ONCE = 1024


def level_of(sentence: Sentence, span: Span) -> Level:
    """Say what a place asks for: a bare ``word``, a whole ``sentence``, or a ``target`` within its sentence.

    Parameters
    ----------
    sentence : sequence of str
    span : tuple of int
        Half-open word offsets.
    """
    if len(sentence) == 1:
        return "word"
    return "sentence" if span == (0, len(sentence)) else "target"


@dataclass(frozen=True)
class Places:
    """Distinct sentences, shortest first, the distinct places in them, and which of these each task asked for.

    Attributes
    ----------
    sentences : sequence of tuple of str
    places : ndarray of shape (n, 3), int64
        Rows ``(sentence, start, stop)``, ordered by sentence.
    rows : mapping of str to ndarray of shape (n of the task,), int64
        For each task the rows of ``places`` that answer it, in the order it asked.
    levels : tuple of Level
        What the tasks ask for, without repetition.
    """

    sentences: Sequence[Sentence]
    places: Array
    rows: Mapping[str, Array]
    levels: tuple[Level, ...]

    @cached_property
    def digest(self) -> str:
        """The digest of the sentences, the places in them and the levels, which name the vectors made of them."""
        return digest_of([self.sentences, self.places.tolist(), self.levels])


def join(questions: Mapping[str, Questions]) -> Places:
    """Join the places of several tasks, given by name; those of hidden words need no vectors."""
    asked = {
        name: []
        if task.level == "hidden"
        else [(tuple(task.sentences[number]), int(start), int(stop)) for number, start, stop in task.places]
        for name, task in questions.items()
    }
    distinct = sorted({place for places in asked.values() for place in places}, key=lambda place: (len(place[0]), place))
    sentences = list(dict.fromkeys(sentence for sentence, _, _ in distinct))
    number_of = {sentence: number for number, sentence in enumerate(sentences)}
    row_of = {place: row for row, place in enumerate(distinct)}
    return Places(
        sentences=sentences,
        places=np.array([(number_of[s], start, stop) for s, start, stop in distinct], np.int64).reshape(-1, 3),
        rows={name: np.array([row_of[place] for place in places], np.int64) for name, places in asked.items()},
        levels=tuple(dict.fromkeys(task.level for task in questions.values() if len(task.places) and task.level != "hidden")),
    )


def embed(model: Model, joined: Places, folder: Path, observe: Observe, numbers: str) -> None:
    """Write ``<view>.npy`` of shape (n, d) for every view of a model that some level asks for.

    Sentences are taken in pieces, so that memory stays flat however many there are. ``numbers`` is ``float32`` or ``float16``.
    """
    views = list(dict.fromkeys(view for level in joined.levels for view in model.views(level)))
    first = np.searchsorted(joined.places[:, 0], np.arange(len(joined.sentences) + 1))
    arrays: dict[str, np.memmap] = {}
    start = time.perf_counter()
    for begin in range(0, len(joined.sentences), SENTENCES_AT_ONCE):
        end = min(begin + SENTENCES_AT_ONCE, len(joined.sentences))
        rows = slice(first[begin], first[end])
        places = joined.places[rows] - np.array([begin, 0, 0])
        for view, vectors in model.embed(joined.sentences[begin:end], places, views).items():
            if view not in arrays:
                shape = (len(joined.places), vectors.shape[1])
                arrays[view] = open_memmap(folder / f"{view}.npy", mode="w+", dtype=numbers, shape=shape)
            arrays[view][rows] = vectors
        observe(Moment(end, len(joined.sentences), time.perf_counter() - start))
    for array in arrays.values():
        array.flush()


def vectors_of(folder: Path, model: Model, joined: Places, task: str, level: Level) -> dict[str, Array]:
    """Return what a task gets to score: each view that applies to its level, cut to its places, ``(n, d), float32``."""
    arrays = {view: np.load(folder / f"{view}.npy", mmap_mode="r", allow_pickle=False) for view in model.views(level)}
    return {view: array[joined.rows[task]].astype(np.float32, copy=False) for view, array in arrays.items()}
