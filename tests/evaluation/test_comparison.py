import numpy as np
import pandas as pd
import pytest
from scipy import stats

from study.contracts import ITEM_COLUMNS
from study.evaluation import comparison, uncertainty

from .listed_corpus import answers, ratings


def study(frames, *, metric, family="probing", task="t", level="target", question="label"):
    """Make the tidy tables of a run from ``(model, seed, items)``."""
    scores, items = [], []
    for model, seed, frame in frames:
        frame = frame.assign(question=question)
        where = {"model": model, "seed": seed, "family": family, "task": task}
        result = uncertainty.summarise(frame, {(question, metric): None})
        scores += [{**vars(score), **where, "level": level, "main": True} for score in result.scores]
        items.append(result.items.assign(**where))
    return pd.DataFrame(scores), pd.concat(items, ignore_index=True)


def guessed(right, seed, *, n=200, known=None, grouped=False):
    rng = np.random.default_rng(seed)
    hit = rng.random(n) < right
    group = [f"g{i // 4 if grouped else i}" for i in range(n)]
    return answers(group, "a", np.where(hit, "a", "b"), known=True if known is None else known)


def test_values_stand_on_common_items_and_on_own():
    known = np.arange(200) < 100
    a = guessed(0.5, 0).assign(predicted=np.where(np.arange(200) < 100, "a", "b"))
    b = guessed(0.9, 1, known=known)
    common, comparisons = comparison.compare(*study([("a", 0, a), ("b", 0, b)], metric="accuracy"), seeds=1)
    assert tuple(common.columns) == comparison.COMMON
    assert tuple(comparisons.columns) == comparison.COMPARISONS
    row = common.set_index("model").loc["a"]
    assert (row["value_common"], row["n_common"], row["value_own"], row["n_own"]) == (1.0, 100, 0.5, 200)
    assert comparisons["n"].tolist() == [100]


def test_one_seed_gets_no_verdict_however_clear():
    frames = [("a", 0, guessed(0.95, 0)), ("b", 0, guessed(0.3, 1))]
    _, comparisons = comparison.compare(*study(frames, metric="accuracy"), seeds=1)
    (row,) = comparisons.to_dict("records")
    assert row["p"] < 1e-6
    assert row["low"] < row["difference"] < row["high"]
    assert row["low"] > 0.5
    assert row["verdict"] == comparison.ONE_SEED
    assert row["test"] == "McNemar"


def test_clustered_answers_are_tested_by_groups():
    frames = [("a", 0, guessed(0.7, 0, grouped=True)), ("b", 0, guessed(0.7, 1, grouped=True))]
    _, comparisons = comparison.compare(*study(frames, metric="accuracy"), seeds=1)
    assert comparisons["test"].tolist() == ["bootstrap"]


def test_several_seeds_get_verdicts_and_wider_intervals():
    def frames(spread):
        rights = {"a": 0.8, "b": 0.5}
        return [(m, s, guessed(r + spread * (s - 1), 10 * s + len(m))) for m, r in rights.items() for s in range(3)]

    _, steady = comparison.compare(*study(frames(0.0), metric="accuracy"), seeds=3)
    _, shaky = comparison.compare(*study(frames(0.18), metric="accuracy"), seeds=3)
    assert steady["verdict"].tolist() == ["a is better"]
    assert shaky["verdict"].tolist() == ["no difference shown"]
    assert (shaky["high"] - shaky["low"]).item() > 2 * (steady["high"] - steady["low"]).item()
    assert shaky["minimum_detectable_effect"].item() > steady["minimum_detectable_effect"].item()


def test_the_seeds_formula():
    a, b = np.array([0.5, 0.6, 0.7]), np.array([0.4, 0.4, 0.4])
    error, low, high, p = comparison._with_seeds(0.2, 0.03, a, b)
    part = a.var(ddof=1) / 3
    assert error == pytest.approx(np.sqrt(0.03**2 + part))
    degrees = error**4 / (part**2 / 2)
    assert high - low == pytest.approx(2 * stats.t.ppf(0.975, degrees) * error)
    assert p == pytest.approx(2 * stats.t.sf(0.2 / error, degrees))
    assert comparison._with_seeds(0.0, 0.0, b, b)[3] == 1.0


def test_equal_models_do_not_differ():
    rng = np.random.default_rng(0)
    frame = ratings([f"{i}|{i + 1}" for i in range(80)], rng.normal(size=80), rng.normal(size=80))
    _, comparisons = comparison.compare(*study([("a", 0, frame), ("b", 0, frame)], metric="spearman", question="pair"), seeds=1)
    (row,) = comparisons.to_dict("records")
    assert (row["difference"], row["low"], row["high"], row["p"], row["test"]) == (0.0, 0.0, 0.0, 1.0, "Williams")


def test_holm_counts_all_pairs_of_a_family():
    frames = [(name, 0, guessed(right, seed)) for seed, (name, right) in enumerate({"a": 0.7, "b": 0.6, "c": 0.5}.items())]
    _, comparisons = comparison.compare(*study(frames, metric="accuracy"), seeds=1)
    p = np.sort(comparisons["p"])
    expected = np.minimum(1, np.maximum.accumulate(p * np.array([3, 2, 1])))
    np.testing.assert_allclose(np.sort(comparisons["p_holm"]), expected)


def test_models_without_a_common_item_are_not_compared():
    known = np.arange(200) < 100
    frames = [("a", 0, guessed(0.5, 0, known=known)), ("b", 0, guessed(0.5, 1, known=~known))]
    common, comparisons = comparison.compare(*study(frames, metric="accuracy"), seeds=1)
    assert comparisons["p"].isna().all()
    assert common["n_common"].tolist() == [0, 0]


def test_williams_holds_its_level_and_has_power():
    rng = np.random.default_rng(0)

    def p_values(weight_a, weight_b):
        for _ in range(400):
            gold, shared = rng.normal(size=(2, 100))
            a = weight_a * gold + shared + rng.normal(size=100)
            b = weight_b * gold + shared + rng.normal(size=100)
            r = np.corrcoef([gold, a, b])
            yield comparison.williams(r[0, 1], r[0, 2], r[1, 2], 100)

    rejected = sum(p < 0.05 for p in p_values(0.5, 0.5))
    low, high = stats.binom.interval(0.999, 400, 0.05)
    assert low <= rejected <= high
    assert sum(p < 0.05 for p in p_values(1.2, 0.3)) > 380


def test_williams_on_a_worked_case():
    """The t of Steiger's equation 7 written out for r = .50, .40, .30 and n = 53."""
    determinant = 1 - 0.25 - 0.16 - 0.09 + 2 * 0.5 * 0.4 * 0.3
    t = 0.1 * np.sqrt(52 * 1.3 / (2 * 52 / 50 * determinant + 0.45**2 * 0.7**3))
    assert comparison.williams(0.5, 0.4, 0.3, 53) == pytest.approx(2 * stats.t.sf(t, 50))


def test_bootstrap_p_is_that_of_a_normal_difference_and_has_no_floor():
    replicates = 0.3 + 0.1 * np.random.default_rng(0).standard_normal(1000)
    assert comparison.bootstrap_p(0.3, replicates) == pytest.approx(0.0027, rel=0.35)
    assert comparison.bootstrap_p(0.6, replicates) < 1e-6
    assert comparison.bootstrap_p(0.0, np.zeros(999)) == 1.0
    assert comparison.bootstrap_p(0.5, np.full(999, 0.5)) == 0.0
    assert np.isnan(comparison.bootstrap_p(0.5, np.full(5, np.nan)))


def test_scores_over_seeds_add_the_variance_of_the_seeds():
    row = {"model": "m", "family": "f", "task": "t", "view": "v", "split": "test", "question": "q", "metric": "accuracy"}
    table = pd.DataFrame(
        [{**row, "seed": seed, "value": v, "low": v - 0.1, "high": v + 0.1} for seed, v in enumerate((0.4, 0.6))]
    )
    (mean,) = comparison.over_seeds(table).to_dict("records")
    spread = stats.t.ppf(0.975, 1) * np.std([0.4, 0.6], ddof=1) / np.sqrt(2)
    assert (mean["value"], mean["seeds"]) == (0.5, 2)
    assert mean["high"] - mean["value"] == pytest.approx(np.hypot(0.1, spread))
    (single,) = comparison.over_seeds(table[:1]).to_dict("records")
    assert (single["low"], single["high"]) == pytest.approx((0.3, 0.5))


def test_items_keep_the_columns_of_the_contract():
    _, items = study([("a", 0, guessed(0.5, 0))], metric="accuracy")
    assert set(ITEM_COLUMNS) <= set(items.columns)
