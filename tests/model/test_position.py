import pytest
import torch

from study.model.position import Rotary, added_positions, angles, sinusoids


def test_angles_grow_with_the_place_and_slow_down_with_the_plane():
    table = angles(5, 8)
    assert table.shape == (5, 4)
    assert torch.allclose(table[:, 0], torch.arange(5.0))
    assert torch.allclose(table[3], 3 * 10000.0 ** -torch.tensor([0, 0.25, 0.5, 0.75]))


def test_rotary_products_depend_on_the_distance_alone():
    torch.manual_seed(0)
    query, key = torch.randn(2, 16, dtype=torch.float64)
    turn = Rotary(40, 16).double()
    queries, keys = turn(query.expand(40, 16)), turn(key.expand(40, 16))
    products = queries @ keys.T  # (place of the query, place of the key)
    assert products[3, 8].item() == pytest.approx(products[30, 35].item(), rel=1e-5)
    assert abs(products[3, 8] - products[3, 9]) > 1e-3


def test_rotary_keeps_lengths_and_leaves_the_first_place():
    x = torch.randn(2, 3, 10, 8)
    turned = Rotary(10, 8)(x)
    assert torch.allclose(turned.norm(dim=-1), x.norm(dim=-1), atol=1e-5)
    assert torch.equal(turned[..., 0, :], x[..., 0, :])


def test_rotary_keeps_the_precision_it_gets():
    assert Rotary(4, 8)(torch.randn(4, 8).bfloat16()).dtype == torch.bfloat16


def test_sinusoids_tell_every_place_apart():
    table = sinusoids(64, 32)
    assert table.shape == (64, 32)
    assert torch.cdist(table, table).fill_diagonal_(9).min() > 0.5


@pytest.mark.parametrize(("kind", "trained"), [("learned", True), ("sinusoidal", False)])
def test_added_positions_are_trained_only_if_learned(kind, trained):
    table = added_positions(kind, 7, 6)
    assert table.shape == (7, 6)
    assert table.requires_grad is trained


@pytest.mark.parametrize("kind", ["rotary", "none"])
def test_other_kinds_add_nothing(kind):
    assert added_positions(kind, 7, 6) is None
