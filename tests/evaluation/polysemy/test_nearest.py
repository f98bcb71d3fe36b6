import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from study.evaluation.polysemy.nearest import nearest_centroid, nearest_neighbour

both = pytest.mark.parametrize("classify", [nearest_centroid, nearest_neighbour])


def directions(n: int, seed: int, width: int = 5) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(n, width)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_the_nearest_neighbour_is_that_of_scikit_learn():
    taught, asked, labels = directions(300, 0), directions(2500, 1), np.random.default_rng(2).choice(["a", "b", "c"], 300)
    expected = KNeighborsClassifier(1, metric="cosine").fit(taught, labels).predict(asked)
    assert (nearest_neighbour(taught, labels, asked) == expected).all()


def test_the_nearest_centroid_has_the_highest_cosine():
    taught, asked, labels = directions(90, 0), directions(40, 1), np.array(["a", "b", "c"] * 30)
    centroids = np.stack([taught[labels == name].mean(0) for name in "abc"])
    cosine = asked @ (centroids / np.linalg.norm(centroids, axis=1, keepdims=True)).T
    assert (nearest_centroid(taught, labels, asked) == np.array([*"abc"])[cosine.argmax(1)]).all()


@both
def test_vectors_that_do_not_differ_are_given_the_largest_class_and_then_the_first(classify):
    same = np.tile(directions(1, 0, width=300), (5, 1))
    assert set(classify(same, np.array([*"abbab"]), same[:2])) == {"b"}
    assert set(classify(same[:4], np.array([*"baab"]), same[:2])) == {"a"}


@both
def test_vectors_without_length_are_ties(classify):
    nothing = np.zeros((3, 4), np.float32)
    assert list(classify(nothing, np.array([*"bba"]), nothing[:1])) == ["b"]
