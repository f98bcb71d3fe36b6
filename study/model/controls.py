"""A control that learned nothing: whatever it scores is the floor of a claim about learning. The other is ``encoder.Untrained``.

References
----------
Wieting & Kiela (2019), No Training Required: Exploring Random Encoders for Sentence Classification, ICLR.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from study.contracts import Observe
from study.corpus import EncodedCorpus
from study.model.static import Static


@dataclass(kw_only=True)
class Random(Static):
    """A random vector per word, drawn once from a standard normal distribution: a static model without meaning.

    Parameters
    ----------
    size : int
        Dimensions of a vector.
    context_words, context_smoothing : int, float
        The ``context`` view; see ``study.model.views``.
    """

    version: ClassVar[int] = 1

    size: int
    context_words: int = field(metadata={"view": True})
    context_smoothing: float = field(metadata={"view": True})
    seed: int

    def fit(self, corpus: EncodedCorpus, *, folder: Path, observe: Observe) -> Self:
        """Draw the vectors; nothing is read of the corpus but its vocabulary."""
        self.vocabulary = corpus.vocabulary
        shape = (len(corpus.vocabulary), self.size)
        self.vectors = np.random.default_rng(self.seed).standard_normal(shape, np.float32)
        return self
