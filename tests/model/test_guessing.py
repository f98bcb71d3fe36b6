from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from scipy import special
from torch.nn import functional

from study.contracts import Predicts
from study.model import Transformer, Untrained, guessing
from study.model.objective import full_loss
from tests.model.small_corpus import PAIRS, SmallCorpus
from tests.model.small_spelled import LATE, RARE, SpelledSmall, name

WORDS = ["a", "b", "c", "d"]
CONF = Path(__file__).parents[2] / "conf" / "model" / "transformer.yaml"
SMALL = {
    "width": 32,
    "blocks": 1,
    "heads": 2,
    "length": 12,
    "candidates": 0,
    "words": 80_000,
    "batch": 256,
    "validate_every": 40_000,
}
CORPUS = SmallCorpus(1500)


def settings(kind, **changed):
    """Return the settings of the YAML file that a kind of encoder has, a small anatomy among them."""
    knobs = yaml.safe_load(CONF.read_text(encoding="utf-8"))
    numbers = {name: float(knobs[name]) for name in ("rate", "weight_decay")}
    knobs = {**knobs, **numbers, **SMALL, "device": "cpu", "threads": 1, **changed}
    return {name: knob for name, knob in knobs.items() if name in kind.__dataclass_fields__}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return Transformer(**settings(Transformer)).fit(CORPUS, folder=tmp_path_factory.mktemp("m"), observe=lambda moment: None)


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    return Untrained(**settings(Untrained)).fit(CORPUS, folder=tmp_path_factory.mktemp("u"), observe=lambda moment: None)


def guess(model, *asked, best=5):
    """Guess words at places given as (sentence, place)."""
    sentences = [sentence.split() for sentence, _ in asked]
    return model.guess(sentences, np.array([(row, at, at + 1) for row, (_, at) in enumerate(asked)]), best)["masked"]


def by_hand(model, words, at):
    """Return log-probabilities of all words at a place of a sentence that fits the encoder, shape (v,)."""
    row = [40 if CORPUS.vocabulary.index(word) is None else CORPUS.vocabulary.index(word) for word in words]
    row[at] = 41  # the mask
    with torch.inference_mode():
        state = model.encoder(torch.tensor([[42, *row, 42]]))[-1][0, at + 1]
        table, bias = model.encoder.output()
        return functional.log_softmax(table[:40] @ state + bias, dim=0).numpy()


def test_ranks_log_probabilities_and_best_words_are_those_of_the_scores():
    scores = torch.tensor([[3.0, 1.0, 2.0, 0.0], [3.0, 1.0, 2.0, 0.0]])
    found = guessing.guesses(lambda block: {"way": scores[block]}, np.array([0, 1]), WORDS, 2)["way"]
    assert found.rank.tolist() == [1, 3]
    assert found.best == [["a", "c"], ["a", "c"]]
    assert found.log_probability == pytest.approx(special.log_softmax([3, 1, 2, 0])[:2], abs=1e-6)
    assert found.log_probability.dtype == np.float64


def test_ties_count_against_the_guess():
    scores = torch.tensor([[1.0, 1.0, 1.0, 1.0], [2.0, 2.0, 1.0, 0.0]])
    assert guessing.guesses(lambda block: {"way": scores[block]}, np.array([0, 0]), WORDS, 2)["way"].rank.tolist() == [4, 2]


def test_unknown_words_and_places_without_scores_are_not_known():
    scores = torch.tensor([[1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0], [torch.nan] * 4])
    found = guessing.guesses(lambda block: {"way": scores[block]}, np.array([-1, 4, 0]), WORDS, 1)["way"]
    assert found.rank.tolist() == [0, 0, 0]
    assert np.isnan(found.log_probability).all()
    assert found.best == [["d"], ["d"], []]


def test_blocks_of_places_change_nothing(monkeypatch):
    scores = torch.randn(10, 4, generator=torch.Generator().manual_seed(0))
    targets = np.arange(10) % 4
    whole = guessing.guesses(lambda block: {"way": scores[block]}, targets, WORDS, 3)["way"]
    monkeypatch.setattr(guessing, "SCORES_AT_ONCE", 12)
    parts = guessing.guesses(lambda block: {"way": scores[block]}, targets, WORDS, 3)["way"]
    assert np.array_equal(whole.rank, parts.rank)
    assert np.array_equal(whole.log_probability, parts.log_probability)
    assert whole.best == parts.best


def test_the_encoders_log_probability_is_that_of_a_computation_by_hand(model):
    words = ["a1", "b1", "what", "a3", "B3"]
    found = guess(model, (" ".join(words), 1), (" ".join(words), 4))
    for row, at in enumerate((1, 4)):
        wanted = by_hand(model, words, at)
        word = CORPUS.vocabulary.index(words[at])
        assert found.log_probability[row] == pytest.approx(wanted[word], abs=1e-5)
        assert found.rank[row] == (wanted >= wanted[word]).sum()
        assert found.best[row] == [CORPUS.vocabulary.words[best] for best in np.argsort(-wanted)[:5]]


def test_the_encoders_log_probability_is_that_of_the_pretrainings_validation(model):
    sentences, targets = [["a1", "b1"], ["a2", "b2"]], torch.tensor([3, 5])
    found = model.guess(sentences, np.array([[0, 1, 2], [1, 1, 2]]), 1)["masked"]
    with torch.inference_mode():
        hidden = model.encoder(torch.tensor([[42, 2, 41, 42], [42, 4, 41, 42]]))[-1][:, 2]
        loss, right = full_loss(model.encoder, hidden, targets)
    assert -found.log_probability.sum() == pytest.approx(float(loss), abs=1e-5)
    assert (found.rank == 1).sum() == int(right)


@pytest.fixture(scope="module")
def causal(tmp_path_factory):
    knobs = settings(Transformer, objective={"causal": 1.0}, mask="causal")
    return Transformer(**knobs).fit(CORPUS, folder=tmp_path_factory.mktemp("c"), observe=lambda moment: None)


def test_an_encoder_of_next_words_guesses_from_the_words_before_alone(causal):
    sentences = [["a1", "b1", "a3", "B3"], ["a1", "b1", "a3", "b7", "a9"], ["a1", "b1"]]
    ways = causal.guess(sentences, np.array([[0, 3, 4], [1, 3, 4], [2, 0, 1]]), 5)
    assert list(ways) == ["before"]
    found = ways["before"]
    row = [CORPUS.vocabulary.index(word) for word in ("a1", "b1", "a3")]
    with torch.inference_mode():
        states = causal.encoder(torch.tensor([[42, *row]]))[-1][0]
        table, bias = causal.encoder.output()
        wanted = functional.log_softmax(states @ table[:40].T + bias, dim=1).numpy()
    targets = [CORPUS.vocabulary.index(word) for word in ("B3", "b7", "a1")]
    assert found.log_probability == pytest.approx([wanted[3, targets[0]], wanted[3, targets[1]], wanted[0, targets[2]]], abs=1e-5)
    assert found.best[0] == found.best[1]  # whatever follows
    assert found.rank[0] == 1 < found.rank[1]  # the partner of the word before


def test_an_encoder_of_next_words_reads_the_last_of_many_words(causal):
    words = [f"{letter}{number}" for number in range(15) for letter in "ab"]  # 30 words for a room of 12
    found = causal.guess([words, words[9:22]], np.array([[0, 21, 22], [1, 12, 13]]), 1)["before"]
    assert found.log_probability[0] == pytest.approx(found.log_probability[1], abs=1e-5)


def test_of_an_encoder_that_has_never_chosen_a_word_no_guess_is_known(tmp_path):
    knobs = settings(Transformer, objective={"detection": 1.0}, words=2_000)
    found = guess(Transformer(**knobs).fit(CORPUS, folder=tmp_path, observe=lambda moment: None), ("a1 b1", 1))
    assert found.rank.tolist() == [0]
    assert np.isnan(found.log_probability).all()


def test_a_long_sentence_is_cut_to_a_window_centred_on_the_hidden_word(model):
    words = [f"{letter}{number}" for number in range(15) for letter in "ab"]  # 30 words for a room of 10
    found = guess(model, (" ".join(words), 15), (" ".join(words), 0), (" ".join(words), 29))
    for row, (first, at) in enumerate([(10, 5), (0, 0), (20, 9)]):
        wanted = by_hand(model, words[first : first + 10], at)[CORPUS.vocabulary.index(words[first + at])]
        assert found.log_probability[row] == pytest.approx(wanted, abs=1e-5)


def test_the_hidden_word_itself_is_not_seen(model):
    first, other, unknown = guess(model, ("a1 b1 a2", 1)), guess(model, ("a1 b7 a2", 1)), guess(model, ("a1 what a2", 1))
    assert first.best == other.best == unknown.best
    assert unknown.rank.tolist() == [0]


def test_a_trained_encoder_guesses_partners_and_an_untrained_one_guesses_by_frequency(model, untrained):
    sentences = [f"a{pair} b{pair} a{other} b{other}" for pair in range(5) for other in range(5) if pair != other]
    asked = [(sentence, 1) for sentence in sentences]
    trained, start = guess(model, *asked), guess(untrained, *asked)
    assert isinstance(model, Predicts)
    assert (trained.rank == 1).mean() > 0.9, "chance is one in forty"
    assert (start.rank == 1).mean() < 0.3
    shares = CORPUS.vocabulary.counts / CORPUS.vocabulary.counts.sum()
    targets = [CORPUS.vocabulary.index(sentence.split()[1]) for sentence in sentences]
    assert start.log_probability.mean() == pytest.approx(np.log(shares[targets]).mean(), abs=0.3)
    assert len(start.best[0]) == min(5, 2 * PAIRS)


SPELLED = SpelledSmall(1500)


@pytest.fixture(scope="module")
def of_sub_words(tmp_path_factory):
    pytest.importorskip("tokenizers", reason="the extra [subwords] is not installed")
    knobs = settings(Transformer, units="wordpiece", subwords=36, words=40_000)
    return Transformer(**knobs).fit(SPELLED, folder=tmp_path_factory.mktemp("s"), observe=lambda moment: None)


def spelled_by_hand(model, words, at):
    """Return log-probabilities of the vocabulary, each word of k sub-words read as k masks, shape (v,)."""
    tokenizer, symbols, counts = model.spelled.inventory.tokenizer, model.spelled.symbols, SPELLED.vocabulary.counts
    spelled = [tokenizer.encode(word).ids for word in words]
    own = [tokenizer.encode(word).ids for word in SPELLED.vocabulary.words]
    sizes = np.array([len(ids) for ids in own])
    scores = np.zeros(len(own))
    for size in set(sizes.tolist()):
        before, after = ([number for word in part for number in word] for part in (spelled[:at], spelled[at + 1 :]))
        row = [symbols.boundary, *before, *[symbols.mask] * size, *after, symbols.boundary]
        with torch.inference_mode():
            states = model.encoder(torch.tensor([row]))[-1][0, len(before) + 1 :][:size]
            table, bias = model.encoder.output()
            chances = functional.log_softmax(states @ table[: len(bias)].T + bias, dim=1).numpy()
        for number in np.flatnonzero(sizes == size):
            scores[number] = chances[np.arange(size), own[number]].sum() + np.log(counts[sizes == size].sum() / counts.sum())
    return special.log_softmax(scores)


def test_a_word_of_sub_words_is_scored_by_as_many_masks(of_sub_words):
    words = [name(0), name(1), RARE, name(21)]
    found = guess(of_sub_words, (" ".join(words), 1), (" ".join(words), 3))
    for row, at in enumerate((1, 3)):
        wanted, word = spelled_by_hand(of_sub_words, words, at), SPELLED.vocabulary.index(words[at])
        assert found.log_probability[row] == pytest.approx(wanted[word], abs=1e-4)
        assert found.rank[row] == (wanted >= wanted[word]).sum()
        assert found.best[row] == [SPELLED.vocabulary.words[best] for best in np.argsort(-wanted)[:5]]


def test_an_encoder_of_sub_words_guesses_partners_and_not_what_it_sees(of_sub_words):
    pairs = [(first, other) for first in range(5) for other in range(5) if first != other]
    asked = [(" ".join(name(2 * pair + side) for pair in both for side in (0, 1)), 1) for both in pairs]
    assert isinstance(of_sub_words, Predicts)
    assert (guess(of_sub_words, *asked).rank == 1).mean() > 0.8, "chance is one in forty"
    one, other = guess(of_sub_words, ("aba bba aku", 1)), guess(of_sub_words, ("aba bkuba aku", 1))
    assert one.best == other.best
    unknown = guess(of_sub_words, (f"aba {RARE} aku", 1), (f"aba {LATE} aku", 1))
    assert unknown.rank.tolist() == [0, 0]
    assert unknown.best[0] == unknown.best[1] == one.best[0]
