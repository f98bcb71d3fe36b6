"""What every network of this study that reads words in their sentence has: it is asked for vectors, and kept in a folder.

Its views are those of ``study.model.layers``: ``input`` is the rows of the embedding table, without position or context; a layer
is what ``study.model.readout.Network.states`` gives, of a Transformer the residual stream after a block, the last one
normalised, as the output reads it.
"""

from __future__ import annotations

import copy
import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from study.contracts import Array, Level, Lexicon, Moment, Sentence, StudyError, Vocabulary
from study.corpus import EncodedCorpus
from study.model.effort import Effort, read_effort, write_effort
from study.model.history import read_history, write_history
from study.model.layers import Layered
from study.model.readout import Reading, Readout, bare_words
from study.model.regimen import choose_fabric
from study.model.sequences import Stream, Symbols


@dataclass(kw_only=True)
class Contextual(Layered):
    """A network with weights and the vocabulary it reads, asked for vectors; how it came about is left to its kinds.

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

    version: ClassVar[int] = 3

    occurrences: int = field(metadata={"view": True})
    seed: int
    device: str = field(metadata={"resource": True})
    threads: int | None = field(metadata={"resource": True})

    encoder: Any = field(init=False, repr=False, compare=False)
    vocabulary: Vocabulary = field(init=False, repr=False, compare=False)
    corpus: EncodedCorpus = field(init=False, repr=False, compare=False)
    history: list[Moment] = field(init=False, repr=False, compare=False, default_factory=list)

    def check(self) -> None:
        """Raise StudyError where settings do not fit together."""
        super().check()
        if not 0 <= self.seed < 2**63:
            raise StudyError(f"seed must be 0 or more and below 2**63, not {self.seed}.")

    @property
    def parameters(self) -> int:
        """Number of trained numbers."""
        return sum(weight.numel() for weight in self.encoder.parameters())

    def views(self, level: Level) -> tuple[str, ...]:
        """Name the views that apply to a level."""
        return ("input",) if level == "vocabulary" else super().views(level)

    def _in_context(self, sentences: Sequence[Sentence], places: Array) -> list[Array]:
        readout = self._readout(len(places))
        read = self._readings(sentences)
        for row, (number, start, stop) in enumerate(places.tolist()):
            readout.add(row, read[number], start, stop)
        return readout.read(self.encoder)

    def _averaged(self, sentences: Sequence[Sentence], places: Array) -> list[Array]:
        row_of, rows = bare_words(sentences, places, self.corpus.vocabulary)
        readout = self._readout(len(row_of) + 1)  # the last row stays empty: it is NaN
        offsets = self.corpus.sentence_offsets("training")
        for word, occurrences in self.corpus.occurrences(row_of, self.occurrences, self.seed).items():
            for sentence, place in occurrences.tolist():
                readout.add(row_of[word], self._training_reading(*offsets[sentence : sentence + 2]), place, place + 1)
        return [layer[rows] for layer in readout.read(self.encoder)[1:]]

    def _readings(self, sentences: Sequence[Sentence]) -> list[Reading]:
        """Return sentences as the network reads them."""
        return [Reading.of_words(self._identifiers(sentence), len(self.vocabulary)) for sentence in sentences]

    def _training_reading(self, start: int, stop: int) -> Reading:
        """Return words of the training part as the network reads them."""
        return Reading.of_words(self._training_words(start, stop), len(self.vocabulary))

    def _training_words(self, start: int, stop: int) -> Array:
        """Return the identifiers of words of the training part."""
        return self.corpus.ids("training", start, stop)

    def _symbols(self) -> Symbols:
        """Return what the network reads."""
        return Symbols(len(self.vocabulary))

    def _readout(self, rows: int) -> Readout:
        return Readout(self._symbols(), self.encoder.length, rows)

    def _identifiers(self, sentence: Sentence) -> Array:
        """Return the vocabulary identifiers of words, the unknown word's where unknown: shape (t,), int64."""
        found = (self.vocabulary.index(word) for word in sentence)
        return np.array([len(self.vocabulary) if identifier is None else identifier for identifier in found], np.int64)

    def lexicons(self) -> Mapping[str, Lexicon]:
        """Return the embedding table."""
        words = self.vocabulary.words
        return {"input": Lexicon(words, self.encoder.table.weight[: len(words)].detach().cpu().numpy())}


@dataclass(kw_only=True)
class Built(Contextual):
    """A network that is built for a corpus's vocabulary and kept in a folder: all of a model but its parts and its training."""

    effort: Effort | None = field(init=False, repr=False, compare=False, default=None)

    @property
    def resources(self) -> dict[str, str | int]:
        """The device, its threads and, of a network that was trained, its precision, its operations and the machine's peak.

        Of a network that was trained they are those of its training, wherever it is asked now.
        """
        noted = {} if self.effort is None else asdict(self.effort)
        return {**super().resources, **{name: value for name, value in noted.items() if value is not None}}

    @abstractmethod
    def network(self, symbols: int, frequencies: Tensor) -> nn.Module:
        """Return a network with random weights, see ``study.model.readout.Network``.

        Parameters
        ----------
        symbols : int
            Rows of the embedding table: the vocabulary first, then the extra symbols.
        frequencies : Tensor of shape (v,), float32
            Relative frequency of every word.
        """

    def check(self) -> None:
        """Raise StudyError where settings do not fit together."""
        super().check()
        self.check_anatomy()

    @abstractmethod
    def check_anatomy(self) -> None:
        """Raise StudyError where the parts of the network do not fit together."""

    def _start(self, corpus: Stream) -> Any:
        """Return a network with random weights for what it reads of a corpus."""
        torch.manual_seed(self.seed)
        counts = torch.from_numpy(np.maximum(corpus.vocabulary.counts, 1).astype(np.float32))
        return self.network(len(Symbols(len(counts))), counts / counts.sum())

    def fresh(self) -> Any:
        """Return the network as it was before its training: with the random weights of its seed."""
        with torch.random.fork_rng():
            return self._start(self._as_read(self.corpus))

    def save(self, folder: Path) -> None:
        """Write the weights, the settings, the learning curve and the effort.

        ``weights.safetensors`` holds float32 tensors by the names of the network's parameters; the rows of its table of words
        are the vocabulary in its order, then the unknown word, the mask and the boundary. ``settings.json`` holds the settings
        under ``settings`` and the size of the vocabulary under ``words``.
        """
        write_weights(self.encoder, folder)
        settings = {f.name: getattr(self, f.name) for f in fields(self) if f.init and not f.metadata.get("resource")}
        document = {"settings": settings, "words": len(self.vocabulary)}
        (folder / "settings.json").write_text(json.dumps(document, indent=2), encoding="utf-8")
        write_history(folder, self.history)
        write_effort(folder, self.effort)

    def keep(self, history: list[Moment], folder: Path) -> None:
        """Write what the network is now, while it learns, and its curve so far as a model of its own."""
        model = copy.copy(self)
        model.history = history
        model.save(folder)

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
            network = self._start(self._stream(folder, corpus))
        take_weights(network, folder, "train the encoder again")
        choose_fabric(self.device, "float32").to_device(network)
        self.history, self.effort = read_history(folder), read_effort(folder)
        self._take(network, corpus)
        return self

    def _as_read(self, corpus: EncodedCorpus) -> Stream:
        """Return a corpus as the network reads it."""
        return corpus

    def _stream(self, folder: Path, corpus: EncodedCorpus) -> Stream:
        """Return a corpus as the network that is kept in a folder reads it."""
        return corpus

    def _take(self, network: nn.Module, corpus: EncodedCorpus) -> None:
        """Read with a network from now on, and read the words of a corpus."""
        self.encoder, self.corpus, self.vocabulary = network.eval(), corpus, corpus.vocabulary


def write_weights(network: nn.Module, folder: Path) -> None:
    """Write ``weights.safetensors``."""
    weights = {name: weight.detach().cpu().contiguous() for name, weight in network.state_dict().items()}
    save_file(weights, folder / "weights.safetensors")


def take_weights(network: nn.Module, folder: Path, remedy: str) -> None:
    """Read what ``write_weights`` wrote into a network of the same parts and vocabulary.

    Raises
    ------
    StudyError
        Where the weights do not fit; it tells the remedy.
    """
    try:
        network.load_state_dict(load_file(folder / "weights.safetensors"))
    except (RuntimeError, SafetensorError) as error:
        raise StudyError(f"The weights in {folder} do not fit the settings ({error}): {remedy}.") from error
