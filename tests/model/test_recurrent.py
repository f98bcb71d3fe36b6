import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from study.contracts import StudyError
from study.model import readout
from study.model.recurrent import LanguageModelling, Recurrent
from tests.model.small_corpus import PAIRS, SmallCorpus
from tests.model.small_recurrent import PARTS, SCHEDULE

CORPUS = SmallCorpus()
SETTINGS = Recurrent(**PARTS, **SCHEDULE, asked=1.0)
IN_CONTEXT = ("input", "layer-1", "layer-2")
BOUNDARY = 2 * PAIRS + 2


class KilledError(Exception):
    pass


def fit(folder, observe=lambda moment: None, **changes):
    return replace(SETTINGS, **changes).fit(CORPUS, folder=folder, observe=observe)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return fit(tmp_path_factory.mktemp("recurrent"), words=30_000, asked=0.5)


def embed(model, *places, views=IN_CONTEXT):
    """Embed places given as (sentence, start, stop)."""
    sentences = [sentence.split() for sentence, _, _ in places]
    return model.embed(sentences, np.array([(row, start, stop) for row, (_, start, stop) in enumerate(places)]), views)


def shares(model, words):
    """Return what each direction gives to the right words of one row: two arrays of shape (words,)."""
    row = torch.tensor([[BOUNDARY, *words, BOUNDARY]])
    with torch.no_grad():
        places = torch.arange(1, len(words) + 1)
        x = model.encoder.guesses(row, torch.tensor([row.shape[1]]), places)
        table, bias = model.encoder.output()
        scores = (x @ table[: len(bias)].T + bias).log_softmax(-1).exp()
    return scores[torch.arange(2 * len(words)), torch.tensor([*words, *words])].view(2, -1).numpy()


def test_matrices_decay_and_tables_and_biases_do_not():
    network = SETTINGS._start(CORPUS)
    of = {id(weight): name for name, weight in network.named_parameters()}
    groups = LanguageModelling(network, CORPUS, SETTINGS).optimiser.param_groups
    decayed, rest = ({of[id(weight)] for weight in group["params"]} for group in groups)
    assert [group["weight_decay"] for group in groups] == [SETTINGS.weight_decay, 0.0]
    assert decayed | rest == set(of.values())
    assert any("weight_hh" in name for name in decayed)
    assert not any("bias" in name for name in decayed)
    assert any("bias_hh" in name for name in rest)


def test_each_direction_learns_the_partner_it_can_know(model):
    ahead, back = shares(model, [0, 1, 6, 7, 2, 3])
    assert ahead[[1, 3, 5]].min() > 0.5 > 2 * ahead[[0, 2, 4]].max()
    assert back[[0, 2, 4]].min() > 0.5 > 2 * back[[1, 3, 5]].max()


def test_a_hidden_word_is_guessed_from_before_from_after_and_from_both(model):
    words = CORPUS.vocabulary.words
    sentences = [[words[0], words[1], words[6], words[7]], [words[0], words[5], words[6], words[7]]]
    found = model.guess(sentences, np.array([(0, 1, 2), (0, 2, 3), (1, 1, 2)]), 3)
    assert found["before"].best[0][0] == words[1]
    assert found["before"].rank[0] == 1
    assert found["after"].best[1][0] == words[6]
    assert found["after"].rank[1] == 1
    assert [named[0] for named in found["both"].best] == [words[1], words[6], words[1]]
    assert list(found["both"].best[0]) == list(found["both"].best[2])  # the hidden word itself is not read


def test_both_sides_are_joined_by_the_rule_of_bayes(model):
    words = CORPUS.vocabulary.words
    ahead, back = shares(model, [0, 1, 6, 7])
    found = model.guess([[words[0], words[1], words[6], words[7]]], np.array([(0, 2, 3)]), 3)
    assert found["before"].log_probability[0] == pytest.approx(np.log(ahead[2]), rel=1e-4)
    assert found["after"].log_probability[0] == pytest.approx(np.log(back[2]), rel=1e-4)
    row = torch.tensor([[BOUNDARY, 0, 1, 6, 7, BOUNDARY]])
    with torch.no_grad():
        x = model.encoder.guesses(row, torch.tensor([6]), torch.tensor([3]))
        table, bias = model.encoder.output()
        sides = (x @ table[: len(bias)].T + bias).softmax(-1).double().numpy()
    joined = sides[0] * sides[1] / CORPUS.vocabulary.counts
    assert found["both"].log_probability[0] == pytest.approx(np.log(joined[6] / joined.sum()), rel=1e-3)


def test_a_long_sentence_is_cut_around_the_hidden_word(model):
    words = CORPUS.vocabulary.words
    sentence = [words[2], words[3]] * 30
    sentence[40:42] = [words[8], words[9]]
    assert model.guess([sentence], np.array([(0, 41, 42)]), 1)["before"].best[0][0] == words[9]


def test_a_guess_does_not_depend_on_what_else_is_asked(model, monkeypatch):
    words = model.vocabulary.words
    sentences = [words[:6], words[6:9], words[9:15], words[2:8]]
    places = np.array([(0, 1, 2), (1, 0, 1), (2, 5, 6), (3, 2, 3), (0, 4, 5), (1, 2, 3)])
    together = model.guess(sentences, places, 3)
    monkeypatch.setattr(readout, "WORDS_AT_ONCE", 17)  # two sentences of six words at once
    few = model.guess(sentences, places, 3)
    for row, place in enumerate(places):
        alone = model.guess(sentences, place[None], 3)
        for way, found in alone.items():
            for many in (together[way], few[way]):
                assert many.log_probability[row] == pytest.approx(found.log_probability[0], abs=1e-5)
                assert many.best[row] == found.best[0]


def test_an_untrained_copy_is_at_chance_and_the_trained_one_is_not(model, tmp_path):
    first = fit(tmp_path, words=0).history[0]
    assert first.validation_loss == pytest.approx(math.log(2 * PAIRS), rel=0.1)
    assert first.masked_accuracy < 0.15
    assert model.history[-1].masked_accuracy > 0.45
    assert model.history[-1].validation_loss < first.validation_loss - 1


def test_a_layer_has_both_directions_side_by_side(model):
    made = embed(model, ("a1 b1 a2 b2", 1, 2), ("a1 b1 a7 b2", 1, 2), ("a9 b1 a2 b2", 1, 2))
    assert [made[view].shape[1] for view in IN_CONTEXT] == [16, 32, 32]
    for view in IN_CONTEXT[1:]:
        one, later, earlier = made[view]
        assert np.array_equal(one[:16], later[:16]), "the state ahead does not know what comes"
        assert np.array_equal(one[16:], earlier[16:])
        assert not np.allclose(one[16:], later[16:], atol=1e-3)
        assert not np.allclose(one[:16], earlier[:16], atol=1e-3)


def test_the_views_and_their_lexicon_are_those_of_the_encoder(model):
    assert model.views("word") == (*IN_CONTEXT, "averaged-1", "averaged-2", "averaged")
    made = embed(model, ("a0", 0, 1), ("what", 0, 1), views=model.views("word"))
    assert made["averaged"].shape == (2, 32)
    assert np.isfinite(made["averaged"][0]).all()
    assert np.isnan(made["averaged"][1]).all()
    assert made["input"][0] == pytest.approx(model.lexicons()["input"].vectors[CORPUS.vocabulary.index("a0")])


def test_a_vector_does_not_depend_on_what_else_is_asked(model):
    asked = [("a1 b1 a2 b2", 1, 2), ("a1", 0, 1), ("a5 b5 a2 b2 a7", 0, 5)]
    together, alone = embed(model, *asked), [embed(model, one) for one in asked]
    for view in IN_CONTEXT:
        assert together[view] == pytest.approx(np.concatenate([one[view] for one in alone]), abs=1e-5)


@pytest.mark.parametrize("changes", [{"cell": "gru", "context": "document", "dropout": 0.1}, {"tied": False, "residual": True}])
def test_a_training_that_was_killed_and_resumed_is_the_same_bit_for_bit(tmp_path, changes):
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    whole.mkdir()
    pieces.mkdir()
    changes |= {"validate_every": 500, "checkpoint_seconds": 0.0, "candidates": 20, "asked": 0.5}

    def kill(moment):
        if moment.words_seen >= 1_200:
            raise KilledError

    straight = fit(whole, **changes)
    with pytest.raises(KilledError):
        fit(pieces, kill, **changes)
    resumed = fit(pieces, **changes)
    weights, others = straight.encoder.state_dict(), resumed.encoder.state_dict()
    assert all(torch.equal(weights[name], others[name]) for name in weights)
    assert [m.loss for m in straight.history] == [m.loss for m in resumed.history]


def test_every_weight_learns(tmp_path):
    before, after = fit(tmp_path, words=0, tied=False), fit(tmp_path, words=500, tied=False)
    weights = after.encoder.state_dict()
    assert all((weight != weights[name]).any() for name, weight in before.encoder.state_dict().items())


def test_what_is_saved_is_loaded_to_the_bit(model, tmp_path):
    model.save(tmp_path)
    again = replace(model).load(tmp_path, CORPUS)
    place = ("a1 b1 a2 b2", 1, 2)
    assert np.array_equal(embed(model, place)["layer-2"], embed(again, place)["layer-2"])
    assert again.history == model.history
    assert again.parameters == model.parameters > 0
    assert {path.name for path in tmp_path.iterdir()} == {"weights.safetensors", "settings.json", "history.json", "effort.json"}
    with pytest.raises(StudyError, match="do not fit the settings"):
        replace(model, depth=1).load(tmp_path, CORPUS)


def test_sentences_start_anew_or_run_on(tmp_path):
    """Two sentences in one row, and then another first one: as documents the second is read after the first."""
    training = LanguageModelling(fit(tmp_path, words=0).encoder, CORPUS, SETTINGS)
    rows = [np.array([[BOUNDARY, first, 1, BOUNDARY, 6, 7]]) for first in (0, 4)]
    for segments, anew in ((np.array([[0, 0, 0, 1, 1, 1]]), True), (np.zeros((1, 6), np.int64), False)):
        (one, targets), (other, _) = (training.said(row, segments, np.random.default_rng(0), 1.0) for row in rows)
        places = torch.nonzero(targets == 6).flatten()
        assert sorted(targets.tolist()) == [0, 0, 1, 1, 6, 6, 7, 7]
        assert torch.equal(one[places[0]], other[places[0]]) is anew, "ahead"
        assert torch.equal(one[places[1]], other[places[1]]), "back"


def test_a_share_that_does_not_fit_is_refused(tmp_path):
    with pytest.raises(StudyError, match="asked"):
        fit(tmp_path, asked=0.0)


def test_its_resources_are_those_of_its_training_and_not_of_who_asks_now(model):
    asked = replace(model, threads=3)
    asked.effort = model.effort
    assert (asked.resources["threads"], asked.resources["device"]) == (1, "cpu")
    asked.effort = replace(model.effort, device=None, threads=None)
    assert asked.resources["threads"] == 3, "an older training kept no note"
