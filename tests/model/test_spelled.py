import numpy as np
import pytest

from study.model.inventory import KINDS
from study.model.sequences import Sequences
from study.model.spelled import SpelledCorpus
from tests.model.small_spelled import LATE, RARE, SpelledSmall

pytest.importorskip("tokenizers", reason="the extra [subwords] is not installed")
CORPUS = SpelledSmall()


@pytest.fixture(scope="module", params=KINDS)
def spelled(request):
    return SpelledCorpus.learned(CORPUS, request.param, 40)


def test_the_streams_are_the_spellings_of_the_words(spelled, monkeypatch):
    monkeypatch.setattr("study.model.spelled.CHUNK", 100)
    again = SpelledCorpus(CORPUS, spelled.inventory)
    for part in ("training", "development"):
        words = [CORPUS.types[token].lower() for token in CORPUS.tokens(part)]
        wanted = spelled.inventory.spell(words)
        assert np.array_equal(spelled.tokens(part), wanted.subwords)
        assert np.array_equal(again.tokens(part), wanted.subwords)
        assert np.array_equal(spelled.sentence_offsets(part), wanted.starts[CORPUS.sentence_offsets(part)])
        assert spelled.tokens(part).dtype == np.int32
        assert spelled.tokens(part) is spelled.tokens(part), "made once"
        assert spelled.size(part) == CORPUS.size(part)
    assert len(spelled.tokens("training")) > 1.2 * CORPUS.size("training")


def test_the_training_part_alone_teaches_but_every_word_is_read(spelled):
    assert not any("z" in subword for subword in spelled.inventory.subwords)
    assert spelled.inventory.spell([LATE]).subwords.tolist() == [spelled.symbols.unknown]
    assert spelled.symbols.unknown in spelled.tokens("development")
    assert spelled.symbols.unknown not in spelled.tokens("training")
    rare = spelled.inventory.spell([RARE]).subwords
    assert (rare < spelled.symbols.words).all(), "outside the vocabulary, and read by its sub-words"


def test_counts_are_those_of_the_training_stream(spelled):
    counted = np.bincount(spelled.tokens("training"), minlength=len(spelled.vocabulary))
    assert np.array_equal(spelled.vocabulary.counts, np.maximum(counted, 1))
    assert len(spelled.vocabulary) == len(spelled.vocabulary.words) == spelled.symbols.words


def test_words_begin_where_no_sub_word_continues(spelled):
    stream = spelled.tokens("training")
    assert (~spelled.continues[stream]).sum() == CORPUS.size("training")
    assert not spelled.continues[spelled.symbols.words :].any()


def test_rows_are_read_as_of_words(spelled):
    read = Sequences(spelled, "training", length=12, context="sentence")
    words, segments = read.read(np.arange(3) * 12)
    flat, sentence = words.reshape(-1), segments.reshape(-1)
    assert flat[0] == spelled.symbols.boundary
    first = flat[(sentence == 0) & (flat != spelled.symbols.boundary)]
    assert np.array_equal(first, spelled.tokens("training")[: spelled.sentence_offsets("training")[1]])


def test_validation_looks_at_as_many_words_as_asked_for(spelled):
    read = Sequences(spelled, "training", length=12, context="sentence")
    words, _ = read.read(read.evenly(300))
    found = ((words != spelled.symbols.boundary) & ~spelled.continues[words]).sum()
    assert 200 < found < 350


def test_only_known_words_have_a_share_in_vectors(spelled):
    reading, nothing = spelled.readings([["ABA", RARE, "bkuba"], []])
    wanted = spelled.inventory.spell(["aba", RARE, "bkuba"])
    sizes = np.diff(wanted.starts)
    assert np.array_equal(reading.identifiers, wanted.subwords)
    assert np.array_equal(reading.begins, wanted.starts)
    assert reading.weights == pytest.approx(np.repeat([1 / sizes[0], 0, 1 / sizes[2]], sizes))
    assert (len(nothing.identifiers), nothing.begins.tolist()) == (0, [0])


def test_the_training_part_is_read_like_any_sentence(spelled):
    start, stop = CORPUS.sentence_offsets("training")[5:7]
    sentence = [CORPUS.types[token] for token in CORPUS.tokens("training")[start:stop]]
    (wanted,), made = spelled.readings([sentence]), spelled.training_reading(start, stop)
    for name in ("identifiers", "weights", "begins"):
        assert np.array_equal(getattr(made, name), getattr(wanted, name))


def test_a_table_is_pooled_to_the_words_of_the_vocabulary(spelled):
    table = np.random.default_rng(0).normal(size=(len(spelled.symbols), 3)).astype(np.float32)
    pooled = spelled.pooled(table)
    assert (pooled.shape, pooled.dtype) == ((len(CORPUS.vocabulary), 3), np.float32)
    for number in (0, 11, 39):
        rows = spelled.inventory.spell([CORPUS.vocabulary.words[number]]).subwords
        assert pooled[number] == pytest.approx(table[rows].mean(axis=0), abs=1e-6)
