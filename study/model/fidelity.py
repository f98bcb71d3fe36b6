"""Fidelity: how many words of a sentence a reconstructor says right, by the sentence's length.

Letters: b sentences, t words of a sentence, d width of a vector, v words of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional

from study.contracts import Array
from study.corpus import EncodedCorpus
from study.model.decoder import Memory, Reconstructor
from study.model.sequences import Symbols

SENTENCES_AT_ONCE, WORDS_AT_ONCE = 64, 16
"""Sentences, and words of each, whose scores of the whole vocabulary are in memory together."""
DRAWS = 1000
"""Resamplings of the sentences for an interval."""
SHARES = ("frequent", "forced", "generated")
COLUMNS = ("shortest", "longest", "sentences", "words", *(f"{name}{end}" for name in SHARES for end in ("", "_low", "_high")))


@torch.inference_mode()
def fidelity(network: Reconstructor, corpus: EncodedCorpus, lengths: Sequence[int], at_most: int, seed: int) -> pd.DataFrame:
    """Let whole, undamaged sentences of the development part be said again.

    Parameters
    ----------
    network : Reconstructor
    corpus : EncodedCorpus
    lengths : sequence of int
        The longest sentences, words, of each row; a row begins after the one before.
    at_most : int
        Sentences of a row.
    seed : int
        Of the choice of sentences.

    Returns
    -------
    DataFrame with a row for each length of which there are sentences
        ``shortest``, ``longest`` : words of a sentence; ``sentences``; ``words`` : known words that were to be said;
        ``frequent`` : share of them that are the most frequent word of the training part, which needs no network;
        ``forced`` : share said right after the right words before (teacher forcing);
        ``generated`` : share said right, place by place, after the network's own words, from the encoder alone; it is told how
        many words to say, and which of them are unknown (see ``generated``). Each share with its 95 % interval, ``_low`` and
        ``_high``, over resampled sentences.
    """
    network.eval()
    symbols, device = Symbols(len(corpus.vocabulary)), network.table.weight.device
    offsets = np.asarray(corpus.sentence_offsets("development"))
    sizes, rows = np.diff(offsets), []
    for shortest, longest in zip([1, *(length + 1 for length in lengths)], lengths, strict=False):
        found = np.flatnonzero((sizes >= shortest) & (sizes <= longest))
        random = np.random.default_rng((seed, longest))
        chosen = np.sort(random.permutation(found)[:at_most])
        sentences = [np.asarray(corpus.ids("development", offsets[number], offsets[number + 1])) for number in chosen]
        counts = [np.zeros((0, 4), np.int64)]
        for first in range(0, len(sentences), SENTENCES_AT_ONCE):
            words, ends = (torch.from_numpy(part).to(device) for part in filled(sentences[first:][:SENTENCES_AT_ONCE], symbols))
            counts.append(_counts(network, words, ends))
        known, *right = np.concatenate(counts).T  # of each sentence
        if known.sum():
            told = [number for hits in right for number in share(hits, known, random)]
            rows.append((shortest, longest, len(chosen), known.sum(), *told))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def filled(sentences: Sequence[Array], symbols: Symbols) -> tuple[Array, Array]:
    """Put sentences between boundaries and fill them up with boundaries: (b, t), and their lengths (b,), int64."""
    lengths = np.array([len(sentence) + 2 for sentence in sentences])
    words = np.full((len(sentences), lengths.max()), symbols.boundary)
    for row, sentence in enumerate(sentences):
        words[row, 1 : len(sentence) + 1] = sentence
    return words, lengths


def share(hits: Array, words: Array, random: np.random.Generator) -> tuple[float, float, float]:
    """Return the share of words that are hits, and its 95 % interval over resampled sentences.

    Parameters
    ----------
    hits, words : ndarrays of shape (sentences,), int64
        Of each sentence.
    random : Generator
        Of the resampling.
    """
    hits, words = hits[words > 0], words[words > 0]
    drawn = random.integers(len(words), size=(DRAWS, len(words)))
    low, high = np.quantile(hits[drawn].sum(axis=1) / words[drawn].sum(axis=1), [0.025, 0.975])
    return float(hits.sum() / words.sum()), float(low), float(high)


def _counts(network: Reconstructor, words: Tensor, lengths: Tensor) -> Array:
    """Count the known words of sentences (b, t), and the hits among them in the order of ``SHARES``: (b, 4), int64."""
    memory, wanted = network.encode(words, lengths), words[:, 1:-1]  # (b, t - 2)
    symbols = Symbols(len(network.output()[1]))
    known, unknown = wanted < symbols.words, wanted == symbols.unknown  # (b, t - 2) each; neither behind a sentence's end
    forced = best(network, network.decode(memory, words[:, :-2]))  # (b, t - 2)
    said = generated(network, memory, words[:, :1], unknown)  # (b, t - 2)
    right = [(guess == wanted) & known for guess in (torch.zeros_like(wanted), forced, said)]  # identifiers are ranks from 0
    return torch.stack([known, *right]).sum(dim=2).T.cpu().numpy()


def generated(network: Reconstructor, memory: Memory, said: Tensor, unknown: Tensor) -> Tensor:
    """Say words one by one, each time the best one after those said so far.

    No network ever says the unknown symbol: it is asked for known words alone. Where a sentence has an unknown word, that symbol
    stands in its place for what is said next, as it did in training; a wrong known word there would lead the network astray.

    Parameters
    ----------
    network : Reconstructor
    memory : Memory
    said : Tensor of shape (b, 1), int64
        Boundary symbols to begin with.
    unknown : Tensor of shape (b, t), bool
        Where the sentences' words are unknown; as many words are said as it has places.

    Returns
    -------
    Tensor of shape (b, t), int64
    """
    symbol = Symbols(len(network.output()[1])).unknown
    for place in unknown.T:  # (b,)
        word = best(network, network.decode(memory, said)[:, -1:])  # (b, 1)
        said = torch.cat([said, word.masked_fill(place[:, None], symbol)], dim=1)
    return said[:, 1:]


def best(network: Reconstructor, x: Tensor) -> Tensor:
    """Return the words, (b, t), that vectors (b, t, d) score highest."""
    table, bias = network.output()
    parts = x.split(WORDS_AT_ONCE, dim=1)
    return torch.cat([functional.linear(part, table[: len(bias)], bias).argmax(dim=2) for part in parts], dim=1)  # of (b, t, v)
