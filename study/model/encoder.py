"""The Transformer as a model of the study: trained on a corpus, kept in a folder, asked for vectors.

Views of an encoder with L blocks (see the design of views in ``study.contracts``):

- ``input``: the rows of the embedding table, without position or context;
- ``layer-1`` … ``layer-L``: the words in their sentence: the residual stream after each block, the last one normalised, as the
  output reads it; for a bare word, the one-word sentence ("out of context");
- ``averaged-1`` … ``averaged-L``, ``averaged``: type vectors, for bare words: the mean of a layer over some of the word's
  occurrences in the training part, and the mean of these over all layers.

References
----------
Bommasani, Davis & Cardie (2020), Interpreting pretrained contextualized representations via reductions to static embeddings,
doi:10.18653/v1/2020.acl-main.431 (``averaged``).
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

from study.contracts import Array, Level, Lexicon, Moment, Observe, Sentence, StudyError
from study.corpus import EncodedCorpus
from study.model.anatomy import Anatomy
from study.model.history import read_history, write_history
from study.model.places import level_of
from study.model.pretraining import Pretraining
from study.model.readout import Readout
from study.model.regimen import Regimen, choose_fabric, limited_threads
from study.model.sequences import Symbols
from study.model.transformer import Encoder


@dataclass(kw_only=True)
class Contextual(Anatomy):
    """An encoder with weights, asked for vectors: all of a Transformer but how it is trained.

    Its settings are those of ``Anatomy``, and

    Parameters
    ----------
    occurrences : int
        Occurrences over which an ``averaged`` type vector is the mean, at most.
    seed : int
        Of the random start.
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
    corpus: EncodedCorpus = field(init=False, repr=False, compare=False)
    history: list[Moment] = field(init=False, repr=False, compare=False, default_factory=list)

    @property
    def parameters(self) -> int:
        """Number of trained numbers."""
        return sum(weight.numel() for weight in self.encoder.parameters())

    @property
    def reproducible(self) -> bool:
        """Whether making it again gives the same bits: on a processor, with the same number of threads."""
        return choose_fabric(self.device, "float32").device.type == "cpu"

    @property
    def resources(self) -> dict[str, str | int]:
        """The device and, of a processor, its threads."""
        device = choose_fabric(self.device, "float32").device.type
        return {"device": device, "threads": self.threads or torch.get_num_threads()}

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
        weights = {name: weight.detach().cpu().contiguous() for name, weight in self.encoder.state_dict().items()}
        save_file(weights, folder / "weights.safetensors")
        settings = {f.name: getattr(self, f.name) for f in fields(self) if f.init and not f.metadata.get("resource")}
        document = {"settings": settings, "words": len(self.corpus.vocabulary)}
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
        try:
            encoder.load_state_dict(load_file(folder / "weights.safetensors"))
        except (RuntimeError, SafetensorError) as error:
            raise StudyError(f"The weights in {folder} do not fit the settings ({error}): train the encoder again.") from error
        choose_fabric(self.device, "float32").to_device(encoder)
        self.encoder, self.corpus, self.history = encoder.eval(), corpus, read_history(folder)
        return self

    def views(self, level: Level) -> tuple[str, ...]:
        """Name the views that apply to a level."""
        layers = range(1, self.blocks + 1)
        if level == "vocabulary":
            return ("input",)
        in_context = ("input", *(f"layer-{number}" for number in layers))
        return (*in_context, *(f"averaged-{number}" for number in layers), "averaged") if level == "word" else in_context

    def embed(self, sentences: Sequence[Sentence], places: Array, views: Sequence[str]) -> Mapping[str, Array]:
        """Compute the vectors of places; see ``study.contracts.Model.embed``."""
        vectors: dict[str, Array] = {}
        with limited_threads(self.threads):
            if any(not view.startswith("averaged") for view in views):
                states = self._in_context(sentences, places)  # (l + 1, n, d)
                vectors |= dict(zip(self.views("target"), states, strict=True))
            if any(view.startswith("averaged") for view in views):
                states = self._averaged(sentences, places)  # (l, n, d)
                vectors |= {f"averaged-{number}": state for number, state in enumerate(states, start=1)}
                vectors["averaged"] = states.mean(axis=0)
        return {view: vectors[view] for view in views}

    def _in_context(self, sentences: Sequence[Sentence], places: Array) -> Array:
        """Return the vectors of places in their sentences, ``ndarray of shape (l + 1, n, d), float32``."""
        readout = self._readout(len(places))
        words = [self._identifiers(sentence) for sentence in sentences]
        for row, (number, start, stop) in enumerate(places.tolist()):
            readout.add(row, words[number], start, stop)
        return readout.read(self.encoder)

    def _averaged(self, sentences: Sequence[Sentence], places: Array) -> Array:
        """Return the vectors of bare words over their occurrences, ``ndarray of shape (l, n, d), float32``, NaN elsewhere."""
        asked = [
            int(self._identifiers(sentences[number])[0]) if level_of(sentences[number], (start, stop)) == "word" else -1
            for number, start, stop in places.tolist()
        ]
        known = sorted({word for word in asked if 0 <= word < len(self.corpus.vocabulary)})
        row_of = {word: row for row, word in enumerate(known)}
        readout = self._readout(len(known) + 1)  # the last row stays empty: it is NaN
        offsets = self.corpus.sentence_offsets("training")
        for word, occurrences in self.corpus.occurrences(known, self.occurrences, self.seed).items():
            for sentence, place in occurrences.tolist():
                readout.add(row_of[word], self.corpus.ids("training", *offsets[sentence : sentence + 2]), place, place + 1)
        rows = [row_of.get(word, len(known)) for word in asked]
        return readout.read(self.encoder)[1:, rows]

    def _readout(self, rows: int) -> Readout:
        return Readout(Symbols(len(self.corpus.vocabulary)), self.length, rows)

    def _identifiers(self, sentence: Sentence) -> Array:
        """Return the vocabulary identifiers of words, the unknown word's where unknown: shape (t,), int64."""
        vocabulary = self.corpus.vocabulary
        found = (vocabulary.index(word) for word in sentence)
        return np.array([len(vocabulary) if identifier is None else identifier for identifier in found], np.int64)

    def lexicons(self) -> Mapping[str, Lexicon]:
        """Return the embedding table."""
        words = self.corpus.vocabulary.words
        return {"input": Lexicon(words, self.encoder.table.weight[: len(words)].detach().cpu().numpy())}


@dataclass(kw_only=True)
class Transformer(Contextual, Regimen):
    """A Transformer encoder trained on a corpus.

    Its settings are those of ``Contextual``, those of ``Regimen``, and

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
        self.encoder, self.corpus = encoder.eval(), corpus
        return self


@dataclass(kw_only=True)
class Untrained(Contextual):
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
        self.encoder, self.corpus = encoder.eval(), corpus
        return self


def begin_with(encoder: Encoder, vectors: Array, *, frozen: bool) -> None:
    """Let an encoder's embedding table start from type vectors, scaled so that their numbers spread as the random ones did.

    Parameters
    ----------
    encoder : Encoder
    vectors : ndarray of shape (v, d), float32
        Of the vocabulary in its order.
    frozen : bool
        Whether training leaves them as they are.

    Raises
    ------
    StudyError
        Where they are not as wide as the encoder, or of another vocabulary.
    """
    table = encoder.table.weight
    wanted = (encoder.words, table.shape[1])
    if vectors.shape != wanted:
        raise StudyError(
            f"start: expected {wanted[0]} vectors of width {wanted[1]} to start from, found {vectors.shape[0]} of "
            f"{vectors.shape[1]}: give both models the same vocabulary and size."
        )
    with torch.no_grad():
        table[: encoder.words] = torch.from_numpy(vectors * (float(table.std()) / vectors.std())).to(table)
    if frozen:
        trained = torch.arange(len(table), device=table.device)[:, None] >= encoder.words  # (v + symbols, 1)
        table.register_hook(lambda gradient: gradient * trained.to(gradient.device))
