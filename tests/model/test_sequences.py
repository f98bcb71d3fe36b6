from itertools import pairwise

import numpy as np
import pytest

from study.contracts import StudyError
from study.model.sequences import Sequences, Symbols, alike, apart
from tests.model.small_corpus import SmallCorpus

CORPUS = SmallCorpus(60)


def sequences(part="training", length=16, context="document", corpus=CORPUS):
    return Sequences(corpus, part, length=length, context=context)


def test_the_stream_is_the_part_with_a_boundary_before_each_sentence():
    stream = sequences(length=10**6).read(np.array([0]))[0][0]
    offsets, ids = CORPUS.sentence_offsets("training"), CORPUS.ids("training", 0, CORPUS.size("training"))
    boundary = Symbols(len(CORPUS.vocabulary)).boundary
    wanted = np.concatenate([[boundary, *ids[start:stop]] for start, stop in pairwise(offsets)])
    assert np.array_equal(stream, wanted)


def test_rows_of_an_epoch_are_whole_never_overlap_and_miss_less_than_two_of_them():
    read = sequences()
    starts = np.sort(read.order(0, 0, 0))
    assert (np.diff(starts) == 16).all()
    assert starts[0] < 16
    assert read.total - 16 < starts[-1] + 16 <= read.total


def test_the_order_is_the_seeds_and_another_in_each_epoch():
    read = sequences()
    assert np.array_equal(read.order(0, 0, 1), read.order(0, 0, 1))
    assert not np.array_equal(np.sort(read.order(0, 0, 1)), np.sort(read.order(0, 0, 2)))


@pytest.mark.parametrize("context", ["sentence", "document"])
def test_segments_are_the_sentences_or_the_documents(context):
    read = sequences(context=context, length=400)
    words, segments = read.read(np.array([0]))
    sentence = np.cumsum(words[0] == read.symbols.boundary) - 1
    wanted = sentence if context == "sentence" else sentence // 10
    assert np.array_equal(segments[0] - segments[0, 0], wanted)
    assert len(np.unique(segments)) > 1


def test_a_part_shorter_than_a_sequence_is_one_row():
    read = sequences(length=10**6)
    assert read.order(0).tolist() == [0]
    assert read.read(read.order(0))[0].shape == (1, read.total)


def test_even_rows_are_within_the_stream_and_no_more_words_than_asked():
    read = sequences("development", length=8)
    starts = read.evenly(80)
    assert len(starts) == 10
    assert starts.max() + 8 <= read.total


def test_an_empty_part_is_refused_by_name():
    with pytest.raises(StudyError, match="training part of corpus small is empty"):
        sequences(corpus=SmallCorpus(0))


def test_rows_taken_apart_are_their_segments_between_boundaries():
    b, symbols = Symbols(9).boundary, Symbols(9)
    words = np.array([[1, 2, b, 3, b], [b, 4, 5, 6, 7]])
    pieces, lengths = apart(words, np.array([[0, 0, 1, 1, 2], [5, 5, 5, 5, 5]]), symbols)
    assert pieces.tolist() == [[b, 1, 2, b, b, b], [b, 3, b, b, b, b], [b, 4, 5, 6, 7, b]]
    assert lengths.tolist() == [4, 3, 6], "a row that ends with a boundary leaves no empty piece"
    assert apart(words, words * 0, symbols)[0].tolist() == [[b, 1, 2, b, 3, b, b], [b, 4, 5, 6, 7, b, b]]


def test_pieces_of_similar_length_are_together_and_none_is_lost():
    lengths = np.array([9, 3, 7, 3, 20, 5, 4, 8])
    groups = alike(lengths)
    assert [(sorted(lengths[group]), longest) for group, longest in groups] == [
        ([3, 3], 3),
        ([4, 5], 5),
        ([7, 8], 8),
        ([9, 20], 20),
    ]
    assert sorted(np.concatenate([group for group, _ in groups])) == list(range(8))
    assert len(alike(lengths[:2])) == 2
