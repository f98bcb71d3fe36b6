"""Counted vectors: how much more often two words stand near each other than chance has it (PPMI), cut to few dimensions (SVD).

What Word2Vec learns by predicting is here counted and factorised: Skip-gram with k noise words implicitly factorises the matrix
of pointwise mutual information shifted by log k. Nothing is drawn at random but the start of the search for singular vectors.

References
----------
Levy & Goldberg (2014), Neural Word Embedding as Implicit Matrix Factorization, NeurIPS.
Levy, Goldberg & Dagan (2015), Improving Distributional Similarity with Lessons Learned from Word Embeddings,
doi:10.1162/tacl_a_00134: the settings, and what each is worth.
Bullinaria & Levy (2012), Extracting semantic representations from word co-occurrence statistics,
doi:10.3758/s13428-011-0183-8: powers of the singular values below one.
"""

from __future__ import annotations

import time
import warnings
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal, Self

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import svds
from threadpoolctl import threadpool_limits

from study.contracts import Array, Moment, Observe, StudyError
from study.corpus import EncodedCorpus
from study.model.history import read_history, write_history
from study.model.static import Static

CHUNK = 1 << 20
"""Running words that are counted in one go."""

Decay = Literal["none", "linear", "harmonic"]


@dataclass(kw_only=True)
class Count(Static):
    """Positive pointwise mutual information of words and the words around them, factorised.

    Parameters
    ----------
    size : int
        Dimensions of a vector; at most as many as there are words.
    window : int
        Words on each side. As for Word2Vec, unknown words are taken out first and windows end with their sentence.
    decay : {"none", "linear", "harmonic"}
        What a word at distance j counts: 1; (window - j + 1) / window, as Word2Vec's shrinking windows on average; 1 / j.
    minimum : float
        What two words must have counted together, or they count nothing.
    context_exponent : float
        Power of the contexts' frequencies, which keeps rare contexts from looking telling (0.75, as Word2Vec's noise; 1: none).
    shift : float
        The k of shifted PPMI: log k is taken off before what is negative becomes 0; 1 takes nothing off.
    singular_exponent : float
        Power p of the singular values in the vectors U S^p.
    add_contexts : bool
        Whether a word's vector is the sum of its vectors as a word and as a context, each first scaled to length one.
    context_words, context_smoothing : int, float
        The ``context`` view; see ``study.model.views``.
    """

    version: ClassVar[int] = 1

    size: int
    window: int
    decay: Decay
    minimum: float
    context_exponent: float
    shift: float
    singular_exponent: float
    add_contexts: bool
    context_words: int = field(metadata={"view": True})
    context_smoothing: float = field(metadata={"view": True})
    seed: int

    @property
    def parameters(self) -> int:
        """Numbers that are kept: one vector per word."""
        return int(self.vectors.size)

    def fit(self, corpus: EncodedCorpus, *, folder: Path, observe: Observe) -> Self:
        """Count once through the training part, then factorise; the finished counts in ``folder`` are not counted again.

        Nothing is kept before all is counted, for that is soon done: on one core a million words take half a second (window 5,
        50,000 words drawn by Zipf’s law), and to add them to the counts so far takes 0.3 s at most in 24 million words: some
        twenty seconds for these.
        """
        self.check()
        start, words = time.perf_counter(), corpus.size("training")
        counts, before = _read_checkpoint(folder)
        if counts is None:
            counts = cooccurrences(corpus, self.window, self.decay, observe)
            _write_checkpoint(counts, time.perf_counter() - start, folder)
        counts.data[counts.data < self.minimum] = 0
        counts.eliminate_zeros()
        self.vocabulary = corpus.vocabulary
        with threadpool_limits(limits=1):  # the order in which threads add would show in the last bits
            self.vectors = self._vectors(ppmi(counts, self.context_exponent, self.shift))
        self.history = [Moment(words, words, before + time.perf_counter() - start)]
        observe(self.history[0])
        return self

    def check(self) -> None:
        """Raise StudyError where settings do not fit together."""
        if self.decay not in ("none", "linear", "harmonic"):
            raise StudyError(f"decay must be none, linear or harmonic, not {self.decay!r}.")
        for name in ("size", "window"):
            if getattr(self, name) < 1:
                raise StudyError(f"{name} must be at least 1, not {getattr(self, name)}.")
        if self.singular_exponent < 0:
            raise StudyError(f"singular_exponent must be at least 0, not {self.singular_exponent}.")
        if self.shift <= 0:
            raise StudyError(f"shift is the k of log k and must be above 0, not {self.shift}.")

    def _vectors(self, matrix: sparse.csr_array) -> Array:
        words, values, contexts = factors(matrix, self.size, self.seed)
        scale = values**self.singular_exponent
        if not self.add_contexts:
            return (words * scale).astype(np.float32)
        return (_normalised(words * scale) + _normalised(contexts * scale)).astype(np.float32)

    def save(self, folder: Path) -> None:
        """Write ``vectors.npy`` (float32, rows in the vocabulary's order) and ``history.json``."""
        super().save(folder)
        write_history(folder, self.history)

    def load(self, folder: Path, corpus: EncodedCorpus) -> Self:
        """Read what ``save`` wrote, memory-mapped."""
        super().load(folder, corpus)
        self.history = read_history(folder)
        return self


def cooccurrences(corpus: EncodedCorpus, window: int, decay: Decay, observe: Observe) -> sparse.csr_array:
    """Count which known words stand in each other's windows in the training part.

    Memory grows with the number of distinct pairs, not with the text.

    Returns
    -------
    csr_array of shape (v, v), float64
        Symmetric: a word is in the window of those that are in its own.
    """
    start, total, v = time.perf_counter(), corpus.size("training"), len(corpus.vocabulary)
    offsets = corpus.sentence_offsets("training")
    weights = _weights(window, decay)
    counts = sparse.csr_array((v, v), dtype=np.float64)
    # The last words of a piece stand before the next one; before the first one stand words of no sentence.
    ids, sentences = np.zeros(window, np.int32), np.full(window, -1)
    for begin in range(0, total, CHUNK):
        end = min(begin + CHUNK, total)
        piece = corpus.ids("training", begin, end)
        known = np.flatnonzero(piece < v)
        ids = np.concatenate([ids[-window:], piece[known]])
        sentences = np.concatenate([sentences[-window:], np.searchsorted(offsets, begin + known, side="right")])
        counts = counts + _pairs(ids, sentences, weights, v)
        observe(Moment(end, total, time.perf_counter() - start))
    return (counts + counts.T).tocsr()


def _weights(window: int, decay: Decay) -> Array:
    """Return what a word at distance 1 … ``window`` counts."""
    distance = np.arange(1, window + 1)
    if decay == "harmonic":
        return 1 / distance
    return (window - distance + 1) / window if decay == "linear" else np.ones(window)


def _pairs(ids: Array, sentences: Array, weights: Array, v: int) -> sparse.csr_array:
    """Count the pairs that end behind the first ``len(weights)`` words, each pair of words once, the more frequent one first."""
    window = len(weights)
    rows, columns, values = [], [], []
    for distance, weight in enumerate(weights, 1):
        left = slice(window - distance, len(ids) - distance)
        together = sentences[left] == sentences[window:]
        first, second = ids[left][together], ids[window:][together]
        rows.append(np.minimum(first, second))
        columns.append(np.maximum(first, second))
        values.append(np.full(len(first), weight))
    entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return sparse.coo_array(entries, shape=(v, v)).tocsr()


def ppmi(counts: sparse.csr_array, context_exponent: float, shift: float) -> sparse.csr_array:
    """Return max(0, log(P(w, c) / (P(w) P(c))) - log ``shift``), where P(c) is proportional to count(c)^``context_exponent``.

    Parameters
    ----------
    counts : csr_array of shape (v, v)
        Rows are words, columns contexts.
    """
    of_word = np.asarray(counts.sum(axis=1), np.float64)
    of_context = np.asarray(counts.sum(axis=0), np.float64) ** context_exponent
    values = counts.data * (of_context.sum() / shift)  # in place from here on: these are the longest arrays of the training
    values /= of_context[counts.indices]
    values /= np.repeat(of_word, np.diff(counts.indptr))
    np.maximum(np.log(values, out=values), 0, out=values)
    matrix = sparse.csr_array((values, counts.indices.copy(), counts.indptr.copy()), shape=counts.shape)
    matrix.eliminate_zeros()
    return matrix


def factors(matrix: sparse.csr_array, size: int, seed: int) -> tuple[Array, Array, Array]:
    """Return the first singular vectors and values of a sparse matrix, the largest value first.

    Parameters
    ----------
    matrix : csr_array of shape (v, v)
    size : int
        As many as this, or v where v is less.
    seed : int
        Of the vector that the Lanczos search starts from.

    Returns
    -------
    words : ndarray of shape (v, k), float64
    values : ndarray of shape (k,), float64
    contexts : ndarray of shape (v, k), float64

    Raises
    ------
    StudyError
        If the matrix is empty.
    """
    if matrix.nnz == 0:
        raise StudyError("No two words stand together more often than chance: lower minimum or shift, or take a larger corpus.")
    if size >= min(matrix.shape):
        words, values, contexts = np.linalg.svd(matrix.toarray())
    else:
        start = np.random.default_rng(seed).standard_normal(min(matrix.shape))
        words, values, contexts = svds(matrix, k=size, v0=start)
        order = np.argsort(-values)
        words, values, contexts = words[:, order], values[order], contexts[order]
    return words, np.maximum(values, 0), contexts.T


def _normalised(vectors: Array) -> Array:
    """Return rows of length one; an all-zero row stays zero."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)


def _write_checkpoint(counts: sparse.csr_array, seconds: float, folder: Path) -> None:
    """Write the counts, and how long they took, in one step: the archive appears whole or not at all."""
    partial = folder / "counts.partial.npz"
    arrays = {"data": counts.data, "indices": counts.indices, "indptr": counts.indptr}
    np.savez(partial, allow_pickle=False, seconds=seconds, **arrays)
    partial.replace(folder / "counts.npz")


def _read_checkpoint(folder: Path) -> tuple[sparse.csr_array | None, float]:
    """Return the finished counts of an interrupted run and their seconds, or None and 0."""
    path = folder / "counts.npz"
    if not path.exists():
        return None, 0.0
    try:
        with np.load(path, allow_pickle=False) as archive:
            rows = len(archive["indptr"]) - 1
            entries = (archive["data"], archive["indices"], archive["indptr"])
            return sparse.csr_array(entries, shape=(rows, rows)), float(archive["seconds"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        warnings.warn(f"The checkpoint {path} cannot be read ({error}): counting starts afresh.", stacklevel=2)
        path.unlink()
        return None, 0.0
