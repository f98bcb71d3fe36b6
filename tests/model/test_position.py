import pytest
import torch

from study.model.position import LinearBias, Relative, Rotary, added_positions, angles, buckets_of, distance_bias, sinusoids


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


def test_the_gradient_of_a_turn_is_that_of_finite_differences_whatever_the_layout():
    x = torch.randn(2, 5, 3, 4, dtype=torch.float64, requires_grad=True)
    turn = Rotary(5, 4).double()
    assert torch.autograd.gradcheck(lambda x: turn(x.transpose(1, 2)), x)


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


@pytest.mark.parametrize("kind", ["rotary", "relative", "alibi", "none"])
def test_other_kinds_add_nothing(kind):
    assert added_positions(kind, 7, 6) is None


def test_near_distances_have_buckets_of_their_own_and_far_ones_share():
    distances = torch.arange(-200, 201)
    found = buckets_of(distances, 32, 128)
    assert found.min() == 0
    assert found.max() == 31
    near = found[(distances.abs() < 8)]
    assert len(set(near.tolist())) == 15
    assert (found[distances >= 128] == 31).all()
    ahead = found[distances > 0]
    assert (ahead.diff() >= 0).all()
    assert set(found[distances > 0].tolist()).isdisjoint(found[distances < 0].tolist())


def test_relative_positions_add_by_head_and_distance_alone():
    relative = Relative(3)
    torch.nn.init.normal_(relative.table)
    added = relative(10)
    assert added.shape == (1, 3, 10, 10)
    assert torch.equal(added[:, :, 2, 5], added[:, :, 6, 9])
    assert not torch.equal(added[:, :, 2, 5], added[:, :, 5, 2])


def test_linear_biases_fall_with_the_distance_and_most_in_the_first_head():
    added = LinearBias(8)(6)[0]
    assert added.shape == (8, 6, 6)
    assert (added.diagonal(dim1=1, dim2=2) == 0).all()
    assert torch.allclose(added[0, 0], -0.5 * torch.arange(6.0))
    assert torch.equal(added, added.transpose(1, 2))
    assert (added[1:, 0, 1] > added[:-1, 0, 1]).all()


@pytest.mark.parametrize("kind", ["rotary", "sinusoidal", "learned", "none"])
def test_other_kinds_add_nothing_to_products(kind):
    assert distance_bias(kind, 2) is None
