import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import pdist

from study.contracts import Lexicon
from study.evaluation.geometry.space import neighbours, plane, similarity_of_views


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


def cka_by_definition(a, b):
    """Compute the ratio of unbiased estimates of the HSIC, term by term as Song et al. (2012) write them."""

    def hsic(k, m):
        n, one = len(k), np.ones(len(k))
        terms = np.trace(k @ m) + one @ k @ one * (one @ m @ one) / ((n - 1) * (n - 2)) - 2 / (n - 2) * one @ k @ m @ one
        return terms / (n * (n - 3))

    grams = [x @ x.T - np.diag(np.diag(x @ x.T)) for x in (a, b)]
    return hsic(*grams) / np.sqrt(hsic(grams[0], grams[0]) * hsic(grams[1], grams[1]))


def alike(first, second, measure):
    table = similarity_of_views({"a": first, "b": second}).set_index("measure")
    return table.loc[measure, "value"]


def clouds(n=40, widths=(12, 7), seed=0):
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n, 5))
    return [shared @ rng.normal(size=(5, width)) + rng.normal(size=(n, width)) + 3 for width in widths]


def test_cka_and_rsa_are_those_of_their_definitions():
    a, b = clouds()
    assert alike(a, b, "CKA") == pytest.approx(cka_by_definition(a, b))
    assert alike(a, b, "RSA") == pytest.approx(stats.spearmanr(pdist(a, "cosine"), pdist(b, "cosine")).statistic)


def test_a_turned_and_scaled_copy_is_the_same():
    a, _ = clouds()
    turned = 3 * a @ np.linalg.qr(np.random.default_rng(1).normal(size=(12, 12)))[0]
    assert alike(a, turned, "CKA") == pytest.approx(1)
    assert alike(a, turned, "RSA") == pytest.approx(1)
    assert alike(a, turned + 5, "CKA") == pytest.approx(1)


def test_unrelated_views_are_not_alike_though_they_have_more_dimensions_than_places():
    values = [alike(*np.random.default_rng(seed).normal(size=(2, 50, 400)), "CKA") for seed in range(20)]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(20) + 0.01


def test_only_places_that_all_views_know_take_part():
    a, b = clouds()
    holed = a.copy()
    holed[:10] = np.nan
    table = similarity_of_views({"a": holed, "b": b, "none": np.full((40, 3), np.nan)})
    assert table["n"].tolist() == [30, 0, 0] * 2
    assert table["value"].notna().tolist() == [True, False, False] * 2
    assert table["value"][0] == pytest.approx(cka_by_definition(a[10:], b[10:]))
    assert table.columns.tolist() == ["first", "second", "measure", "value", "n"]


def test_constant_views_and_few_places_have_no_value():
    a, _ = clouds()
    assert np.isnan(alike(a, np.ones_like(a), "RSA"))
    assert similarity_of_views({"a": a[:3], "b": a[:3]})["value"].isna().all()
    upper, lower = a.copy(), a.copy()
    upper[:20], lower[20:] = np.nan, np.nan
    table = similarity_of_views({"a": upper, "b": lower})
    assert (table["n"] == 0).all()
    assert table["value"].isna().all()
    assert similarity_of_views({}).empty
