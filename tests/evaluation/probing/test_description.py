from itertools import pairwise

import numpy as np
import pytest

from study.evaluation.probing import description, reader
from study.evaluation.probing.perceptron import perceptron
from study.evaluation.probing.reader import Labelled

from .test_reader import LINEAR

READERS = {"linear": LINEAR, "mlp": perceptron(hidden=16, epochs=30, seed=0)}


def coded(read, apart, n=600, classes=4):
    rng = np.random.default_rng(0)
    codes = rng.integers(0, classes, n)
    features = rng.normal(size=(n, 8)) + apart * np.eye(classes, 8)[codes]
    development, told = np.arange(100), rng.permutation(np.arange(100, n))
    return description.bits(read, Labelled(features.astype(np.float32), codes, classes), told, development)


@pytest.mark.parametrize("name", READERS)
def test_what_is_easy_to_read_is_short_and_noise_as_long_as_the_even_code(name):
    easy, noise = coded(READERS[name], 5.0), coded(READERS[name], 0.0)
    assert easy.mean() < 0.5
    assert 1.95 < noise.mean() < 2.3  # a probe of noise pays a little for being sure too soon
    assert (easy[:10] == 2).all()


def test_the_labels_of_a_block_do_not_shorten_its_own_code():
    """The last block's labels are changed: no item before it costs another number of bits."""
    rng = np.random.default_rng(0)
    features, codes = rng.normal(size=(200, 5)), rng.integers(0, 2, 200)
    changed = np.where(np.arange(200) >= 150, 1 - codes, codes)
    told, development = np.arange(50, 200), np.arange(50)
    first, second = (description.bits(LINEAR, Labelled(features, each, 2), told, development) for each in (codes, changed))
    assert (first[:75] == second[:75]).all()
    assert (first[100:] != second[100:]).all()


def test_blocks_end_at_the_shares_of_the_items():
    assert description.ends(10000) == [10, 20, 40, 80, 160, 320, 625, 1250, 2500, 5000, 10000]
    assert description.ends(300) == [10, 19, 38, 75, 150, 300]
    assert description.ends(4) == [4]


def test_whole_groups_follow_each_other_in_random_order():
    groups = np.array(["b", "a", "b", "c", "a", "c"])
    rows = np.array([0, 1, 2, 3, 4])
    told = groups[description.order(rows, groups, whole=True, seed=0)]
    assert sorted(told) == ["a", "a", "b", "b", "c"]
    assert sum(first != second for first, second in pairwise(told)) == 2
    assert sorted(description.order(rows, groups, whole=False, seed=0)) == rows.tolist()


def test_a_rare_class_costs_no_more_than_the_floor_allows():
    codes = np.array([0] * 59 + [1])
    bits = description.bits(reader.majority, Labelled(np.zeros((60, 1)), codes, 2), np.arange(60), np.array([], dtype=int))
    assert bits[-1] > 4
    assert bits.max() <= np.log2(100 * 2)
