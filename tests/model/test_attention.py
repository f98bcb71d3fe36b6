import pytest
import torch
from torch.nn import functional

from study.model.attention import Attention, spelled_out, within
from study.model.position import Rotary

SEGMENTS = torch.tensor([[0, 0, 0, 1, 1, 2], [4, 4, 4, 4, 4, 4]])


@pytest.mark.parametrize("masked", [False, True])
def test_spelled_out_attention_is_the_fused_one(masked):
    torch.manual_seed(0)
    parts = torch.randn(3, 2, 4, 6, 8, dtype=torch.float64)
    mask = within(SEGMENTS).double() if masked else None
    fused = functional.scaled_dot_product_attention(*parts, attn_mask=mask)
    assert torch.allclose(spelled_out(*parts, mask), fused, atol=1e-12)


def test_a_mask_opens_segments_and_nothing_else():
    mask = within(SEGMENTS)
    assert mask.shape == (2, 1, 6, 6)
    assert (mask[1] == 0).all()
    wanted = torch.block_diag(torch.ones(3, 3), torch.ones(2, 2), torch.ones(1, 1)).bool()
    assert torch.equal(mask[0, 0] == 0, wanted)
    assert torch.isneginf(mask[0, 0][~wanted]).all()


def test_words_of_other_segments_have_no_influence():
    torch.manual_seed(0)
    attention = Attention(16, 4, Rotary(6, 4))
    x = torch.randn(2, 6, 16)
    other = x.clone()
    other[0, 3:] += 1
    before, after = attention(x, within(SEGMENTS)), attention(other, within(SEGMENTS))
    assert torch.equal(before[0, :3], after[0, :3])
    assert not torch.allclose(before[0, 3:], after[0, 3:])


def test_without_positions_attention_sees_a_bag_of_words():
    torch.manual_seed(0)
    x, order = torch.randn(1, 6, 16), torch.randperm(6)
    bag, ordered = Attention(16, 4, None), Attention(16, 4, Rotary(6, 4))
    assert torch.allclose(bag(x, None)[:, order], bag(x[:, order], None), atol=1e-6)
    assert not torch.allclose(ordered(x, None)[:, order], ordered(x[:, order], None), atol=1e-3)


def test_gradients_are_those_of_finite_differences():
    torch.manual_seed(0)
    attention = Attention(8, 2, Rotary(4, 4)).double()
    x = torch.randn(1, 4, 8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: attention(x, within(torch.tensor([[0, 0, 0, 1]]))), (x,))
