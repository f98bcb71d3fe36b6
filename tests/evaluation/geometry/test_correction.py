import numpy as np
import pytest

from study.evaluation.geometry.correction import centred, standardised, without_top


@pytest.fixture
def vectors():
    """200 vectors of 6 dimensions: a common mean, one strong direction, dimensions of unequal spread; two rows unknown."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 6)) * [1, 2, 1, 0.5, 1, 3] + 5 + 20 * rng.normal(size=(200, 1)) * np.array([1, 0, 0, 1, 0, 0])
    rows[[3, 70]] = np.nan
    return rows.astype(np.float32)


@pytest.mark.parametrize("correct", [centred, without_top, standardised])
def test_unknown_rows_stay_unknown_and_take_no_part(vectors, correct):
    known = np.isfinite(vectors).all(1)
    corrected = correct(vectors)
    assert np.isnan(corrected[~known]).all()
    np.testing.assert_array_equal(corrected[known], correct(vectors[known]))
    np.testing.assert_allclose(corrected[known].mean(0), 0, atol=1e-12)
    assert np.isnan(correct(np.full((3, 2), np.nan))).all()


def test_the_strongest_directions_are_taken_away(vectors):
    known = vectors[np.isfinite(vectors).all(1)].astype(np.float64)
    top = np.linalg.svd(known - known.mean(0))[2][:2]  # (2, d)
    for components in (1, 2):
        corrected = without_top(known, components)
        np.testing.assert_allclose(corrected @ top[:components].T, 0, atol=1e-9)
        assert np.linalg.matrix_rank(corrected) == 6 - components
    np.testing.assert_array_equal(without_top(known, 0), centred(known))


def test_the_number_of_directions_is_a_hundredth_of_the_width():
    rng = np.random.default_rng(0)
    assert np.linalg.matrix_rank(without_top(rng.normal(size=(400, 250)))) == 248
    assert np.linalg.matrix_rank(without_top(rng.normal(size=(400, 50)))) == 49


def test_dimensions_get_one_spread_and_constant_ones_none(vectors):
    with_constant = np.column_stack([vectors, np.full(len(vectors), np.float32(0.1))])
    with_constant[np.isnan(vectors).any(1)] = np.nan
    corrected = standardised(with_constant)[np.isfinite(vectors).all(1)]
    np.testing.assert_allclose(corrected.std(0), [1, 1, 1, 1, 1, 1, 0], atol=1e-9)
