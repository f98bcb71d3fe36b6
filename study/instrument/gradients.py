"""An instrument: how peaked an encoder's attention is, and how much gradient gets through it.

A softmax whose products are far apart gives nearly all weight p to one word. Then its entropy ``-Σ p log p`` nears 0, and so does
its slope: a product moves its own weight by ``p (1 - p)``, over all words ``1 - Σ p²``, and no gradient gets back to queries and
keys. Dividing by the root of the head's width is to prevent that.

References
----------
Vaswani et al. (2017), Attention is all you need, arXiv:1706.03762, section 3.2.1, footnote 4.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from study.contracts import Array, Observe
from study.corpus import EncodedCorpus
from study.instrument.development import OfEncoders, error_of_mean, hidden_words
from study.model.attention import backwards, within
from study.model.encoder import Transformer
from study.model.objective import Masked, full_loss
from study.model.transformer import Block, Encoder


@dataclass(frozen=True, kw_only=True)
class Gradients(OfEncoders):
    """Measures every encoder's attention and the gradient of its loss, before and after its training.

    Parameters
    ----------
    words : int
        Words of the development part that are read.
    batch : int
        Words of a batch; each gives one gradient, and the errors are those of the mean over batches.
    seed : int
        Of the words that are hidden, and of dropout.
    """

    version: ClassVar[int] = 2

    words: int
    batch: int
    seed: int

    def measure(self, model: Transformer, corpus: EncodedCorpus, observe: Observe) -> Mapping[str, pd.DataFrame]:
        """Return two tables of means over batches with their standard errors.

        ``gradients``: ``stage, block, part, value, error, n``, the length of the loss's gradient at the weights of a part of a
        block, and at the vectors that reach it. ``attention_spread``: ``stage, block, head, measure, value, error, n``, the
        ``entropy`` of attention (nats), its ``ceiling`` (that of equal weights) and the ``slope`` of its softmax.
        """
        gradients, spread = [], []
        rows = max(1, self.batch // model.length)
        batches = hidden_words(model, corpus, words=self.words, rows=rows, seed=self.seed)
        for stage, encoder in self.encoders(model, observe):
            with torch.random.fork_rng():
                torch.manual_seed(self.seed)  # dropout
                gradients += summed(stage, [lengths(encoder, batch) for batch in batches])
            spread += summed(stage, [spreads(encoder, batch) for batch in batches])
        told = ["value", "error", "n"]
        return {
            "gradients": pd.DataFrame(gradients, columns=["stage", "block", "part", *told]),
            "attention_spread": pd.DataFrame(spread, columns=["stage", "block", "head", "measure", *told]),
        }


def summed(stage: str, batches: list[dict[tuple, float]]) -> list[tuple]:
    """Return for each key its mean over batches, the mean's standard error, and the number of batches."""
    rows = []
    for key in batches[0]:
        values = np.array([batch[key] for batch in batches])
        rows.append((stage, *key, values.mean(), error_of_mean(values), len(values)))
    return rows


def lengths(encoder: Encoder, batch: Masked) -> dict[tuple, float]:
    """Return the length of the gradient of a batch's mean loss by block, counted from 1, and part.

    Normalisation works as in training, over the batch where it is of that kind, and so does dropout: torch's seed decides it.
    """
    encoder.train()
    states = encoder(batch.words, batch.segments, batch.places)
    loss = full_loss(encoder, states[-1], batch.targets)[0] / len(batch.targets)
    asked = list(weights_of(encoder))
    asked += [((number, "vectors that reach it"), x, slice(None)) for number, x in enumerate(states[:-1], start=1)]
    found = torch.autograd.grad(loss, [x for _, x, _ in asked])
    encoder.eval()
    squares: dict[tuple, float] = {}
    for (key, _, rows), gradient in zip(asked, found, strict=True):
        squares[key] = squares.get(key, 0.0) + float(gradient[rows].double().square().sum())
    return {key: square**0.5 for key, square in squares.items()}


def weights_of(encoder: Encoder) -> Iterator[tuple[tuple[int, str], Tensor, slice]]:
    """Yield block, part and the weights of the part, and which of their rows; queries and keys only where they have rows."""
    for number, block in enumerate(encoder.blocks, start=1):
        assert isinstance(block, Block)
        ask, answer = block.attention.ask, block.attention.answer
        if ask is not None:
            own = ask.out_features == 3 * answer.in_features  # queries and keys have rows of their own, which stand first
            values = 2 * answer.in_features if own else 0
            if own:
                yield (number, "queries and keys"), ask.weight, slice(values)
            yield (number, "values and answers"), ask.weight, slice(values, None)
        yield (number, "values and answers"), answer.weight, slice(None)
        if block.mlp is not None:
            yield (number, "MLP"), block.mlp.widen.weight, slice(None)
            yield (number, "MLP"), block.mlp.narrow.weight, slice(None)


@torch.inference_mode()
def spreads(encoder: Encoder, batch: Masked) -> dict[tuple, float]:
    """Return entropy, its ceiling and the softmax's slope by block and head, counted from 1: means over the words of a batch."""
    weights, _ = encoder.attention(batch.words, batch.segments)
    open_to = within(batch.segments)  # (b, 1, t, t)
    if encoder.causal:
        open_to = open_to + backwards(batch.words.shape[1], batch.words.device)
    ceiling = float((open_to == 0).sum(dim=-1).double().log().mean())
    found: dict[tuple, float] = {}
    for number, block in enumerate(weights, start=1):
        for head, (entropy, slope) in enumerate(zip(*_spread(block), strict=True), start=1):
            measured = {"entropy": entropy, "ceiling": ceiling, "slope": slope}
            found |= {(number, head, name): float(value) for name, value in measured.items()}
    return found


def _spread(weights: Tensor) -> tuple[Array, Array]:
    """Return mean entropy and slope of each head, shape (h,) each, of weights (b, h, t, t)."""
    p = weights.double()
    entropy = torch.special.entr(p).sum(dim=-1)  # (b, h, t): -p log p, 0 at 0
    slope = 1 - p.square().sum(dim=-1)  # (b, h, t)
    return entropy.mean(dim=(0, 2)).cpu().numpy(), slope.mean(dim=(0, 2)).cpu().numpy()
