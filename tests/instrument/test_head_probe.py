import numpy as np
import pytest
import torch

from study.instrument.head_probe import HeadProbe, added, asked, frequency_classes, share, shuffle
from tests.instrument.small_transformer import CORPUS, trained

HEADS = HeadProbe(sentences=120, shortest=4, penalty=0.01, seed=0)


@pytest.fixture(scope="module")
def table():
    return HEADS.measure(trained(words=20_000, length=20), CORPUS, lambda moment: None)["head_probes"]


def test_every_head_is_asked_every_question_before_and_after(table):
    assert len(table) == 2 * 2 * 2 * 3 * 2
    assert table["n"].nunique() == 1
    assert table["value"].between(0, 1).all()
    assert (table["error"] > 0).all()


def test_shuffled_heads_know_no_more_than_how_frequent_the_classes_are(table):
    classes = frequency_classes(CORPUS.vocabulary.counts)
    shares = np.bincount(classes[CORPUS.tokens("development")]) / CORPUS.size("development")
    floor = table[table["shuffled"]]
    assert (floor["value"] < shares.max() + 4 * floor["error"] + 0.02).all()


def test_heads_know_more_than_shuffled_ones(table):
    own = table[(table["question"] == "the word itself") & (table["stage"] == "trained")]
    assert own.loc[~own["shuffled"], "value"].max() > own.loc[own["shuffled"], "value"].max() + 0.1


def test_a_probe_finds_a_class_that_is_there_and_none_that_is_not():
    random = np.random.default_rng(0)
    gold, half = random.integers(4, size=4000), random.integers(2, size=4000)
    told = np.eye(4)[gold] @ random.normal(size=(4, 9)) + 0.1 * random.normal(size=(4000, 9))
    assert HEADS.probe(told, gold, half).mean() > 0.99
    chance = HEADS.probe(shuffle(told, half, 1), gold, half).mean()
    assert abs(chance - 0.25) < 4 * np.sqrt(0.25 * 0.75 / 4000)
    assert HEADS.probe(np.zeros((4000, 9)), gold, half).mean() < 0.3


def test_shuffling_keeps_vectors_in_their_half():
    half = np.array([0, 1] * 50)
    told = np.arange(100.0)[:, None]
    moved = shuffle(told, half, 0)[:, 0].astype(int)
    assert (half[moved] == half).all()
    assert sorted(moved) == list(range(100))
    assert (moved != np.arange(100)).mean() > 0.9


def test_questions_are_about_the_words_beside():
    classes = np.arange(10)
    gold, sentence = asked([torch.tensor([[9, 1, 2, 3, 4, 9], [9, 5, 6, 7, 8, 9]])], classes)
    assert gold["the word before"].tolist() == [1, 2, 5, 6]
    assert gold["the word itself"].tolist() == [2, 3, 6, 7]
    assert gold["the word after"].tolist() == [3, 4, 7, 8]
    assert sentence.tolist() == [0, 0, 1, 1]


def test_what_heads_add_stands_at_the_words_asked_about():
    model = trained(words=1)
    words = torch.tensor([[42, 1, 2, 3, 4, 42]])
    found = added(model.encoder, [words])
    assert set(found) == {(1, 1), (1, 2), (2, 1), (2, 2)}
    with torch.inference_mode():
        wanted = model.encoder.attention(words)[1][1][0, 0, 2:4]
    np.testing.assert_allclose(found[2, 1], wanted.numpy(), rtol=1e-6)


def test_classes_are_quarters_of_the_text():
    assert frequency_classes(np.array([50, 25, 15, 10])).tolist() == [1, 2, 3, 3, 3]
    assert frequency_classes(np.ones(8)).tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 3]


def test_the_error_of_a_share_counts_sentences_not_words():
    right, sentence = np.repeat([True, False], 50), np.repeat([0, 1], 50)
    value, error, n = share(right, sentence)
    assert (value, n) == (0.5, 100)
    assert error == pytest.approx(0.5)  # two sentences that disagree: their mean's own standard error
