"""The Transformer as a model of the study: trained on a corpus, or as it is before training.

How it is kept and asked for vectors it shares with all models that have vectors in context: ``study.model.contextual``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from study.contracts import Array, Lexicon, Observe, StudyError
from study.corpus import EncodedCorpus
from study.model.anatomy import Anatomy
from study.model.contextual import Contextual
from study.model.pretraining import Pretraining
from study.model.regimen import Regimen, choose_fabric, limited_threads
from study.model.transformer import Encoder


@dataclass(kw_only=True)
class Attentive(Anatomy, Contextual):
    """A contextual model whose encoder is a Transformer's; its settings are those of ``Contextual`` and of ``Anatomy``."""

    @property
    def layers(self) -> int:
        """Number of blocks."""
        return self.blocks

    def network(self, symbols: int, frequencies: Tensor) -> nn.Module:
        """Return an encoder with random weights; see ``Contextual.network``."""
        return Encoder(self, symbols, frequencies)


@dataclass(kw_only=True)
class Transformer(Attentive, Regimen):
    """A Transformer encoder trained on a corpus.

    Its settings are those of ``Attentive``, those of ``Regimen``, and

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
class Untrained(Attentive):
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
