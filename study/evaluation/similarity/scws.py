"""Similarity of words in their contexts, after SCWS (Stanford's contextual word similarities).

People rated how alike two words are, each in a paragraph of its own. Four questions are scored against the mean of their ratings:

- ``pair``: the cosine of the two vectors in context. It stands where AvgSimC stood for models with several prototypes of a
  word: a vector in context *is* its word's prototype for that context, so that nothing is left to weigh. (Of the measures of
  Reisinger and Mooney, a single prototype chosen by the context is their LocalSim.)
- ``pair, averaged``: AvgSim, which sees no context: the mean cosine between all occurrences of the first word and all of the
  second in the file itself, never of an occurrence with itself. Half of the words occur there but once. For a view that does not
  look at the context, such as ``word``, it is the same as ``pair``.
- ``pair, words shuffled`` and ``pair, another's context``: the controls of ``shuffling``. What the order of words carried is lost
  to the first; the second deals the vectors of one form out anew among its occurrences.

References
----------
Huang, Socher, Manning and Ng (2012), Improving word representations via global context and multiple word prototypes,
https://aclanthology.org/P12-1092. Reisinger and Mooney (2010), Multi-prototype vector-space models of word meaning,
https://aclanthology.org/N10-1013 (AvgSim, AvgSimC).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd

from study.contracts import Array, Corpus, Questions, Result, Span, StudyError
from study.evaluation.data import table
from study.evaluation.data.columns import Columns, read
from study.evaluation.polysemy.shuffling import ANOTHER, SHUFFLED, deal, forms, with_shuffled
from study.evaluation.similarity.pairs import cosines
from study.evaluation.statistics.uncertainty import summarise

TARGET = re.compile(r"<b>\s*(.+?)\s*</b>")
TIE = 12  # decimals of a cosine: pairs of one word with itself are tied for a view that sees no context


@dataclass(frozen=True, kw_only=True)
class ContextualSimilarity:
    """Rank correlation of the cosines of words in context with human ratings.

    Parameters
    ----------
    data : str
        A file of two words, two contexts with the target in ``<b> </b>``, and a rating a line, set apart by TABs.
    columns : mapping of str to str or int
        The columns of ``first``, ``second``, ``first_context``, ``second_context`` and ``rating``, as for ``Similarity``.
    seed : int
        Of the shuffled controls.
    description, source : str
        What is asked, and where the data come from under which licence.
    """

    data: str = field(metadata={"resource": True})
    columns: Columns
    seed: int
    description: str = field(metadata={"resource": True})
    source: str = field(metadata={"resource": True})

    main_metric: ClassVar[str] = "spearman"
    main_question: ClassVar[str] = "pair"
    version: ClassVar[int] = 1

    def questions(self, corpus: Corpus) -> Questions:
        """Ask for both words of each pair in their contexts, and in the same contexts with the other words shuffled.

        Raises
        ------
        StudyError
            For a line without two marked words and a rating.
        """
        path = table.locate(self.data, self.source)
        sentences: list[list[str]] = []
        places: list[tuple[int, int, int]] = []
        rows = []
        dropped: Counter[str] = Counter()
        for row in read(path, self.columns, "tab"):
            found = [_target(corpus, row.cells[name], row.where) for name in ("first_context", "second_context")]
            try:
                rating = float(row.cells["rating"])
            except ValueError:
                raise StudyError(f"{row.where}: expected a rating, found: {row.cells['rating']}") from None
            if any(span is None or len(words) < 2 for words, span in found):
                dropped["target does not align with the corpus's words"] += 1
                continue
            for words, span in found:
                assert span is not None
                places.append((len(sentences), *span))
                sentences.append(words)
            first, second = row.cells["first"], row.cells["second"]
            group = first if first == second else f"{first}|{second}"
            rows.append((f"{first} {second} {row.line:04d}", group, "test", rating, len(places) - 2, len(places) - 1))
        if not rows:
            raise StudyError(f"{path}: none of the lines is left: {dict(dropped)}. Are the targets whole words?")
        items = pd.DataFrame(rows, columns=["item", "group", "split", "gold_value", "place", "other"])
        asked = np.array(places, dtype=np.int64)
        form = np.array(forms(sentences, asked, corpus))
        everything, both, shuffled = with_shuffled(sentences, asked, np.arange(len(asked)), seed=self.seed)
        items = items.assign(
            form=form[items["place"]],
            other_form=form[items["other"]],
            place_shuffled=shuffled[items["place"]],
            other_shuffled=shuffled[items["other"]],
        )
        return Questions("target", everything, both, items, dict(dropped))

    def score(self, questions: Questions, vectors: Mapping[str, Array]) -> Result:
        """Compare the cosines of each pair, by every question, with the mean rating."""
        items = questions.items
        place, other, place_shuffled, other_shuffled = (
            items[name].to_numpy() for name in ("place", "other", "place_shuffled", "other_shuffled")
        )
        form = np.empty(1 + max(place.max(), other.max()), dtype=object)
        form[place], form[other] = items["form"], items["other_form"]
        dealt = deal(list(form), seed=self.seed)
        frames = []
        for view, array in vectors.items():
            cosine = {
                "pair": cosines(array[place], array[other]),
                "pair, averaged": averaged(array[: len(form)], form, place, other),
                f"pair, {SHUFFLED}": cosines(array[place_shuffled], array[other_shuffled]),
                f"pair, {ANOTHER}": cosines(array[dealt[place]], array[dealt[other]]),
            }
            frames += [
                items[["item", "group", "split", "gold_value"]].assign(
                    view=view, question=question, gold="", predicted="", predicted_value=values, known=np.isfinite(values)
                )
                for question, values in ((question, values.round(TIE)) for question, values in cosine.items())
            ]
        return summarise(pd.concat(frames, ignore_index=True), {(question, "spearman"): None for question in cosine})


def averaged(vectors: Array, form: Array, place: Array, other: Array) -> Array:
    """Return the mean cosine between all known occurrences of the words of each pair, none with itself.

    Parameters
    ----------
    vectors : ndarray of shape (n, d)
        Of occurrences; NaN rows are unknown.
    form : ndarray of shape (n,), text
        The word that each is an occurrence of.
    place, other : ndarray of shape (m,), int64
        Two occurrences for each pair, whose words are meant.

    Returns
    -------
    ndarray of shape (m,)
        NaN where a word has no known occurrence, or a word paired with itself has only one.
    """
    vectors = np.asarray(vectors, np.float64)
    length = np.linalg.norm(vectors, axis=1)
    known = np.isfinite(length) & (length > 0)
    unit = np.where(known[:, None], vectors / np.where(known, length, 1)[:, None], 0)
    words, number = np.unique(form.astype(str), return_inverse=True)
    sums, times = np.zeros((len(words), vectors.shape[1])), np.bincount(number[known], minlength=len(words))
    np.add.at(sums, number, unit)
    first, second = number[place], number[other]
    itself = np.where(first == second, times[first], 0)  # cosines of 1 of occurrences with themselves
    pairs = times[first] * times[second] - itself
    total = (sums[first] * sums[second]).sum(axis=1) - itself
    return np.divide(total, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)


def _target(corpus: Corpus, context: str, where: str) -> tuple[list[str], Span | None]:
    """Return the words of a context and the span of its marked word, None where it is not made of whole words."""
    found = list(TARGET.finditer(context))
    if len(found) != 1:
        raise StudyError(f"{where}: expected one word marked as <b> word </b>, found: {context}")
    start, target = found[0].start(), found[0][1]
    text = context[:start] + target + context[found[0].end() :]
    tokens = corpus.words(text)
    return [token.word for token in tokens], table.span(tokens, start, start + len(target))
