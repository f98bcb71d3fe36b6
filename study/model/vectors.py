"""Vectors that others trained, as a model of the study: GloVe, word2vec's and fastText's releases, or your own export."""

from __future__ import annotations

import time
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, ClassVar, Literal, Self

import numpy as np
from numpy.lib import format as npy

from study.contracts import Array, Moment, Observe, StudyError
from study.corpus import EncodedCorpus
from study.model.formats import Format, VectorFiles, find
from study.model.rows import Rows
from study.model.static import Static

Case = Literal["either", "written", "lower"]


@dataclass(eq=False, repr=False)
class FileVocabulary:
    """The words of a file, in its order, and how the corpus counts them.

    Attributes
    ----------
    words : sequence of str
    counts : ndarray of shape (v,), int64
        Occurrences in the corpus's training part; 0 for a word that it lacks.
    case : {"either", "written", "lower"}
        Look a word up as written and then in lower case, as written alone, or in lower case alone.
    """

    words: Sequence[str]
    counts: Array
    case: Case

    def fold(self, word: str) -> str:
        """Return the form under which a word is looked up."""
        return word if self.case == "written" or (self.case == "either" and word in self._ranks) else word.lower()

    def index(self, word: str) -> int | None:
        """Return a word's row, or None where the file lacks it."""
        return self._ranks.get(self.fold(word))

    def count(self, word: str) -> int:
        """Return how often a word of the file occurs in the training part."""
        index = self.index(word)
        return 0 if index is None else int(self.counts[index])

    @cached_property
    def _ranks(self) -> dict[str, int]:
        return {word: rank for rank, word in enumerate(self.words)}

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and self.index(word) is not None

    def __len__(self) -> int:
        return len(self.words)


@dataclass(kw_only=True)
class Vectors(Static):
    """Word vectors read from files; nothing is trained.

    Their vocabulary is the files' own, not the corpus's, of which only the counts for the ``context`` view are taken. They are
    copied into the artefact once, as float32 and each word once, whatever their format: so a study that was made stays whole when
    the files move or change, and every later run maps them into memory without reading them.

    Parameters
    ----------
    path : str
        A file, a folder, or an installed package; see ``study.model.formats``. Its content names the artefact, not its place.
    format : {"auto", "word2vec", "binary", "glove", "npy", "package"}
        ``auto`` tells it from the content.
    maximum_words : int or None
        Words taken from the beginning of the file, which holds the most frequent ones first; None takes all.
    case : {"either", "written", "lower"}
        How a word is looked up: as written, and in lower case where that is not found; as written alone; in lower case alone.
    context_words, context_smoothing : int, float
        The ``context`` view; see ``study.model.views``.
    seed : int
        Has no part in anything: every seed finds the same vectors.
    """

    version: ClassVar[int] = 1

    path: str = field(metadata={"resource": True})
    format: Format
    maximum_words: int | None
    case: Case = field(metadata={"view": True})
    context_words: int = field(metadata={"view": True})
    context_smoothing: float = field(metadata={"view": True})
    seed: int = field(metadata={"resource": True})

    def files(self) -> Mapping[str, Path]:
        """Return the file of the vectors and, where they have one, that of their words; StudyError where one is missing."""
        return find(self.path, self.format).files()

    def fit(self, corpus: EncodedCorpus, *, folder: Path, observe: Observe) -> Self:
        """Copy the files' words and vectors into ``folder`` and count the words in the corpus.

        Raises
        ------
        StudyError
            For damaged files, with the place, and for files of which the corpus has no word.
        """
        if self.maximum_words is not None and self.maximum_words < 1:
            raise StudyError(f"maximum_words: expected 1 or more, or null for all, found {self.maximum_words}.")
        found = find(self.path, self.format)
        words = _copied(found, folder / "vectors.npy", self.maximum_words, observe)
        counts = np.array([corpus.vocabulary.count(word) for word in words], np.int64)
        if not counts.any():
            raise StudyError(
                f"{found.vectors}: none of its {len(words):,} words, such as {', '.join(map(repr, words[:3]))}, is in the corpus"
                " of this study. Choose a corpus of the same language, for example corpus=file corpus.path=my.txt."
            )
        self.vocabulary, self.vectors = FileVocabulary(words, counts, self.case), _mapped(folder / "vectors.npy")
        return self

    def save(self, folder: Path) -> None:
        """Write ``vectors.npy`` (float32), ``words.txt`` (UTF-8, one a line) and ``counts.npy`` (int64)."""
        np.save(folder / "vectors.npy", self.vectors, allow_pickle=False)
        np.save(folder / "counts.npy", self.vocabulary.counts, allow_pickle=False)
        (folder / "words.txt").write_text("\n".join(self.vocabulary.words), encoding="utf-8", newline="\n")

    def load(self, folder: Path, corpus: EncodedCorpus) -> Self:
        """Read what ``save`` wrote, the vectors memory-mapped; the files they came from are no longer needed."""
        words = (folder / "words.txt").read_bytes().decode("utf-8").split("\n")
        counts = np.load(folder / "counts.npy", allow_pickle=False)
        self.vocabulary, self.vectors = FileVocabulary(words, counts, self.case), _mapped(folder / "vectors.npy")
        if not len(words) == len(counts) == len(self.vectors):
            raise StudyError(f"{folder} holds {len(words)} words, {len(counts)} counts and {len(self.vectors)} vectors.")
        return self


def _mapped(path: Path) -> Array:
    """Map an array into memory; as a plain array, because looking up rows of ``np.memmap`` is slower."""
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


def _copied(found: VectorFiles, path: Path, maximum: int | None, observe: Observe) -> list[str]:
    """Write the vectors of each word's first occurrence as ``.npy`` and return the words in that order."""
    words: dict[str, None] = {}
    told: Counter[str] = Counter()
    start = time.perf_counter()
    with path.open("wb") as file:
        for rows in found.rows():
            _check_finite(rows)
            if not words:
                _write_header(file, 0, rows.vectors.shape[1])
            file.write(rows.vectors[_new(rows, words, maximum, told)].tobytes())
            total = round(len(words) / rows.share)
            observe(Moment(len(words), max(len(words), min(total, maximum or total)), time.perf_counter() - start))
            if len(words) == maximum:
                break
        if not words:
            raise StudyError(f"{found.vectors}: expected word vectors, found no word")
        file.seek(0)
        _write_header(file, len(words), rows.vectors.shape[1])
    for fault, count in told.items():
        warnings.warn(f"{found.vectors}: {count:,} words {fault}.", stacklevel=2)
    return list(words)


def _new(rows: Rows, words: dict[str, None], maximum: int | None, told: Counter[str]) -> list[int]:
    """Add words that were not there yet and return their rows; what a user should know is counted in ``told``."""
    kept = []
    for row, raw in enumerate(rows.words):
        if len(words) == maximum:
            break
        word = raw.decode("utf-8", errors="replace")
        if "\n" in word:
            raise StudyError(f"{rows.place(row)}: expected a word, found {word[:60]!r} with a line break in it")
        if "\ufffd" in word and word.encode() != raw:
            told["are not UTF-8 and were read with replacement characters"] += 1
        if word in words:
            told["stand there again; the first vector of each was taken"] += 1
        else:
            words[word] = None
            kept.append(row)
    return kept


def _check_finite(rows: Rows) -> None:
    finite = np.isfinite(rows.vectors).all(axis=1)
    if not finite.all():
        row = int(finite.argmin())
        word = rows.words[row].decode(errors="replace")
        raise StudyError(f"{rows.place(row)}: expected finite numbers, found NaN or infinity in the vector of {word!r}")


def _write_header(file: IO[bytes], count: int, size: int) -> None:
    """Write the header of a ``.npy`` file; numpy gives it the same length whatever the number of rows."""
    npy.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": (count, size)})
