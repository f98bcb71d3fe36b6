"""Analogies, such as that Athens is to Greece as Baghdad is to Iraq."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd

from study.contracts import Array, Corpus, Lexicon, Questions, Result, StudyError
from study.evaluation import table
from study.evaluation.uncertainty import summarise

BATCH = 512  # questions whose cosines with the whole lexicon are held at a time


@dataclass(frozen=True, kw_only=True)
class Analogy:
    """Answer ``a : b = c : ?`` by the word nearest to ``b - a + c`` (3CosAdd), the three question words excluded.

    Parameters
    ----------
    data : str
        A file of lines ``a b c d`` under section lines ``: name``; sections called ``gram…`` are syntactic, others semantic.
    restrict_vocabulary : int
        How many of the most frequent words may answer; a question with a word beyond them counts as not known.
    description, source : str
        What is asked, and where the data come from under which licence.

    References
    ----------
    Mikolov, Chen, Corrado and Dean (2013), arXiv:1301.3781. Levy and Goldberg (2014), doi:10.3115/v1/W14-1618 (3CosAdd).
    """

    data: str = field(metadata={"resource": True})
    restrict_vocabulary: int
    description: str = field(metadata={"resource": True})
    source: str = field(metadata={"resource": True})

    main_metric: ClassVar[str] = "accuracy"
    main_question: ClassVar[str] = "all"
    version: ClassVar[int] = 1

    def questions(self, corpus: Corpus) -> Questions:
        """Read the questions, folded as the corpus's vocabulary folds its words.

        Raises
        ------
        StudyError
            For a line that is not four words, or one before the first section.
        """
        path = table.locate(self.data, self.source)
        fold = corpus.vocabulary.fold
        section, rows = "", []
        for number, line in table.lines(path):
            if line.startswith(":"):
                section = line[1:].strip()
                continue
            words = [fold(word) for word in line.split()]
            if len(words) != 4 or not section:
                raise StudyError(f"{path}:{number}: expected four words under a line ': section', found: {line}")
            a, b, c, d = words
            kind = "syntactic" if section.startswith("gram") else "semantic"
            rows.append((f"{section}-{number:05d}", f"{a} {b}|{c} {d}", "test", d, kind, a, b, c))
        items = pd.DataFrame(rows, columns=["item", "group", "split", "gold", "question", "a", "b", "c"])
        return Questions("vocabulary", [], np.zeros((0, 3), dtype=np.int64), items)

    def score(self, questions: Questions, vectors: Mapping[str, Lexicon]) -> Result:
        """Score each lexicon: the share of right answers among the questions whose four words it has."""
        items = questions.items
        frames = []
        for view, lexicon in vectors.items():
            rank = {word: number for number, word in enumerate(lexicon.words[: self.restrict_vocabulary])}
            asked = np.array([[rank.get(word, -1) for word in items[name]] for name in ("a", "b", "c", "gold")]).T
            known = np.asarray((asked >= 0).all(1))
            predicted = np.full(len(items), "", dtype=object)
            found = nearest(np.asarray(lexicon.vectors[: len(rank)]), asked[known, :3])
            predicted[known] = [lexicon.words[word] for word in found]
            frames.append(items.assign(view=view, predicted=predicted, gold_value=np.nan, predicted_value=np.nan, known=known))
        wanted: dict[tuple[str, str], float | None] = {(kind, "accuracy"): 0.0 for kind in ("all", "semantic", "syntactic")}
        return summarise(pd.concat(frames, ignore_index=True), wanted)


def nearest(vectors: Array, asked: Array) -> Array:
    """Return, for each question (a, b, c), the word whose vector is nearest to ``b - a + c``.

    Parameters
    ----------
    vectors : ndarray of shape (v, d)
    asked : ndarray of shape (n, 3), int64

    Returns
    -------
    ndarray of shape (n,), int64
    """
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.divide(vectors, length, out=np.zeros_like(vectors, dtype=np.float32), where=length > 0)
    found = np.empty(len(asked), dtype=np.int64)
    for start in range(0, len(asked), BATCH):
        batch = asked[start : start + BATCH]
        a, b, c = (unit[batch[:, column]] for column in range(3))
        cosine = (b - a + c) @ unit.T  # (batch, v); the question's own length changes no order
        np.put_along_axis(cosine, batch, -np.inf, axis=1)
        found[start : start + BATCH] = cosine.argmax(1)
    return found
