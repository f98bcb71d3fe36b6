from pathlib import Path

import numpy as np
import pytest
import yaml

from study.contracts import StudyError
from study.model import Identifier, OneHot
from tests.model.toy_language import ToldCorpus, cosine, sides, synonyms, twin_accuracy

CONF = Path(__file__).parents[2] / "conf" / "model"
KINDS = {"one_hot": OneHot, "identifier": Identifier}


def untrained(option, **changed):
    knobs = yaml.safe_load((CONF / f"{option}.yaml").read_text(encoding="utf-8"))
    del knobs["_target_"]
    return KINDS[option](**{**knobs, "context_smoothing": 1e-3, **changed})


def fit(corpus, folder, option, **changed):
    return untrained(option, **changed).fit(corpus, folder=folder, observe=lambda moment: None)


@pytest.fixture
def corpus(tmp_path):
    return ToldCorpus(synonyms(), tmp_path)


def vectors_of(model, words):
    return model.embed([[word] for word in words], np.array([(row, 0, 1) for row in range(len(words))]), ["word"])["word"]


def test_every_word_is_as_far_from_every_other(corpus, tmp_path):
    model = fit(corpus, tmp_path, "one_hot")
    vectors = vectors_of(model, corpus.vocabulary.words)
    assert vectors.dtype == np.float32
    assert (vectors @ vectors.T == np.eye(len(corpus.vocabulary))).all()


def test_rare_words_share_dimensions_and_frequent_ones_do_not(corpus, tmp_path):
    model = fit(corpus, tmp_path, "one_hot", size=40)
    vectors = vectors_of(model, corpus.vocabulary.words)
    assert vectors.shape == (64, 40)
    cosines = vectors @ vectors.T
    assert (cosines[:40, :40] == np.eye(40)).all()
    assert cosines[40, 0] == 1
    assert np.triu(cosines, 1).sum() == 24, "each of the 24 rarer words falls together with one other"


def test_a_sentence_is_its_bag_of_words_in_any_order(corpus, tmp_path):
    model = fit(corpus, tmp_path, "one_hot")
    bag, other = model.embed([["k0", "l0", "k0"], ["k0", "k0", "l0"]], np.array([(0, 0, 3), (1, 0, 3)]), ["word"])["word"]
    assert bag[corpus.vocabulary.index("k0")] == pytest.approx(2 / 3)
    assert bag[corpus.vocabulary.index("l0")] == pytest.approx(1 / 3)
    assert bag.sum() == pytest.approx(1)
    assert bag == pytest.approx(other)


def test_the_context_is_the_weighted_bag_of_the_other_words(corpus, tmp_path):
    model = fit(corpus, tmp_path, "one_hot", context_smoothing=0.01)
    sentence, place = ["k0", "aquoa", "l0", "x?"], np.array([(0, 1, 2)])
    views = model.embed([sentence], place, ["word", "context", "word+context"])
    weights = {
        word: 0.01 / (0.01 + corpus.vocabulary.counts[corpus.vocabulary.index(word)] / len(corpus.stream))
        for word in ("k0", "l0")
    }
    for word, weight in weights.items():
        assert views["context"][0, corpus.vocabulary.index(word)] == pytest.approx(weight / sum(weights.values()))
    assert np.count_nonzero(views["context"]) == 2
    assert views["word+context"].shape == (1, 128)


def test_unit_vectors_answer_nothing_about_the_whole_vocabulary(corpus, tmp_path):
    model = fit(corpus, tmp_path, "one_hot")
    assert model.views("vocabulary") == ()
    assert model.lexicons() == {}
    assert model.views("target") == ("word", "context", "word+context")


def test_identifiers_carry_no_similarity_but_a_sign(corpus, tmp_path):
    model = fit(corpus, tmp_path, "identifier")
    assert model.vectors.shape == (64, 1)
    assert model.vectors.mean() == pytest.approx(0, abs=1e-6)
    assert model.vectors.std() == pytest.approx(1, abs=1e-6)
    assert (np.diff(model.vectors[:, 0]) > 0).all(), "in the order of frequency"
    assert cosine(model, corpus.vocabulary.words[0], corpus.vocabulary.words[31]) == pytest.approx(1)
    assert cosine(model, corpus.vocabulary.words[0], corpus.vocabulary.words[32]) == pytest.approx(-1)


@pytest.mark.parametrize("option", KINDS)
def test_what_stands_in_equal_contexts_is_no_more_alike_than_chance(corpus, tmp_path, option):
    assert twin_accuracy(fit(corpus, tmp_path, option)) < 0.3, "chance is one in fifteen"


@pytest.mark.parametrize("option", KINDS)
def test_the_order_of_words_is_lost(tmp_path, option):
    model = fit(ToldCorpus(sides(), tmp_path), tmp_path, option)
    first, second = model.embed([["m1", "left", "n2"], ["n2", "left", "m1"]], np.array([(0, 0, 3), (1, 0, 3)]), ["word"])["word"]
    assert first == pytest.approx(second)


@pytest.mark.parametrize("option", KINDS)
def test_nothing_is_drawn_and_what_is_saved_loads_again(corpus, tmp_path, option):
    model, other = (fit(corpus, tmp_path, option, seed=seed) for seed in (0, 1))
    model.save(tmp_path)
    loaded = untrained(option).load(tmp_path, corpus)
    words = [*corpus.vocabulary.words, "x?"]
    assert np.array_equal(vectors_of(loaded, words), vectors_of(model, words), equal_nan=True)
    assert np.array_equal(vectors_of(other, words), vectors_of(model, words), equal_nan=True)
    assert np.isnan(vectors_of(loaded, words)[-1]).all(), "an unknown word has no vector"
    assert loaded.parameters == 0
    assert loaded.reproducible


def test_an_identifier_of_a_single_word_is_zero(tmp_path):
    assert fit(ToldCorpus([["a"]], tmp_path), tmp_path, "identifier").vectors.tolist() == [[0.0]]


def test_no_dimensions_are_refused(corpus, tmp_path):
    with pytest.raises(StudyError, match="size must be at least 1"):
        fit(corpus, tmp_path, "one_hot", size=0)
