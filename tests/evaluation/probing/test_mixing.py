import numpy as np
import pytest

from study.evaluation.probing import protocol
from study.evaluation.probing.mixing import mixed
from study.evaluation.probing.reader import Labelled

from .test_protocol import SPLIT


def layered(informative=2, layers=4, seed=0):
    """Make layers of noise, of which one knows the class."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 3, 200)
    features = rng.normal(size=(200, layers, 12))
    features[:, informative] += 2 * np.eye(3, 12)[codes]
    return Labelled(features.astype(np.float32), codes, 3)


@pytest.mark.parametrize("hidden", [0, 16])
def test_the_layer_that_knows_gets_the_highest_weight(hidden):
    answers = protocol.by_splits(mixed(hidden=hidden, epochs=40, seed=0), layered(), SPLIT)
    assert answers.weights.sum() == pytest.approx(1)
    assert answers.weights.argmax() == 2
    assert answers.weights[2] > 0.5
    assert (answers.codes == layered().codes)[SPLIT == "test"].mean() > 0.75


def test_folds_give_the_mean_of_their_weights():
    data = layered()
    split = np.where(SPLIT == "training", "test", SPLIT)
    answers = protocol.by_folds(mixed(hidden=0, epochs=20, seed=0), data, split, np.arange(200).astype(str), folds=3, seed=0)
    assert answers.weights.shape == (4,)
    assert answers.weights.argmax() == 2
    assert answers.weights.sum() == pytest.approx(1)


def test_the_same_seed_gives_the_same_bits():
    first, second = (protocol.by_splits(mixed(hidden=0, epochs=5, seed=3), layered(), SPLIT) for _ in range(2))
    assert (first.weights == second.weights).all()
    assert (first.codes == second.codes).all()
