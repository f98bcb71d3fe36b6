"""What every model with vectors in context has: it is kept in a folder and asked for vectors.

Views of a model with L layers (see the design of views in ``study.contracts``):

- ``input``: the rows of the embedding table, without position or context;
- ``layer-1`` … ``layer-L``: the words in their sentence, as a layer's vectors; of a Transformer the residual stream after each
  block, the last one normalised, as the output reads it; for a bare word, the one-word sentence ("out of context");
- ``averaged-1`` … ``averaged-L``, ``averaged``: type vectors, for bare words: the mean of a layer over some of the word's
  occurrences in the training part, and the mean of these over all layers.

References
----------
Bommasani, Davis & Cardie (2020), Interpreting pretrained contextualized representations via reductions to static embeddings,
doi:10.18653/v1/2020.acl-main.431 (``averaged``).
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from study.contracts import Array, Level, Lexicon, Moment, Sentence, StudyError
from study.corpus import EncodedCorpus
from study.model.history import read_history, write_history
from study.model.places import level_of
from study.model.readout import Readout
from study.model.regimen import choose_fabric, limited_threads
from study.model.sequences import Symbols


@dataclass(kw_only=True)
class Contextual(ABC):
    """A network that reads words in their sentence, asked for vectors: all of such a model but its parts and how it is trained.

    Parameters
    ----------
    length : int
        Longest sequence, words, boundary symbols included.
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

    length: int
    occurrences: int = field(metadata={"view": True})
    seed: int
    device: str = field(metadata={"resource": True})
    threads: int | None = field(metadata={"resource": True})

    encoder: Any = field(init=False, repr=False, compare=False)
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

    @property
    @abstractmethod
    def layers(self) -> int:
        """Number of layers that vectors are read out of, the table of words not counted."""

    @abstractmethod
    def network(self, symbols: int, frequencies: Tensor) -> nn.Module:
        """Return a network with random weights, see ``study.model.readout.Reader``.

        Parameters
        ----------
        symbols : int
            Rows of the embedding table: the vocabulary first, then the extra symbols.
        frequencies : Tensor of shape (v,), float32
            Relative frequency of every word.
        """

    @abstractmethod
    def check_anatomy(self) -> None:
        """Raise StudyError where the parts of the network do not fit together."""

    def _start(self, corpus: EncodedCorpus) -> Any:
        """Return a network with random weights for a corpus's vocabulary."""
        torch.manual_seed(self.seed)
        counts = torch.from_numpy(np.maximum(corpus.vocabulary.counts, 1).astype(np.float32))
        return self.network(len(Symbols(len(counts))), counts / counts.sum())

    def save(self, folder: Path) -> None:
        """Write the weights, the settings and the learning curve.

        ``weights.safetensors`` holds float32 tensors by the names of the network's parameters; the rows
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
        layers = range(1, self.layers + 1)
        if level == "vocabulary":
            return ("input",)
        in_context = ("input", *(f"layer-{number}" for number in layers))
        return (*in_context, *(f"averaged-{number}" for number in layers), "averaged") if level == "word" else in_context

    def embed(self, sentences: Sequence[Sentence], places: Array, views: Sequence[str]) -> Mapping[str, Array]:
        """Compute the vectors of places; see ``study.contracts.Model.embed``."""
        vectors: dict[str, Array] = {}
        with limited_threads(self.threads):
            if any(not view.startswith("averaged") for view in views):
                states = self._in_context(sentences, places)  # l + 1 of (n, d)
                vectors |= dict(zip(self.views("target"), states, strict=True))
            if any(view.startswith("averaged") for view in views):
                states = self._averaged(sentences, places)  # l of (n, d)
                vectors |= {f"averaged-{number}": state for number, state in enumerate(states, start=1)}
                vectors["averaged"] = np.mean(states, axis=0)
        return {view: vectors[view] for view in views}

    def _in_context(self, sentences: Sequence[Sentence], places: Array) -> list[Array]:
        """Return the vectors of places in their sentences, l + 1 ndarrays of shape (n, d), float32."""
        readout = self._readout(len(places))
        words = [self._identifiers(sentence) for sentence in sentences]
        for row, (number, start, stop) in enumerate(places.tolist()):
            readout.add(row, words[number], start, stop)
        return readout.read(self.encoder)

    def _averaged(self, sentences: Sequence[Sentence], places: Array) -> list[Array]:
        """Return the vectors of bare words over their occurrences, l ndarrays of shape (n, d), float32, NaN elsewhere."""
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
        return [layer[rows] for layer in readout.read(self.encoder)[1:]]

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
