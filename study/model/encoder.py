"""The Transformer as a model of the study: trained on a corpus, or as it is before training; it can guess hidden words.

How it is kept and asked for vectors it shares with all networks that read words in their sentence: ``study.model.contextual``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from study.contracts import Array, Guesses, Lexicon, Observe, Sentence, StudyError
from study.corpus import EncodedCorpus
from study.model.anatomy import Anatomy
from study.model.contextual import Contextual
from study.model.guessing import encoder_guesses, following_guesses, silence, spelled_guesses
from study.model.maps import AttentionMap, encoder_map, spelled_map
from study.model.pretraining import Pretraining
from study.model.regimen import Regimen, choose_fabric, judged_by, limited_threads
from study.model.sequences import Symbols
from study.model.start import begin_with
from study.model.transformer import Encoder
from study.model.units import WORDS, Units


@dataclass(kw_only=True)
class Guesser(Contextual):
    """A Transformer encoder, which can guess words as it has learned to; its settings are those of ``Contextual``."""

    encoder: Encoder = field(init=False, repr=False, compare=False)

    @property
    def layers(self) -> int:
        """Number of blocks."""
        return len(self.encoder.blocks)

    @property
    def asked(self) -> str:
        """What it was asked while it learned; see ``study.model.regimen.judged_by``."""
        return "masked"

    def guess(self, sentences: Sequence[Sentence], places: Array, best: int) -> Mapping[str, Guesses]:
        """Guess hidden words; see ``study.contracts.Predicts.guess`` and ``study.model.guessing``.

        An encoder that was only asked for next words guesses from the words before; one that was only asked which words are
        replaced has never chosen a word, and nothing is known of its guesses.
        """
        if self.asked == "detection":
            return silence(places)
        ask = following_guesses if self.asked == "causal" else encoder_guesses
        words = [self._identifiers(sentence) for sentence in sentences]
        with limited_threads(self.threads):
            return ask(self.encoder, words, places, self.vocabulary.words, best)

    def attends(self) -> bool:
        """Say yes: every encoder has attention, be it uniform."""
        return True

    def attention_maps(self, sentence: Sentence) -> list[AttentionMap]:
        """Return the sentence's map; see ``study.model.maps.Attends``."""
        with limited_threads(self.threads):
            return [encoder_map(self.encoder, Symbols(len(self.vocabulary)), sentence, self._identifiers(sentence))]


@dataclass(kw_only=True)
class Designed(Anatomy, Units, Guesser):
    """An encoder of a given anatomy for a corpus's vocabulary: all of a Transformer but how it is trained."""

    def network(self, symbols: int, frequencies: Tensor) -> Encoder:
        """Return an encoder with random weights; see ``Built.network``."""
        return Encoder(self.plain(), symbols, frequencies)

    def guess(self, sentences: Sequence[Sentence], places: Array, best: int) -> Mapping[str, Guesses]:
        """Guess hidden words, of sub-words as ``study.model.guessing.spelled_guesses`` says; see ``Guesser.guess``.

        Of one of sub-words that was never asked for hidden ones nothing is known: a word's sub-words would be guessed one by one.
        """
        if self.spelled is None:
            return super().guess(sentences, places, best)
        if self.asked != "masked":
            return silence(places)
        with limited_threads(self.threads):
            return spelled_guesses(self.encoder, self.spelled, sentences, places, best)

    def attention_maps(self, sentence: Sentence) -> list[AttentionMap]:
        """Return the sentence's map, sub-words pooled to words; see ``study.model.maps.Attends``."""
        if self.spelled is None:
            return super().attention_maps(sentence)
        with limited_threads(self.threads):
            return [spelled_map(self.encoder, self.spelled.symbols, sentence, self._readings([sentence])[0])]


@dataclass(kw_only=True)
class Transformer(Designed, Regimen):
    """A Transformer encoder trained on a corpus.

    Its settings are those of ``Designed``, those of ``Regimen``, and

    Parameters
    ----------
    start : str or None
        A model of the same study from whose type vectors the embedding table starts, scaled to the size of random ones; None
        starts from random vectors.
    start_frozen : bool
        Whether these vectors stay as they are while the rest learns.
    """

    version: ClassVar[int] = 5

    start: str | None
    start_frozen: bool

    first: Lexicon | None = field(init=False, repr=False, compare=False, default=None)

    @property
    def parameters(self) -> int:
        """Number of trained numbers, without vectors that stay as they are."""
        kept = self.start is not None and self.start_frozen
        return super().parameters - (self.encoder.words * self.encoder.anatomy.width if kept else 0)

    @property
    def asked(self) -> str:
        """What it was asked while it learned; see ``study.model.regimen.judged_by``."""
        return judged_by(self.objective)

    def take(self, lexicon: Lexicon) -> None:
        """Keep the vectors that ``fit`` is to start from."""
        self.first = lexicon

    def fit(self, corpus: EncodedCorpus, *, folder: Path, observe: Observe) -> Self:
        """Train on the training part within the budget, from the checkpoint in ``folder`` if there is one.

        Raises
        ------
        StudyError
            Where settings do not fit together, the training part is empty, or the loss is no longer finite.
        """
        self.check()
        stream = self._learned_stream(corpus)
        with limited_threads(self.threads), torch.random.fork_rng():
            encoder = self._begun(self._start(stream))
            self._take(encoder, corpus)
            training = Pretraining(encoder, stream, self)
            self.history, self.effort = training.run(folder, observe), training.effort()
        return self

    def check(self) -> None:
        """Raise StudyError where settings do not fit together: of the parts, the training, the start and the units."""
        super().check()
        self.check_regimen()
        if self.start is not None and self.units != WORDS:
            raise StudyError(
                f"start={self.start} gives vectors of words, but with units={self.units} the embedding table holds sub-words: "
                f"set start=null or units={WORDS}."
            )
        if self.start_frozen and self.start is None:
            raise StudyError("start_frozen=true needs vectors to start from: set start to a model of the study.")
        if self.objective.get("causal", 0) == 1 and self.mask != "causal":
            raise StudyError(
                "objective asks for the next word alone, so words learn to look backwards, but with mask=full they are read out "
                "looking both ways: set mask=causal, or give masked a share."
            )

    def fresh(self) -> Encoder:
        """Return the encoder as it was before its training: the random one of its seed, from the vectors that it was given."""
        return self._begun(super().fresh())

    def _begun(self, encoder: Encoder) -> Encoder:
        """Return a random encoder that begins with the vectors of ``take``, if there are any."""
        if self.first is not None:
            begin_with(encoder, np.asarray(self.first.vectors), frozen=self.start_frozen)
        return encoder


@dataclass(kw_only=True)
class Untrained(Designed):
    """A control: an encoder as it is before training, the same anatomy with its random start."""

    @property
    def parameters(self) -> int:
        """Zero: nothing is trained."""
        return 0

    def fit(self, corpus: EncodedCorpus, *, folder: Path, observe: Observe) -> Self:
        """Draw the random start; nothing is read of the corpus but its vocabulary, and what sub-words are learned from."""
        self.check()
        stream = self._learned_stream(corpus)
        with torch.random.fork_rng():
            encoder = self._start(stream)
        choose_fabric(self.device, "float32").to_device(encoder)
        self._take(encoder, corpus)
        return self
