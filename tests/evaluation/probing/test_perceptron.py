import subprocess
import sys

import numpy as np
import torch

from study.evaluation.probing import protocol
from study.evaluation.probing.perceptron import perceptron
from study.evaluation.probing.reader import Labelled

from .test_protocol import SPLIT
from .test_reader import LINEAR

MLP = perceptron(hidden=32, epochs=60, seed=0)


def exclusive_or(n=200, seed=0):
    rng = np.random.default_rng(seed)
    signs = rng.integers(0, 2, size=(n, 2))
    features = (2 * signs - 1 + 0.2 * rng.normal(size=(n, 2))).astype(np.float32)
    return Labelled(features, signs[:, 0] ^ signs[:, 1], 2)


def right(read, data):
    return (protocol.by_splits(read, data, SPLIT).codes == data.codes)[SPLIT == "test"].mean()


def test_it_learns_exclusive_or_which_no_linear_probe_can():
    assert right(MLP, exclusive_or()) > 0.95
    assert right(LINEAR, exclusive_or()) < 0.75


def test_the_same_seed_gives_the_same_bits_and_the_global_generator_is_left_alone():
    data = exclusive_or()
    torch.manual_seed(7)
    before = torch.get_rng_state()

    def scores(seed):
        *_, last = data.read(perceptron(hidden=8, epochs=3, seed=seed), np.arange(100))
        return last.log_probability(data.features)

    assert (scores(0) == scores(0)).all()
    assert (scores(0) != scores(1)).any()
    assert torch.equal(torch.get_rng_state(), before)


def test_a_probe_of_the_path_is_kept_as_it_was():
    data = exclusive_or()
    path = data.read(MLP, np.arange(100))
    first = next(path)
    before = first.log_probability(data.features)
    next(path)
    assert (first.log_probability(data.features) == before).all()


def test_it_stops_before_it_has_learnt_noise_by_heart():
    rng = np.random.default_rng(0)
    data = Labelled(rng.normal(size=(200, 30)).astype(np.float32), rng.integers(0, 2, 200), 2)
    choice = protocol.choose(MLP, data, [(np.arange(100), np.arange(100, 150))])
    assert choice.step < 30


def test_equal_vectors_get_equal_answers_and_constant_features_do_no_harm():
    data = Labelled(np.ones((30, 4), dtype=np.float32), np.array([1] * 20 + [0] * 10), 2)
    *_, last = data.read(MLP, np.arange(30))
    assert set(data.answers(last, np.arange(30), np.arange(30))[0]) == {1}


def test_importing_the_evaluation_does_not_import_torch():
    said = subprocess.run(
        [sys.executable, "-c", "import sys, study.evaluation; print('torch' in sys.modules)"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert said.stdout.strip() == "False"
