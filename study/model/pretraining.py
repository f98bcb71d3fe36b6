"""Pretraining: how the Transformer encoder is asked for its words, in the loop of ``study.model.loop``."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from study.contracts import Array
from study.corpus import EncodedCorpus
from study.model.detection import Detection
from study.model.loop import Loop
from study.model.objective import Masked, candidate_loss, following, full_loss, mask
from study.model.regimen import Regimen
from study.model.sequences import Symbols
from study.model.surroundings import Surroundings
from study.model.transformer import Encoder

VALIDATION_RATE = 0.15
"""Share of the known words that validation hides, every one by the mask symbol: regimens are compared on the same question."""


class Pretraining(Loop):
    """The training of an encoder under way.

    Parameters
    ----------
    encoder : Encoder
        Trained in place.
    corpus : EncodedCorpus
    regimen : Regimen
    """

    regimen: Regimen

    def __init__(self, encoder: Encoder, corpus: EncodedCorpus, regimen: Regimen) -> None:
        self.encoder, self.detection = encoder, _detection(encoder, corpus, regimen)
        self.surroundings = None
        if regimen.surroundings:
            self.surroundings = Surroundings(encoder.anatomy.width, corpus.vocabulary.counts, regimen.surroundings, regimen.surroundings_window, regimen.surroundings_drawn, 1e-4)
        others = {"detection": self.detection, "surroundings": self.surroundings}
        super().__init__(encoder, corpus, regimen, **{name: part for name, part in others.items() if part is not None})

    def loss(self, words: Array, segments: Array, random: np.random.Generator, share: float) -> Tensor:
        """Return the loss of a batch, by the question that its random stream draws, when a share of the budget is spent."""
        regimen, symbols = self.regimen, self.training.symbols
        question, rate = regimen.question(random), regimen.mask_rate_at(share)
        if question == "causal":
            batch = following(words, segments, symbols, random, rate=rate).to(self.fabric.device)
        elif question == "detection":
            batch = self.hide(words, segments, random, rate=rate, hidden=1.0, replaced=0.0)
        else:
            batch = self.hide(words, segments, random, rate=rate, hidden=regimen.mask_hidden, replaced=regimen.mask_replaced)
        candidates = [part.to(self.fabric.device) for part in self.candidates.draw(random)]
        torch.manual_seed(int(random.integers(2**62)))  # dropout, and what a generator draws
        with self.fabric.autocast():
            if question == "detection" and self.detection:
                original = torch.from_numpy(words).to(self.fabric.device)
                return self.detection.loss(self.encoder, batch, original, candidates[0], candidates[1])
            if self.surroundings is not None and question == "masked":
                asked = self.surroundings.draw(self.training, self.starts, words, segments, batch.places.numpy(), random)
                x = self.encoder(batch.words, batch.segments, torch.cat([batch.places, asked.places]))[-1]
                hidden, seen = x.split([len(batch.places), len(asked.places)])
                guessing = candidate_loss(self.encoder, hidden, batch.targets, *candidates)
                return guessing + regimen.surroundings_weight * self.surroundings.loss(self.encoder, seen, asked.targets, *candidates)
            x = self.encoder(batch.words, batch.segments, batch.places, causal=question == "causal")[-1]  # (n, d)
            return candidate_loss(self.encoder, x, batch.targets, *candidates)

    def hide(self, words: Array, segments: Array, random: np.random.Generator, **rates: float) -> Masked:
        """Hide words at the rates of ``study.model.objective.mask``."""
        return mask(words, segments, self.training.symbols, random, **rates).to(self.fabric.device)

    def judge(self, words: Array, segments: Array, random: np.random.Generator) -> tuple[Tensor, Tensor, int]:
        """Let the encoder guess hidden words of the development part; see ``Loop.judge``."""
        batch = self.hide(words, segments, random, rate=VALIDATION_RATE, hidden=1.0, replaced=0.0)
        with self.fabric.autocast():
            x = self.encoder(batch.words, batch.segments, batch.places)[-1]  # (n, d)
        loss, right = full_loss(self.encoder, x.float(), batch.targets)
        return loss, right, len(batch.targets)


def _detection(encoder: Encoder, corpus: EncodedCorpus, regimen: Regimen) -> Detection | None:
    """Return the generator and the head of detection where some steps ask for it."""
    if not regimen.objective.get("detection", 0):
        return None
    frequencies, symbols = encoder.bias.detach().exp(), len(Symbols(len(corpus.vocabulary)))
    return Detection(encoder.anatomy, symbols, frequencies, regimen.generator, regimen.detection_weight)
