import numpy as np
import pandas as pd
import pytest
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from study.evaluation.statistics.variance import COLUMNS, crossed, variance_components

KNOWN = {"seed": 0.03, "view": 0.05, "seed and view": 0.02}
"""Standard deviations."""


def simulated(rng, views=8, seeds=6):
    """Draw values of shape (views, seeds) with the known components."""
    return (
        0.7
        + KNOWN["view"] * rng.normal(size=(views, 1))
        + KNOWN["seed"] * rng.normal(size=seeds)
        + KNOWN["seed and view"] * rng.normal(size=(views, seeds))
    )


def tidy(values, *, half=0.02, model="m", task="t", **columns):
    """Write values of shape (views, seeds) as scores."""
    where = {"model": model, "family": "probing", "task": task, "split": "test", "question": "label", "metric": "accuracy"}
    rows = [
        {**where, "view": f"layer-{view}", "seed": seed, "value": value, "low": value - half, "high": value + half, "main": True}
        for (view, seed), value in np.ndenumerate(values)
    ]
    return pd.DataFrame(rows).assign(**columns)


def test_known_components_are_found_again():
    rng = np.random.default_rng(0)
    found = pd.DataFrame([crossed(simulated(rng)) for _ in range(1500)])
    for name, deviation in KNOWN.items():
        error = found[name].std() / np.sqrt(len(found))
        assert abs(found[name].mean() - deviation**2) < 4 * error + 0.01 * deviation**2, name  # none below 0, so a little above


def test_without_an_effect_nothing_is_left_but_noise():
    rng = np.random.default_rng(1)
    found = pd.DataFrame([crossed(rng.normal(size=(8, 6))) for _ in range(300)])
    assert found["seed and view"].mean() == pytest.approx(1, abs=0.05)
    assert found["seed"].mean() < 0.07
    assert (found["seed"] == 0).mean() > 0.4
    assert (found >= 0).all(axis=None)


def test_mean_squares_are_those_of_statsmodels():
    values = simulated(np.random.default_rng(2))
    views, seeds = values.shape
    table = anova_lm(ols("value ~ C(view) + C(seed)", tidy(values)).fit())
    squares = table["sum_sq"] / table["df"]
    found = crossed(values)
    assert found["seed and view"] == pytest.approx(squares["Residual"])
    assert found["seed"] == pytest.approx((squares["C(seed)"] - squares["Residual"]) / views)
    assert found["view"] == pytest.approx((squares["C(view)"] - squares["Residual"]) / seeds)


def test_shares_and_the_variance_of_items():
    values = simulated(np.random.default_rng(3))
    table = variance_components(tidy(values, half=1.96 * 0.01))
    assert tuple(table.columns) == COLUMNS
    assert table["component"].tolist() == ["seed", "view", "seed and view", "items"]
    by_name = table.set_index("component")
    assert by_name.loc["items", "variance"] == pytest.approx(0.01**2, rel=1e-3)
    assert table["share"].sum() == pytest.approx(1)
    assert by_name.loc["view", "share"] == pytest.approx(crossed(values)["view"] / table["variance"].sum())


def test_only_main_test_scores_of_repeated_trainings_take_part():
    values = simulated(np.random.default_rng(4))
    expected = variance_components(tidy(values))
    others = [tidy(values + 1, split="development"), tidy(values * 2, question="else", main=False), tidy(values, view="baseline")]
    once = tidy(values[:, :1], model="once")
    pd.testing.assert_frame_equal(variance_components(pd.concat([tidy(values), *others, once])), expected)
    assert variance_components(once).empty


def test_one_view_has_no_component_of_views_and_holes_are_left_out():
    values = simulated(np.random.default_rng(5))
    alone = variance_components(tidy(values[:1])).set_index("component")["variance"]
    assert alone.index.tolist() == ["seed", "items"]
    assert alone["seed"] == pytest.approx(values[0].var(ddof=1))
    holed = values.copy()
    holed[3, 1] = np.nan
    found = variance_components(tidy(holed)).set_index("component")["variance"]
    assert found["view"] == pytest.approx(crossed(np.delete(values, 3, axis=0))["view"])


def test_equal_values_without_an_interval_have_no_shares():
    table = variance_components(tidy(np.full((3, 2), 0.5), half=0.0))
    assert (table["variance"] == 0).all()
    assert table["share"].isna().all()
