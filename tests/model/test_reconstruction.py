import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from study.contracts import HasTables, StudyError
from study.model.anatomy import Anatomy
from study.model.export import exported
from study.model.fidelity import generated
from study.model.reconstruction import Denoising, damaged
from study.model.sequences import Symbols
from tests.model.small_corpus import PAIRS, SmallCorpus
from tests.model.small_reconstruction import CORPUS, MODELS, WORDS

SYMBOLS = Symbols(WORDS)
EVERY = pytest.mark.parametrize("kind", MODELS)


class KilledError(Exception):
    pass


def fit(kind, folder, observe=lambda moment: None, **changes):
    return replace(MODELS[kind], **changes).fit(CORPUS, folder=folder, observe=observe)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """All three after the same words."""
    return {kind: fit(kind, tmp_path_factory.mktemp("copy"), words=80_000, validate_every=80_000) for kind in MODELS}


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    return {kind: fit(kind, tmp_path_factory.mktemp("start"), words=0) for kind in MODELS}


def embed(model, *places):
    """Embed places given as (sentence, start, stop)."""
    sentences = [sentence.split() for sentence, _, _ in places]
    rows = np.array([(row, start, stop) for row, (_, start, stop) in enumerate(places)])
    return model.embed(sentences, rows, model.views("target"))


def shares(model, column):
    return model.tables["reconstruction"][column].to_numpy()


@EVERY
def test_short_sentences_come_through_every_way(trained, kind):
    assert shares(trained[kind], "generated")[0] > 0.8


def test_long_sentences_come_through_attention_and_not_through_one_vector(trained):
    for column in ("forced", "generated"):
        bottleneck, attention, transformer = (shares(model, column) for model in trained.values())
        assert min(attention[-1], transformer[-1]) > 0.9
        assert bottleneck[-1] < 0.7
        assert bottleneck[-1] < bottleneck[0] - 0.2, "the longer the sentence, the more is lost"
    assert shares(trained["rnn"], "generated")[-1] < 0.5, "one wrong word leads to the next"


@EVERY
def test_an_untrained_copy_is_at_chance(untrained, kind):
    first = untrained[kind].history[0]
    assert first.validation_loss == pytest.approx(math.log(WORDS), rel=0.1)
    assert shares(untrained[kind], "generated").max() < 0.3


@EVERY
def test_a_hidden_word_is_mended_from_its_partner_which_comes_after_it(tmp_path, kind):
    corpus, changes = SmallCorpus(), {"words": 60_000, "validate_every": 60_000, "masked": 0.3, "measured_lengths": []}
    network = replace(MODELS[kind], **changes).fit(corpus, folder=tmp_path, observe=lambda moment: None).encoder
    symbols = Symbols(2 * PAIRS)
    b, m = symbols.boundary, symbols.mask
    words = torch.tensor([[b, m, second, b] for second in (1, 3, 5, 7)])  # of the pairs (0, 1), (2, 3), (4, 5), (6, 7)
    with torch.no_grad():
        said = generated(network, network.encode(words, torch.full((4,), 4)), words[:, :1], torch.zeros(4, 2, dtype=torch.bool))
    assert said.tolist() == [[0, 1], [2, 3], [4, 5], [6, 7]]


@EVERY
def test_the_views_are_the_encoders_states(trained, kind):
    model = trained[kind]
    assert model.views("target") == ("input", "layer-1")
    made = embed(model, ("w1 w2 w3", 1, 2), ("w5 w2 w3", 1, 2))
    assert made["input"].shape == (2, 32)
    assert made["layer-1"].shape == (2, 32 if kind == "transformer" else 64)
    assert np.array_equal(made["input"][0], made["input"][1])
    assert not np.allclose(made["layer-1"][0], made["layer-1"][1], atol=1e-3)


@EVERY
def test_sentences_of_several_lengths_do_not_influence_each_other(untrained, kind):
    network, b = untrained[kind].encoder, SYMBOLS.boundary
    words = torch.tensor([[b, 1, 2, 3, 4, b], [b, 5, b, b, b, b]])
    with torch.no_grad():
        together = network.decode(network.encode(words, torch.tensor([6, 3])), words[:, :-1])
        alone = network.decode(network.encode(words[1:, :3], torch.tensor([3])), words[1:, :2])
        assert torch.allclose(together[1, :2], alone[0], atol=1e-5)


@EVERY
def test_what_is_said_depends_on_the_sentence_and_on_earlier_words_only(trained, kind):
    network, b = trained[kind].encoder, SYMBOLS.boundary
    words = torch.tensor([[b, 1, 2, 3, b]])
    with torch.no_grad():
        memory = network.encode(words, torch.tensor([5]))
        said, later = (network.decode(memory, torch.tensor([[b, 1, last]])) for last in (2, 9))
        other = network.decode(network.encode(torch.tensor([[b, 1, 7, 3, b]]), torch.tensor([5])), torch.tensor([[b, 1, 2]]))
    assert torch.equal(said[:, :2], later[:, :2])
    assert not torch.allclose(said[:, 2], later[:, 2], atol=1e-3)
    assert not torch.allclose(said[:, 1], other[:, 1], atol=1e-3)


@EVERY
def test_a_training_that_was_killed_and_resumed_is_the_same_bit_for_bit(tmp_path, kind):
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    whole.mkdir()
    pieces.mkdir()
    changes = {"validate_every": 1_000, "checkpoint_seconds": 0.0, "candidates": 5, "asked": 0.5, "dropout": 0.1, "masked": 0.2}

    def kill(moment):
        if moment.words_seen >= 1_200:
            raise KilledError

    straight = fit(kind, whole, **changes)
    with pytest.raises(KilledError):
        fit(kind, pieces, kill, **changes)
    resumed = fit(kind, pieces, **changes)
    weights, others = straight.encoder.state_dict(), resumed.encoder.state_dict()
    assert all(torch.equal(weights[name], others[name]) for name in weights)
    assert straight.tables["reconstruction"].equals(resumed.tables["reconstruction"])


@EVERY
def test_gradients_reach_every_weight(untrained, kind, tmp_path):
    model = replace(MODELS[kind], tied=False)
    training = Denoising(model._start(CORPUS), CORPUS, model)
    training.loss(training.prepare(training.progress.place()).asked).backward()
    assert all(weight.grad is not None and weight.grad.abs().max() > 0 for weight in training.network.parameters())


@EVERY
def test_what_is_saved_is_loaded_to_the_bit(trained, kind, tmp_path):
    model = trained[kind]
    model.save(tmp_path)
    again = replace(MODELS[kind]).load(tmp_path, CORPUS)
    place = ("w1 w2 w3", 1, 2)
    assert np.array_equal(embed(model, place)["layer-1"], embed(again, place)["layer-1"])
    assert np.allclose(again.tables["reconstruction"], model.tables["reconstruction"])
    assert isinstance(again, HasTables)
    files = {"weights.safetensors", "settings.json", "history.json", "effort.json", "reconstruction.csv"}
    assert {path.name for path in tmp_path.iterdir()} == files
    with pytest.raises(StudyError, match="do not fit the settings"):
        replace(MODELS[kind], width=16).load(tmp_path, CORPUS)


@EVERY
def test_an_export_leaves_it_out_and_says_so(trained, kind, tmp_path):
    with pytest.warns(UserWarning, match="Reconstruction is left out"):
        assert exported(trained[kind], tmp_path) == []


def test_damage_hides_and_leaves_out_words_but_no_boundary():
    b, m = SYMBOLS.boundary, SYMBOLS.mask
    pieces = np.array([[b, *range(10), b]] * 500 + [[b, 1, 2, b] + [b] * 8] * 500)
    lengths = np.array([12] * 500 + [4] * 500)
    shown, left = damaged(pieces, lengths, SYMBOLS, np.random.default_rng(0), masked=0.2, dropped=0.3)
    inner = [row[1 : length - 1] for row, length in zip(shown, left, strict=True)]
    assert all(
        row[0] == b and (row[length - 1 :] == b).all() and b not in row[1 : length - 1]
        for row, length in zip(shown, left, strict=True)
    )
    assert sum(map(len, inner)) / 6000 == pytest.approx(0.7, abs=0.02)
    assert sum((row == m).sum() for row in inner) / 6000 == pytest.approx(0.2, abs=0.02)
    assert all((np.diff(row[row != m]) > 0).all() for row in inner), "what is left keeps its order"
    whole, same = damaged(pieces, lengths, SYMBOLS, np.random.default_rng(0), masked=0.0, dropped=0.0)
    assert np.array_equal(whole, pieces)
    assert np.array_equal(same, lengths)


@pytest.mark.parametrize(
    ("changes", "named"),
    [({"masked": 0.6, "dropped": 0.4}, "masked"), ({"asked": 0}, "asked"), ({"measured_lengths": [9, 4]}, "measured_lengths")],
)
def test_settings_that_do_not_fit_are_refused_by_name(tmp_path, changes, named):
    with pytest.raises(StudyError, match=named):
        fit("rnn", tmp_path, **changes)


def test_the_network_holds_its_anatomy_and_not_the_model_with_its_corpus(untrained):
    assert type(untrained["transformer"].encoder.encoder.anatomy) is Anatomy
