import pandas as pd

from study.evaluation.polysemy.distances import summarise_by_distance
from tests.evaluation.listed_corpus import answers, assert_recomputable, one


def test_development_items_are_pooled_and_test_items_scored_at_each_distance_too():
    asked = [("distance: 1", "ab"), ("distance: 12", "aa"), ("cue alone", "bb")]
    parts = [
        answers(
            "bank", ["a", "b"], list(given), question=question, split=split, item=[f"{question}-{split}-{n}" for n in range(2)]
        )
        for split in ("development", "test")
        for question, given in asked
    ]
    result = summarise_by_distance(pd.concat(parts), "distance", (1, 12), "cue alone")
    assert_recomputable(result)
    test = {score.question: score.value for score in result.scores if score.split == "test"}
    assert test == {"distance": 0.75, "distance: 1": 1.0, "distance: 12": 0.5, "cue alone": 0.5}
    assert one(result, "word_accuracy", "development").question == "distance"
    assert len(result.items) == 12
