"""An instrument: what single attention heads tell of the words around, asked by a linear probe.

What a head adds to a word is asked for the frequency class of a word beside it, or of the word itself: a quarter of the training
text each, from the most frequent words to the rarest. A head that looks one word back can tell the class of the word before. The
same probe on what the head adds to *other* words, shuffled, is the floor: it can only learn how frequent each class is.

The probe is a ridge regression onto the classes. It learns from one half of the sentences and is asked about the other, then the
other way round.

References
----------
Clark, Khandelwal, Levy & Manning (2019), What does BERT look at?, arXiv:1906.04341 (heads that look at the word before or after).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from study.contracts import Array, Observe
from study.corpus import EncodedCorpus
from study.instrument.development import OfEncoders, whole_sentences
from study.model.encoder import Transformer
from study.model.transformer import Encoder

CLASSES = 4
QUESTIONS = {"the word before": -1, "the word itself": 0, "the word after": 1}
"""Whose frequency class is asked for -> how far from the word it stands."""


@dataclass(frozen=True, kw_only=True)
class HeadProbe(OfEncoders):
    """Probes every head of every encoder, before and after its training, and the same heads shuffled.

    Parameters
    ----------
    sentences : int
        Sentences of the development part, at most.
    shortest : int
        Words of the shortest, at least 3.
    penalty : float
        Of the ridge regression, per word and in units of the mean variance of the numbers it reads.
    seed : int
        Of the sentences, the halves and the shuffling.
    """

    version: ClassVar[int] = 2

    sentences: int
    shortest: int
    penalty: float
    seed: int

    def measure(self, model: Transformer, corpus: EncodedCorpus, observe: Observe) -> Mapping[str, pd.DataFrame]:
        """Return ``head_probes``: ``stage, block, head, question, shuffled, value, error, n``, the share of n words right."""
        rows = []
        groups = whole_sentences(model, corpus, shortest=max(3, self.shortest), number=self.sentences, seed=self.seed)
        classes, sentence = asked(groups, frequency_classes(corpus.vocabulary.counts))
        half = np.random.default_rng(self.seed).permutation(sentence.max() + 1)[sentence] % 2
        for stage, encoder in self.encoders(model, observe):
            for (block, head), told in added(encoder, groups).items():
                for shuffled in (False, True):
                    read = shuffle(told, half, self.seed) if shuffled else told
                    right = {name: self.probe(read, gold, half) for name, gold in classes.items()}
                    scores = {name: share(found, sentence) for name, found in right.items()}
                    rows += [(stage, block, head, name, shuffled, *score) for name, score in scores.items()]
        columns = ["stage", "block", "head", "question", "shuffled", "value", "error", "n"]
        return {"head_probes": pd.DataFrame(rows, columns=columns)}

    def probe(self, told: Array, gold: Array, half: Array) -> Array:
        """Return which classes are told right from vectors (n, d), each half by what the other taught: (n,), bool."""
        right = np.zeros(len(gold), bool)
        for side in (0, 1):
            learn, ask = half != side, half == side
            mean = told[learn].mean(axis=0)
            x, y = told[learn] - mean, np.eye(CLASSES)[gold[learn]]  # (n, d), (n, classes)
            square = x.T @ x / len(x)
            ridge = self.penalty * np.trace(square) / len(square) + np.finfo(float).tiny
            weights = np.linalg.solve(square + ridge * np.eye(len(square)), x.T @ (y - y.mean(axis=0)) / len(x))
            right[ask] = ((told[ask] - mean) @ weights + y.mean(axis=0)).argmax(axis=1) == gold[ask]
        return right


def frequency_classes(counts: Array) -> Array:
    """Return the class of each word of the vocabulary, and last that of unknown words: shape (v + 1,), int64, 0 most frequent."""
    share = (np.cumsum(counts) - np.asarray(counts) / 2) / np.sum(counts)
    return np.append((share * CLASSES).astype(np.int64), CLASSES - 1)


def asked(groups: list[Tensor], classes: Array) -> tuple[dict[str, Array], Array]:
    """Return the gold classes of each question and the sentence of each word that has a word on either side: (n,) each."""
    gold: dict[str, list[Array]] = {name: [] for name in QUESTIONS}
    sentence, first = [], 0
    for words in groups:
        b, t = words.shape
        inner = classes[words[:, 1:-1].cpu().numpy()]  # (b, t - 2): without the boundaries
        for name, away in QUESTIONS.items():
            gold[name].append(inner[:, 1 + away : t - 3 + away].reshape(-1))
        sentence.append(np.repeat(np.arange(first, first + b), t - 4))
        first += b
    return {name: np.concatenate(parts) for name, parts in gold.items()}, np.concatenate(sentence)


@torch.inference_mode()
def added(encoder: Encoder, groups: list[Tensor]) -> dict[tuple[int, int], Array]:
    """Return what each head adds to the words asked about, by block and head, counted from 1: (n, d), float64."""
    found: dict[tuple[int, int], list[Array]] = {}
    for words in groups:
        for block, heads in enumerate(encoder.attention(words)[1], start=1):  # (b, h, t, d)
            for head, x in enumerate(heads.unbind(1), start=1):
                found.setdefault((block, head), []).append(x[:, 2:-2].flatten(0, 1).double().cpu().numpy())
    return {key: np.concatenate(parts) for key, parts in found.items()}


def shuffle(told: Array, half: Array, seed: int) -> Array:
    """Give every word the vector of another word of its half."""
    random, order = np.random.default_rng(seed), np.arange(len(half))
    for side in (0, 1):
        order[half == side] = random.permutation(order[half == side])
    return told[order]


def share(right: Array, sentence: Array) -> tuple[float, float, int]:
    """Return the share of words told right, its standard error over sentences, and the number of words."""
    value = float(right.mean())
    off = np.bincount(sentence, right - value)  # (sentences,)
    return value, float(np.sqrt(np.square(off).sum() * len(off) / max(1, len(off) - 1)) / len(right)), len(right)
