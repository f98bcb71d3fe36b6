import math

import pytest
import torch
from torch.nn import functional

from study.model.attention import Attention, backwards, within
from study.model.position import Rotary

SEGMENTS = torch.tensor([[0, 0, 0, 1, 1, 2], [4, 4, 4, 4, 4, 4]])


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("scaling", [False, True])
def test_spelled_out_attention_is_the_fused_one(masked, scaling):
    torch.manual_seed(0)
    attention = Attention(32, 4, 8, scaling=scaling)
    queries, keys, values = torch.randn(3, 2, 4, 6, 8, dtype=torch.float64)
    mask = within(SEGMENTS).double() if masked else None
    fused = attention.fused(queries, keys, values, mask)
    assert torch.allclose(attention.weights(queries, keys, mask) @ values, fused, atol=1e-12)
    torchs_own = functional.scaled_dot_product_attention(queries, keys, values, mask, scale=None if scaling else 1.0)
    assert torch.allclose(fused, torchs_own, atol=1e-12)


def test_one_head_is_the_formula_written_by_hand():
    torch.manual_seed(0)
    attention, x = Attention(6, 1, 6).double(), torch.randn(1, 3, 6, dtype=torch.float64)
    queries, keys, values = (x[0] @ matrix.T for matrix in attention.ask.weight.chunk(3))
    wanted = torch.empty(3, 6, dtype=torch.float64)
    for word in range(3):
        products = torch.stack([queries[word] @ keys[other] / math.sqrt(6) for other in range(3)])
        shares = products.exp() / products.exp().sum()
        wanted[word] = sum(shares[other] * values[other] for other in range(3)) @ attention.answer.weight.T
    assert torch.allclose(attention(x, None)[0], wanted, atol=1e-12)


def test_words_asked_for_get_the_answers_they_get_among_all():
    torch.manual_seed(0)
    attention, x, mask = Attention(16, 4, 4), torch.randn(2, 6, 16), within(SEGMENTS)
    places = torch.tensor([0, 4, 7, 11])
    assert torch.allclose(attention(x, mask, places), attention(x, mask).flatten(0, 1)[places], atol=1e-6)


def test_what_the_heads_add_sums_up_to_the_answer_and_weights_to_one():
    torch.manual_seed(0)
    attention, x, mask = Attention(16, 4, 4), torch.randn(2, 6, 16), within(SEGMENTS)
    weights, heads = attention.seen(x, mask)
    assert weights.shape == (2, 4, 6, 6)
    assert heads.shape == (2, 4, 6, 16)
    assert torch.allclose(weights.sum(-1), torch.ones(2, 4, 6), atol=1e-6)
    assert (weights[0, :, 0, 3:] == 0).all()
    assert torch.allclose(heads.sum(1), attention(x, mask), atol=1e-5)


def test_uniform_attention_is_the_mean_over_the_words_it_may_see():
    torch.manual_seed(0)
    attention, x = Attention(8, 2, 4, kind="uniform"), torch.randn(2, 6, 8)
    values = x @ attention.ask.weight.T
    mixed = attention(x, within(SEGMENTS))
    assert torch.allclose(mixed[0, 1], values[0, :3].mean(0) @ attention.answer.weight.T, atol=1e-6)
    assert torch.allclose(mixed[1], (values[1].mean(0) @ attention.answer.weight.T).expand(6, 8), atol=1e-6)


def test_without_projections_the_vectors_themselves_are_compared():
    torch.manual_seed(0)
    attention, x = Attention(8, 1, 8, projections="none"), torch.randn(1, 5, 8)
    weights, _ = attention.seen(x, None)
    assert torch.allclose(weights[0, 0], (x[0] @ x[0].T / math.sqrt(8)).softmax(-1), atol=1e-6)
    assert sum(weight.numel() for weight in attention.parameters()) == 8 * 8


def test_a_shared_projection_makes_products_symmetric():
    torch.manual_seed(0)
    queries, keys, values = Attention(8, 2, 4, projections="shared").parts(torch.randn(1, 5, 8))
    assert torch.equal(queries, keys)
    assert torch.equal(keys, values)


def test_backwards_no_word_hears_of_a_later_one():
    torch.manual_seed(0)
    attention, x = Attention(8, 2, 4), torch.randn(1, 6, 8)
    other, mask = x.clone(), backwards(6, x.device)
    other[0, 4] += 1
    before, after = attention(x, mask), attention(other, mask)
    assert torch.equal(before[0, :4], after[0, :4])
    assert not torch.allclose(before[0, 4:], after[0, 4:])


def test_a_mask_opens_segments_and_nothing_else():
    mask = within(SEGMENTS)
    assert mask.shape == (2, 1, 6, 6)
    assert (mask[1] == 0).all()
    wanted = torch.block_diag(torch.ones(3, 3), torch.ones(2, 2), torch.ones(1, 1)).bool()
    assert torch.equal(mask[0, 0] == 0, wanted)
    assert torch.isneginf(mask[0, 0][~wanted]).all()


def test_words_of_other_segments_have_no_influence():
    torch.manual_seed(0)
    attention = Attention(16, 4, 4, Rotary(6, 4))
    x = torch.randn(2, 6, 16)
    other = x.clone()
    other[0, 3:] += 1
    before, after = attention(x, within(SEGMENTS)), attention(other, within(SEGMENTS))
    assert torch.equal(before[0, :3], after[0, :3])
    assert not torch.allclose(before[0, 3:], after[0, 3:])


def test_without_positions_attention_sees_a_bag_of_words():
    torch.manual_seed(0)
    x, order = torch.randn(1, 6, 16), torch.randperm(6)
    bag, ordered = Attention(16, 4, 4), Attention(16, 4, 4, Rotary(6, 4))
    assert torch.allclose(bag(x, None)[:, order], bag(x[:, order], None), atol=1e-6)
    assert not torch.allclose(ordered(x, None)[:, order], ordered(x[:, order], None), atol=1e-3)


def test_gradients_are_those_of_finite_differences():
    torch.manual_seed(0)
    attention = Attention(8, 2, 4, Rotary(4, 4)).double()
    x = torch.randn(1, 4, 8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: attention(x, within(torch.tensor([[0, 0, 0, 1]]))), (x,))
