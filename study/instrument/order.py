"""An instrument: whether an encoder notices the order of the words.

Read by f, a sentence x of t words becomes t vectors. Where nothing tells f the places of words, reading the words in another
order P gives the same vectors in that order, ``f(P x) = P f(x)``: attention is blind to order. How far f is from that is
``‖f(P x) - P f(x)‖ / ‖f(x)‖``. The boundaries at the ends stay where they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from study.contracts import Array, Observe
from study.corpus import EncodedCorpus
from study.instrument.development import OfEncoders, error_of_mean, whole_sentences
from study.model.encoder import Transformer
from study.model.transformer import Encoder

ORDERS = ("words shuffled", "neighbours swapped")
"""In which order words are read anew: drawn at random, or the same but for two words that stand beside each other."""


@dataclass(frozen=True, kw_only=True)
class Order(OfEncoders):
    """Measures how much every encoder's vectors change with the order of the words, before and after its training.

    Parameters
    ----------
    sentences : int
        Sentences of the development part, at most.
    shortest : int
        Words of the shortest.
    seed : int
        Of the sentences and the orders.
    """

    version: ClassVar[int] = 2

    sentences: int
    shortest: int
    seed: int

    def measure(self, model: Transformer, corpus: EncodedCorpus, observe: Observe) -> Mapping[str, pd.DataFrame]:
        """Return ``order``: ``stage, order, layer, value, error, n``, the relative change as a mean over n sentences."""
        rows = []
        groups = whole_sentences(model, corpus, shortest=self.shortest, number=self.sentences, seed=self.seed)
        with torch.inference_mode():
            for stage, encoder in self.encoders(model, observe):
                for order in ORDERS:
                    random = np.random.default_rng(self.seed)
                    parts = [changes(encoder, words, orders(order, len(words), words.shape[1], random)) for words in groups]
                    for layer, values in enumerate(np.concatenate(parts, axis=1), start=1):
                        rows.append((stage, order, layer, values.mean(), error_of_mean(values), len(values)))
        return {"order": pd.DataFrame(rows, columns=["stage", "order", "layer", "value", "error", "n"])}


def orders(kind: str, sentences: int, length: int, random: np.random.Generator) -> Tensor:
    """Draw for each sentence the places from which its words are read anew, boundaries in place: shape (b, t), int64."""
    drawn = np.tile(np.arange(length), (sentences, 1))
    for row in drawn:
        if kind == "words shuffled":
            row[1:-1] = 1 + random.permutation(length - 2)
        else:
            at = random.integers(1, length - 2)
            row[[at, at + 1]] = row[[at + 1, at]]
    return torch.from_numpy(drawn)


def changes(encoder: Encoder, words: Tensor, order: Tensor) -> Array:
    """Return the relative change of each layer's vectors of each sentence, ``ndarray of shape (l, b)``.

    Parameters
    ----------
    encoder : Encoder
    words : Tensor of shape (b, t), int64
        Whole sentences, boundaries included.
    order : Tensor of shape (b, t), int64
    """
    order = order.to(words.device)
    found = []
    for before, after in zip(encoder.states(words)[1:], encoder.states(words.gather(1, order))[1:], strict=True):
        moved = before.gather(1, order[..., None].expand_as(before))  # (b, t, d): P f(x)
        change = (after - moved)[:, 1:-1].flatten(1).norm(dim=1) / before[:, 1:-1].flatten(1).norm(dim=1)  # (b,)
        found.append(change.double().cpu().numpy())
    return np.stack(found)
