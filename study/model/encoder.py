"""The Transformer as a model of the study: trained on a corpus, kept in a folder, asked for vectors.

Its views are those of ``study.model.layers``: ``input`` is the rows of the embedding table, without position or context; a layer
is the residual stream after a block, the last one normalised, as the output reads it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from study.contracts import Array, Guesses, Level, Lexicon, Moment, Observe, Sentence, StudyError, Vocabulary
from study.corpus import EncodedCorpus
from study.model.anatomy import Anatomy
from study.model.guessing import encoder_guesses
from study.model.history import read_history, write_history
from study.model.layers import Layered
from study.model.pretraining import Pretraining
from study.model.readout import Readout, bare_words
from study.model.regimen import Regimen, choose_fabric, limited_threads
from study.model.sequences import Symbols
from study.model.start import begin_with
from study.model.transformer import Encoder


@dataclass(kw_only=True)
class Contextual(Layered):
    """An encoder with weights and the vocabulary it reads, asked for vectors; how it came about is left to its kinds.

    Parameters
    ----------
    occurrences : int
        Occurrences over which an ``averaged`` type vector is the mean, at most.
    seed : int
        Of the random start, and of the occurrences.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    threads : int or None
        Processor threads; None leaves torch's own choice.
    """

    version: ClassVar[int] = 1

    occurrences: int = field(metadata={"view": True})
    seed: int
    device: str = field(metadata={"resource": True})
    threads: int | None = field(metadata={"resource": True})

    encoder: Encoder = field(init=False, repr=False, compare=False)
    vocabulary: Vocabulary = field(init=False, repr=False, compare=False)
    corpus: EncodedCorpus = field(init=False, repr=False, compare=False)
    history: list[Moment] = field(init=False, repr=False, compare=False, default_factory=list)

    @property
    def parameters(self) -> int:
        """Number of trained numbers."""
        return sum(weight.numel() for weight in self.encoder.parameters())

    @property
    def layers(self) -> int:
        """Number of blocks."""
        return len(self.encoder.blocks)

    def views(self, level: Level) -> tuple[str, ...]:
        """Name the views that apply to a level."""
        return ("input",) if level == "vocabulary" else super().views(level)

    def guess(self, sentences: Sequence[Sentence], places: Array, best: int) -> Mapping[str, Guesses]:
        """Guess hidden words; see ``study.contracts.Predicts.guess`` and ``study.model.guessing``."""
        words = [self._identifiers(sentence) for sentence in sentences]
        with limited_threads(self.threads):
            return encoder_guesses(self.encoder, words, places, self.vocabulary.words, best)

    def _in_context(self, sentences: Sequence[Sentence], places: Array) -> Array:
        readout = self._readout(len(places))
        words = [self._identifiers(sentence) for sentence in sentences]
        for row, (number, start, stop) in enumerate(places.tolist()):
            readout.add(row, words[number], start, stop)
        return readout.read(self.encoder)

    def _averaged(self, sentences: Sequence[Sentence], places: Array) -> Array:
        row_of, rows = bare_words(sentences, places, self.corpus.vocabulary)
        readout = self._readout(len(row_of) + 1)  # the last row stays empty: it is NaN
        offsets = self.corpus.sentence_offsets("training")
        for word, occurrences in self.corpus.occurrences(row_of, self.occurrences, self.seed).items():
            for sentence, place in occurrences.tolist():
                readout.add(row_of[word], self._training_words(*offsets[sentence : sentence + 2]), place, place + 1)
        return readout.read(self.encoder)[1:, rows]

    def _training_words(self, start: int, stop: int) -> Array:
        """Return the identifiers of words of the training part."""
        return self.corpus.ids("training", start, stop)

    def _readout(self, rows: int) -> Readout:
        return Readout(Symbols(len(self.vocabulary)), self.encoder.length, rows)

    def _identifiers(self, sentence: Sentence) -> Array:
        """Return the vocabulary identifiers of words, the unknown word's where unknown: shape (t,), int64."""
        found = (self.vocabulary.index(word) for word in sentence)
        return np.array([len(self.vocabulary) if identifier is None else identifier for identifier in found], np.int64)

    def lexicons(self) -> Mapping[str, Lexicon]:
        """Return the embedding table."""
        words = self.vocabulary.words
        return {"input": Lexicon(words, self.encoder.table.weight[: len(words)].detach().cpu().numpy())}


@dataclass(kw_only=True)
class Designed(Contextual, Anatomy):
    """An encoder of a given anatomy for a corpus's vocabulary: all of a Transformer but how it is trained."""

    def _start(self, corpus: EncodedCorpus) -> Encoder:
        """Return an encoder with random weights for a corpus's vocabulary."""
        torch.manual_seed(self.seed)
        counts = torch.from_numpy(np.maximum(corpus.vocabulary.counts, 1).astype(np.float32))
        return Encoder(self, len(Symbols(len(counts))), counts / counts.sum())

    def save(self, folder: Path) -> None:
        """Write the weights, the settings and the learning curve.

        ``weights.safetensors`` holds float32 tensors by the names of ``study.model.transformer.Encoder``'s parameters; the rows
        of ``table.weight`` are the vocabulary in its order, then the unknown word, the mask and the boundary. ``settings.json``
        holds the settings under ``settings`` and the size of the vocabulary under ``words``.
        """
        write_weights(self.encoder, folder)
        settings = {f.name: getattr(self, f.name) for f in fields(self) if f.init and not f.metadata.get("resource")}
        document = {"settings": settings, "words": len(self.vocabulary)}
        (folder / "settings.json").write_text(json.dumps(document, indent=2), encoding="utf-8")
        write_history(folder, self.history)

    def load(self, folder: Path, corpus: EncodedCorpus) -> Self:
        """Read what ``save`` wrote.

        Raises
        ------
        StudyError
            Where the weights are of another vocabulary or another anatomy.
        """
        self.check_anatomy()
        saved = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
        if saved["words"] != len(corpus.vocabulary):
            raise StudyError(
                f"{folder} holds an encoder of {saved['words']} words, but the vocabulary of {corpus.name} has "
                f"{len(corpus.vocabulary)}: train it again on this corpus."
            )
        with torch.random.fork_rng():
            encoder = self._start(corpus)
        take_weights(encoder, folder, "train the encoder again")
        choose_fabric(self.device, "float32").to_device(encoder)
        self.history = read_history(folder)
        self._take(encoder, corpus)
        return self

    def _take(self, encoder: Encoder, corpus: EncodedCorpus) -> None:
        """Read with an encoder from now on, and read the words of a corpus."""
        self.encoder, self.corpus, self.vocabulary = encoder.eval(), corpus, corpus.vocabulary


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

    start: str | None
    start_frozen: bool

    first: Lexicon | None = field(init=False, repr=False, compare=False, default=None)

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
        self.check_anatomy()
        self.check_regimen()
        with limited_threads(self.threads), torch.random.fork_rng():
            encoder = self._start(corpus)
            if self.first is not None:
                begin_with(encoder, np.asarray(self.first.vectors), frozen=self.start_frozen)
            self.history = Pretraining(encoder, corpus, self).run(folder, observe)
        self._take(encoder, corpus)
        return self


@dataclass(kw_only=True)
class Untrained(Designed):
    """A control: an encoder as it is before training, the same anatomy with its random start."""

    @property
    def parameters(self) -> int:
        """Zero: nothing is trained."""
        return 0

    def fit(self, corpus: EncodedCorpus, *, folder: Path, observe: Observe) -> Self:
        """Draw the random start; nothing is read of the corpus but its vocabulary."""
        self.check_anatomy()
        with torch.random.fork_rng():
            encoder = self._start(corpus)
        choose_fabric(self.device, "float32").to_device(encoder)
        self._take(encoder, corpus)
        return self


def write_weights(encoder: Encoder, folder: Path) -> None:
    """Write ``weights.safetensors``."""
    weights = {name: weight.detach().cpu().contiguous() for name, weight in encoder.state_dict().items()}
    save_file(weights, folder / "weights.safetensors")


def take_weights(encoder: Encoder, folder: Path, remedy: str) -> None:
    """Read what ``write_weights`` wrote into an encoder of the same anatomy and vocabulary.

    Raises
    ------
    StudyError
        Where the weights do not fit; it tells the remedy.
    """
    try:
        encoder.load_state_dict(load_file(folder / "weights.safetensors"))
    except (RuntimeError, SafetensorError) as error:
        raise StudyError(f"The weights in {folder} do not fit the settings ({error}): {remedy}.") from error
