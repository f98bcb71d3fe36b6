import numpy as np
import pytest

from study.contracts import Lexicon
from study.evaluation.geometry import neighbours, plane


def test_neighbours_are_the_words_of_the_highest_cosine():
    lexicon = Lexicon(["a", "b", "c", "d"], np.array([[1, 0], [5, 1], [0, 3], [-1, 0]], np.float32))
    assert [word for word, _ in neighbours(lexicon, "a", 2)] == ["b", "c"]
    assert neighbours(lexicon, "a", 1)[0][1] == pytest.approx(5 / np.sqrt(26))
    assert neighbours(lexicon, "unknown", 3) == []


def test_a_zero_vector_is_nobodys_nearest():
    lexicon = Lexicon(["a", "zero", "b"], np.array([[1, 0], [0, 0], [1, 1]], np.float32))
    assert neighbours(lexicon, "a", 1)[0][0] == "b"


def test_the_plane_keeps_the_distances_of_a_flat_cloud():
    flat = np.random.default_rng(0).standard_normal((30, 2))
    rotation = np.linalg.qr(np.random.default_rng(1).standard_normal((10, 10)))[0][:2]
    points, shares = plane(flat @ rotation + 7)
    distance = np.linalg.norm(points[:, None] - points[None], axis=-1)
    assert distance == pytest.approx(np.linalg.norm(flat[:, None] - flat[None], axis=-1))
    assert shares.sum() == pytest.approx(1)
    assert shares[0] >= shares[1]


@pytest.mark.parametrize("count", [1, 5])
def test_identical_vectors_are_one_point_without_variance(count):
    points, shares = plane(np.full((count, 3), 0.1, np.float32))
    assert (points == 0).all()
    assert (shares == 0).all()
