"""Controls of context: what remains of a score when a word keeps its form, but not its sentence or not its order.

Two questions stand beside every question of senses:

- *another's context*: each occurrence gets the vector of an occurrence drawn from those of the same word form. A view that reads
  the meaning out of the context falls to chance; what the form alone tells remains. No new vectors are needed.
- *words shuffled*: the same sentence with its other words in random order, the target in its place. What is lost was carried
  by the order of words; a view that only gathers words loses nothing. These sentences need places of their own.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from study.contracts import Array, Corpus, Sentence

SHUFFLED = "words shuffled"
ANOTHER = "another's context"


def shuffle(sentences: Sequence[Sentence], places: Array, *, seed: int) -> tuple[list[list[str]], Array]:
    """Put the words around each target in random order; the target keeps its place.

    The order depends on the seed, the words and the place alone, so that a sentence asked by two tasks is shuffled alike and
    embedded once.

    Parameters
    ----------
    sentences : sequence of sequence of str
    places : ndarray of shape (n, 3), int64
        Rows ``(sentence, start, stop)``, of which each gets a sentence of its own.
    seed : int

    Returns
    -------
    sentences : list of list of str
        ``n`` sentences.
    places : ndarray of shape (n, 3), int64
        The targets in them; the first column counts from 0 (add the number of sentences they are appended to).
    """
    made = []
    for number, start, stop in places.tolist():
        words = list(sentences[number])
        rng = np.random.default_rng((seed, zlib.crc32(" ".join(words).encode()), start))
        around = [*range(start), *range(stop, len(words))]
        for to, origin in zip(around, rng.permutation(around).tolist(), strict=True):
            words[to] = sentences[number][origin]
        made.append(words)
    return made, np.column_stack([np.arange(len(made)), places[:, 1:]]).astype(np.int64)


def with_shuffled(sentences: Sequence[Sentence], places: Array, rows: Array, *, seed: int) -> tuple[list[Sentence], Array, Array]:
    """Append the shuffled sentences of some places.

    Parameters
    ----------
    sentences, places
        What a task asks for.
    rows : ndarray of shape (m,), int64
        The places whose sentences are shuffled.
    seed : int

    Returns
    -------
    sentences : list of sequence of str
    places : ndarray of shape (n + m, 3), int64
    shuffled : ndarray of shape (n,), int64
        For each of the ``n`` places the place in its shuffled sentence, -1 where it was not to be shuffled.
    """
    made, found = shuffle(sentences, places[rows], seed=seed)
    shuffled = np.full(len(places), -1, dtype=np.int64)
    shuffled[rows] = len(places) + np.arange(len(rows))
    return [*sentences, *made], np.concatenate([places, found + np.array([len(sentences), 0, 0])]), shuffled


def forms(sentences: Sequence[Sentence], places: Array, corpus: Corpus) -> list[str]:
    """Return the form of each target as the corpus's vocabulary folds it, the words of a longer target joined by spaces."""
    return [" ".join(map(corpus.vocabulary.fold, sentences[number][start:stop])) for number, start, stop in places.tolist()]


def deal(keys: Sequence[str], *, seed: int | np.random.Generator) -> Array:
    """Draw for each row one of the rows with the same key, such as a word form.

    Rows are drawn with replacement: without, a set with equally many items of each class would punish a classifier that learns
    from the rest of it, because what an item does not have the others have more of.

    Parameters
    ----------
    keys : sequence of str
    seed : int or Generator

    Returns
    -------
    ndarray of shape (n,), int64
        For each row the row whose vector it gets, which may be itself.
    """
    rng = np.random.default_rng(seed)
    values = np.asarray(keys, dtype=str)
    dealt = np.arange(len(values))
    for key in np.unique(values):
        here = np.flatnonzero(values == key)
        dealt[here] = rng.choice(here, len(here))
    return dealt
