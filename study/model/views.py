"""Ways of reading a vector out of a static model: ``word``, ``context`` and ``word+context``.

A static model has one vector per word type. The ``context`` view still makes it sensitive to the sentence: it is the weighted
mean of the *other* words' vectors, rare words counting more. It is the strong static baseline that an encoder has to beat.

References
----------
Arora, Liang & Ma (2017), A Simple but Tough-to-Beat Baseline for Sentence Embeddings, ICLR: the weight a / (a + p(w)).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from study.contracts import Array, Level, Lexicon, Sentence, Vocabulary
from study.model.places import level_of

STATIC_VIEWS: dict[Level, tuple[str, ...]] = {
    "word": ("word",),
    "target": ("word", "context", "word+context"),
    "sentence": ("word",),
    "vocabulary": ("word",),
}


class _HasTypeVectors(Protocol):
    vocabulary: Vocabulary
    vectors: Array
    context_words: int
    context_smoothing: float


class StaticViews:
    """The views of a model with a ``vocabulary`` and ``vectors`` of shape (v, d), one row per word type.

    The settings ``context_words`` (words taken on each side of the span) and ``context_smoothing`` (the constant a, a relative
    frequency) belong to the model that inherits from this class.
    """

    def views(self, level: Level) -> tuple[str, ...]:
        """Name the views that apply to a level."""
        return STATIC_VIEWS[level]

    def lexicons(self: _HasTypeVectors) -> Mapping[str, Lexicon]:
        """Return the type vectors of the whole vocabulary."""
        return {"word": Lexicon(self.vocabulary.words, self.vectors)}

    def embed(self: _HasTypeVectors, sentences: Sequence[Sentence], places: Array, views: Sequence[str]) -> Mapping[str, Array]:
        """Compute the vectors of places; see ``study.contracts.Model.embed``.

        Returns
        -------
        mapping of str to ndarray of shape (n, d) or (n, 2 d) for ``word+context``, float32
        """
        identifiers = [known_words(self.vocabulary, sentence) for sentence in sentences]
        weight = _weights(self.vocabulary, self.context_smoothing)
        width = self.vectors.shape[1]
        word = np.full((len(places), width), np.nan, np.float32)
        context = np.full((len(places), width), np.nan, np.float32)
        for row, (number, start, stop) in enumerate(places):
            words = identifiers[number]
            inside = words[start:stop]
            inside = inside[inside >= 0]
            if len(inside) == 0:
                continue
            word[row] = self.vectors[inside].mean(axis=0)
            if "context" not in STATIC_VIEWS[level_of(sentences[number], (start, stop))]:
                continue
            before = words[max(0, start - self.context_words) : start]
            outside = np.concatenate([before, words[stop : stop + self.context_words]])
            outside = outside[outside >= 0]
            if len(outside):
                context[row] = np.average(self.vectors[outside], axis=0, weights=weight[outside])
        arrays = {"word": word, "context": context}
        if "word+context" in views:
            both = np.concatenate([_normalised(word), _normalised(context)], axis=1)
            both[np.isnan(both).any(axis=1)] = np.nan
            arrays["word+context"] = both
        return {view: arrays[view] for view in views}


def known_words(vocabulary: Vocabulary, sentence: Sentence) -> Array:
    """Return the identifiers of a sentence's words, -1 where unknown, ``ndarray of shape (t,), int64``."""
    found = (vocabulary.index(word) for word in sentence)
    return np.array([-1 if identifier is None else identifier for identifier in found], np.int64)


def _weights(vocabulary: Vocabulary, smoothing: float) -> Array:
    """Return a / (a + p(w)) for each word of the vocabulary."""
    counts = np.asarray(vocabulary.counts, float)
    return smoothing / (smoothing + counts / counts.sum())


def _normalised(vectors: Array) -> Array:
    """Return rows of length one; an all-zero row stays zero."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length != 0)
