"""A table of vectors, one row a word: how rows are looked up so that training adds to the gradient of these rows alone."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def look_up(table: Tensor, words: Tensor) -> Tensor:
    """Return the rows of words.

    The gradient of a look-up is a whole table of zeros but for these rows. Where the memory of the table's gradient stands ready
    (``Loop.forget``), the rows are added to it instead; a GPU fills whole tables faster than it finds rows.

    Parameters
    ----------
    table : Tensor of shape (v or more, d)
    words : Tensor of shape (...), int64

    Returns
    -------
    Tensor of shape (..., d)
    """
    return functional.embedding(words, table, sparse=table.is_leaf and table.grad is not None and table.device.type == "cpu")
