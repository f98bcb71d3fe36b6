"""Guessing hidden words: from scores of the whole vocabulary to ranks and log-probabilities, and the encoder's scores.

Every model is asked in the same way: it scores *all words of the vocabulary and nothing else* (no unknown word, no mask, no
boundary), a softmax over these makes them probabilities, and the hidden word's rank is the number of words that score as high or
higher, itself included: ties count against the model, so that one that scores all words alike gets the last rank.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from study.contracts import Array, Guesses, Sentence
from study.model.readout import Pieces, Reading, Readout
from study.model.sequences import Symbols
from study.model.spelled import SpelledCorpus
from study.model.transformer import Encoder

SCORES_AT_ONCE = 2**22
"""Scores held at a time: a block of places times the vocabulary."""

Scores = Callable[[slice], Mapping[str, Tensor]]
"""From some of the places to the scores of each way of guessing, (b, v); NaN rows where there is nothing to guess from."""


def guesses(scores: Scores, targets: Array, words: Sequence[str], best: int) -> dict[str, Guesses]:
    """Turn scores into ranks, log-probabilities and best guesses, in blocks of places.

    Parameters
    ----------
    scores : function of a slice of the places
    targets : ndarray of shape (n,), int64
        Identifiers of the hidden words; those outside the vocabulary lie outside [0, v).
    words : sequence of str
        The vocabulary, v words.
    best : int
        Words named for each place.
    """
    at_once = max(1, SCORES_AT_ONCE // len(words))
    parts: dict[str, list[tuple[Array, Array, list[list[str]]]]] = {}
    for start in range(0, len(targets), at_once):
        block = slice(start, start + at_once)
        for way, scored in scores(block).items():
            parts.setdefault(way, []).append(_guesses(scored, torch.from_numpy(targets[block]), words, best))
    found = {}
    for way, blocks in parts.items():
        log_probability, rank, named = zip(*blocks, strict=True)
        found[way] = Guesses(np.concatenate(log_probability), np.concatenate(rank), [names for part in named for names in part])
    return found


def _guesses(scores: Tensor, targets: Tensor, words: Sequence[str], best: int) -> tuple[Array, Array, list[list[str]]]:
    """Return log-probabilities, ranks and best words of a block; comparisons with NaN make the rank 0 where nothing is known."""
    known = (targets >= 0) & (targets < len(words))
    own = scores.gather(1, torch.where(known, targets, 0).to(scores.device)[:, None])  # (b, 1)
    own = own.masked_fill(~known.to(scores.device)[:, None], torch.nan)
    total = scores.logsumexp(dim=1, keepdim=True)  # (b, 1)
    rank = torch.count_nonzero(scores >= own, dim=1)  # (b,)
    top = scores.topk(min(best, len(words)), dim=1).indices.tolist()  # (b, best)
    able = (~total.isnan()).flatten().tolist()
    named = [[words[word] for word in row] if possible else [] for row, possible in zip(top, able, strict=True)]
    return (own - total).flatten().double().cpu().numpy(), rank.cpu().numpy(), named


@torch.inference_mode()
def encoder_guesses(
    encoder: Encoder, sentences: Sequence[Array], places: Array, words: Sequence[str], best: int
) -> dict[str, Guesses]:
    """Let an encoder guess words in whose place it reads the mask symbol; the way is called ``masked``.

    As in the pretraining's validation, the output table and its bias score the normalised vector of the hidden place. The
    sentence stands alone between two boundaries, and one that is too long is cut to a window centred on the hidden word.

    Parameters
    ----------
    encoder : Encoder
    sentences : sequence of ndarray of shape (t,), int64
        Identifiers of words.
    places : ndarray of shape (n, 3), int64
    words : sequence of str
    best : int
    """
    readings = [Reading.of_words(sentence, encoder.words) for sentence in sentences]
    hidden = hidden_vectors(encoder, readings, places, 1)[:, 0]  # (n, d)
    return guesses(_by_output(encoder, "masked", hidden), targets_of(sentences, places), words, best)


@torch.inference_mode()
def following_guesses(
    encoder: Encoder, sentences: Sequence[Array], places: Array, words: Sequence[str], best: int
) -> dict[str, Guesses]:
    """Let an encoder that was only asked for next words guess words from those before; the way is called ``before``.

    It reads a boundary and the words before, the last of them where they are too many, each looking backwards only; the last
    one's vector is scored. The parameters are those of ``encoder_guesses``.
    """
    symbols, nothing = Symbols(encoder.words), np.zeros(0, np.int64)
    pieces = Pieces(nothing, nothing, encoder.length, len(places))
    for row, (number, start, _) in enumerate(places.tolist()):
        read = np.concatenate([[symbols.boundary], sentences[number][:start]]).astype(np.int64)
        pieces.count_one(row, read, start, start, start + 1)
    encoder.eval()
    table = encoder.table
    (told,) = pieces.means(lambda words: [encoder(words, causal=True)[-1]], [table.embedding_dim], table.weight.device)
    scores = _by_output(encoder, "before", torch.from_numpy(told).to(table.weight.device))
    return guesses(scores, targets_of(sentences, places), words, best)


def silence(places: Array) -> dict[str, Guesses]:
    """Return what a model says that cannot guess: nothing is known of any place."""
    nothing: list[tuple[str, ...]] = [()] * len(places)
    return {"masked": Guesses(np.full(len(places), np.nan), np.zeros(len(places), np.int64), nothing)}


def _by_output(encoder: Encoder, way: str, x: Tensor) -> Scores:
    """Return how the output scores vectors (n, d): the table without the symbols, and the bias."""
    table, bias = encoder.output()
    return lambda block: {way: functional.linear(x[block], table[: len(bias)], bias).float()}


@torch.inference_mode()
def spelled_guesses(
    encoder: Encoder, spelled: SpelledCorpus, sentences: Sequence[Sentence], places: Array, best: int
) -> dict[str, Guesses]:
    """Let an encoder of sub-words guess words of the shared vocabulary; the way is called ``masked``.

    A word of k sub-words is guessed where the encoder reads k masks. Its score is the logarithm of the share of such words among
    the running words of the training part, plus the sum of the log-probabilities of its sub-words, each at its mask. A word that
    is spelled as unknown cannot be guessed.

    Parameters
    ----------
    encoder : Encoder
    spelled : SpelledCorpus
    sentences : sequence of sequence of str
    places : ndarray of shape (n, 3), int64
    best : int
    """
    vocabulary, spellings = spelled.corpus.vocabulary, spelled.inventory.spell(spelled.corpus.vocabulary.words)
    first, sizes = spellings.starts[:-1], np.diff(spellings.starts)
    able = spellings.subwords[first] < spelled.symbols.words  # (v,)
    words_of = {int(size): np.flatnonzero(able & (sizes == size)) for size in np.unique(sizes[able])}
    readings, total = spelled.readings(sentences), vocabulary.counts[able].sum()
    hidden = {size: hidden_vectors(encoder, readings, places, size) for size in words_of}  # (n, k, d) each
    table, bias = encoder.output()

    def scores(block: slice) -> Mapping[str, Tensor]:
        """Score a block of places: the words of the vocabulary by their sub-words, (b, v)."""
        found = torch.full((len(places[block]), len(able)), -torch.inf, device=table.device)
        for size, words in words_of.items():
            logits = functional.linear(hidden[size][block], table[: len(bias)], bias).float()  # (b, k, sub-words)
            asked = spellings.subwords[first[words][:, None] + np.arange(size)].astype(np.int64)  # (w, k)
            subwords = torch.from_numpy(asked).to(table.device)
            chances = logits.log_softmax(dim=2)[:, torch.arange(size, device=table.device), subwords]  # (b, w, k)
            share = np.log(vocabulary.counts[words].sum() / total)
            found[:, torch.from_numpy(words).to(table.device)] = chances.sum(dim=2) + share
        return {"masked": found}

    indices = [vocabulary.index(sentences[number][start]) for number, start, _ in places.tolist()]
    targets = np.array([-1 if index is None or not able[index] else index for index in indices], np.int64)
    return guesses(scores, targets, vocabulary.words, best)


def hidden_vectors(encoder: Encoder, sentences: Sequence[Reading], places: Array, masks: int) -> Tensor:
    """Read each sentence with masks in its place and return their normalised vectors: Tensor of shape (n, masks, d), float32."""
    symbols, table = Symbols(encoder.words), encoder.table
    readout = Readout(symbols, encoder.length, len(places) * masks)
    for row, (number, start, stop) in enumerate(places.tolist()):
        sentence = sentences[number]
        begin, end = int(sentence.begins[start]), int(sentence.begins[stop])
        read = np.concatenate([sentence.identifiers[:begin], np.full(masks, symbols.mask), sentence.identifiers[end:]])
        for mask in range(masks):
            readout.count_one(row * masks + mask, read, begin + mask, begin, begin + masks)
    encoder.eval()
    (hidden,) = readout.means(lambda words: [encoder(words)[-1]], [table.embedding_dim], table.weight.device)  # (n masks, d)
    return torch.from_numpy(hidden).to(table.weight.device).unflatten(0, (len(places), masks))


def targets_of(sentences: Sequence[Array], places: Array) -> Array:
    """Return the identifiers of the words at places: ndarray of shape (n,), int64."""
    return np.array([sentences[number][start] for number, start, _ in places.tolist()], np.int64)
