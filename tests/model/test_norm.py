import pytest
import torch

from study.model.norm import norm


def made(kind):
    torch.manual_seed(0)
    return norm(kind, 8, bias=False, epsilon=1e-5), 3 + 5 * torch.randn(4, 6, 8)


def test_layer_norm_gives_every_word_mean_zero_and_variance_one():
    part, x = made("layer")
    assert torch.allclose(part(x).mean(-1), torch.zeros(4, 6), atol=1e-5)
    assert torch.allclose(part(x).var(-1, unbiased=False), torch.ones(4, 6), atol=1e-3)


def test_root_mean_square_norm_keeps_the_mean_and_sets_the_size():
    part, x = made("rms")
    assert torch.allclose(part(x).square().mean(-1), torch.ones(4, 6), atol=1e-3)
    assert part(x).mean().abs() > 0.1


def test_batch_norm_makes_a_word_depend_on_its_batch_while_training_and_not_after():
    part, x = made("batch")
    assert torch.allclose(part(x).mean((0, 1)), torch.zeros(8), atol=1e-5)
    assert not torch.allclose(part(x)[0], part(x[:1])[0], atol=1e-3)
    part.eval()
    assert torch.allclose(part(x)[0], part(x[:1])[0])
    assert part(x.flatten(0, 1)).shape == (24, 8)


def test_no_norm_changes_nothing():
    part, x = made("none")
    assert part(x) is x


@pytest.mark.parametrize(("kind", "number"), [("layer", 8), ("rms", 8), ("batch", 16), ("none", 0)])
def test_a_norm_learns_a_scale_per_number(kind, number):
    assert sum(weight.numel() for weight in made(kind)[0].parameters()) == number
