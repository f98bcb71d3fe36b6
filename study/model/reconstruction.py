"""Sequence-to-sequence reconstruction: an encoder reads a damaged sentence, a decoder says the whole sentence again.

The damage is that some words are shown as the mask symbol and others are left out. The views are the encoder's states; the
decoder (see ``study.model.decoder``) is needed for training and for ``study.model.fidelity``, which measures how much of a
sentence comes through, by its length.

References
----------
Vincent et al. (2008), Extracting and composing robust features with denoising autoencoders, doi:10.1145/1390156.1390294.
Hill, Cho & Korhonen (2016), Learning distributed representations of sentences from unlabelled data, doi:10.18653/v1/N16-1162
(sequential denoising autoencoders). Lewis et al. (2020), BART, doi:10.18653/v1/2020.acl-main.703 (Transformers).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from study.contracts import Array, Observe, Sentence, StudyError
from study.corpus import EncodedCorpus
from study.model.anatomy import Anatomy
from study.model.asking import Asked, Asking
from study.model.contextual import Built
from study.model.decoder import Reconstructor, RecurrentReconstructor, TransformerReconstructor
from study.model.fidelity import fidelity
from study.model.maps import AttentionMap, decoder_map, encoder_map
from study.model.recurrence import Recurrence
from study.model.regimen import limited_threads
from study.model.sequences import Symbols, alike, apart


def damaged(
    pieces: Array, lengths: Array, symbols: Symbols, random: np.random.Generator, *, masked: float, dropped: float
) -> tuple[Array, Array]:
    """Hide some words of sentences and leave others out; boundaries stay.

    Parameters
    ----------
    pieces, lengths : ndarrays of shape (b, t) and (b,), int64
        See ``study.model.sequences.apart``.
    masked, dropped : float
        Share of the words that are shown as the mask symbol, and share that is left out.

    Returns
    -------
    pieces, lengths : ndarrays of shape (b, t of the longest) and (b,), int64
    """
    places, ends = np.arange(pieces.shape[1]), lengths[:, None]
    inside = (places > 0) & (places < ends - 1)  # (b, t)
    fate = random.random(pieces.shape)
    shown = np.where(inside & (fate < masked), symbols.mask, pieces)
    kept = (places < ends) & ~(inside & (fate >= masked) & (fate < masked + dropped))  # (b, t)
    left = kept.sum(axis=1)  # (b,)
    closed = np.take_along_axis(shown, np.argsort(~kept, axis=1, kind="stable"), axis=1)  # what is kept, then what is not
    return np.where(places < left[:, None], closed, symbols.boundary)[:, : left.max()], left


class Denoising(Asking):
    """The training of a reconstructor under way.

    Parameters
    ----------
    network : RecurrentReconstructor or TransformerReconstructor
    corpus : EncodedCorpus
    regimen : Reconstruction
    """

    network: Reconstructor
    regimen: Reconstruction

    def said(self, words: Array, segments: Array, random: np.random.Generator, share: float) -> tuple[Tensor, Tensor]:
        """Return the vectors that score a share of the known words, (n, d), and these words, (n,)."""
        symbols, regimen = self.training.symbols, self.regimen
        pieces, lengths = apart(words, segments, symbols)
        shown, left = damaged(pieces, lengths, symbols, random, masked=regimen.masked, dropped=regimen.dropped)
        asked = (pieces[:, 1:] < symbols.words) & (random.random(pieces[:, 1:].shape) < share)  # of the word after each
        vectors, targets = [], []
        for group, longest in alike(lengths):
            arrays = (shown[group, : left[group].max()], left[group], pieces[group, :longest], asked[group, : longest - 1])
            read, ends, whole, wanted = (torch.from_numpy(array).to(self.fabric.device) for array in arrays)
            x = self.network.decode(self.network.encode(read, ends), whole[:, :-1])  # (b, u, d)
            vectors.append(x[wanted])
            targets.append(whole[:, 1:][wanted])
        return torch.cat(vectors), torch.cat(targets)


@dataclass(kw_only=True)
class Reconstruction(Built, Asked):
    """A model that learns by saying damaged sentences again: all but its network.

    Its settings are those of ``Built`` and of ``Asked``, and

    Parameters
    ----------
    length : int
        Longest sequence, words, boundary symbols included. Training reads rows of that length, cut anywhere: of a sentence that
        lies across two rows each piece is said again by itself.
    masked : float
        Share of a sentence's words that the encoder reads as the mask symbol.
    dropped : float
        Share of a sentence's words that are left out of what the encoder reads.
    measured_lengths : sequence of int
        Lengths of sentences, words, up to which reconstruction is measured, one row of its table each.
    measured_sentences : int
        Sentences of the development part of each row, at most.

    Attributes
    ----------
    tables : mapping of str to DataFrame
        ``reconstruction``: see ``study.model.fidelity.fidelity``.
    """

    length: int
    masked: float
    dropped: float
    measured_lengths: Sequence[int]
    measured_sentences: int

    version: ClassVar[int] = 3
    tables: Mapping[str, pd.DataFrame] = field(init=False, repr=False, compare=False, default_factory=dict)

    def check(self) -> None:
        """Raise StudyError where settings do not fit together."""
        super().check()
        self.check_regimen()

    def check_regimen(self) -> None:
        """Raise StudyError where the choices do not fit together."""
        super().check_regimen()
        if min(self.masked, self.dropped) < 0 or self.masked + self.dropped >= 1:
            raise StudyError(f"masked and dropped are shares that sum to less than 1, not {self.masked} and {self.dropped}.")
        if self.length < 4:
            raise StudyError(f"length must be at least 4, two words and their boundaries, not {self.length}.")
        if list(self.measured_lengths) != sorted(set(self.measured_lengths)) or min(self.measured_lengths, default=1) < 1:
            raise StudyError(f"measured_lengths are numbers of words that grow, not {list(self.measured_lengths)}.")

    def fit(self, corpus: EncodedCorpus, *, folder: Path, observe: Observe) -> Self:
        """Train within the budget, from the checkpoint in ``folder`` if there is one, and measure what can be said again.

        Raises
        ------
        StudyError
            Where settings do not fit together, the training part is empty, or the loss is no longer finite.
        """
        self.check()
        with limited_threads(self.threads), torch.random.fork_rng():
            network = self._start(corpus)
            self._take(network, corpus)
            training = Denoising(network, corpus, self)
            self.history, self.effort = training.run(folder, observe), training.effort()
            ends = [length for length in self.measured_lengths if length <= self.length - 2]
            measured = fidelity(network, corpus, ends, self.measured_sentences, self.seed)
        self.tables = {"reconstruction": measured}
        return self

    def save(self, folder: Path) -> None:
        """Write the weights, the settings and the learning curve, and each table as ``<name>.csv``; see ``Built.save``."""
        super().save(folder)
        for name, table in self.tables.items():
            table.to_csv(folder / f"{name}.csv", index=False)

    def load(self, folder: Path, corpus: EncodedCorpus) -> Self:
        """Read what ``save`` wrote; see ``Built.load``. A model that was kept while it learned has no tables."""
        super().load(folder, corpus)
        self.tables = {path.stem: pd.read_csv(path) for path in sorted(folder.glob("*.csv"))}
        return self


@dataclass(kw_only=True)
class RecurrentReconstruction(Recurrence, Reconstruction):
    """Reconstruction by recurrent networks.

    Its settings are those of ``Recurrence``, of ``Reconstruction``, and

    Parameters
    ----------
    attention : bool
        Whether the decoder looks at all states of the encoder; without, one vector is all that passes.
    """

    attention: bool

    def network(self, symbols: int, frequencies: Tensor) -> nn.Module:
        """Return a reconstructor with random weights; see ``Built.network``."""
        return RecurrentReconstructor(self, self.attention, symbols, frequencies)

    def attends(self) -> bool:
        """Say whether its decoder looks at the encoder's states."""
        return self.attention

    def attention_maps(self, sentence: Sentence) -> list[AttentionMap]:
        """Return where the decoder looks; see ``study.model.maps.Attends``."""
        with limited_threads(self.threads):
            return [decoder_map(self.encoder, Symbols(len(self.vocabulary)), sentence, self._identifiers(sentence))]


@dataclass(kw_only=True)
class TransformerReconstruction(Anatomy, Reconstruction):
    """Reconstruction by a Transformer encoder and decoder; its settings are those of ``Anatomy`` and of ``Reconstruction``."""

    @property
    def layers(self) -> int:
        """Number of blocks of the encoder."""
        return self.blocks

    def network(self, symbols: int, frequencies: Tensor) -> nn.Module:
        """Return a reconstructor with random weights; see ``Built.network``."""
        return TransformerReconstructor(self.plain(), symbols, frequencies)

    def attends(self) -> bool:
        """Say yes: its encoder does, and its decoder."""
        return True

    def attention_maps(self, sentence: Sentence) -> list[AttentionMap]:
        """Return the encoder's map and the decoder's; see ``study.model.maps.Attends``."""
        symbols, identifiers = Symbols(len(self.vocabulary)), self._identifiers(sentence)
        with limited_threads(self.threads):
            own = encoder_map(self.encoder.encoder, symbols, sentence, identifiers)
            return [own, decoder_map(self.encoder, symbols, sentence, identifiers)]
