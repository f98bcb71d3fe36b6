"""Finding words in a lexicon: as they are written first, so that cased vectors know "Athens", and folded where that fails."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from study.contracts import Array


def rows_of(words: Sequence[str], written: Sequence[str], folded: Sequence[str]) -> Array:
    """Return the rows of words in a lexicon.

    Parameters
    ----------
    words : sequence of str
        Of the lexicon; of a word that stands there twice the first row counts.
    written, folded : sequence of str
        The words looked for, and the same as the corpus's vocabulary folds them.

    Returns
    -------
    ndarray of shape (n,), int64
        -1 where neither form is there.
    """
    wanted = {*written, *folded}
    row: dict[str, int] = {}
    for number, word in enumerate(words):
        if word in wanted:
            row.setdefault(word, number)
    return np.array([row.get(one, row.get(other, -1)) for one, other in zip(written, folded, strict=True)], dtype=np.int64)
