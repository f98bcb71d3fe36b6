from dataclasses import replace

import numpy as np
import pytest
import torch

from study.contracts import Lexicon
from study.instrument import Gradients, HeadProbe, Losses, Order
from study.instrument.development import STAGES, error_of_mean, hidden_words, stages, whole_sentences
from study.model.controls import Random
from study.model.sequences import Symbols
from tests.instrument.small_transformer import CORPUS, trained
from tests.model.test_encoder import SETTINGS

INSTRUMENTS = [
    Losses(words=100, seed=0),
    Gradients(words=100, batch=60, seed=0),
    Order(sentences=10, shortest=4, seed=0),
    HeadProbe(sentences=10, shortest=4, penalty=0.1, seed=0),
]


@pytest.fixture(scope="module")
def model():
    return trained()


def test_an_encoder_is_seen_as_it_started_and_as_it_became(model):
    seen = dict(stages(model))
    assert tuple(seen) == STAGES
    untrained = trained(words=1, rate=1e-12).encoder  # a step that moves nothing
    for name, weight in seen["start"].named_parameters():
        assert torch.allclose(weight, dict(untrained.named_parameters())[name], atol=1e-6)
    assert torch.equal(seen["trained"].table.weight, model.encoder.table.weight)
    assert not torch.equal(seen["start"].table.weight, seen["trained"].table.weight)


def test_what_is_done_to_them_leaves_the_model_alone(model):
    before = model.encoder.table.weight.clone()
    for _, encoder in stages(model):
        encoder.table.weight.data.zero_()
    assert torch.equal(model.encoder.table.weight, before)


def test_the_same_words_are_hidden_from_every_encoder(model):
    other = hidden_words(trained(width=8, positions="none"), CORPUS, words=200, rows=4, seed=3)
    mine = hidden_words(model, CORPUS, words=200, rows=4, seed=3)
    assert len(mine) > 1
    for one, two in zip(mine, other, strict=True):
        assert torch.equal(one.words, two.words)
        assert torch.equal(one.targets, two.targets)
        assert (one.words.flatten()[one.places] == Symbols(40).mask).all()


def test_sentences_are_whole_between_boundaries(model):
    groups = whole_sentences(model, CORPUS, shortest=4, number=15, seed=0)
    assert sum(len(words) for words in groups) == 15
    texts = {tuple(CORPUS.ids("development", *CORPUS.sentence_offsets("development")[n : n + 2])) for n in range(50)}
    for words in groups:
        assert (words[:, [0, -1]] == Symbols(40).boundary).all()
        assert 6 <= words.shape[1] <= 12
        assert {tuple(row) for row in words[:, 1:-1].tolist()} <= texts


def test_the_error_of_a_mean_needs_two_values():
    assert error_of_mean(np.array([1.0, 3.0])) == pytest.approx(1.0)
    assert np.isnan(error_of_mean(np.array([1.0])))


@pytest.mark.parametrize("instrument", INSTRUMENTS, ids=lambda one: type(one).__name__)
def test_only_encoders_of_words_whose_start_is_known_are_measured(instrument):
    assert instrument.fits(SETTINGS)
    assert not instrument.fits(Random(size=4, seed=0, context_words=3, context_smoothing=1e-3))
    assert not instrument.fits(replace(SETTINGS, units="bpe"))
    assert not instrument.fits(replace(SETTINGS, units="wordpiece"))
    started = replace(SETTINGS, start="skipgram")
    assert not instrument.fits(started), "its vectors were not handed over: the start would be another one"
    started.take(Lexicon(CORPUS.vocabulary.words, np.ones((40, 16), np.float32)))
    assert instrument.fits(started)


def test_an_encoder_that_started_from_vectors_is_seen_with_these(tmp_path):
    vectors = np.random.default_rng(0).normal(size=(40, 16)).astype(np.float32)
    model = replace(SETTINGS, start="skipgram", words=1, rate=1e-12)  # a step that moves nothing
    model.take(Lexicon(CORPUS.vocabulary.words, vectors))
    model.fit(CORPUS, folder=tmp_path, observe=lambda moment: None)
    seen = dict(stages(model))
    for name, weight in seen["start"].named_parameters():
        assert torch.allclose(weight, dict(seen["trained"].named_parameters())[name], atol=1e-6)
    table = seen["start"].table.weight[:40].detach().numpy()
    assert np.corrcoef(table.reshape(-1), vectors.reshape(-1))[0, 1] > 0.99999
