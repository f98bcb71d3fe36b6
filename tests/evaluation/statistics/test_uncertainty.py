import numpy as np
import pytest
from scipy import stats

from study.contracts import ITEM_COLUMNS
from study.evaluation.statistics import uncertainty
from study.evaluation.statistics.metric import METRICS, confusion, f1_of
from tests.evaluation.listed_corpus import answers, assert_recomputable, ratings


def repeated(items, weight):
    """Write each item as often as it weighs, which is what weighting stands for."""
    return items.loc[items.index.repeat(weight.astype(int))]


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1", "spearman"])
@pytest.mark.parametrize("paired", [False, True])
def test_weighted_replicates_are_the_metric_on_repeated_rows(metric, paired):
    rng = np.random.default_rng(1)
    group = [f"g{a}|g{b}" if paired else f"g{a}" for a, b in rng.integers(0, 8, (60, 2))]
    items = answers(group, rng.choice(list("abc"), 60), rng.choice(list("abc"), 60))
    items = items.assign(gold_value=rng.integers(0, 6, 60).astype(float), predicted_value=rng.integers(0, 6, 60).astype(float))
    weight = uncertainty.weights(items["group"].to_numpy(), np.random.default_rng(3))(40)
    fast = uncertainty.WEIGHTED[metric](items)(weight)
    slow = [METRICS[metric](repeated(items, row)) for row in weight]
    np.testing.assert_allclose(fast, slow, atol=2e-5)


def test_groups_are_drawn_whole_and_pairs_by_both_units():
    draw = uncertainty.weights(np.array(["a", "a", "b"]), np.random.default_rng(0))(500)
    assert (draw[:, 0] == draw[:, 1]).all()
    assert set(draw[:, 0] + draw[:, 2]) == {2.0}
    pairs = uncertainty.weights(np.array(["a|b", "b|c", "c"]), np.random.default_rng(0))(500)
    assert (pairs[pairs[:, 2] == 0][:, 1] == 0).all()
    assert pairs[:, 0].max() == 2.0  # a twice and b once, or the reverse


def test_areas_under_the_curve_are_those_of_repeated_pairs():
    rng = np.random.default_rng(2)
    items = ratings(["w"] * 40, rng.integers(0, 2, 40).astype(float), rng.integers(0, 5, 40).astype(float))
    weight = rng.integers(0, 4, (30, 40)).astype(np.float32)
    fast = uncertainty._area_under_curve(items)(weight)
    np.testing.assert_allclose(fast, [METRICS["auc"](repeated(items, row)) for row in weight], atol=1e-6)


def test_repeats_of_an_item_are_drawn_with_it():
    """Twenty equal answers to each of ten items are worth ten answers, not two hundred."""
    single = answers(["w"] * 10, ["a", "b"] * 5, ["a"] * 10, item=[f"w-{n}" for n in range(10)])
    single.loc[:3, "predicted"] = "b"
    many = single.loc[single.index.repeat(20)].reset_index(drop=True)
    many["item"] += [f"/{repeat:02d}" for repeat in range(20)] * 10
    for metric in ("word_accuracy", "word_macro_f1"):
        np.testing.assert_allclose(uncertainty.resample(single, metric), uncertainty.resample(many, metric), atol=1e-6)


def test_a_constant_answer_to_a_balanced_word_is_certain():
    items = answers(["v"] * 12 + ["w"] * 12, ["a", "b"] * 12, ["a"] * 24)
    assert uncertainty.interval(items, "word_accuracy") == (0.5, 0.5)


def covered(make, truth, metric, runs):
    """Count the simulated data sets whose interval holds the truth."""
    rng = np.random.default_rng(5)
    hits = 0
    for run in range(runs):
        low, high = uncertainty.interval(make(rng), metric, replicates=300, seed=run)
        hits += low <= truth <= high
    return hits


def test_intervals_of_accuracy_cover_95_per_cent_when_groups_hang_together():
    def make(rng):
        group = np.repeat(np.arange(60), 8)
        right = rng.random(480) < np.repeat(rng.choice([0.4, 1.0], 60), 8)  # documents are hard or easy; mean 0.7
        return answers(group.astype(str), "a", np.where(right, "a", "b"))

    low, high = stats.binom.interval(0.999, 200, 0.94)  # percentile intervals of 60 groups cover a little less than they say
    assert low <= covered(make, 0.7, "accuracy", 200) <= high

    def as_if_independent(rng):
        return make(rng).assign(group=[f"row-{n}" for n in range(480)])

    assert covered(as_if_independent, 0.7, "accuracy", 200) < low


def test_intervals_of_rank_correlation_cover_95_per_cent_when_pairs_share_words():
    """Words bring effects of their own into ratings and cosines; as in the real sets a word has two pairs on average."""

    def make(rng):
        words = rng.integers(0, 120, (120, 2))
        effects = rng.normal(size=(2, 120))
        gold, predicted = effects[:, words].sum(-1) + 2 * rng.normal(size=(2, 120))
        return ratings([f"{a}|{b}" for a, b in words], gold, predicted)

    low, high = stats.binom.interval(0.999, 200, 0.96)
    assert low <= covered(make, 0.0, "spearman", 200) <= high


def test_intervals_of_rank_correlation_cover_a_correlation_that_is_not_nought():
    """The rank correlation of a normal pair is 6/π arcsin(r/2) (Pearson 1907)."""

    def make(rng):
        gold, other = rng.normal(size=(2, 150))
        return ratings(np.arange(150).astype(str), gold, 0.6 * gold + 0.8 * other)

    low, high = stats.binom.interval(0.999, 200, 0.95)
    assert low <= covered(make, 6 / np.pi * np.arcsin(0.3), "spearman", 200) <= high


@pytest.mark.slow
def test_intervals_of_means_over_words_cover_the_mean_of_words():
    def make(rng):
        right = rng.random((25, 20)) < rng.uniform(0.5, 1.0, 25)[:, None]
        return answers(np.repeat(np.arange(25), 20).astype(str), "a", np.where(right.ravel(), "a", "b"))

    low, high = stats.binom.ppf(0.0005, 80, 0.94), 80
    assert low <= covered(make, 0.75, "word_accuracy", 80) <= high


def test_the_same_items_are_resampled_alike_whatever_the_answers():
    rng = np.random.default_rng(0)
    items = answers(np.repeat(list("abcd"), 10), ["x", "y"] * 20, rng.choice(["x", "y"], 40))
    other = items.assign(predicted=items["predicted"].map({"x": "y", "y": "x"}))
    for metric in ("accuracy", "word_accuracy"):
        np.testing.assert_allclose(uncertainty.resample(items, metric) + uncertainty.resample(other, metric), 1, atol=1e-6)


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1", "word_accuracy"])
def test_several_answers_are_resampled_as_each_alone(metric):
    rng = np.random.default_rng(0)
    several = [answers(np.repeat(list("abcd"), 10), ["x", "y"] * 20, rng.choice(["x", "y"], 40)) for _ in range(3)]
    several[1].loc[3, "known"] = False
    for items, values in zip(several, uncertainty.resample_alike(several, metric), strict=True):
        np.testing.assert_array_equal(values, uncertainty.resample(items, metric))
    for items, values in zip(several[::2], uncertainty.resample_alike(several[::2], metric, replicates=300, seed=4), strict=True):
        np.testing.assert_array_equal(values, uncertainty.resample(items, metric, replicates=300, seed=4))


def test_nothing_known_and_one_group_have_no_interval():
    items = answers(["a"] * 4, list("xyxy"), list("xxyy"))
    assert np.isnan(uncertainty.interval(items, "accuracy")).all()
    result = uncertainty.summarise(items.assign(known=False)[list(ITEM_COLUMNS)], {("label", "accuracy"): None})
    (score,) = result.scores
    assert np.isnan([score.value, score.low, score.high]).all()
    assert (score.n, score.coverage) == (0, 0.0)


def test_summaries_name_chance_coverage_and_number():
    items = answers(list("aabb"), list("xyxy"), list("xxxy"), known=[True, True, True, False])
    result = uncertainty.summarise(items, {("label", "accuracy"): None, ("label", "macro_f1"): 0.25})
    assert_recomputable(result)
    first, second = result.scores
    assert (first.value, first.chance, first.n, first.coverage) == (pytest.approx(2 / 3), 0.5, 3, 0.75)
    assert second.chance == 0.25


def test_macro_f1_leaves_out_classes_that_a_resample_lost():
    counts, _ = confusion(answers(list("ab"), list("xx"), list("xx")))
    padded = np.zeros((2, 2))
    padded[:1, :1] = counts
    assert f1_of(padded) == 1.0
