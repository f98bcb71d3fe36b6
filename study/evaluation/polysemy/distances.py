"""Scores of questions that are asked at several distances: all of them pooled choose and compare, each of them is shown."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from study.contracts import Result
from study.evaluation.statistics.uncertainty import summarise

METRIC = "word_accuracy"


def summarise_by_distance(items: pd.DataFrame, stem: str, distances: Sequence[int], *others: str) -> Result:
    """Score development items by the pooled question, which is all that a choice needs, and test items by every question.

    Parameters
    ----------
    items : DataFrame
        The items of all views, whose questions are ``stem: distance`` and the others.
    stem : str
        The pooled question.
    distances : sequence of int
    *others : str
        Questions without a distance.
    """
    every = [stem, *(f"{stem}: {distance}" for distance in distances), *others]
    asked = {"test": every, "development": [stem]}
    parts = [
        summarise(items[items["split"] == split], {(one, METRIC): None for one in chosen}) for split, chosen in asked.items()
    ]
    return Result(
        [score for part in parts for score in part.scores], pd.concat([part.items for part in parts], ignore_index=True)
    )
