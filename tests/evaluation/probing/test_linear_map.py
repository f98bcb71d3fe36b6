import subprocess
import sys

import numpy as np
import pytest

from study.evaluation.probing.linear_map import Parse, Settings, fit
from study.evaluation.probing.structural import distances

SETTINGS = Settings(rank=8, epochs=40, patience=5, batch=10, learning_rate=0.02, seed=0)


@pytest.fixture(scope="module")
def parses():
    """Make random trees of 4 to 8 words, and vectors in which a half holds them: squared distances are those of the tree."""
    rng = np.random.default_rng(0)
    found, vectors, at = [], [], 0
    for number in range(150):
        heads = np.array([-1, *(rng.integers(word) for word in range(1, rng.integers(4, 9)))])
        distance = distances(heads)
        rows = np.arange(at, at + len(heads))
        split = "training" if number < 100 else "development"
        found.append(Parse(f"s{number}", "d", split, rows, heads, distance, distance[0]))
        code = np.zeros((len(heads), 8))
        for word, head in enumerate(heads):
            code[word] = (code[head] if head >= 0 else 0) + (np.eye(8)[word] if head >= 0 else 0)
        vectors.append(np.hstack([code, rng.normal(size=code.shape)]))
        at += len(heads)
    return found, np.concatenate(vectors).astype(np.float32)


@pytest.mark.parametrize("depth", [False, True])
def test_a_map_that_is_there_is_found(parses, depth):
    found, vectors = parses
    linear = fit(found, vectors, SETTINGS, depth=depth)
    assert linear.shape == (16, 8)
    errors, sizes = [], []
    for parse in found[100:]:
        mapped = vectors[parse.rows] @ linear
        given = (mapped**2).sum(-1) if depth else ((mapped[:, None] - mapped) ** 2).sum(-1)
        gold = parse.depth if depth else parse.distance
        errors.append(np.abs(given - gold).mean())
        sizes.append(gold.mean())
    assert np.mean(errors) < 0.2 * np.mean(sizes)
    assert np.abs(linear[8:]).max() < 0.3 * np.abs(linear[:8]).max()  # the other half is noise


def test_it_is_the_same_again_and_at_any_scale(parses):
    found, vectors = parses
    settings = Settings(rank=4, epochs=3, patience=3, batch=10, learning_rate=0.01, seed=1)
    first = fit(found, vectors, settings, depth=False)
    assert np.array_equal(first, fit(found, vectors, settings, depth=False))
    assert np.allclose(fit(found, vectors * 128, settings, depth=False) * 128, first)
    assert not np.allclose(first, fit(found, vectors, Settings(4, 3, 3, 10, 0.01, seed=2), depth=False))


def test_unknown_words_do_not_teach(parses):
    found, vectors = parses
    blind = vectors.copy()
    blind[::3] = np.nan
    linear = fit(found, blind, SETTINGS, depth=False)
    assert np.isfinite(linear).all()
    assert np.abs(linear).max() > 0
    assert not fit(found, np.full_like(vectors, np.nan), SETTINGS, depth=False).any()


def test_torch_is_loaded_only_by_who_fits():
    code = "import sys, study.evaluation; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
