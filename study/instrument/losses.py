"""An instrument: what an encoder loses on hidden words, row by row, so that two encoders can be compared on the same rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional

from study.contracts import Observe
from study.corpus import EncodedCorpus
from study.instrument.development import OfEncoders, hidden_words
from study.model.encoder import Transformer
from study.model.objective import Masked
from study.model.transformer import Encoder

ROWS = 16
"""Rows that are read together."""


@dataclass(frozen=True, kw_only=True)
class Losses(OfEncoders):
    """Measures the full-softmax loss of every encoder on the same hidden words, before and after its training.

    Parameters
    ----------
    words : int
        Words of the development part that are read.
    seed : int
        Of the words that are hidden.
    """

    version: ClassVar[int] = 2

    words: int
    seed: int

    def measure(self, model: Transformer, corpus: EncodedCorpus, observe: Observe) -> Mapping[str, pd.DataFrame]:
        """Return ``losses``: ``stage, row, asked, loss``, the loss as the sum over the words asked for in a row, nats."""
        rows = []
        batches = hidden_words(model, corpus, words=self.words, rows=ROWS, seed=self.seed)
        with torch.inference_mode():
            for stage, encoder in self.encoders(model, observe):
                first = 0
                for batch in batches:
                    asked, loss = (part.tolist() for part in by_row(encoder, batch))
                    rows += [(stage, first + row, *told) for row, told in enumerate(zip(asked, loss, strict=True))]
                    first += len(asked)
        return {"losses": pd.DataFrame(rows, columns=["stage", "row", "asked", "loss"])}


def by_row(encoder: Encoder, batch: Masked) -> tuple[Tensor, Tensor]:
    """Return for each row how many words are asked for, int64, and their summed loss, float32: shape (b,) each."""
    table, bias = encoder.output()
    x = encoder(batch.words, batch.segments, batch.places)[-1]  # (n, d)
    lost = functional.cross_entropy(functional.linear(x, table[: len(bias)], bias), batch.targets, reduction="none")  # (n,)
    b, t = batch.words.shape
    rows = batch.places // t
    return torch.bincount(rows, minlength=b), lost.new_zeros(b).index_add_(0, rows, lost)
