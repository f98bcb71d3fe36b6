"""Attention maps: how much a word of a sentence takes from each other, by layer and head.

Letters
-------
l  layers                          u  words that look
h  heads                           t  words, or sub-words, that are looked at

An encoder reads a sentence between symbols that stand for its ends; they look and are looked at like words, and have a name and
no place. Where an encoder reads sub-words, a word's row is the mean over the rows of its sub-words, and its column the sum over
their columns, so that rows still sum to 1. In a decoder's map the words to be said look at the words that the encoder read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch

from study.contracts import Array, Sentence
from study.model.decoder import Reconstructor
from study.model.readout import Reading
from study.model.sequences import Symbols
from study.model.transformer import Encoder

BOUNDARY = "[boundary]"
NO_PLACE = -1
"""The place of what is no word of the sentence."""


@dataclass(frozen=True)
class Side:
    """What stands along one side of a map.

    Attributes
    ----------
    names : tuple of str
        Words as written, in parentheses where the vocabulary does not know them; symbols in brackets.
    places : ndarray of shape (t,), int64
        The words' places in their sentence, from 0; -1 for symbols.
    """

    names: tuple[str, ...]
    places: Array

    @property
    def words(self) -> Array:
        """Where words stand and not symbols, ``ndarray of shape (t,), bool``."""
        return self.places != NO_PLACE


@dataclass(frozen=True)
class AttentionMap:
    """One sentence as the heads of a model look at it.

    Attributes
    ----------
    kind : str
        ``self``: the words of a sentence look at each other; ``cross``: a decoder looks at what the encoder read.
    queries, keys : Side
        What looks, and what is looked at.
    weights : ndarray of shape (l, h, u, t), float32
        Rows, over the keys, sum to 1.
    allowed : ndarray of shape (u, t), bool
        What each may look at.
    """

    kind: str
    queries: Side
    keys: Side
    weights: Array
    allowed: Array


@runtime_checkable
class Attends(Protocol):
    """A model whose attention can be looked at."""

    def attends(self) -> bool:
        """Say whether there is attention to look at."""
        ...

    def attention_maps(self, sentence: Sentence) -> Sequence[AttentionMap]:
        """Return a sentence's map of each kind that the model has; what does not fit into its sequence at the end is left out."""
        ...


def side(words: Sentence, known: Sequence[bool], before: Sequence[str], after: Sequence[str]) -> Side:
    """Return a sentence's words, in parentheses where they are not known, between symbols."""
    names = [word if knows else f"({word})" for word, knows in zip(words, known, strict=True)]
    places = [*[NO_PLACE] * len(before), *range(len(names)), *[NO_PLACE] * len(after)]
    return Side((*before, *names, *after), np.array(places, np.int64))


@torch.inference_mode()
def encoder_map(encoder: Encoder, symbols: Symbols, sentence: Sentence, identifiers: Array) -> AttentionMap:
    """Return the map of one of this study's encoders.

    Parameters
    ----------
    encoder : Encoder
    symbols : Symbols
    sentence : sequence of t str
    identifiers : ndarray of shape (t,), int64
        Of its words; ``symbols.unknown`` where unknown.
    """
    sentence, identifiers = sentence[: encoder.length - 2], identifiers[: encoder.length - 2]
    read = _bounded(identifiers, symbols).to(encoder.table.weight.device)  # (1, t)
    weights, _ = encoder.attention(read)  # l of (1, h, t, t)
    ends = side(sentence, (identifiers < symbols.words).tolist(), [BOUNDARY], [BOUNDARY])
    return AttentionMap("self", ends, ends, torch.cat(weights).cpu().numpy(), _allowed(encoder, read))


@torch.inference_mode()
def spelled_map(encoder: Encoder, symbols: Symbols, sentence: Sentence, read: Reading) -> AttentionMap:
    """Return the map of one of this study's encoders of sub-words, pooled to the words of which all are read."""
    fitting = int(np.searchsorted(read.begins, encoder.length - 2, side="right")) - 1
    sentence, begins = sentence[:fitting], read.begins[: fitting + 1]
    piece = _bounded(read.identifiers[: begins[-1]], symbols).to(encoder.table.weight.device)  # (1, t)
    weights, _ = encoder.attention(piece)  # l of (1, h, t, t)
    owners = np.pad(np.repeat(np.arange(fitting), np.diff(begins)), 1, constant_values=NO_PLACE)
    return pooled_map(torch.cat(weights).cpu().numpy(), _allowed(encoder, piece), [BOUNDARY] * len(owners), owners, sentence)


@torch.inference_mode()
def decoder_map(network: Reconstructor, symbols: Symbols, sentence: Sentence, identifiers: Array) -> AttentionMap:
    """Return where a decoder looks in a sentence, undamaged, as it says it again after the right words; see ``encoder_map``."""
    sentence, identifiers = sentence[: network.length - 2], identifiers[: network.length - 2]
    read = _bounded(identifiers, symbols).to(network.table.weight.device)  # (1, t)
    memory = network.encode(read, torch.tensor([read.shape[1]], device=read.device))
    weights = network.looks(memory, read[:, :-1])  # l of (1, h, t - 1, t)
    known = (identifiers < symbols.words).tolist()
    said, heard = side(sentence, known, [], [BOUNDARY]), side(sentence, known, [BOUNDARY], [BOUNDARY])
    return AttentionMap("cross", said, heard, torch.cat(weights).cpu().numpy(), np.ones((read.shape[1] - 1, read.shape[1]), bool))


def _bounded(identifiers: Array, symbols: Symbols) -> torch.Tensor:
    return torch.tensor([[symbols.boundary, *identifiers.tolist(), symbols.boundary]])


def _allowed(encoder: Encoder, read: torch.Tensor) -> Array:
    """Return what each of the symbols read, (1, t), may look at: shape (t, t), bool. A weight of 0 may be one that underflows."""
    mask = encoder.mask(read, None)  # (1, h or 1, t, t), or None
    return np.ones((read.shape[1],) * 2, bool) if mask is None else mask[0].isfinite().all(dim=0).cpu().numpy()


def pooled_map(weights: Array, allowed: Array, names: Sequence[str], owners: Array, sentence: Sentence) -> AttentionMap:
    """Return the map of words from the weights of sub-words.

    Parameters
    ----------
    weights : ndarray of shape (l, h, t, t), float32
    allowed : ndarray of shape (t, t), bool
        What each sub-word may look at; a word may look at what one of its sub-words may.
    names : sequence of t str
        Of the sub-words and symbols; those of symbols are used.
    owners : ndarray of shape (t,), int64
        For each sub-word the place of its word in the sentence, -1 for what belongs to no word: it stands for itself.
    sentence : sequence of str
    """
    single = owners == NO_PLACE
    begins = np.ones(len(owners), bool)
    begins[1:] = single[1:] | (owners[1:] != owners[:-1])
    group = np.cumsum(begins) - 1  # (t,): the row of the map that each sub-word goes to
    members = np.eye(group[-1] + 1, dtype=np.float32)[group]  # (t, u)
    pooled = (members / members.sum(axis=0)).T @ weights @ members  # (l, h, u, u)
    places = owners[begins]
    labels = [name if place == NO_PLACE else sentence[place] for place, name in zip(places, np.array(names)[begins], strict=True)]
    ends = Side(tuple(map(str, labels)), places)
    return AttentionMap("self", ends, ends, pooled, members.T @ allowed @ members > 0)
