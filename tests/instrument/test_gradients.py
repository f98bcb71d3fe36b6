import numpy as np
import pytest
import torch

from study.instrument.development import hidden_words, stages
from study.instrument.gradients import Gradients, lengths, spreads
from study.model.objective import full_loss
from tests.instrument.small_transformer import CORPUS, trained

GRADIENTS = Gradients(words=200, batch=60, seed=0)


@pytest.fixture(scope="module")
def model():
    return trained()


@pytest.fixture(scope="module")
def tables(model):
    return GRADIENTS.measure(model, CORPUS, lambda moment: None)


def batch_of(model):
    return hidden_words(model, CORPUS, words=60, rows=5, seed=0)[0]


def test_lengths_are_those_of_autograd_by_hand(model):
    batch, (_, (_, encoder)) = batch_of(model), stages(model)
    found = lengths(encoder, batch)
    encoder.zero_grad()
    loss, _ = full_loss(encoder, encoder(batch.words, batch.segments, batch.places)[-1], batch.targets)
    (loss / len(batch.targets)).backward()
    attention, mlp = encoder.blocks[1].attention, encoder.blocks[1].mlp
    asked = attention.ask.weight.grad
    assert found[2, "queries and keys"] == pytest.approx(float(asked[:32].norm()), rel=1e-5)
    both = torch.cat([asked[32:].flatten(), attention.answer.weight.grad.flatten()])
    assert found[2, "values and answers"] == pytest.approx(float(both.norm()), rel=1e-5)
    both = torch.cat([mlp.widen.weight.grad.flatten(), mlp.narrow.weight.grad.flatten()])
    assert found[2, "MLP"] == pytest.approx(float(both.norm()), rel=1e-5)


def test_a_step_along_the_gradient_changes_the_loss_by_its_length(model):
    batch, (_, (_, encoder)) = batch_of(model), stages(model)
    wanted = lengths(encoder, batch)[1, "MLP"]

    def loss():
        return full_loss(encoder, encoder(batch.words, batch.segments, batch.places)[-1], batch.targets)[0] / len(batch.targets)

    weights = [encoder.blocks[0].mlp.widen.weight, encoder.blocks[0].mlp.narrow.weight]
    steps = torch.autograd.grad(loss(), weights)
    length = torch.cat([step.flatten() for step in steps]).norm()
    values = []
    for size in (0.02, -0.04):  # there, and to the other side
        for weight, step in zip(weights, steps, strict=True):
            weight.data += size * step / length
        values.append(loss().item())
    assert wanted == pytest.approx((values[0] - values[1]) / 0.04, rel=1e-2)


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({}, {"queries and keys", "values and answers", "MLP"}),
        ({"attention": "uniform"}, {"values and answers", "MLP"}),
        ({"projections": "none", "activation": "none"}, {"values and answers"}),
    ],
)
def test_only_parts_that_an_encoder_has_are_measured(changes, parts):
    model = trained(words=1, **changes)
    found = lengths(next(iter(stages(model)))[1], batch_of(model))
    assert {part for _, part in found} == parts | {"vectors that reach it"}
    assert all(length > 0 for length in found.values())


def test_batch_norms_are_measured_as_in_training_and_left_as_they_were():
    model = trained(norm="batch")
    before = model.encoder.blocks[0].attention_norm.running_mean.clone()
    GRADIENTS.measure(model, CORPUS, lambda moment: None)
    assert torch.equal(model.encoder.blocks[0].attention_norm.running_mean, before)


@pytest.mark.parametrize("mask", ["full", "causal"])
def test_entropy_lies_between_none_and_that_of_equal_weights(mask):
    model = trained(words=1, mask=mask)
    found = spreads(model.encoder, batch_of(model))
    for block in (1, 2):
        for head in (1, 2):
            assert 0 < found[block, head, "entropy"] < found[block, head, "ceiling"] <= np.log(12) + 1e-9
            assert 0 < found[block, head, "slope"] < 1


@pytest.mark.parametrize("mask", ["full", "causal"])
def test_equal_weights_reach_the_ceiling(mask):
    model = trained(words=1, attention="uniform", mask=mask)
    found = spreads(model.encoder, batch_of(model))
    assert found[1, 1, "entropy"] == pytest.approx(found[1, 1, "ceiling"], rel=1e-6)


def test_attention_to_one_word_has_neither_entropy_nor_slope():
    model = trained(words=1, scaling=False)
    for block in model.encoder.blocks:
        block.attention.ask.weight.data *= 1e3
    found = spreads(model.encoder, batch_of(model))
    assert found[1, 1, "entropy"] < 0.02
    assert found[1, 1, "slope"] < 0.01


def test_tables_tell_means_over_batches(tables):
    gradients, spread = tables["gradients"], tables["attention_spread"]
    assert set(gradients["stage"]) == {"start", "trained"}
    assert (gradients["n"] > 2).all()
    assert (gradients[["value", "error"]] > 0).all(axis=None)
    assert len(spread) == 2 * 2 * 2 * 3


def test_dropout_is_drawn_from_the_seed_and_leaves_the_random_numbers_of_others_alone():
    model = trained(words=1, dropout=0.2)
    before = torch.get_rng_state()
    one = GRADIENTS.measure(model, CORPUS, lambda moment: None)["gradients"]
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(1)
    assert GRADIENTS.measure(model, CORPUS, lambda moment: None)["gradients"].equals(one)
    other = Gradients(words=200, batch=60, seed=1).measure(model, CORPUS, lambda moment: None)["gradients"]
    assert not other["value"].equals(one["value"])
