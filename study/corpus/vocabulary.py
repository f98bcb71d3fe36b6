"""The words that all models trained on a corpus share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from study.contracts import Array, StudyError
from study.corpus.words import UNICODE

Case = Literal["fold", "keep"]


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
    """

    words: Sequence[str]
    counts: Array
    case: Case

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
        frequent = [(-count, word) for word, count in zip(forms, counts.tolist(), strict=True) if count >= settings.minimum_count]
        if not frequent:
            most = int(counts.argmax())
            raise StudyError(
                f"the vocabulary is empty: the most frequent word of the training part, {forms[most]!r}, occurs {counts[most]:,}"
                f" times and vocabulary.minimum_count is {settings.minimum_count:,}; lower it or take a larger corpus"
            )
        kept = sorted(frequent)[: settings.maximum_size]
        return cls([word for _, word in kept], np.array([-count for count, _ in kept], np.int64), settings.case)

    @classmethod
    def read(cls, path: Path, case: Case) -> Vocabulary:
        """Read what ``write`` wrote."""
        rows = [line.split("\t") for line in path.read_text(encoding="utf-8").split("\n") if line]
        return cls([word for word, _ in rows], np.array([int(count) for _, count in rows], np.int64), case)

    def write(self, path: Path) -> None:
        """Write a word and its count a line, a tab between them."""
        rows = (f"{word}\t{count}\n" for word, count in zip(self.words, self.counts.tolist(), strict=True))
        path.write_text("".join(rows), encoding="utf-8", newline="\n")

    def fold(self, word: str) -> str:
        """Return the form under which the vocabulary knows a word, for example in lower case."""
        return folded(word, self.case)

    def index(self, word: str) -> int | None:
        """Return a word's identifier after folding, or None where it is unknown."""
        return self.ranks.get(self.fold(word))

    def count(self, word: str) -> int:
        """Return how often a word occurs in the training part, 0 where it is unknown."""
        index = self.index(word)
        return 0 if index is None else int(self.counts[index])

    @cached_property
    def ranks(self) -> dict[str, int]:
        """Map each word, folded, to its identifier."""
        return {word: rank for rank, word in enumerate(self.words)}

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and self.index(word) is not None

    def __len__(self) -> int:
        return len(self.words)
