"""What all models with one vector per word have in common: what they are when trained, how they are kept, what they run on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from study.contracts import Moment, StudyError, Vocabulary
from study.corpus import EncodedCorpus
from study.model.views import StaticViews


@dataclass(kw_only=True)
class Static(StaticViews):
    """One vector per word of a vocabulary; of a kind that says no more, nothing is trained.

    Attributes
    ----------
    vocabulary : Vocabulary
    vectors : ndarray of shape (v, d), float32, or what is indexed like one
    history : list of Moment
        The learning curve; empty where nothing is trained.
    """

    vocabulary: Vocabulary = field(init=False, repr=False, compare=False, metadata={"resource": True})
    vectors: Any = field(init=False, repr=False, compare=False, metadata={"resource": True})
    history: list[Moment] = field(init=False, repr=False, compare=False, default_factory=list, metadata={"resource": True})

    @property
    def parameters(self) -> int:
        """Number of trained numbers: none."""
        return 0

    @property
    def reproducible(self) -> bool:
        """Whether the same settings give the same vectors: always."""
        return True

    @property
    def resources(self) -> dict[str, str | int]:
        """One thread of the processor."""
        return {"device": "cpu", "threads": 1}

    def save(self, folder: Path) -> None:
        """Write ``vectors.npy``, rows in the vocabulary's order."""
        np.save(folder / "vectors.npy", self.vectors, allow_pickle=False)

    def load(self, folder: Path, corpus: EncodedCorpus) -> Self:
        """Read what ``save`` wrote, memory-mapped."""
        self.vocabulary = corpus.vocabulary
        self.vectors = np.load(folder / "vectors.npy", mmap_mode="r", allow_pickle=False)
        if len(self.vectors) != len(self.vocabulary):
            raise StudyError(f"{folder} holds {len(self.vectors)} vectors, the vocabulary {len(self.vocabulary)} words.")
        return self
