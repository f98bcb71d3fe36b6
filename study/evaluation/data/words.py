"""The words of a sentence as features: what a baseline sees that needs no model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from study.contracts import Questions


def bag_of_words(questions: Questions, *, target: bool) -> sparse.csr_matrix:
    """Count the words, in lower case, of each place's sentence.

    Parameters
    ----------
    questions : Questions
        With one place per item.
    target : bool
        Whether the words of the place itself count too.

    Returns
    -------
    csr_matrix of shape (n places, distinct words), float64
    """
    columns: dict[str, int] = {}
    rows: list[tuple[int, int]] = []
    for number, (sentence, start, stop) in enumerate(questions.places):
        words: Sequence[str] = questions.sentences[sentence]
        for offset, word in enumerate(words):
            if target or not start <= offset < stop:
                rows.append((number, columns.setdefault(word.lower(), len(columns))))
    cells = np.array(rows, dtype=np.int64).reshape(-1, 2)
    shape = (len(questions.places), max(1, len(columns)))
    return sparse.csr_matrix((np.ones(len(cells)), (cells[:, 0], cells[:, 1])), shape=shape)
