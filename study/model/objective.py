"""What an encoder is asked while it learns: to guess hidden words from what is left, or the next word from those before.

Letters: b sequences, t words, n hidden words, d width, v words of the vocabulary, k candidates.

A full softmax over the vocabulary is the greatest part of a small encoder's work. While training, its normaliser is estimated
from k *candidates*, drawn without replacement such that word w is among them with a known probability p(w): the sum of exp(score)
/ p over the candidates has the full sum as its mean (Horvitz-Thompson), so that no word is favoured by the drawing, and with the
whole vocabulary as candidates loss and gradient are those of the full softmax.

References
----------
Devlin et al. (2019), BERT, arXiv:1810.04805 (masked words). Charpentier & Samuel (2024), GPT or BERT: why not both?,
arXiv:2410.24159 (a mix of both questions). Horvitz & Thompson (1952), doi:10.1080/01621459.1952.10483446, and
Madow (1949), doi:10.1214/aoms/1177729988 (drawing with unequal probabilities). Bengio & Senécal (2008),
doi:10.1109/TNN.2007.912312 (sampled softmax).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from study.contracts import Array, StudyError
from study.model.sequences import Symbols
from study.model.table import look_up

ROUND = 32
"""Many hidden words are rounded to a multiple of this: oneDNN prepares a product anew for every size it meets."""

SCORED_AT_ONCE = 1024
"""Vectors whose scores of the whole vocabulary are in memory together."""


class Scoring(Protocol):
    """A network whose output scores every word of the vocabulary."""

    def output(self) -> tuple[Tensor, Tensor]:
        """Return the table of shape (v or more, d) and the bias of shape (v,) by which a vector scores every word."""
        ...


@dataclass(frozen=True)
class Masked:
    """Sequences in which words are asked for, hidden or (``following``) still to come; words may be sub-words.

    Attributes
    ----------
    words, segments : Tensor of shape (b, t), int64
        What the encoder reads.
    places : Tensor of shape (n,), int64
        Where in the flattened sequences they are asked for.
    targets : Tensor of shape (n,), int64
        The words asked for.
    """

    words: Tensor
    segments: Tensor
    places: Tensor
    targets: Tensor

    def to(self, device: torch.device) -> Masked:
        """Move all parts to a device."""
        return Masked(*(moved(part, device) for part in (self.words, self.segments, self.places, self.targets)))


def moved(part: Tensor, device: torch.device) -> Tensor:
    """Move a tensor to a device; the processor does not wait for a GPU to have it."""
    return part if device.type == "cpu" else part.pin_memory().to(device, non_blocking=True)


def mask(
    words: Array,
    segments: Array,
    symbols: Symbols,
    random: np.random.Generator,
    *,
    rate: float,
    hidden: float,
    replaced: float,
    continues: Array | None = None,
) -> Masked:
    """Hide words at random; unknown words and boundaries are never to be guessed.

    Parameters
    ----------
    words, segments : ndarray of shape (b, t), int64
    rate : float
        Share of the known words that are to be guessed, in (0, 1].
    hidden, replaced : float
        Of these, the share that is replaced by the mask symbol and by a random word; the rest is left as it is.
    continues : ndarray of shape (symbols,), bool, or None
        Of sub-words: which continue a word. All sub-words of a word are asked for together, and share its fate.
    """
    if continues is None:
        known = np.flatnonzero(words < symbols.words)
        number = _rounded(rate, len(known))
        places = np.sort(random.permutation(known)[:number])  # (n,)
        fate = random.random(len(places))
    else:
        places, sizes = whole_words(words, symbols, random, rate=rate, continues=continues)
        fate = np.repeat(random.random(len(sizes)), sizes)
    words = words.reshape(-1).copy()  # (b t,)
    targets = words[places]
    words[places[fate < hidden]] = symbols.mask
    exchanged = places[(fate >= hidden) & (fate < hidden + replaced)]
    words[exchanged] = random.integers(symbols.words, size=len(exchanged))
    arrays = (words.reshape(segments.shape), segments, places, targets)
    return Masked(*(torch.from_numpy(np.ascontiguousarray(array, np.int64)) for array in arrays))


def whole_words(
    words: Array, symbols: Symbols, random: np.random.Generator, *, rate: float, continues: Array
) -> tuple[Array, Array]:
    """Draw words that are spelled in known sub-words until these are a share of all known sub-words.

    The last few are drawn among the words of a single sub-word, so that their number is rounded like that of whole words.

    Returns
    -------
    places : ndarray of shape (n,), int64
        Of the words' sub-words in the flattened sequences, in order.
    sizes : ndarray of shape (words,), int64
        Sub-words of each word.
    """
    begins = ~continues[words]  # (b, t)
    begins[:, 0] = True  # what is left of a word that the row above begins
    starts = np.flatnonzero(begins)
    sizes = np.diff(np.append(starts, begins.size))
    known = words.reshape(-1)[starts] < symbols.words
    starts, sizes = starts[known], sizes[known]
    order = random.permutation(len(starts))
    number, drawn = _rounded(rate, int(sizes.sum())), sizes[order]
    taken = np.cumsum(drawn) <= number
    left = number - int(drawn[taken].sum())
    taken[np.flatnonzero(~taken & (drawn == 1))[:left]] = True
    taken[:1] |= not taken.any()
    chosen = np.sort(order[taken])
    starts, sizes = starts[chosen], sizes[chosen]
    return np.repeat(starts - np.cumsum(sizes) + sizes, sizes) + np.arange(sizes.sum()), sizes


def following(words: Array, segments: Array, symbols: Symbols, random: np.random.Generator, *, rate: float) -> Masked:
    """Ask at some words for the word that follows; nothing is hidden, so attention has to look backwards only.

    Parameters
    ----------
    words, segments : ndarray of shape (b, t), int64
    rate : float
        Share of the known words with a word before them that are asked for, in (0, 1]: as many as masking hides cost as much.
    """
    same = segments[:, 1:] == segments[:, :-1]
    known = np.zeros(words.shape, bool)
    known[:, :-1] = same & (words[:, 1:] < symbols.words)  # the place before each known word
    asked = np.flatnonzero(known)
    number = _rounded(rate, len(asked))
    places = np.sort(random.permutation(asked)[:number])  # (n,)
    arrays = (words, segments, places, words.reshape(-1)[places + 1])
    return Masked(*(torch.from_numpy(np.ascontiguousarray(array, np.int64)) for array in arrays))


def _rounded(rate: float, known: int) -> int:
    """Return how many of the known words a rate takes, many of them rounded; one at least, so that no step asks nothing."""
    number = min(known, max(1, round(rate * known)))
    return min(known, ROUND * round(number / ROUND)) if number > 8 * ROUND else number


class Candidates:
    """Words for an estimate of the softmax's normaliser, drawn without replacement with known probabilities.

    Parameters
    ----------
    counts : ndarray of shape (v,)
        Occurrences of every word.
    number : int
        Candidates k of a drawing; 0, or v and more, takes the whole vocabulary.
    exponent : float
        A word's probability is proportional to its count to this power, and 1 where that is reached.
    """

    def __init__(self, counts: Array, number: int, exponent: float) -> None:
        self.number = min(number or len(counts), len(counts))
        with np.errstate(over="ignore", divide="ignore"):
            weights = np.asarray(counts, float) ** exponent
        if not 0 < weights.sum() < np.inf:
            raise StudyError(f"candidate_exponent: word counts to the power {exponent} are no weights: take one nearer to 1.")
        self.probability = _inclusion(weights, self.number)  # (v,), sums to k
        self.cumulative = np.cumsum(self.probability)

    def draw(self, random: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Draw candidates: one random start, then equal steps along the cumulated probabilities.

        Returns
        -------
        words : Tensor of shape (k,), int64
            Distinct.
        log_probability : Tensor of shape (k,), float32
            Logarithm of the probability with which each is drawn.
        """
        steps = random.random() + np.arange(self.number)
        words = np.minimum(np.searchsorted(self.cumulative, steps, side="right"), len(self.cumulative) - 1)
        return torch.from_numpy(words), torch.from_numpy(np.log(self.probability[words]).astype(np.float32))


def _inclusion(weights: Array, number: int) -> Array:
    """Return probabilities proportional to the weights, capped at 1, that sum to a number."""
    certain = np.zeros(len(weights), bool)
    while True:
        left = number - certain.sum()
        scale = left / weights[~certain].sum() if left and not certain.all() else 0.0
        above = ~certain & (weights * scale >= 1)
        if not above.any():
            return np.where(certain, 1.0, weights * scale)
        certain |= above


def candidate_loss(network: Scoring, x: Tensor, targets: Tensor, candidates: Tensor, log_probability: Tensor) -> Tensor:
    """Estimate the softmax loss of hidden words from candidates.

    Parameters
    ----------
    x : Tensor of shape (n, d)
        Vectors of the hidden words after the last block, normalised.
    targets : Tensor of shape (n,), int64
    candidates, log_probability : Tensor of shape (k,)
        See ``Candidates.draw``.

    Returns
    -------
    Tensor of shape (), nats per hidden word
    """
    table, bias = network.output()  # (v, d), (v,)
    asked = look_up(table, torch.cat([targets, candidates]))  # (n + k, d)
    true_rows, candidate_rows = asked.split([len(targets), len(candidates)])
    true = (x * true_rows).sum(dim=1) + bias[targets]  # (n,)
    others = functional.linear(x, candidate_rows, bias[candidates] - log_probability)  # (n, k)
    columns = torch.full((len(bias),), -1, device=x.device)
    columns[candidates] = torch.arange(len(candidates), device=x.device)
    rows = torch.nonzero(columns[targets] >= 0).squeeze(1)
    others[rows, columns[targets[rows]]] = -torch.inf  # a hidden word is known exactly: it is not estimated once more
    normaliser = others.logsumexp(dim=1)  # (n,)
    losses = torch.logaddexp(true, normaliser.to(true.dtype)) - true  # (n,)
    return losses.sum() / max(1, len(targets))


def full_loss(network: Scoring, x: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Compute the softmax loss of hidden words over the whole vocabulary.

    Returns
    -------
    loss : Tensor of shape (), the sum over the hidden words, nats
    right : Tensor of shape (), how many of them have the highest score
    """
    loss, right = full_answers(network, x, targets)
    return loss, right.sum()


def full_answers(network: Scoring, x: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Compute the softmax loss of hidden words over the whole vocabulary, and which of them have the highest score.

    Returns
    -------
    loss : Tensor of shape (), the sum over the hidden words, nats
    right : Tensor of shape (n,), bool
    """
    table, bias = network.output()
    loss, right = x.new_zeros(()), [targets.new_zeros(0, dtype=torch.bool)]
    for some, wanted in zip(x.split(SCORED_AT_ONCE), targets.split(SCORED_AT_ONCE), strict=True):
        scores = functional.linear(some, table[: len(bias)], bias).to(table.dtype)  # (n of the part, v)
        loss = loss + functional.cross_entropy(scores, wanted, reduction="sum")
        right.append(scores.argmax(dim=1) == wanted)
    return loss, torch.cat(right)
