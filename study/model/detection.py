"""Replaced-token detection: a small encoder fills hidden words in, and the encoder says of every word whether it was replaced.

The small encoder (the *generator*) learns to guess the hidden words as usual; what it draws in their place is likely but often
wrong. The encoder reads the filled text and is asked at every known word, not at the hidden ones alone: more to learn per word
read. A drawn word that happens to be the right one counts as not replaced.

Letters: b sequences, t words, n hidden words, d width, v words of the vocabulary.

References
----------
Clark, Luong, Le & Manning (2020), ELECTRA: pre-training text encoders as discriminators rather than generators, arXiv:2003.10555.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from study.model.anatomy import Anatomy
from study.model.objective import Masked, candidate_loss
from study.model.transformer import Encoder


class Detection(nn.Module):
    """A generator, and the head by which the encoder says what was replaced; both are needed for training only.

    Parameters
    ----------
    anatomy : Anatomy
        Of the encoder; the generator has one block and heads of the same width, but fewer of them.
    frequencies : Tensor of shape (v,)
    symbols : int
    share : float
        Width of the generator as a share of the encoder's, in (0, 1].
    weight : float
        How much the detection counts beside the generator's guessing.
    """

    def __init__(self, anatomy: Anatomy, symbols: int, frequencies: Tensor, share: float, weight: float) -> None:
        super().__init__()
        heads = max(1, round(share * anatomy.heads))
        small = replace(anatomy, width=heads * anatomy.width // anatomy.heads, heads=heads, blocks=1)
        small.check_anatomy()
        self.generator = Encoder(small, symbols, frequencies)
        self.head = nn.Linear(anatomy.width, 1)
        self.weight = weight

    def loss(self, encoder: Encoder, batch: Masked, original: Tensor, candidates: Tensor, log_probability: Tensor) -> Tensor:
        """Return the generator's loss per hidden word and the weighted one of the detection per known word, nats.

        Parameters
        ----------
        encoder : Encoder
        batch : Masked
            With hidden words.
        original : Tensor of shape (b, t), int64
            The words before any was hidden.
        candidates, log_probability : Tensor of shape (k,)
            See ``study.model.objective.Candidates``.
        """
        guessed = self.generator(batch.words, batch.segments, batch.places)[-1]  # (n, d of the generator)
        guessing = candidate_loss(self.generator, guessed, batch.targets, candidates, log_probability)
        scores, replaced = self.scores(encoder, batch, original, guessed.detach())
        telling = functional.binary_cross_entropy_with_logits(scores, replaced, reduction="sum") / max(1, len(scores))
        return guessing + self.weight * telling

    def judge(self, encoder: Encoder, batch: Masked, original: Tensor) -> tuple[Tensor, Tensor]:
        """Ask of every known word whether it was replaced; the arguments are those of ``loss``.

        Returns
        -------
        loss : Tensor of shape (), the sum over the known words, nats
        right : Tensor of shape (known,), bool
        """
        guessed = self.generator(batch.words, batch.segments, batch.places)[-1]
        scores, replaced = self.scores(encoder, batch, original, guessed)
        loss = functional.binary_cross_entropy_with_logits(scores, replaced, reduction="sum")
        return loss, (scores > 0) == replaced.bool()

    def scores(self, encoder: Encoder, batch: Masked, original: Tensor, guessed: Tensor) -> tuple[Tensor, Tensor]:
        """Fill hidden words in and score each known word: above 0 where it seems replaced.

        Parameters
        ----------
        guessed : Tensor of shape (n, d of the generator)
            The generator's vectors of the hidden words; no gradient goes back to it.

        Returns
        -------
        scores, replaced : Tensor of shape (known,), float32
            The latter 1 where a word was replaced and 0 elsewhere.
        """
        words = original.flatten()  # (b t,)
        filled = words.clone()
        filled[batch.places] = drawn(self.generator, guessed)
        states = encoder(filled.view_as(original), batch.segments)[-1]  # (b, t, d)
        scores = self.head(states).flatten().float()  # (b t,)
        known = words < encoder.words
        return scores[known], (filled != words).float()[known]


@torch.no_grad()
def drawn(generator: Encoder, guessed: Tensor) -> Tensor:
    """Draw a word for each vector from the generator's softmax, shape (n,), int64: the highest score with Gumbel noise."""
    table, bias = generator.output()
    scores = functional.linear(guessed, table[: len(bias)], bias).float()  # (n, v)
    return (scores - torch.empty_like(scores).exponential_().log()).argmax(dim=1)
