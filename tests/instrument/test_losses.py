import pytest
import torch

from study.instrument.development import hidden_words
from study.instrument.losses import Losses
from study.model.controls import Random
from study.model.objective import full_loss
from tests.instrument.small_transformer import CORPUS, trained

LOSSES = Losses(words=400, seed=0)


@pytest.fixture(scope="module")
def model():
    return trained(words=20_000)


@pytest.fixture(scope="module")
def table(model):
    return LOSSES.measure(model, CORPUS, lambda moment: None)["losses"]


def test_rows_sum_to_the_loss_of_all_hidden_words(model, table):
    (batch,) = hidden_words(model, CORPUS, words=100, rows=16, seed=0)
    few = Losses(words=100, seed=0).measure(model, CORPUS, lambda moment: None)["losses"]
    mine = few[few["stage"] == "trained"]
    with torch.inference_mode():
        x = model.encoder(batch.words, batch.segments, batch.places)[-1]
        whole, _ = full_loss(model.encoder, x, batch.targets)
    assert mine["loss"].sum() == pytest.approx(float(whole), rel=1e-5)
    assert mine["asked"].sum() == len(batch.targets)
    assert len(table) > len(few)


def test_training_lowers_the_loss_on_the_same_words(table):
    start, after = (table[table["stage"] == stage].reset_index(drop=True) for stage in ("start", "trained"))
    assert list(start["asked"]) == list(after["asked"])
    assert list(start["row"]) == list(range(len(start)))
    assert after["loss"].sum() < start["loss"].sum()


def test_only_trained_encoders_are_measured(model):
    assert LOSSES.fits(model)
    assert not LOSSES.fits(Random(size=4, seed=0, context_words=3, context_smoothing=1e-3))
