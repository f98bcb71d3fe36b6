"""What attention heads do on the whole: how evenly and how far they look, and at what, with intervals over sentences.

Measures of the words' rows of a map, letters as in ``study.model.maps``:

- ``entropy``: of a row, nats: 0 where all goes to one key, log t where it is spread evenly over t keys;
- ``evenness``: the entropy as a share of that log t;
- ``distance``: words between the one that looks and those it looks at, on average over the weights that fall on words;
- ``itself``, ``previous``, ``next``, ``boundary``: the share of the weights that falls on the word itself, on its neighbours, and
  on what is no word of the sentence.

In a decoder's map a word looks as it is to be said: ``itself`` is the same place of the sentence that was read.

References
----------
Clark, Khandelwal, Levy & Manning (2019), What does BERT look at?, arXiv:1906.04341 (entropy, neighbours, separators). Vig &
Belinkov (2019), Analyzing the structure of attention in a Transformer language model, arXiv:1906.04284 (distance).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from study.contracts import Array
from study.model.maps import AttentionMap

REPLICATES = 1000
MEASURES = ("entropy", "evenness", "distance", "itself", "previous", "next", "boundary")
COLUMNS = ("kind", "layer", "head", "measure", "value", "low", "high", "uniform", "sentences", "words")


def totals(weights: Array, seen: AttentionMap) -> Array:
    """Return each measure of a sentence as a sum over its words, and what it is to be divided by.

    Parameters
    ----------
    weights : ndarray of shape (l, h, u, t)
        Instead of the map's own.
    seen : AttentionMap

    Returns
    -------
    ndarray of shape (2, measures, l, h), float64
    """
    asks, words = seen.queries.words, seen.keys.words
    weights, allowed = weights[:, :, asks].astype(np.float64), seen.allowed[asks]  # (l, h, u, t), (u, t)
    steps = seen.keys.places[words] - seen.queries.places[asks, None]  # (u, words)
    on_words = weights[..., words]
    entropy = -(weights * np.log(np.where(weights > 0, weights, 1))).sum(axis=(2, 3))  # (l, h)
    number = np.full(entropy.shape, float(asks.sum()))
    most = np.full(entropy.shape, np.log(allowed.sum(axis=1)).sum())
    distance = (on_words * abs(steps)).sum(axis=(2, 3))
    shares = [(on_words * (steps == step)).sum(axis=(2, 3)) for step in (0, -1, 1)]
    outside = weights[..., ~words].sum(axis=(2, 3))
    counted = [(entropy, number), (entropy, most), (distance, on_words.sum(axis=(2, 3)))]
    pairs = [*counted, *((share, number) for share in (*shares, outside))]
    return np.stack([np.stack(side) for side in zip(*pairs, strict=True)])


def even(seen: AttentionMap) -> Array:
    """Return the weights of a head that looks evenly at all it may look at, ``ndarray of shape (1, 1, u, t)``."""
    return (seen.allowed / seen.allowed.sum(axis=1, keepdims=True))[None, None]


def head_table(maps: Sequence[AttentionMap], seed: int) -> pd.DataFrame:
    """Return every head's measures over sentences, with 95 % intervals of a bootstrap that draws sentences.

    Parameters
    ----------
    maps : sequence of AttentionMap
        Of one model, of one kind or several.
    seed : int
        Of the draws.

    Returns
    -------
    DataFrame with a row per kind, layer, head and measure
        ``kind``; ``layer``, ``head``, from 1; ``measure``; ``value``, ``low``, ``high``; ``uniform``, what looking evenly would
        give; ``sentences``, ``words``: how many it is measured on. Without sentences no rows.
    """
    tables = []
    for kind in dict.fromkeys(seen.kind for seen in maps):
        mine = [seen for seen in maps if seen.kind == kind and seen.queries.words.any()]
        if mine:
            tables.append(_of_one_kind(mine, seed))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(COLUMNS))


def _of_one_kind(maps: Sequence[AttentionMap], seed: int) -> pd.DataFrame:
    sums = np.stack([totals(seen.weights, seen) for seen in maps])  # (s, 2, measures, l, h)
    value = _ratio(*sums.sum(axis=0))  # (measures, l, h)
    uniform = _ratio(*np.sum([totals(even(seen), seen) for seen in maps], axis=0))[:, 0, 0]  # (measures,)
    low, high = _intervals(sums, seed)  # (measures, l, h) each
    layer, head, measure = np.indices((*value.shape[1:], len(MEASURES))).reshape(3, -1)
    columns = {
        "kind": maps[0].kind,
        "layer": layer + 1,
        "head": head + 1,
        "measure": np.array(MEASURES, dtype=object)[measure],
        "value": value[measure, layer, head],
        "low": low[measure, layer, head],
        "high": high[measure, layer, head],
        "uniform": uniform[measure],
        "sentences": len(maps),
        "words": sum(int(seen.queries.words.sum()) for seen in maps),
    }
    return pd.DataFrame(columns)[list(COLUMNS)]


def _intervals(sums: Array, seed: int) -> Array:
    """Return the 95 % intervals of ratios of sums over sentences, (2, measures, l, h); of a single sentence there is none."""
    if len(sums) < 2:
        return np.full((2, *sums.shape[2:]), np.nan)
    drawn = np.random.default_rng(seed).multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=REPLICATES)  # (r, s)
    layers = []
    for layer in np.moveaxis(sums, 3, 0):  # (s, 2, measures, h)
        above, below = np.moveaxis(np.tensordot(drawn, layer, axes=1), 1, 0)  # (r, measures, h) each
        layers.append(np.percentile(_ratio(above, below), [2.5, 97.5], axis=0))  # (2, measures, h)
    return np.stack(layers, axis=2)


def _ratio(above: Array, below: Array) -> Array:
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)
