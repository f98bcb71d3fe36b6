import numpy as np
import pytest

from study.evaluation.probing import reader
from study.evaluation.probing.reader import Labelled

LINEAR = reader.linear((0.1, 0.01), 200)


def two_clouds(n=200, apart=3.0, seed=0):
    rng = np.random.default_rng(seed)
    codes = np.arange(n) % 2
    return rng.normal(size=(n, 10)) + apart * codes[:, None], codes


def answers(read, features, codes, classes=2, step=0):
    data = Labelled(features, codes, classes)
    rows = np.arange(len(codes))
    return data.answers(list(data.read(read, rows))[step], rows, rows)


def test_a_path_has_one_probe_a_penalty_the_strictest_first():
    features, codes = two_clouds(apart=1.0)
    readings = list(LINEAR(features, codes, 2))
    certain = [np.exp(reading.log_probability(features)).max(1).mean() for reading in readings]
    assert len(readings) == 2
    assert certain[0] < certain[1]
    assert np.allclose(np.exp(readings[0].log_probability(features)).sum(1), 1)


def test_readings_are_not_changed_by_later_ones():
    features, codes = two_clouds(apart=1.0)
    path = LINEAR(features, codes, 2)
    first = next(path)
    before = first.log_probability(features)
    next(path)
    assert (first.log_probability(features) == before).all()


def test_a_class_that_was_never_taught_is_impossible_and_costs_the_most():
    features, codes = two_clouds()
    data = Labelled(features, np.where(np.arange(200) < 2, 2, codes), 3)
    (reading, _) = data.read(LINEAR, np.arange(2, 200))
    codes_read, bits = data.answers(reading, np.arange(4), np.arange(2, 200))
    assert 2 not in codes_read
    assert bits[0] == pytest.approx(np.log2(3 / reader.SMOOTHING))
    assert bits[3] < 0.1


def test_three_classes_are_told_apart():
    rng = np.random.default_rng(0)
    codes = np.arange(300) % 3
    features = rng.normal(size=(300, 5)) + 4 * np.eye(3, 5)[codes]
    assert (answers(LINEAR, features, codes, 3)[0] == codes).mean() > 0.95


def test_ties_go_to_the_class_most_frequent_in_training_then_to_the_first():
    features = np.ones((30, 3))
    assert set(answers(LINEAR, features, np.array([1] * 20 + [0] * 10))[0]) == {1}
    assert set(answers(LINEAR, features, np.arange(30) % 2)[0]) == {0}
    assert set(answers(reader.majority, features, np.arange(30) % 2)[0]) == {0}


def test_one_class_in_training_is_the_only_answer():
    assert answers(LINEAR, np.eye(3), np.ones(3, dtype=int), step=1)[0].tolist() == [1, 1, 1]


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_the_scale_of_the_features_does_not_matter(scale):
    features, codes = two_clouds(apart=1.0)
    assert (answers(LINEAR, features, codes)[0] == answers(LINEAR, features * scale, codes)[0]).all()


def test_the_majority_is_as_probable_as_it_was_frequent():
    codes = np.array([0] * 7 + [1] * 1)
    _, bits = answers(reader.majority, np.zeros((8, 1)), codes)
    assert bits[0] == pytest.approx(-np.log2(0.99 * 0.8 + 0.01 / 2))
