import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import f1_score, roc_auc_score

from study.evaluation.statistics import metric
from study.evaluation.statistics.metric import METRICS
from tests.evaluation.listed_corpus import answers, ratings


def test_known_items_alone_are_scored():
    items = answers(list("aabb"), list("xyxy"), list("xxxy"), known=[True, False, True, True])
    assert METRICS["accuracy"](items) == 1.0
    assert np.isnan(METRICS["accuracy"](items.assign(known=False)))
    assert np.isnan(METRICS["macro_f1"](items.assign(known=False)))


def test_metrics_agree_with_the_libraries():
    rng = np.random.default_rng(0)
    gold, predicted = rng.choice(list("abcd"), 200), rng.choice(list("abce"), 200)
    items = answers(["g"] * 200, gold, predicted)
    assert METRICS["macro_f1"](items) == pytest.approx(f1_score(gold, predicted, average="macro"))
    x, y = rng.integers(0, 9, 200).astype(float), rng.integers(0, 9, 200).astype(float)
    assert METRICS["spearman"](ratings(["g"] * 200, x, y)) == pytest.approx(stats.spearmanr(x, y).statistic)
    assert METRICS["auc"](ratings(["g"] * 200, x > 4, y)) == pytest.approx(roc_auc_score(x > 4, y))


def test_means_over_words_count_every_word_alike():
    items = answers(["a"] * 8 + ["b"] * 2, ["x"] * 10, ["x"] * 8 + ["y"] * 2)
    assert METRICS["accuracy"](items) == 0.8
    assert METRICS["word_accuracy"](items) == 0.5


def test_pairs_are_compared_within_a_word_only():
    # Every pair of word a is closer than every pair of word b; within each word the closer pair has the same sense.
    items = ratings(list("aabb"), [1.0, 0.0, 1.0, 0.0], [0.9, 0.8, 0.2, 0.1])
    assert METRICS["auc"](items) == 1.0


def test_chance_levels():
    items = answers(list("aabbb"), list("xyxyz"), list("xxxxx"))
    assert metric.chance(items, "accuracy") == pytest.approx(1 / 3)
    assert metric.chance(items, "word_accuracy") == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert metric.chance(items, "auc") == 0.5
    assert metric.chance(items, "spearman") == metric.chance(items, "silhouette") == 0.0


def test_one_constant_side_has_no_rank_correlation():
    assert np.isnan(METRICS["spearman"](ratings(list("abcd"), [1, 2, 3, 4], [0.5] * 4)))
