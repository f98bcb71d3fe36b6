"""Analogies, such as that Athens is to Greece as Baghdad is to Iraq."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import pandas as pd

from study.contracts import Array, Corpus, Lexicon, Questions, Result, StudyError
from study.evaluation.data import fetching, table
from study.evaluation.data.columns import Columns, Separator, read
from study.evaluation.similarity.lookup import rows_of
from study.evaluation.statistics.uncertainty import summarise

BATCH = 128  # questions whose words' cosines with the whole lexicon are held at a time

Objective = Literal["3CosAdd", "3CosMul"]


@dataclass(frozen=True, kw_only=True)
class Analogy:
    """Answer ``a : b = c : ?`` by the word of the whole lexicon that fits best, the three question words excluded.

    ``3CosAdd`` looks for the highest ``cos(x, b) - cos(x, a) + cos(x, c)``, which is the word nearest to ``b - a + c``;
    ``3CosMul`` for the highest ``cos(x, b) cos(x, c) / (cos(x, a) + epsilon)`` with cosines moved to [0, 1].

    Parameters
    ----------
    data : str
        A file of questions.
    fetch, digest : str or None
        Address of the file where it can be had by itself, and ``sha256:…`` of its content.
    separator : {"tab", "space", "comma"}
        Between columns.
    columns : mapping of str to (str or int), or None
        The columns of ``section``, ``a``, ``b``, ``c`` and ``d``, as for ``Similarity``; None: the file has lines of four words
        under section lines ``: name``.
    kinds : mapping of str to str
        Beginning of a section's name -> the kind of its analogies, scored by itself; the first that fits counts.
    restrict_vocabulary : int
        How many of the most frequent words may answer; a word beyond them is unknown.
    objective : {"3CosAdd", "3CosMul"}
    epsilon : float
        Keeps 3CosMul from dividing by zero.
    unknown : {"own", "zero"}
        What a question with an unknown word does: it is left out; it counts as answered wrong, and the coverage is 1.
    description, source : str
        What is asked, and where the data come from under which licence.

    References
    ----------
    Mikolov, Chen, Corrado and Dean (2013), arXiv:1301.3781. Levy and Goldberg (2014), doi:10.3115/v1/W14-1618 (both objectives).
    """

    data: str = field(metadata={"resource": True})
    fetch: str | None = field(metadata={"resource": True})
    digest: str | None = field(metadata={"resource": True})
    separator: Separator
    columns: Columns | None
    kinds: Mapping[str, str]
    restrict_vocabulary: int
    objective: Objective
    epsilon: float
    unknown: Literal["own", "zero"]
    description: str = field(metadata={"resource": True})
    source: str = field(metadata={"resource": True})

    main_metric: ClassVar[str] = "accuracy"
    main_question: ClassVar[str] = "all"
    version: ClassVar[int] = 2

    def questions(self, corpus: Corpus) -> Questions:
        """Read the questions.

        Raises
        ------
        StudyError
            For a line that is not a question, or a section that is of no kind.
        """
        path = fetching.located(self.data, self.source, address=self.fetch, digest=self.digest)
        fold = corpus.vocabulary.fold
        rows = []
        for number, section, words in self._read(path):
            kind = next((kind for beginning, kind in self.kinds.items() if section.startswith(beginning)), None)
            if kind is None:
                raise StudyError(f"{path}:{number}: the section '{section}' begins with none of {', '.join(self.kinds)} (kinds)")
            group = "{} {}|{} {}".format(*words)
            rows.append((f"{section}-{number:05d}", group, "test", f"{kind}: {section}", *words, *map(fold, words)))
        written = ["a", "b", "c", "gold"]
        names = ["item", "group", "split", "question", *written, *(f"{name}_folded" for name in written)]
        items = pd.DataFrame(rows, columns=names)
        return Questions("vocabulary", [], np.zeros((0, 3), dtype=np.int64), items)

    def score(self, questions: Questions, vectors: Mapping[str, Lexicon]) -> Result:
        """Score each lexicon: the share of right answers, of all questions, of each kind and of each section."""
        items = questions.items
        frames = []
        for view, lexicon in vectors.items():
            words = lexicon.words[: self.restrict_vocabulary]
            asked = _rows(items, words)
            known = np.asarray((asked >= 0).all(axis=1))
            predicted = np.full(len(items), "", dtype=object)
            found = nearest(np.asarray(lexicon.vectors[: len(words)]), asked[known, :3], self.objective, self.epsilon)
            right = found == asked[known, 3]  # the answer as the file writes it, however the lexicon does
            predicted[known] = np.where(right, items["gold"].to_numpy()[known], np.array(words, dtype=object)[found])
            answered = items.assign(view=view, predicted=predicted, gold_value=np.nan, predicted_value=np.nan)
            frames.append(answered.assign(known=known if self.unknown == "own" else True))
        asked_of = dict.fromkeys(["all", *self.kinds.values(), *items["question"]])
        return summarise(pd.concat(frames, ignore_index=True), {(question, "accuracy"): 0.0 for question in asked_of})

    def _read(self, path: Path) -> Iterator[tuple[int, str, list[str]]]:
        """Yield line number, section and the four words of each question."""
        if self.columns is not None:
            for row in read(path, self.columns, self.separator):
                yield row.line, row.cells["section"], [row.cells[name] for name in ("a", "b", "c", "d")]
            return
        section = ""
        for number, line in table.lines(path):
            if line.startswith(":"):
                section = line[1:].strip()
                continue
            words = line.split()
            if len(words) != 4 or not section:
                raise StudyError(f"{path}:{number}: expected four words under a line ': section', found: {line}")
            yield number, section, words


def _rows(items: pd.DataFrame, words: Sequence[str]) -> Array:
    """Return the rows of the words a, b, c and of the right answer in a lexicon, (n, 4), -1 where unknown."""
    names = ("a", "b", "c", "gold")
    written, folded = ([word for name in names for word in items[name + form]] for form in ("", "_folded"))
    return rows_of(words, written, folded).reshape(4, -1).T


def nearest(vectors: Array, asked: Array, objective: Objective = "3CosAdd", epsilon: float = 1e-3) -> Array:
    """Return, for each question (a, b, c), the word that fits best.

    The cosines of a batch's distinct words with the whole lexicon are one product of matrices. Both objectives are then sums of
    three of its rows (of their logarithms for 3CosMul), made question by question, so that they stay in the processor's cache.

    Parameters
    ----------
    vectors : ndarray of shape (v, d)
    asked : ndarray of shape (n, 3), int64
    objective : {"3CosAdd", "3CosMul"}
    epsilon : float

    Returns
    -------
    ndarray of shape (n,), int64
    """
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.divide(vectors, length, out=np.zeros_like(vectors, dtype=np.float32), where=length > 0)
    found = np.empty(len(asked), dtype=np.int64)
    fit = np.empty(len(unit), dtype=np.float32)
    for start in range(0, len(asked), BATCH):
        batch = asked[start : start + BATCH]
        distinct, rows = np.unique(batch, return_inverse=True)
        towards = away = unit[distinct] @ unit.T  # (distinct, v)
        if objective == "3CosMul":
            shifted = np.maximum((1 + towards) / 2, 0)
            with np.errstate(divide="ignore"):
                towards, away = np.log(shifted), np.log(shifted + np.float32(epsilon))
        for number, (a, b, c) in enumerate(rows.reshape(-1, 3), start):
            np.subtract(towards[b], away[a], out=fit)
            fit += towards[c]
            fit[asked[number]] = -np.inf
            found[number] = fit.argmax()
    return found
