"""Pretraining: how the Transformer encoder is asked for its words, in the loop of ``study.model.loop``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from study.contracts import Array
from study.model.detection import Detection
from study.model.loop import Loop
from study.model.objective import Masked, candidate_loss, following, full_answers, mask, moved
from study.model.regimen import Regimen, judged_by
from study.model.sequences import Stream, Symbols
from study.model.spelled import SpelledCorpus
from study.model.surroundings import Around, Surroundings
from study.model.transformer import Encoder

VALIDATION_RATE = 0.15
"""Share of the known words that validation asks for, whatever the training's own rate: regimens are asked the same. But to say
which words were replaced, an encoder has learned how many are: there it is the share at the end of the training."""


@dataclass(frozen=True)
class Question:
    """What an encoder is asked in a step.

    Attributes
    ----------
    kind : str
        One of ``study.model.regimen.OBJECTIVES``.
    batch : Masked
        What it reads, and the words that are asked for.
    words : Tensor of shape (b, t), int64
        What stood there before any was hidden.
    around : Around or None
        Visible words that are asked for words around them.
    candidates : pair of Tensor of shape (k,)
        See ``study.model.objective.Candidates``.
    seed : int
        Of what is drawn by torch while the question is answered.
    """

    kind: str
    batch: Masked
    words: Tensor
    around: Around | None
    candidates: tuple[Tensor, Tensor]
    seed: int


class Pretraining(Loop):
    """The training of an encoder under way.

    Of sub-words, the losses of steps are nats per sub-word. What validation tells is of whole words, as for an encoder of words:
    the loss of a word is the sum over its sub-words, and it is guessed right where all of them are. But it asks for words outside
    the shared vocabulary too, and masks tell how many sub-words a word has: compare only curves of the same units. (What follows,
    and what was replaced, is asked of sub-words.)

    Parameters
    ----------
    encoder : Encoder
        Trained in place.
    corpus : Stream
    regimen : Regimen
    """

    regimen: Regimen

    def __init__(self, encoder: Encoder, corpus: Stream, regimen: Regimen) -> None:
        self.continues = corpus.continues if isinstance(corpus, SpelledCorpus) else None
        self.encoder, self.detection = encoder, _detection(encoder, corpus, regimen)
        self.surroundings = _surroundings(encoder, corpus, regimen)
        others = {"detection": self.detection, "surroundings": self.surroundings}
        super().__init__(encoder, corpus, regimen, **{name: part for name, part in others.items() if part is not None})

    def ask(self, words: Array, segments: Array, starts: Array, random: np.random.Generator, share: float) -> Question:
        """Draw what a batch is asked, by the question that its random stream draws; see ``Loop.ask``."""
        regimen, symbols = self.regimen, self.training.symbols
        kind, rate = regimen.question(random), regimen.mask_rate_at(share)
        if kind == "causal":
            batch = following(words, segments, symbols, random, rate=rate)
        elif kind == "detection":
            batch = self.hide(words, segments, random, rate=rate, hidden=1.0, replaced=0.0)
        else:
            batch = self.hide(words, segments, random, rate=rate, hidden=regimen.mask_hidden, replaced=regimen.mask_replaced)
        around = None
        if self.surroundings and kind == "masked":
            around = self.surroundings.draw(self.training, starts, batch, random)
        candidates = self.candidates.draw(random)
        return Question(kind, batch, torch.from_numpy(words), around, candidates, int(random.integers(2**62)))

    def loss(self, asked: Question) -> Tensor:
        """Return the loss of a question; see ``Loop.loss``."""
        device = self.fabric.device
        batch, candidates = asked.batch.to(device), [moved(part, device) for part in asked.candidates]
        torch.manual_seed(asked.seed)  # dropout, and what a generator draws
        with self.fabric.autocast():
            if asked.kind == "detection" and self.detection:
                return self.detection.loss(self.encoder, batch, asked.words.to(device), candidates[0], candidates[1])
            if asked.around is not None and self.surroundings:
                around = asked.around.to(device)
                x = self.encoder(batch.words, batch.segments, torch.cat([batch.places, around.places]))[-1]
                hidden, seen = x.split([len(batch.places), len(around.places)])
                guessing = candidate_loss(self.encoder, hidden, batch.targets, *candidates)
                return guessing + self.surroundings.loss(self.encoder, seen, around.targets, *candidates)
            x = self.encoder(batch.words, batch.segments, batch.places, causal=asked.kind == "causal")[-1]  # (n, d)
            return candidate_loss(self.encoder, x, batch.targets, *candidates)

    def hide(self, words: Array, segments: Array, random: np.random.Generator, **rates: float) -> Masked:
        """Hide words at the rates of ``study.model.objective.mask``."""
        return mask(words, segments, self.training.symbols, random, continues=self.continues, **rates)

    def words_in(self, words: Array) -> int:
        """Return how many running words are read with a batch: of sub-words, those that begin a word."""
        return super().words_in(words if self.continues is None else words[~self.continues[words]])

    def judge(self, words: Array, segments: Array, random: np.random.Generator) -> tuple[Tensor, Tensor, int]:
        """Ask of the development part what ``judged_by`` says, hiding by the mask symbol alone; see ``Loop.judge``."""
        asked = judged_by(self.regimen.objective)
        if asked == "causal":
            batch = following(words, segments, self.training.symbols, random, rate=VALIDATION_RATE)
        else:
            rate = self.regimen.mask_rate_at(1.0) if asked == "detection" else VALIDATION_RATE
            batch = self.hide(words, segments, random, rate=rate, hidden=1.0, replaced=0.0)
        batch = batch.to(self.fabric.device)
        if asked == "detection" and self.detection:
            torch.manual_seed(int(random.integers(2**62)))  # what the generator draws
            with self.fabric.autocast():
                loss, right = self.detection.judge(self.encoder, batch, torch.from_numpy(words).to(self.fabric.device))
            return loss, right.sum(), len(right)
        with self.fabric.autocast():
            x = self.encoder(batch.words, batch.segments, batch.places, causal=asked == "causal")[-1]  # (n, d)
        loss, right = full_answers(self.encoder, x.float(), batch.targets)
        if self.continues is None or asked == "causal":
            return loss, right.sum(), len(right)
        word_of = words_of(batch, self.continues)
        right_words = torch.ones(int(word_of.max(initial=-1)) + 1, dtype=torch.bool)
        right_words[word_of[~right.cpu().numpy()]] = False
        return loss, right_words.sum(), len(right_words)


def words_of(batch: Masked, continues: Array) -> Array:
    """Return which hidden word, numbered from 0, each place of a batch is a sub-word of: shape (n,), int64."""
    places, targets = batch.places.cpu().numpy(), batch.targets.cpu().numpy()
    apart = np.diff(places, prepend=-2) > 1
    return np.cumsum(~continues[targets] | apart | (places % batch.words.shape[1] == 0)) - 1


def _surroundings(encoder: Encoder, corpus: Stream, regimen: Regimen) -> Surroundings | None:
    """Return the head that guesses words around where visible words are asked for them."""
    if not regimen.surroundings:
        return None
    torch.manual_seed(regimen.seed)
    return Surroundings(
        encoder.anatomy.width,
        np.asarray(corpus.vocabulary.counts),
        share=regimen.surroundings,
        window=regimen.surroundings_window,
        drawn=regimen.surroundings_drawn,
        threshold=regimen.surroundings_threshold,
    )


def _detection(encoder: Encoder, corpus: Stream, regimen: Regimen) -> Detection | None:
    """Return the generator and the head of detection where some steps ask for it."""
    if not regimen.objective.get("detection", 0):
        return None
    frequencies, symbols = encoder.bias.detach().exp(), len(Symbols(len(corpus.vocabulary)))
    return Detection(encoder.anatomy, symbols, frequencies, regimen.generator, regimen.detection_weight)
