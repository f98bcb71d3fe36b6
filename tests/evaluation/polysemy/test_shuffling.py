import numpy as np

from study.evaluation.polysemy.shuffling import deal, forms, shuffle, with_shuffled
from tests.evaluation.listed_corpus import ListedCorpus

SENTENCES = [[*"abcdefghijklmnop"], ["The", "old", "Bank", "of", "England"]]
PLACES = np.array([(0, 4, 6), (1, 2, 3)])


def test_the_target_keeps_its_place_and_no_word_is_lost():
    sentences, places = shuffle(SENTENCES, PLACES, seed=0)
    for words, (number, start, stop), (old, first, last) in zip(sentences, places, PLACES, strict=True):
        assert (start, stop) == (first, last)
        assert words == sentences[number]
        assert words[start:stop] == SENTENCES[old][first:last]
        assert sorted(words) == sorted(SENTENCES[old])
    assert sentences[0] != SENTENCES[0]


def test_the_order_depends_on_the_seed_and_the_sentence_alone():
    assert shuffle(SENTENCES, PLACES[:1], seed=0)[0] == shuffle(SENTENCES, PLACES, seed=0)[0][:1]
    assert shuffle(SENTENCES, PLACES[:1], seed=0)[0] != shuffle(SENTENCES, PLACES[:1], seed=1)[0]


def test_every_place_of_a_word_is_equally_likely():
    first = [shuffle(SENTENCES, PLACES[:1], seed=seed)[0][0][0] for seed in range(400)]
    counted = [first.count(word) for word in "abcdghijklmnop"]
    assert sum(counted) == 400  # never a word of the target
    assert 10 < min(counted) <= max(counted) < 55  # 28.6 expected


def test_shuffled_places_are_appended():
    sentences, places, shuffled = with_shuffled(SENTENCES, PLACES, np.array([1]), seed=0)
    assert shuffled.tolist() == [-1, 2]
    number, start, stop = places[2]
    assert (number, sentences[number][start:stop]) == (2, ["Bank"])
    assert sentences[:2] == SENTENCES


def test_forms_are_folded_as_the_vocabulary_does():
    assert forms(SENTENCES, PLACES, ListedCorpus()) == ["e f", "bank"]


def test_rows_are_drawn_within_their_key():
    keys = ["bank", "banks", "bank", "spring", "bank", "banks"] * 20
    dealt = deal(keys, seed=0)
    assert [keys[row] for row in dealt] == keys
    assert (dealt != np.arange(len(keys))).mean() > 0.8
