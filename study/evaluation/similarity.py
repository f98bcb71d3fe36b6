"""Word similarity: whether the cosines of pairs of words rank them as people do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd

from study.contracts import Array, Corpus, Questions, Result, StudyError
from study.evaluation import table
from study.evaluation.uncertainty import summarise


@dataclass(frozen=True, kw_only=True)
class Similarity:
    """Rank correlation of cosines with human ratings of word pairs.

    Parameters
    ----------
    data : str
        A file of lines ``word TAB word TAB rating``; lines that begin with ``#`` are comments.
    description, source : str
        What is asked, and where the data come from under which licence.

    References
    ----------
    Hill, Reichart and Korhonen (2015), SimLex-999, doi:10.1162/COLI_a_00237. Finkelstein et al. (2002), Placing search in
    context, doi:10.1145/503104.503110.
    """

    data: str = field(metadata={"resource": True})
    description: str = field(metadata={"resource": True})
    source: str = field(metadata={"resource": True})

    main_metric: ClassVar[str] = "spearman"
    main_question: ClassVar[str] = "pair"
    version: ClassVar[int] = 1

    def questions(self, corpus: Corpus) -> Questions:
        """Ask for the two words of each pair, each a sentence of its own.

        Raises
        ------
        StudyError
            For a line that is not two words and a number.
        """
        path = table.locate(self.data, self.source)
        words: dict[str, int] = {}
        rows = []
        dropped: Counter[str] = Counter()
        for number, line in table.lines(path):
            if line.startswith("#"):
                continue
            first, second, rating = _pair(f"{path}:{number}", line)
            if any(len(corpus.words(word)) != 1 for word in (first, second)):
                dropped["not one word by the corpus's rule"] += 1
                continue
            place, other = (words.setdefault(corpus.words(word)[0].word, len(words)) for word in (first, second))
            group = first if first == second else f"{first}|{second}"
            rows.append((f"{first} {second}", group, "test", rating, place, other))
        if not rows:
            raise StudyError(f"{path}: expected lines 'word TAB word TAB rating', found none that the corpus's rule can read")
        items = pd.DataFrame(rows, columns=["item", "group", "split", "gold_value", "place", "other"])
        items["item"] += items.groupby("item").cumcount().map(lambda again: f" ({again + 1})" if again else "")
        places = np.array([(number, 0, 1) for number in range(len(words))], dtype=np.int64)
        return Questions("word", [[word] for word in words], places, items, dict(dropped))

    def score(self, questions: Questions, vectors: Mapping[str, Array]) -> Result:
        """Compare the cosine of each pair of which both words are known with the human rating."""
        frames = []
        for view, array in vectors.items():
            cosine = _cosine(array[questions.items["place"]], array[questions.items["other"]])
            frames.append(
                questions.items[["item", "group", "split", "gold_value"]].assign(
                    view=view, question="pair", gold="", predicted="", predicted_value=cosine, known=np.isfinite(cosine)
                )
            )
        return summarise(pd.concat(frames, ignore_index=True), {("pair", "spearman"): None})


def _pair(where: str, line: str) -> tuple[str, str, float]:
    cells = [cell.strip() for cell in line.split("\t")]
    try:
        first, second, rating = cells[0], cells[1], float(cells[2])
    except (IndexError, ValueError):
        raise StudyError(f"{where}: expected 'word TAB word TAB rating', found: {line}") from None
    return first, second, rating


def _cosine(a: Array, b: Array) -> Array:
    """Return the cosines of rows, NaN where a row is unknown or has no length."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    norm = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return np.divide((a * b).sum(1), norm, out=np.full(len(a), np.nan), where=norm > 0)
