import pandas as pd
import pytest

from study.report import landmarks


def curve(model: str, values: list[float], half: float) -> pd.DataFrame:
    """A curve over 0, 10, 100 and 1,000 words, with bands of a given half-width."""
    rows = pd.DataFrame({"value": values, "own_words": [0, 10, 100, 1_000]}).assign(model=model, moment=range(4), headline=True)
    rows = rows.assign(low=rows["value"] - half, high=rows["value"] + half, family="similarity", task="simlex", question="pair")
    return rows.assign(view="word", level="word", metric="spearman")


@pytest.mark.parametrize(
    ("values", "half", "found"),
    [
        ([0.0, 0.1, 0.6, 1.0], 0.1, 2),
        ([0.0, 0.6, 0.4, 1.0], 0.1, 3),
        ([0.0, 0.6, 0.7, 1.0], 0.1, 1),
        ([0.0, 0.6, 0.7, 1.0], 0.5, None),
        ([1.0, 0.6, 0.7, 0.0], 0.1, None),
    ],
)
def test_half_of_the_way_is_done_for_good_and_only_by_who_has_risen(values, half, found):
    assert landmarks.half_way(curve("cbow", values, half)) == found


def test_the_answer_is_between_which_moments_half_of_the_way_was_done():
    curves = pd.concat([curve("cbow", [0.0, 0.1, 0.6, 1.0], 0.1), curve("skipgram", [0.0, 0.1, 0.6, 1.0], 0.5)])
    assert landmarks.halfway(curves) == (
        "Between which moments half of the way to a model’s own end was done. simlex: cbow between 10 and 100 words (end: 1.000 "
        "after 1,000); skipgram, whose band at the end is not above that before training."
    )
    assert landmarks.halfway(curves.assign(headline=False)) == ""
