"""What the insides of trained encoders are measured on: the same sentences of the development part each time.

An encoder is looked at twice: as it is, and as it was before its training, with the weights that its seed drew and, where its
table started from the vectors of another model, with these.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from study.contracts import Array, Model, Moment, Observe, StudyError
from study.corpus import EncodedCorpus
from study.model.encoder import Transformer
from study.model.objective import Masked, mask
from study.model.pretraining import VALIDATION_RATE
from study.model.regimen import limited_threads
from study.model.sequences import Sequences, Symbols
from study.model.transformer import Encoder
from study.model.units import WORDS

STAGES = ("start", "trained")
"""When an encoder is looked at."""


def reads_words(model: Model) -> bool:
    """Say whether a model is a trained Transformer encoder of words, whose start is known.

    One of sub-words is none: other things would be hidden from it and asked of it, and its losses and gradients could not be set
    beside those of words. Nor is one that started from vectors of another model and was not handed these.
    """
    if not isinstance(model, Transformer) or model.units != WORDS:
        return False
    return model.start is None or model.first is not None


def stages(model: Transformer) -> Iterator[tuple[str, Encoder]]:
    """Yield ``start`` and ``trained`` with an encoder each: copies, which may be changed, in use, not in training."""
    yield "start", model.fresh().to(model.encoder.table.weight.device).eval()
    yield "trained", copy.deepcopy(model.encoder).eval()


@dataclass(frozen=True, kw_only=True)
class OfEncoders:
    """What all instruments share that look at a Transformer encoder before and after its training."""

    def fits(self, model: Model) -> bool:
        """Say whether a model is a trained Transformer encoder of words; see ``reads_words``."""
        return reads_words(model)

    def encoders(self, model: Transformer, observe: Observe) -> Iterator[tuple[str, Encoder]]:
        """Yield what ``stages`` does, computing with the model's threads, and tell after each stage that it is done."""
        begun = time.perf_counter()
        with limited_threads(model.threads):
            for number, (stage, encoder) in enumerate(stages(model), start=1):
                yield stage, encoder
                observe(Moment(number, len(STAGES), time.perf_counter() - begun))


def hidden_words(model: Transformer, corpus: EncodedCorpus, *, words: int, rows: int, seed: int) -> list[Masked]:
    """Hide words of rows that are spread evenly over the development part, as validation does.

    Parameters
    ----------
    model : Transformer
        Its length and context make the rows.
    corpus : EncodedCorpus
    words : int
        Words and boundaries in all, about.
    rows : int
        Rows of each batch.
    seed : int
        Of the words that are hidden.
    """
    development = Sequences(corpus, "development", length=model.length, context=model.context)
    random = np.random.default_rng(seed)
    device = model.encoder.table.weight.device
    return [
        mask(*batch, development.symbols, random, rate=VALIDATION_RATE, hidden=1.0, replaced=0.0).to(device)
        for batch in development.batches(development.evenly(words), rows)
    ]


def whole_sentences(model: Transformer, corpus: EncodedCorpus, *, shortest: int, number: int, seed: int) -> list[Tensor]:
    """Draw sentences of the development part that the encoder reads whole, between two boundaries.

    Parameters
    ----------
    model : Transformer
    corpus : EncodedCorpus
    shortest : int
        Words of the shortest sentence.
    number : int
        Sentences, at most.
    seed : int
        Of the draw.

    Returns
    -------
    list of Tensors of shape (b, t), int64
        The sentences of each length together, boundaries included.

    Raises
    ------
    StudyError
        Where there are not even two.
    """
    offsets = np.asarray(corpus.sentence_offsets("development"))
    lengths = np.diff(offsets)
    fitting = np.flatnonzero((lengths >= shortest) & (lengths <= model.length - 2))
    if len(fitting) < 2:
        raise StudyError(
            f"The development part of corpus {corpus.name} has {len(fitting)} sentences of {shortest} to {model.length - 2} "
            "words: an instrument needs two. Take a larger corpus, or another length of sentence."
        )
    drawn = np.sort(np.random.default_rng(seed).permutation(fitting)[:number])
    boundary = np.array([Symbols(len(corpus.vocabulary)).boundary])
    by_length: dict[int, list[Array]] = {}
    for sentence in drawn:
        words = corpus.ids("development", *offsets[sentence : sentence + 2])
        by_length.setdefault(len(words), []).append(np.concatenate([boundary, words, boundary]).astype(np.int64))
    device = model.encoder.table.weight.device
    return [torch.from_numpy(np.stack(rows)).to(device) for _, rows in sorted(by_length.items())]


def error_of_mean(values: Array) -> float:
    """Return the standard error of the mean of independent values; not a number with fewer than two."""
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else np.nan
