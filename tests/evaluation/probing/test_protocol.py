import numpy as np
import pytest

from study.evaluation.probing import protocol, reader
from study.evaluation.probing.reader import Labelled, Reading

from .test_reader import LINEAR, two_clouds

SPLIT = np.array(["training"] * 100 + ["development"] * 50 + ["test"] * 50)


def test_what_is_linear_is_learnt_and_training_items_are_not_answered():
    features, codes = two_clouds()
    answers = protocol.by_splits(LINEAR, Labelled(features, codes, 2), SPLIT).codes
    assert (answers[100:] == codes[100:]).mean() > 0.95
    assert set(answers[:100]) == {-1}


@pytest.mark.parametrize("split", [SPLIT, np.where(SPLIT == "training", "test", SPLIT)], ids=["splits", "folds"])
def test_test_items_choose_nothing(split):
    """Other labels of the test items change no answer to a development item, and by given splits none to a test item."""
    features, codes = two_clouds(apart=0.4)
    found = []
    for changed in (codes, np.where(split == "test", 1 - codes, codes)):
        data = Labelled(features, changed, 2)
        if "training" in split:
            found.append(protocol.by_splits(LINEAR, data, split).codes)
        else:
            alone = np.arange(200).astype(str)
            found.append(protocol.by_folds(LINEAR, data, split, alone, folds=5, seed=0).codes[split == "development"])
    assert (found[0] == found[1]).all()


def constant(*answers):
    """Make a reader whose path answers every item with one class after the other."""

    def path(features, codes, classes):
        for answer in answers:
            scores = np.full(classes, -9.0)
            scores[answer] = 0
            yield Reading(lambda values, scores=scores: np.tile(scores, (len(values), 1)))

    return path


def test_the_development_items_choose_how_strict():
    data = Labelled(np.zeros((3, 1)), np.array([0, 1, 1]), 2)
    assert protocol.by_splits(constant(0, 1, 0), data, np.array(["training", "development", "test"])).codes.tolist() == [-1, 1, 1]
    assert protocol.choose(constant(0, 1, 0), data, [(np.array([0]), np.array([1]))]).step == 1


def test_of_equal_ones_the_first_is_chosen_and_without_held_out_items_the_last():
    data = Labelled(np.zeros((2, 1)), np.array([1, 1]), 2)
    assert protocol.choose(constant(1, 1), data, [(np.array([0]), np.array([1]))]).step == 0
    assert protocol.choose(constant(1, 1), data, [(np.array([0]), np.array([], dtype=int))]).step == 1


def test_a_path_is_left_where_it_only_gets_worse():
    seen = []

    def path(features, codes, classes):
        for step in range(100):
            seen.append(step)
            yield Reading(lambda values, step=step: np.tile(np.log([1 - 0.009 * step, 0.009 * step + 1e-9]), (len(values), 1)))

    data = Labelled(np.zeros((2, 1)), np.array([0, 0]), 2)
    assert protocol.choose(path, data, [(np.array([0]), np.array([1]))]).step == 0
    assert len(seen) == protocol.PATIENCE + 1


def test_no_item_is_answered_from_its_own_group():
    """Features that only name the group teach nothing once the group is held out."""
    rng = np.random.default_rng(0)
    groups = np.repeat([f"g{n}" for n in range(24)], 6)
    codes = np.repeat(rng.permutation([0, 1] * 12), 6)
    data = Labelled(np.repeat(rng.normal(size=(24, 40)), 6, axis=0), codes, 2)
    split = np.where(np.isin(groups, ["g0", "g1", "g2", "g3", "g4", "g5"]), "development", "test")
    answers = protocol.by_folds(LINEAR, data, split, groups, folds=10, seed=0).codes
    alone = protocol.by_folds(LINEAR, data, split, np.arange(144).astype(str), folds=10, seed=0).codes
    assert (alone == codes).mean() > 0.95
    assert (answers == codes).mean() < 0.8


def test_groups_are_dealt_whole_and_evenly():
    groups = np.array([f"g{n // 2}" for n in range(40)])
    labels = np.array(["a"] * 20 + ["b"] * 20)
    fold = protocol.deal(groups, labels, 5, seed=0)
    assert all(len(set(fold[groups == name])) == 1 for name in set(groups))
    assert [((fold == number) & (labels == "a")).sum() for number in range(5)] == [4] * 5
    assert protocol.deal(groups[:4], labels[:4], 10, seed=0).max() == 1


def test_nothing_known_is_nothing_answered():
    data = Labelled(np.zeros((0, 2)), np.zeros(0, dtype=int), 2)
    none = np.array([], dtype=str)
    assert len(protocol.by_splits(reader.majority, data, none).codes) == 0
    assert len(protocol.by_folds(reader.majority, data, none, none, folds=3, seed=0).codes) == 0
