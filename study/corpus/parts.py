"""Training, development and test parts, divided by groups of documents.

A group is the documents that a source says belong together because they are versions of one text (the spoken and the written
message of a president and year), else a single document; or, where documents are few, a block of whole sentences. A group goes
to one part as a whole. Nothing else is compared: a sentence that documents of different groups share, such as a formula or a
quotation, may stand in more than one part.

Groups are ordered by a digest of the seed and the group: of what its documents belong to, else of the document's number and name.
A document added behind the others leaves their order as it was, and no state of a random generator is involved.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from study.contracts import Array, Part, StudyError

PARTS: tuple[Part, ...] = ("training", "development", "test")
SMALL_CORPUS = 5_000_000
"""Running words below which a test part of the usual share would be too small."""
FEW_DOCUMENTS = 20
BLOCKS = 100


@dataclass(frozen=True, kw_only=True)
class PartsSettings:
    """How a corpus is divided.

    Parameters
    ----------
    development : float
        Share of the running words, in [0, 1).
    test : float or None
        Share of the running words, in [0, 1); None is 0.10, or 0.15 below 5 million words.
    seed : int
    """

    development: float
    test: float | None
    seed: int

    def test_share(self, words: int) -> float:
        """Return the share of the test part for a corpus of so many running words."""
        if self.test is not None:
            return self.test
        return 0.15 if words < SMALL_CORPUS else 0.10

    def check(self) -> None:
        """Raise StudyError where the shares leave nothing to train on."""
        if not (0 <= self.development < 1 and 0 <= (self.test or 0) < 1 and self.development + (self.test or 0) < 1):
            raise StudyError(
                "parts.development and parts.test: expected shares in [0, 1) that leave a training part,"
                f" found {self.development} and {self.test}"
            )


def divided(documents: Array, sentences: Array) -> Array:
    """Cut few large documents into blocks of whole sentences, about ``BLOCKS`` in all, that count as documents.

    Parameters
    ----------
    documents : ndarray of shape (d + 1,), int64
        Sentence offsets of the documents.
    sentences : ndarray of shape (s + 1,), int64
        Word offsets of the sentences.

    Returns
    -------
    ndarray of shape (b + 1,), int64
        Sentence offsets of the blocks; the documents' own where there are at least ``FEW_DOCUMENTS`` of them.
    """
    if len(documents) - 1 >= FEW_DOCUMENTS:
        return documents
    cuts = [np.zeros(1, np.int64)]
    for start, stop in pairwise(documents):
        words = sentences[stop] - sentences[start]
        blocks = max(1, round(BLOCKS * int(words) / int(sentences[-1])))
        targets = sentences[start] + words * np.arange(1, blocks + 1) / blocks
        cuts.append(np.clip(np.searchsorted(sentences, targets), start + 1, stop))
    return np.unique(np.concatenate(cuts)).astype(np.int64)


def assign(groups: Sequence[str], sizes: Array, settings: PartsSettings) -> Array:
    """Assign each document to a part, those of a group to the same.

    Parameters
    ----------
    groups : sequence of str
        The documents' groups; equal ones need not be neighbours.
    sizes : ndarray of shape (d,), int64
        Their running words.
    settings : PartsSettings

    Returns
    -------
    ndarray of shape (d,), int8
        Indices into ``PARTS``. Every part with a share above 0 has at least one group.

    Raises
    ------
    StudyError
        If there are fewer groups than parts.
    """
    number_of_group: dict[str, int] = {}
    numbers = np.array([number_of_group.setdefault(group, len(number_of_group)) for group in groups], np.int64)
    names = list(number_of_group)
    sizes = np.bincount(numbers, weights=sizes)
    total = int(sizes.sum())
    shares = {2: settings.test_share(total), 1: settings.development}
    wanted = [part for part, share in shares.items() if share > 0]
    if len(names) <= len(wanted):
        raise StudyError(
            f"corpus: {len(names)} documents or sentences are too few for {len(wanted) + 1} parts; expected more text"
        )
    keys = [hashlib.sha256(f"{settings.seed}\t{name}".encode()).digest() for name in names]
    order = np.array(sorted(range(len(keys)), key=keys.__getitem__))
    parts = np.zeros(len(names), np.int8)
    first = 0
    for taken, part in enumerate(wanted, 1):
        ends = np.cumsum(sizes[order[first:]])
        # A group belongs to the part as long as the greater half of it fits in.
        count = int(np.searchsorted(ends - sizes[order[first:]] / 2, shares[part] * total))
        last = first + min(max(count, 1), len(names) - first - (len(wanted) - taken) - 1)
        parts[order[first:last]] = part
        first = last
    return parts[numbers]
