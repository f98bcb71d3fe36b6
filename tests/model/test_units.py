from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from study.contracts import Lexicon, StudyError
from study.model import Untrained
from study.model.inventory import KINDS
from study.model.moments import kept
from tests.model.small_encoder import ANATOMY
from tests.model.small_spelled import LATE, RARE, SpelledSmall
from tests.model.test_encoder import IN_CONTEXT, SETTINGS, WORD

pytest.importorskip("tokenizers", reason="the extra [subwords] is not installed")
CORPUS = SpelledSmall()
SPELLED = replace(SETTINGS, units="wordpiece", subwords=36, positions="learned")


def fit(folder, corpus=CORPUS, **changes):
    folder.mkdir(exist_ok=True)
    return replace(SPELLED, **changes).fit(corpus, folder=folder, observe=lambda moment: None)


@pytest.fixture(scope="module", params=KINDS)
def model(request, tmp_path_factory):
    return fit(tmp_path_factory.mktemp("encoder"), units=request.param)


def embed(model, *places, views=IN_CONTEXT):
    """Embed places given as (sentence, start, stop)."""
    sentences = [sentence.split() for sentence, _, _ in places]
    return model.embed(sentences, np.array([(row, start, stop) for row, (_, start, stop) in enumerate(places)]), views)


def by_hand(model, words, asked):
    """Read a sentence that fits the encoder by hand; the mean over the words asked for of the means over their sub-words."""
    tokenizer, symbols = model.spelled.inventory.tokenizer, model.spelled.symbols
    spelled = [tokenizer.encode(word.lower()).ids for word in words]
    row = torch.tensor([[symbols.boundary, *(number for word in spelled for number in word), symbols.boundary]])
    ends = np.cumsum([1, *map(len, spelled)])
    with torch.inference_mode():
        layers = [model.encoder.table(row), *model.encoder(row)[1:]]
    return [np.mean([layer[0, ends[w] : ends[w + 1]].mean(dim=0).numpy() for w in asked], axis=0) for layer in layers]


def test_a_vector_is_the_mean_over_words_each_the_mean_over_its_sub_words(model):
    words = ["aba", "BKUBA", RARE]
    assert len(model.spelled.inventory.spell(["bkuba"]).subwords) > len(model.spelled.inventory.spell(["aba"]).subwords)
    made = embed(model, (" ".join(words), 1, 2), (" ".join(words), 0, 2), (" ".join(words), 0, 3))
    for row, asked in enumerate([[1], [0, 1], [0, 1]]):
        for view, wanted in zip(IN_CONTEXT, by_hand(model, words, asked), strict=True):
            assert made[view][row] == pytest.approx(wanted, abs=1e-5)


def test_it_has_vectors_for_the_words_that_an_encoder_of_words_has(model, tmp_path):
    of_words = fit(tmp_path, units="words", words=0)
    asked = [("aba", 0, 1), (RARE, 0, 1), (LATE, 0, 1), (f"aba {RARE} bba", 1, 2), (f"aba {LATE}", 0, 2), ("akuba bkuba", 0, 2)]
    for view in WORD:
        mine, its = (np.isnan(embed(one, *asked, views=WORD)[view]).any(axis=1) for one in (model, of_words))
        assert mine.tolist() == its.tolist()


def test_words_outside_the_vocabulary_are_read_by_their_sub_words(model, tmp_path):
    of_words = fit(tmp_path, units="words", words=0)
    asked = [(f"aba {other}", 0, 1) for other in (RARE, "tomi", LATE)]
    mine, its = embed(model, *asked)["layer-2"], embed(of_words, *asked)["layer-2"]
    assert not np.allclose(mine[0], mine[1], atol=1e-4)
    assert np.array_equal(its[0], its[1])


def test_averaged_vectors_are_means_over_occurrences(model):
    made = embed(model, ("aba", 0, 1), (RARE, 0, 1), views=WORD)
    offsets, found = CORPUS.sentence_offsets("training"), []
    for sentence, place in CORPUS.occurrences([0], 5, 0)[0]:
        words = [CORPUS.types[token] for token in CORPUS.tokens("training")[offsets[sentence] : offsets[sentence + 1]]]
        one = model.embed([words], np.array([(0, place, place + 1)]), IN_CONTEXT)
        found.append(one["layer-1"][0])
    assert made["averaged-1"][0] == pytest.approx(np.mean(found, axis=0), abs=1e-5)
    assert np.isnan(made["averaged-1"][1]).all()


def test_the_lexicon_is_the_input_view_of_every_word_of_the_vocabulary(model):
    lexicon = model.lexicons()["input"]
    assert list(lexicon.words) == list(CORPUS.vocabulary.words)
    assert lexicon.vectors == pytest.approx(embed(model, *((word, 0, 1) for word in lexicon.words))["input"], abs=1e-6)


def test_a_sentence_longer_than_the_encoder_is_cut_around_the_span(model):
    sentence = " ".join(CORPUS.vocabulary.words)
    made = embed(model, (sentence, 0, 40), (sentence, 20, 21), (" ".join(CORPUS.vocabulary.words[18:23]), 2, 3))
    assert all(np.isfinite(array).all() for array in made.values())
    assert made["input"][1] == pytest.approx(made["input"][2])


def test_what_is_saved_is_loaded_to_the_bit(model, tmp_path):
    model.save(tmp_path)
    again = replace(SPELLED, units=model.units).load(tmp_path, CORPUS)
    asked = [(f"aba bba {RARE}", 0, 2), ("akuba", 0, 1)]
    for view in WORD:
        assert np.array_equal(embed(model, *asked, views=WORD)[view], embed(again, *asked, views=WORD)[view], equal_nan=True)
    assert np.array_equal(model.lexicons()["input"].vectors, again.lexicons()["input"].vectors)
    assert again.parameters == model.parameters
    assert {path.name for path in tmp_path.iterdir()} == {
        "weights.safetensors",
        "settings.json",
        "history.json",
        "effort.json",
        "tokenizer.json",
    }
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(StudyError, match=r"tokenizer\.json"):
        replace(SPELLED, units=model.units).load(tmp_path, CORPUS)
    with pytest.raises(StudyError, match="do not fit the settings"):
        replace(SPELLED, units="words").load(tmp_path, CORPUS)


def test_the_same_settings_train_the_same_encoder(tmp_path):
    one, other = (fit(tmp_path / name) for name in "ab")
    weights = other.encoder.state_dict()
    assert all(torch.equal(weight, weights[name]) for name, weight in one.encoder.state_dict().items())


def test_the_budget_is_counted_in_words(tmp_path):
    last = fit(tmp_path, words=None, epochs=1.0).history[-1]
    assert last.total_words == CORPUS.size("training")
    assert last.total_words <= last.words_seen < last.total_words + 256


@pytest.mark.parametrize("objective", [{"masked": 0.5, "causal": 0.25, "detection": 0.25}])
def test_every_objective_is_trained_on_sub_words(tmp_path, objective):
    history = fit(tmp_path, objective=objective, words=1_500).history
    assert all(np.isfinite(moment.loss) for moment in history if moment.loss is not None)


def test_the_untrained_control_reads_the_same_sub_words(model, tmp_path):
    views = {"units": model.units, "subwords": model.subwords, "occurrences": 5, "seed": 0, "device": "cpu", "threads": 1}
    control = Untrained(**ANATOMY | {"positions": "learned"}, **views)
    control.fit(CORPUS, folder=tmp_path, observe=lambda moment: None)
    assert control.spelled.inventory.subwords == model.spelled.inventory.subwords
    assert control.encoder.table.weight.shape == model.encoder.table.weight.shape
    control.save(tmp_path)
    again = replace(control).load(tmp_path, CORPUS)
    assert np.array_equal(embed(control, ("aba", 0, 1))["layer-1"], embed(again, ("aba", 0, 1))["layer-1"])


def test_a_map_of_attention_is_pooled_to_words(model):
    words = ["aba", "bkuba", RARE]
    (seen,) = model.attention_maps(words)
    assert seen.weights.shape == (2, 2, 5, 5), "blocks, heads, the words between two boundaries"
    assert list(seen.queries.names[1:4]) == words
    assert seen.weights.sum(axis=-1) == pytest.approx(1, abs=1e-5)
    (long,) = model.attention_maps(CORPUS.vocabulary.words)
    assert list(long.queries.names[1:-1]) == CORPUS.vocabulary.words[: len(long.queries.names) - 2]


def test_what_does_not_fit_is_refused(tmp_path):
    with pytest.raises(StudyError, match="units must be one of words, bpe, wordpiece, not 'letters'"):
        fit(tmp_path, units="letters")
    with pytest.raises(StudyError, match="subwords must be at least 1"):
        fit(tmp_path, subwords=0)
    with pytest.raises(StudyError, match="subwords: expected at least"):
        fit(tmp_path, subwords=5)
    model = replace(SPELLED, start="skipgram")
    model.take(Lexicon(CORPUS.vocabulary.words, np.ones((40, 16), np.float32)))
    with pytest.raises(StudyError, match="start=skipgram gives vectors of words, but with units=wordpiece"):
        model.fit(CORPUS, folder=tmp_path, observe=lambda moment: None)


def test_an_encoder_of_sub_words_that_is_seen_while_it_learns_learns_the_same(tmp_path):
    seen = replace(SPELLED)
    seen.moments = (0, 500)
    seen.fit(CORPUS, folder=tmp_path, observe=lambda moment: None)
    unseen = fit(tmp_path / "unseen")
    weights = unseen.encoder.state_dict()
    assert all(torch.equal(weight, weights[name]) for name, weight in seen.encoder.state_dict().items())
    early = [replace(SPELLED).load(path, CORPUS) for path in kept(tmp_path)]
    assert [one.history[-1].words_seen >= asked for one, asked in zip(early, (0, 500), strict=True)] == [True, True]
    tables = [one.lexicons()["input"].vectors for one in (*early, seen)]
    assert all((one != other).any() for one, other in pairwise(tables))


def test_before_training_it_reads_sub_words_too(model):
    assert model.fresh().table.weight.shape == model.encoder.table.weight.shape


@pytest.mark.parametrize("mask", ["full", "causal"])
def test_a_word_that_no_head_looks_at_may_be_looked_at(tmp_path, mask):
    model = fit(tmp_path, scaling=False, mask=mask, words=0)
    with torch.no_grad():
        for block in model.encoder.blocks:
            block.attention.ask.weight *= 1e3
    (seen,) = model.attention_maps(["aba", "bkuba", "aku", "bku", "ami"])
    wanted = np.tri(7) > 0 if mask == "causal" else np.ones((7, 7), bool)
    assert not (seen.weights[..., wanted] > 0).any(axis=(0, 1)).all(), "some weights are too small to be told from 0"
    assert (seen.allowed == wanted).all()
