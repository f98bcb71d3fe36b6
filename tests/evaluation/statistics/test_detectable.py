import pandas as pd

from study.evaluation.statistics.detectable import COLUMNS, detectable


def pairs(task, effects, *, seeds=1, n=100):
    where = {"family": "probing", "task": task, "question": "label", "metric": "accuracy", "seeds": seeds, "n": n}
    return pd.DataFrame([{**where, "minimum_detectable_effect": effect} for effect in effects])


def test_a_row_per_task_with_its_smallest_median_and_largest_effect():
    table = detectable(pd.concat([pairs("a", [0.03, 0.01, 0.02]), pairs("b", [0.5], seeds=3, n=7)]))
    assert tuple(table.columns) == COLUMNS
    assert table.iloc[0, :9].tolist() == ["probing", "a", "label", "accuracy", 100, 3, 0.01, 0.02, 0.03]
    assert table.iloc[1, 4:9].tolist() == [7, 1, 0.5, 0.5, 0.5]
    assert table["assumes"][0].endswith("other items, the same training")
    assert table["assumes"][1].endswith("other items and 3 other trainings of each model")


def test_nothing_compared_is_an_empty_table():
    assert detectable(pairs("a", [1.0])[:0]).empty
