"""Sub-words: how a tokenizer spells words, and which of a word's sub-words its vector is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from study.contracts import Array, Sentence

Pooling = Literal["first", "last", "mean"]
POOLINGS = get_args(Pooling)


@dataclass(frozen=True)
class Spelling:
    """A sentence in sub-words.

    Attributes
    ----------
    identifiers : ndarray of shape (t,), int64
        Of the sub-words, without special symbols at the ends.
    words : ndarray of shape (t,), int64
        The word that each sub-word belongs to, -1 for one that belongs to none.
    weights : ndarray of shape (t,), float32
        The share of each sub-word in its word's vector: the shares of a word sum to 1, or to 0 where nothing of it is known.
    """

    identifiers: Array
    words: Array
    weights: Array

    def fitting(self, room: int) -> int:
        """Return how many of the first sub-words fit into a room without a word cut in two."""
        if len(self.words) <= room or self.words[room] < 0:
            return min(len(self.words), room)
        return int(np.flatnonzero(self.words == self.words[room])[0])

    def within(self, start: int, stop: int) -> tuple[int, int]:
        """Return the half-open range of the sub-words that counts for the words ``start`` to ``stop``; (0, 0) where none does."""
        inside = np.flatnonzero((self.words >= start) & (self.words < stop) & (self.weights > 0))
        return (int(inside[0]), int(inside[-1]) + 1) if len(inside) else (0, 0)


class Subwords:
    """A fast tokenizer that spells sentences given as words.

    The words of a sentence are joined by single spaces, as written, and spelled as one text. Tokenizers that spell a word
    differently at the start of a text (those of GPT-2 and RoBERTa) get a space before it, so that each word is spelled as within
    a running text. A sub-word belongs to the word in which its last character is. The unknown symbol and other special symbols
    belong to a word, but have no share in its vector: a word that the tokenizer maps to them alone, or to nothing, is unknown.

    Parameters
    ----------
    tokenizer : transformers.PreTrainedTokenizerFast
    pooling : {"first", "last", "mean"}
        Of the known sub-words of a word, which make its vector.

    Attributes
    ----------
    before, after : ndarray of shape (k,), int64
        The special symbols at the ends of a text.
    """

    def __init__(self, tokenizer: Any, pooling: Pooling) -> None:
        self.pooling = pooling
        self.special = np.array(sorted(tokenizer.all_special_ids), np.int64)
        self.backend = tokenizer.backend_tokenizer
        self.backend.no_truncation()
        self.backend.no_padding()
        bare = self.backend.encode("the", add_special_tokens=False).ids
        twice = self.backend.encode("the the", add_special_tokens=False).ids
        self.lead = "" if twice[len(twice) - len(bare) :] == bare else " "
        self.before, self.after = self._ends()

    def _ends(self) -> tuple[Array, Array]:
        """Return the special symbols that the tokenizer puts before and after a text."""
        whole = self.backend.encode(f"{self.lead}the")
        inner = np.flatnonzero(np.array(whole.special_tokens_mask) == 0)
        identifiers = np.array(whole.ids, np.int64)
        return identifiers[: inner[0]], identifiers[inner[-1] + 1 :]

    def names(self, identifiers: Array) -> list[str]:
        """Return the sub-words and symbols as the tokenizer writes them."""
        return [self.backend.id_to_token(identifier) for identifier in identifiers.tolist()]

    def spell(self, sentences: Sequence[Sentence]) -> list[Spelling]:
        """Spell sentences, in order."""
        texts = [self.lead + " ".join(sentence) for sentence in sentences]
        encoded = self.backend.encode_batch(texts, add_special_tokens=False)
        return [self._spelling(sentence, one.ids, one.offsets) for sentence, one in zip(sentences, encoded, strict=True)]

    def _spelling(self, sentence: Sentence, identifiers: list[int], offsets: list[tuple[int, int]]) -> Spelling:
        lengths = np.array([len(word) + 1 for word in sentence], np.int64)  # with the space after it
        word_at = np.repeat(np.arange(len(sentence)), lengths)  # (characters,)
        word_at[np.cumsum(lengths) - 1] = -1  # the spaces
        ids = np.array(identifiers, np.int64)
        starts, stops = np.array(offsets, np.int64).reshape(-1, 2).T
        words = np.where(stops > starts, word_at[np.maximum(stops - 1 - len(self.lead), 0)], -1)
        return Spelling(ids, words, self._shares(words, (words >= 0) & ~np.isin(ids, self.special)))

    def _shares(self, words: Array, known: Array) -> Array:
        """Return each sub-word's share in its word's vector; words come in ascending order."""
        shares = np.zeros(len(words), np.float32)
        places = np.flatnonzero(known)
        _, first, sizes = np.unique(words[places], return_index=True, return_counts=True)
        if self.pooling == "mean":
            shares[places] = np.repeat(1 / sizes, sizes)
        else:
            shares[places[first if self.pooling == "first" else first + sizes - 1]] = 1
        return shares
