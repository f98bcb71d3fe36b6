import numpy as np
import pytest

from study.evaluation.probing import classifier

FIT = classifier.logistic_regression(200)
PENALTIES = (0.1, 0.01)


def two_clouds(n=200, apart=3.0, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.array(["a", "b"] * (n // 2))
    return rng.normal(size=(n, 10)) + apart * (labels == "b")[:, None], labels


def test_what_is_linear_is_learnt_and_training_items_are_not_answered():
    features, labels = two_clouds()
    split = np.array(["training"] * 100 + ["development"] * 50 + ["test"] * 50)
    predicted = classifier.predict_splits(features, labels, split, fit=FIT, penalties=PENALTIES)
    assert (predicted[100:] == labels[100:]).mean() > 0.95
    assert set(predicted[:100]) == {""}


def test_test_items_choose_nothing():
    """The penalty is the development items' choice: other test features change no development answer and no fit."""
    features, labels = two_clouds(apart=0.4)
    split = np.array(["training"] * 100 + ["development"] * 50 + ["test"] * 50)
    answers = []
    for change in (0.0, 5.0):
        changed = features + change * (split == "test")[:, None]
        answers.append(classifier.predict_splits(changed, labels, split, fit=FIT, penalties=PENALTIES)[split == "development"])
    assert (answers[0] == answers[1]).all()


def test_the_development_items_choose_the_penalty():
    def fit(features, labels, penalty):
        return lambda values: np.full(len(values), "right" if penalty == 0.01 else "wrong")

    split = np.array(["training", "development", "test"])
    predicted = classifier.predict_splits(np.zeros((3, 1)), np.full(3, "right"), split, fit=fit, penalties=PENALTIES)
    assert predicted.tolist() == ["", "right", "right"]


def test_ties_go_to_the_class_most_frequent_in_training_then_to_the_first():
    features = np.ones((30, 3))
    assert FIT(features, np.array(["b"] * 20 + ["a"] * 10), 0.1)(features)[0] == "b"
    assert set(FIT(features, np.array(["b", "a"] * 15), 0.1)(features)) == {"a"}
    assert classifier.majority(features, np.array(["b", "a"] * 15), 1.0)(features)[0] == "a"


def test_one_class_in_training_is_the_only_answer():
    assert FIT(np.eye(3), np.array(["a"] * 3), 0.1)(np.eye(3)).tolist() == ["a"] * 3


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_the_scale_of_the_features_does_not_matter(scale):
    features, labels = two_clouds(apart=1.0)
    assert (FIT(features, labels, 0.01)(features) == FIT(features * scale, labels, 0.01)(features * scale)).all()
