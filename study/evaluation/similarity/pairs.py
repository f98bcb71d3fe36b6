"""Word similarity: whether the cosines of pairs of words rank them as people do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd

from study.contracts import Array, Corpus, Lexicon, Questions, Result, StudyError
from study.evaluation.data import fetching, table
from study.evaluation.data.columns import Columns, Row, Separator, read
from study.evaluation.geometry.correction import centred, standardised, without_top
from study.evaluation.similarity.lookup import rows_of
from study.evaluation.statistics.uncertainty import summarise

Correction = Literal["mean", "top", "standardised"]
CORRECTED: Mapping[Correction, str] = {
    "mean": "pair, mean removed",
    "top": "pair, top components removed",
    "standardised": "pair, standardised",
}
"""A correction of the vectors, and the question whose scores are computed after it."""


@dataclass(frozen=True, kw_only=True)
class Similarity:
    """Rank correlation of cosines with human ratings of word pairs.

    With ``unknown: own`` a model is asked for the words and scored on the pairs it knows; models are compared on the pairs that
    all of them know. The two classical policies score every pair, and are there to be held against published figures: they ask
    a model's lexicons, so only its type views, and their coverage is always 1.

    Parameters
    ----------
    data : str
        A file with two words and a rating a line; lines that begin with ``#`` are comments.
    fetch, digest : str or None
        Address of the file where it can be had by itself, and ``sha256:…`` of its content.
    separator : {"tab", "space", "comma"}
        Between columns.
    columns : mapping of str to str or int
        The columns of ``first``, ``second`` and ``rating``: names in a header line, or numbers from 1 in a file without one.
    parts : mapping of (str or int) to mapping of str to str
        Column -> value in it -> what its pairs are called; they are scored by themselves too. Pairs of other values are not.
    suffix : str or None
        A character: the last one in a word is cut off with what follows it (``sun-n``).
    development : str or None
        A file of the same columns with the official development pairs; where it is missing, all pairs are test pairs.
    unknown : {"own", "mean", "zero"}
        What an unknown word does: its pairs are left out; the mean of the lexicon stands for it; its similarities are 0.
    corrections : sequence of {"mean", "top", "standardised"}
        The pairs are scored again after each of these corrections of the vectors (see ``correction``), fitted on the known words
        of the task, or on the whole lexicon where lexicons are asked.
    components : int or None
        Principal components that ``top`` takes away; None: a hundredth of the width, at least one.
    description, source : str
        What is asked, and where the data come from under which licence.

    References
    ----------
    Hill, Reichart and Korhonen (2015), SimLex-999, doi:10.1162/COLI_a_00237. Finkelstein et al. (2002), Placing search in
    context, doi:10.1145/503104.503110. Mu and Viswanath (2018), All-but-the-top, arXiv:1702.01417.
    """

    data: str = field(metadata={"resource": True})
    fetch: str | None = field(metadata={"resource": True})
    digest: str | None = field(metadata={"resource": True})
    separator: Separator
    columns: Columns
    parts: Mapping[str | int, Mapping[str, str]]
    suffix: str | None
    development: str | None = field(metadata={"resource": True})
    unknown: Literal["own", "mean", "zero"]
    corrections: Sequence[Correction]
    components: int | None
    description: str = field(metadata={"resource": True})
    source: str = field(metadata={"resource": True})

    main_metric: ClassVar[str] = "spearman"
    main_question: ClassVar[str] = "pair"
    version: ClassVar[int] = 2

    def questions(self, corpus: Corpus) -> Questions:
        """Ask for the two words of each pair, each a sentence of its own; or for lexicons, by the policy for unknown words.

        Raises
        ------
        StudyError
            For a line that is not two words and a number, or a correction that there is not.
        """
        for name in self.corrections:
            if name not in CORRECTED:
                raise StudyError(f"corrections: expected some of {', '.join(CORRECTED)}, found '{name}'")
        path = fetching.located(self.data, self.source, address=self.fetch, digest=self.digest)
        development, note = self._development()
        words: dict[str, int] = {}
        rows = []
        dropped: Counter[str] = Counter()
        for row in self._read(path):
            first, second, rating = self._pair(row)
            place = other = -1
            if self.unknown == "own":
                split = [corpus.words(word) for word in (first, second)]
                if any(len(tokens) != 1 for tokens in split):
                    dropped["not one word by the corpus's rule"] += 1
                    continue
                place, other = (words.setdefault(tokens[0].word, len(words)) for tokens in split)
            part = "development" if (first, second) in development else "test"
            group = first if first == second else f"{first}|{second}"
            named = [names.get(row.cells[f"part {column}"]) for column, names in self._named()]
            kinds = [name for name in named if name is not None]
            rows.append((f"{first} {second}", group, part, rating, first, second, place, other, kinds))
        if not rows:
            raise StudyError(f"{path}: expected lines of two words and a rating, found none that the corpus's rule can read")
        names = ["item", "group", "split", "gold_value", "first", "second", "place", "other", "kinds"]
        items = pd.DataFrame(rows, columns=names)
        items["item"] += items.groupby("item").cumcount().map(lambda again: f" ({again + 1})" if again else "")
        if self.unknown == "own":
            places = np.array([(number, 0, 1) for number in range(len(words))], dtype=np.int64)
            return Questions("word", [[word] for word in words], places, items, dict(dropped), note)
        fold = corpus.vocabulary.fold
        items = items.assign(first_folded=items["first"].map(fold), second_folded=items["second"].map(fold))
        note = f"{note} Unknown words: {'the mean vector' if self.unknown == 'mean' else 'similarity 0'}.".strip()
        return Questions("vocabulary", [], np.zeros((0, 3), dtype=np.int64), items, dict(dropped), note)

    def score(self, questions: Questions, vectors: Mapping[str, Any]) -> Result:
        """Compare the cosine of each pair with the human rating: all pairs, each part of them, and after each correction."""
        items = questions.items
        frames = []
        for view, given in vectors.items():
            array, first, second = _asked(items, given)
            for question, correct in {"pair": None, **self._corrections()}.items():
                cosine = self._cosine(array if correct is None else correct(array), first, second)
                frames.append(
                    items[["item", "group", "split", "gold_value"]].assign(
                        view=view, question=question, gold="", predicted="", predicted_value=cosine, known=np.isfinite(cosine)
                    )
                )
                if question == "pair":
                    kinds = frames[-1].assign(question=items["kinds"]).explode("question")
                    frames.append(kinds[kinds["question"].notna()])
        asked = ["pair", *(kind for _, names in self._named() for kind in names.values()), *self._corrections()]
        return summarise(pd.concat(frames, ignore_index=True), {(question, "spearman"): None for question in asked})

    def _read(self, path: Path) -> list[Row]:
        named = {f"part {column}": column for column, _ in self._named()}
        return read(path, {**self.columns, **named}, self.separator)

    def _pair(self, row: Row) -> tuple[str, str, float]:
        first, second = row.cells["first"], row.cells["second"]
        if self.suffix:
            first, second = (word.rpartition(self.suffix)[0] or word for word in (first, second))
        try:
            return first, second, float(row.cells["rating"])
        except ValueError:
            raise StudyError(f"{row.where}: expected two words and a rating, found: {' '.join(row.cells.values())}") from None

    def _development(self) -> tuple[set[tuple[str, str]], str]:
        """Return the official development pairs, and a note where they are missing."""
        if self.development is None:
            return set(), ""
        try:
            path = table.locate(self.development, self.source)
        except StudyError:
            return set(), f"The official development pairs ({self.development}) are not there: all pairs are test pairs."
        return {self._pair(row)[:2] for row in self._read(path)}, ""

    def _named(self) -> list[tuple[str | int, Mapping[str, str]]]:
        """Return the columns of parts with the names of their values, which are texts in the file."""
        return [(column, {str(value): name for value, name in names.items()}) for column, names in self.parts.items()]

    def _corrections(self) -> dict[str, Any]:
        functions = {"mean": centred, "top": partial(without_top, components=self.components), "standardised": standardised}
        return {CORRECTED[name]: functions[name] for name in self.corrections}

    def _cosine(self, array: Array, first: Array, second: Array) -> Array:
        """Return the cosines of rows of an array, -1 for an unknown word, by the policy for unknown words."""
        if self.unknown == "own":
            return cosines(array[first], array[second])
        known = (first >= 0) & (second >= 0)
        if self.unknown == "mean":
            mean = np.asarray(array).mean(axis=0, dtype=np.float64)
            if np.linalg.norm(mean) < 1e-9 * np.abs(array).max():  # after a correction, where no direction is left to it
                mean[:] = 0
            one, other = (np.where((rows >= 0)[:, None], array[rows], mean) for rows in (first, second))
            return np.nan_to_num(cosines(one, other))
        return np.where(known, np.nan_to_num(cosines(array[first], array[second])), 0.0)


def _asked(items: pd.DataFrame, given: Any) -> tuple[Array, Array, Array]:
    """Return an array and the rows of it that the pairs ask for: of places, or of a lexicon with -1 for an unknown word."""
    if not isinstance(given, Lexicon):
        return given, items["place"].to_numpy(), items["other"].to_numpy()
    written, folded = (pd.concat([items[f"first{form}"], items[f"second{form}"]]) for form in ("", "_folded"))
    first, second = rows_of(given.words, list(written), list(folded)).reshape(2, -1)
    return given.vectors, first, second


def cosines(a: Array, b: Array) -> Array:
    """Return the cosines of the rows of two arrays of shape (n, d), NaN where a row is unknown or has no length."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    norm = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return np.divide((a * b).sum(1), norm, out=np.full(len(a), np.nan), where=norm > 0)
