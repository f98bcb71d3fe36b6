"""Weights of BERT as weights of the encoder and back: the same numbers under other names.

An encoder reads as BERT does when its anatomy is ``norm_place: after``, ``positions: learned``, ``activation: gelu``,
``biases: true``, ``norm_epsilon: 1e-12`` and ``expansion: 4``. BERT adds a vector for the first or second text of a pair to every
word; a single text is always the first one, so its vector is added to the positions once and for all.

References
----------
Devlin et al. (2019), BERT, arXiv:1810.04805; the names are those of ``transformers.BertModel``.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

INSIDE = {
    "attention.output.dense": "attention.answer",
    "attention.output.LayerNorm": "attention_norm",
    "intermediate.dense": "mlp.widen",
    "output.dense": "mlp.narrow",
    "output.LayerNorm": "mlp_norm",
}
"""A part of a layer of BERT -> the same part of a block."""
ASKED = tuple(f"attention.self.{name}" for name in ("query", "key", "value"))


def from_bert(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights of an encoder that reads as a BERT does; those of its output (``bias``) are not among them.

    Parameters
    ----------
    weights : mapping of str to Tensor
        ``BertModel.state_dict()``.
    """
    first = weights["embeddings.token_type_embeddings.weight"][0]
    found = {
        "table.weight": weights["embeddings.word_embeddings.weight"],
        "positions": weights["embeddings.position_embeddings.weight"] + first,
    }
    for kind in ("weight", "bias"):
        found[f"first_norm.{kind}"] = weights[f"embeddings.LayerNorm.{kind}"]
        for layer in range(layers(weights)):
            there, here = f"encoder.layer.{layer}", f"blocks.{layer}"
            found[f"{here}.attention.ask.{kind}"] = torch.cat([weights[f"{there}.{name}.{kind}"] for name in ASKED])
            found |= {f"{here}.{ours}.{kind}": weights[f"{there}.{theirs}.{kind}"] for theirs, ours in INSIDE.items()}
    return found


def to_bert(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights of the BERT that reads as an encoder does.

    Parameters
    ----------
    weights : mapping of str to Tensor
        ``Encoder.state_dict()`` of an encoder with BERT's anatomy.
    """
    table = weights["table.weight"]
    found = {
        "embeddings.word_embeddings.weight": table,
        "embeddings.position_embeddings.weight": weights["positions"],
        "embeddings.token_type_embeddings.weight": table.new_zeros(2, table.shape[1]),
    }
    blocks = sum(name.endswith("attention.ask.weight") for name in weights)
    for kind in ("weight", "bias"):
        found[f"embeddings.LayerNorm.{kind}"] = weights[f"first_norm.{kind}"]
        for block in range(blocks):
            there, here = f"encoder.layer.{block}", f"blocks.{block}"
            parts = weights[f"{here}.attention.ask.{kind}"].chunk(3)
            found |= {f"{there}.{name}.{kind}": part for name, part in zip(ASKED, parts, strict=True)}
            found |= {f"{there}.{theirs}.{kind}": weights[f"{here}.{ours}.{kind}"] for theirs, ours in INSIDE.items()}
    return found


def layers(weights: Mapping[str, Tensor]) -> int:
    """Count the layers of a BERT by its weights."""
    return sum(name.endswith("attention.self.query.weight") for name in weights)
