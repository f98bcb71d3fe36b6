"""The words that all models trained on a corpus share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from study.contracts import Array, StudyError
from study.corpus.words import UNICODE

Case = Literal["fold", "keep"]

RARE = "rare.tsv"
"""The file beside a vocabulary's own with the words of the training part that it leaves out, and their counts."""


@dataclass(frozen=True, kw_only=True)
class VocabularySettings:
    """Which words a vocabulary holds.

    Parameters
    ----------
    minimum_count : int
        Occurrences in the training part below which a word is left out.
    maximum_size : int
        Words kept at most, the most frequent ones.
    case : {"fold", "keep"}
        Whether words that differ in case alone are one word, in lower case.
    """

    minimum_count: int
    maximum_size: int
    case: Case

    def check(self) -> None:
        """Raise StudyError where a setting is out of its range."""
        if self.minimum_count < 1:
            raise StudyError(f"vocabulary.minimum_count: expected 1 or more, found {self.minimum_count}")
        if self.maximum_size < 1:
            raise StudyError(f"vocabulary.maximum_size: expected 1 or more, found {self.maximum_size}")
        if self.case not in ("fold", "keep"):
            raise StudyError(f"vocabulary.case: expected fold or keep, found {self.case!r}")


def folded(word: str, case: Case) -> str:
    """Return the form under which a vocabulary knows a word: normalised and, where it folds case, in lower case."""
    word = UNICODE.normalise(word)
    return word.lower() if case == "fold" else word


@dataclass(eq=False, repr=False)
class Vocabulary:
    """Words, most frequent first and alphabetical among equals; their identifiers are their ranks.

    Attributes
    ----------
    words : sequence of str
    counts : ndarray of shape (v,), int64
        Occurrences in the training part.
    case : {"fold", "keep"}
    rare : mapping of str to int, or Path
        The other words of the training part and how often they occur; a file is read when it is first needed.
    """

    words: Sequence[str]
    counts: Array
    case: Case
    rare: Mapping[str, int] | Path = field(default_factory=dict)

    @classmethod
    def from_counts(cls, forms: Sequence[str], counts: Array, settings: VocabularySettings) -> Vocabulary:
        """Choose the words by their counts.

        Parameters
        ----------
        forms : sequence of str
            Distinct folded words.
        counts : ndarray of shape (len(forms),), int64
        settings : VocabularySettings

        Raises
        ------
        StudyError
            If no word is frequent enough.
        """
        ranked = sorted((-count, word) for word, count in zip(forms, counts.tolist(), strict=True) if count)
        size = min(sum(-count >= settings.minimum_count for count, _ in ranked), settings.maximum_size)
        if not size:
            most = int(counts.argmax())
            raise StudyError(
                f"the vocabulary is empty: the most frequent word of the training part, {forms[most]!r}, occurs {counts[most]:,}"
                f" times and vocabulary.minimum_count is {settings.minimum_count:,}; lower it or take a larger corpus"
            )
        kept_counts = np.array([-count for count, _ in ranked[:size]], np.int64)
        rare = {word: -count for count, word in ranked[size:]}
        return cls([word for _, word in ranked[:size]], kept_counts, settings.case, rare)

    @classmethod
    def read(cls, path: Path, case: Case) -> Vocabulary:
        """Read what ``write`` wrote; the rare words only when they are asked for."""
        counts = _read_counts(path)
        return cls(list(counts), np.array(list(counts.values()), np.int64), case, path.with_name(RARE))

    def write(self, path: Path) -> None:
        """Write a word and its count a line, a tab between them; the rare words likewise, to ``rare.tsv`` beside it."""
        _write_counts(path, zip(self.words, self.counts.tolist(), strict=True))
        _write_counts(path.with_name(RARE), self._rare_counts.items())

    def fold(self, word: str) -> str:
        """Return the form under which the vocabulary knows a word, for example in lower case."""
        return folded(word, self.case)

    def index(self, word: str) -> int | None:
        """Return a word's identifier after folding, or None where it is unknown."""
        return self.ranks.get(self.fold(word))

    def count(self, word: str) -> int:
        """Return how often a word occurs in the training part, whether the vocabulary knows it or not."""
        index = self.index(word)
        return self._rare_counts.get(self.fold(word), 0) if index is None else int(self.counts[index])

    @cached_property
    def ranks(self) -> dict[str, int]:
        """Map each word, folded, to its identifier."""
        return {word: rank for rank, word in enumerate(self.words)}

    @cached_property
    def _rare_counts(self) -> Mapping[str, int]:
        return _read_counts(self.rare) if isinstance(self.rare, Path) else self.rare

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and self.index(word) is not None

    def __len__(self) -> int:
        return len(self.words)


def _read_counts(path: Path) -> dict[str, int]:
    rows = (line.split("\t") for line in path.read_text(encoding="utf-8").split("\n") if line)
    return {word: int(count) for word, count in rows}


def _write_counts(path: Path, rows: Iterable[tuple[str, int]]) -> None:
    path.write_text("".join(f"{word}\t{count}\n" for word, count in rows), encoding="utf-8", newline="\n")
