"""Starting an encoder from the vectors of another model."""

from __future__ import annotations

import torch

from study.contracts import Array, StudyError
from study.model.transformer import Encoder


def begin_with(encoder: Encoder, vectors: Array, *, frozen: bool) -> None:
    """Let an encoder's embedding table start from type vectors, scaled so that their numbers spread as the random ones did.

    Parameters
    ----------
    encoder : Encoder
    vectors : ndarray of shape (v, d), float32
        Of the vocabulary in its order.
    frozen : bool
        Whether training leaves them as they are.

    Raises
    ------
    StudyError
        Where they are not as wide as the encoder, or of another vocabulary.
    """
    table = encoder.table.weight
    wanted = (encoder.words, table.shape[1])
    if vectors.shape != wanted:
        raise StudyError(
            f"start: expected vectors of {wanted[1]} numbers (width) for {wanted[0]} words, but those of the model to start from "
            f"have {vectors.shape[1]} for {vectors.shape[0]}: give both models the same vocabulary and this one width="
            f"{vectors.shape[1]}, or the other as many dimensions."
        )
    with torch.no_grad():
        table[: encoder.words] = torch.from_numpy(vectors * (float(table.std()) / vectors.std())).to(table)
    if frozen:
        trained = torch.arange(len(table), device=table.device)[:, None] >= encoder.words  # (v + symbols, 1)
        table.register_hook(lambda gradient: gradient * trained.to(gradient.device))
