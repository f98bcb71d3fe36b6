import numpy as np
import pytest
import torch

from study.instrument.order import Order, changes, orders
from tests.instrument.small_transformer import CORPUS, trained

ORDER = Order(sentences=40, shortest=4, seed=0)


def measured(**settings):
    return ORDER.measure(trained(**settings), CORPUS, lambda moment: None)["order"]


def test_without_positions_the_order_changes_nothing():
    table = measured(positions="none")
    assert len(table) == 2 * 2 * 2
    assert (table["value"] < 1e-5).all()


@pytest.mark.parametrize("positions", ["rotary", "relative", "alibi", "sinusoidal", "learned"])
def test_with_positions_the_order_changes_vectors(positions):
    table = measured(positions=positions)
    after = table[table["stage"] == "trained"]
    assert (after["value"] > 1e-3).all()
    shuffled = after[after["order"] == "words shuffled"].set_index("layer")["value"]
    swapped = after[after["order"] == "neighbours swapped"].set_index("layer")["value"]
    assert (swapped < shuffled).all()


def test_whoever_looks_backwards_only_notices_the_order_without_positions():
    assert (measured(positions="none", mask="causal")["value"] > 1e-3).all()


def test_a_change_is_the_distance_to_the_vectors_in_that_order():
    model = trained(words=1)
    words, order = torch.tensor([[42, 1, 2, 3, 4, 42]]), torch.tensor([[0, 3, 1, 2, 4, 5]])
    with torch.inference_mode():
        before, after = model.encoder(words)[-1][0], model.encoder(words[:, order[0]])[-1][0]
        found = changes(model.encoder, words, order)
    wanted = (after[1:5] - before[[3, 1, 2, 4]]).norm() / before[1:5].norm()
    assert found[-1, 0] == pytest.approx(float(wanted), rel=1e-5)


def test_orders_keep_the_boundaries_and_every_word():
    random = np.random.default_rng(0)
    for kind in ("words shuffled", "neighbours swapped"):
        drawn = orders(kind, 200, 7, random)
        assert (drawn[:, [0, -1]] == torch.tensor([0, 6])).all()
        assert (drawn.sort(dim=1).values == torch.arange(7)).all()
    assert ((drawn != torch.arange(7)).sum(dim=1) == 2).all()
    assert set(drawn[:, 1].tolist()) == {1, 2}
