from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from study.model.anatomy import Anatomy
from study.model.decoder import CrossAttention, Memory, RecurrentReconstructor, TransformerReconstructor, outside
from study.model.position import Rotary
from study.model.recurrence import Recurrence
from tests.model.small_encoder import ANATOMY
from tests.model.small_recurrent import PARTS

SMALL = Anatomy(**ANATOMY)
FREQUENCIES = torch.full((10,), 0.1)
WORDS = torch.tensor([[12, 1, 2, 3, 12]])


def memory(t=5, length=5):
    words = torch.zeros(1, t, dtype=torch.int64)
    states = torch.randn(1, t, 16, generator=torch.Generator().manual_seed(t))
    return Memory(states, outside(words, torch.tensor([length])), states[:, 0])


def cross(turn=None):
    torch.manual_seed(0)
    return CrossAttention(SMALL, turn)


def test_cross_attention_is_that_of_torch():
    part, x, read = cross(), torch.randn(1, 3, 16), memory()
    keys, values = part.offer(read.states).chunk(2, dim=2)
    heads = [whole.unflatten(2, (2, 8)).transpose(1, 2) for whole in (part.ask(x), keys, values)]
    wanted = part.answer(functional.scaled_dot_product_attention(*heads).transpose(1, 2).flatten(2))
    assert torch.allclose(part(x, read), wanted, atol=1e-6)


def test_what_follows_a_sentence_is_not_looked_at():
    part, x, read = cross(), torch.randn(1, 3, 16), memory(5, 2)
    short = Memory(read.states[:, :2], read.outside[:, :, :2], read.vector)
    assert torch.allclose(part(x, read), part(x, short), atol=1e-6)


def test_rotary_cross_attention_sees_how_far_places_are_apart():
    turned, x, read = cross(Rotary(12, 8)), torch.randn(1, 3, 16), memory()
    swapped = Memory(read.states.flip(1), read.outside, read.vector)
    assert torch.allclose(cross()(x, read), cross()(x, swapped), atol=1e-6)
    assert not torch.allclose(turned(x, read), turned(x, swapped), atol=1e-3)


@pytest.mark.parametrize("positions", ["rotary", "relative", "alibi", "sinusoidal", "learned", "none"])
@pytest.mark.parametrize("norm_place", ["before", "after"])
def test_every_anatomy_of_the_encoder_decodes(positions, norm_place):
    network = TransformerReconstructor(replace(SMALL, positions=positions, norm_place=norm_place), 13, FREQUENCIES).eval()
    read = network.encode(WORDS, torch.tensor([5]))
    assert network.decode(read, WORDS[:, :4]).shape == (1, 4, 16)
    assert torch.equal(read.states, network.states(WORDS)[-1])


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_without_attention_one_vector_is_all_that_passes(cell):
    torch.manual_seed(0)
    without, attention = (
        RecurrentReconstructor(Recurrence(**PARTS | {"cell": cell}), attention, 13, FREQUENCIES) for attention in (False, True)
    )
    for network, same in ((without, True), (attention, False)):
        read = network.encode(WORDS, torch.tensor([5]))
        emptied = Memory(torch.zeros_like(read.states), read.outside, read.vector)
        said = WORDS[:, :4]
        assert torch.equal(network.decode(read, said), network.decode(emptied, said)) is same
        assert read.vector.shape == (1, 32)
