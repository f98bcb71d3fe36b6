"""Word2Vec's output layer, read as a distribution over the words that could stand in a place.

Letters: c words of a window, n their number, v_c their input vectors, u_w the output vector of word w, h the vector that CBOW
makes of its window (mean or sum of the v_c), P(w) a word's share of the training text.

**CBOW** is trained to tell the word in the middle from noise by the dot product h · u_w. **Skip-gram**, as gensim trains it, puts
the word of the window on the input side and the word in the middle on the output side: v_c · u_w tells w from noise, so a hidden
word is again looked for among the output vectors, once for each word of its window.

**output**: the softmax of the dot products as they are (gensim's ``predict_output_word``); for Skip-gram of their mean over the
window.

**output+frequency**: where noise is drawn k times from N(w) ∝ count(w)^exponent, the loss is least where
``x · u_w = log P'(w | x) - log k N(w)`` (Levy & Goldberg 2014), P' being the distribution in the text that is left after
subsampling, which keeps an occurrence of w with probability s(w): P'(w | x) ∝ P(w | x) s(w). Hence::

    log P(w | x) = x · u_w + b(w) + constant        b(w) = log N(w) - log s(w)

For CBOW x is h. For Skip-gram each word of the window gives one such distribution, and their geometric mean is taken:
``mean over c (v_c · u_w) + b(w)``.

**naive-bayes** (Skip-gram): the words of the window taken as independent of each other given the hidden one::

    P(w | window) ∝ P(w) Π_c P(c | w) ∝ P(w)^(1 - n) Π_c P(w | c)        with P(w | c) as above

**Hierarchical softmax** alone has no noise: the Huffman tree gives log P'(w | x) itself, exactly, in place of the dot product,
and b(w) is -log s(w).

In all of them the constants that do not depend on w vanish when the scores are normalised over the vocabulary. Windows are taken
whole, at most ``window`` known words on each side within the sentence: unknown words are not in gensim's text and are skipped.

References
----------
Mikolov, Sutskever, Chen, Corrado & Dean (2013), Distributed Representations of Words and Phrases, arXiv:1310.4546 (negative
sampling, subsampling, hierarchical softmax). Levy & Goldberg (2014), Neural word embedding as implicit matrix factorization,
NIPS 27.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse, special

from study.contracts import Array, Guesses, Vocabulary
from study.model.guessing import guesses, targets_of

Evidence = Callable[[Array], Array]
"""From vectors of shape (r, d) to what the output layer says of every word, (r, v): dot products or log-probabilities."""


@dataclass(frozen=True, kw_only=True)
class Output:
    """An output layer and the settings it was trained with.

    Attributes
    ----------
    vectors : ndarray of shape (v, d), float32
        Of the words of a window.
    evidence : function of vectors
        ``DotProducts`` or ``Tree``.
    skipgram, mean : bool
        Whether the words of a window are taken one by one; whether CBOW averages them.
    window : int
        Known words on each side.
    offset, prior : ndarray of shape (v,), float32
        b(w), and log P(w).
    """

    vectors: Array
    evidence: Evidence
    skipgram: bool
    mean: bool
    window: int
    offset: Array
    prior: Array

    def guess(self, sentences: Sequence[Array], places: Array, words: Sequence[str], best: int) -> dict[str, Guesses]:
        """Guess the words at places; where the window has no known word there is nothing to guess from.

        Parameters
        ----------
        sentences : sequence of ndarray of shape (t,), int64
            Identifiers of words, -1 where unknown.
        places : ndarray of shape (n, 3), int64
        words : sequence of str
            The vocabulary.
        best : int
            Words named for each place.
        """
        around = [self._around(sentences[number], start) for number, start, _ in places.tolist()]

        def scores(block: slice) -> Mapping[str, torch.Tensor]:
            """Score a block of places, in each way."""
            ways = self._one_by_one(around[block]) if self.skipgram else self._together(around[block])
            return {way: torch.from_numpy(scored) for way, scored in ways.items()}

        return guesses(scores, targets_of(sentences, places), words, best)

    def _around(self, words: Array, at: int) -> Array:
        """Return the known words of a place's window."""
        before, after = words[:at], words[at + 1 :]
        return np.concatenate([before[before >= 0][-self.window :], after[after >= 0][: self.window]])

    def _together(self, around: Sequence[Array]) -> dict[str, Array]:
        sums = np.stack([self.vectors[words].sum(axis=0) for words in around])  # (b, d)
        number = _numbers(around)
        dots = self.evidence(sums / number if self.mean else np.where(number > 0, sums, np.nan))  # (b, v)
        return {"output": dots, "output+frequency": dots + self.offset}

    def _one_by_one(self, around: Sequence[Array]) -> dict[str, Array]:
        number = _numbers(around)
        dots = self._summed(around) / number  # (b, v)
        corrected = dots + self.offset
        return {
            "output": dots,
            "output+frequency": corrected,
            "naive-bayes": number * corrected + (1 - number) * self.prior,
        }

    def _summed(self, around: Sequence[Array]) -> Array:
        """Return the sum, over the words of each window, of what the output layer says: shape (b, v)."""
        if not isinstance(self.evidence, Tree):  # a sum of dot products is the dot product of a sum
            return self.evidence(np.stack([self.vectors[words].sum(axis=0) for words in around]))
        return np.stack([self.evidence(self.vectors[words]).sum(axis=0) for words in around])


def _numbers(around: Sequence[Array]) -> Array:
    """Return how many words each window has, NaN for none: shape (b, 1), float32."""
    return np.array([[len(words) or np.nan] for words in around], np.float32)


@dataclass(frozen=True)
class DotProducts:
    """What negative sampling learns: ``x · u_w`` with ``vectors`` u of shape (v, d)."""

    vectors: Array

    def __call__(self, x: Array) -> Array:
        """Return the dot products of rows x of shape (r, d) with every word's output vector, (r, v)."""
        return x @ self.vectors.T


@dataclass(frozen=True)
class Tree:
    """What hierarchical softmax learns: log P(w | x), the sum of ``log σ(± x · node)`` on the way from the root to w.

    Attributes
    ----------
    nodes : ndarray of shape (v - 1 or more, d), float32
        Vectors of the inner nodes.
    path, turns : csr_matrix of shape (v, nodes), float32
        1 where a node is on the way to a word, and where the way takes its branch 1, whose sign is minus.
    """

    nodes: Array
    path: sparse.csr_matrix
    turns: sparse.csr_matrix

    @classmethod
    def of(cls, nodes: Array, vocabulary: Vocabulary) -> Tree:
        """Build gensim's Huffman tree of a vocabulary, as the training did."""
        import gensim

        model = gensim.models.Word2Vec(hs=1, negative=0, vector_size=1, min_count=1, sorted_vocab=0)
        model.build_vocab_from_freq({w: int(count) for w, count in zip(vocabulary.words, vocabulary.counts, strict=True)})
        points = [model.wv.get_vecattr(word, "point") for word in vocabulary.words]
        codes = np.concatenate([model.wv.get_vecattr(word, "code") for word in vocabulary.words])
        starts = np.cumsum([0, *map(len, points)])
        shape = (len(points), len(nodes))
        path, turns = (
            sparse.csr_matrix((values.astype(np.float32), np.concatenate(points).astype(np.int64), starts), shape)
            for values in (np.ones_like(codes), codes)
        )
        return cls(nodes, path, turns)

    def __call__(self, x: Array) -> Array:
        """Return the log-probabilities of every word given rows x of shape (r, d), (r, v)."""
        dots = self.nodes @ x.T  # (nodes, r)
        return np.ascontiguousarray((self.path @ special.log_expit(dots) - self.turns @ dots).T)  # log σ(-z) = log σ(z) - z


def log_noise(counts: Array, exponent: float) -> Array:
    """Return log N(w), the logarithm of the chance that w is drawn as noise: shape (v,)."""
    return exponent * np.log(counts) - special.logsumexp(exponent * np.log(counts))


def log_kept(counts: Array, subsample: float) -> Array:
    """Return log s(w), the logarithm of the chance that an occurrence of w is kept: shape (v,).

    With t the threshold and f(w) the relative frequency, gensim and word2vec.c keep it with √(t / f) + t / f, at most 1.
    """
    if not subsample:
        return np.zeros(len(counts))
    ratio = subsample * counts.sum() / counts
    return np.log(np.minimum(1.0, np.sqrt(ratio) + ratio))
