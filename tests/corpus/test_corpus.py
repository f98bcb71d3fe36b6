from collections import Counter

import numpy as np
import pytest

from study.corpus import corpus as module

TEXT = "\n\n".join(f"The bank {number} lay by the bank. A rare{number} word’s here, the Bank said." for number in range(80))


@pytest.fixture
def corpus(encoded):
    return encoded(TEXT, vocabulary={"minimum_count": 3})


def test_identifiers_and_words_say_the_same(corpus):
    size = corpus.size("test")
    words = [word for _, sentence in corpus.sentences("test") for word in sentence]
    ids = corpus.ids("test", 0, size)
    expected = [corpus.vocabulary.index(word) for word in words]
    assert ids.tolist() == [len(corpus.vocabulary) if index is None else index for index in expected]
    assert [corpus.types[token] for token in corpus.tokens("test")] == words
    assert corpus.ids("test", 3, 8).tolist() == ids[3:8].tolist()
    assert None in expected


def test_offsets_bound_sentences_and_documents(corpus):
    offsets = corpus.sentence_offsets("training")
    sentences = [sentence for _, sentence in corpus.sentences("training")]
    assert np.diff(offsets).tolist() == [len(sentence) for sentence in sentences]
    assert corpus.sentence("training", 5) == sentences[5]
    owners = Counter(number for number, _ in corpus.sentences("training"))
    assert np.diff(corpus.document_offsets("training")).tolist() == [owners[number] for number in sorted(owners)]


def test_arrays_are_mapped_and_not_read(corpus):
    assert isinstance(corpus.tokens("training"), np.memmap)
    assert isinstance(corpus.identifiers, np.memmap)


def test_a_task_is_split_as_the_corpus(corpus):
    assert [[token.word for token in sentence] for sentence in corpus.split("One’s here. Two")] == [["One's", "here"], ["Two"]]
    assert [(token.word, token.start, token.stop) for token in corpus.words("a. B")] == [("a", 0, 1), ("B", 3, 4)]


def everywhere(corpus, word):
    sentences = [sentence for _, sentence in corpus.sentences("training")]
    return [(i, j) for i, sentence in enumerate(sentences) for j, found in enumerate(sentence) if found.lower() == word]


@pytest.mark.parametrize("chunk", [1, 13, 1 << 20])
def test_occurrences_are_places_of_the_word(corpus, monkeypatch, chunk):
    monkeypatch.setattr(module, "CHUNK", chunk)
    bank, the = corpus.vocabulary.index("bank"), corpus.vocabulary.index("the")
    found = corpus.occurrences([the, bank, bank], at_most=1000, seed=0)
    assert list(map(tuple, found[bank].tolist())) == everywhere(corpus, "bank")
    assert list(map(tuple, found[the].tolist())) == everywhere(corpus, "the")
    few = corpus.occurrences([bank], at_most=5, seed=0)[bank]
    assert len(few) == 5
    assert set(map(tuple, few.tolist())) <= set(everywhere(corpus, "bank"))


def test_a_sample_depends_on_seed_and_word_alone(corpus):
    bank, the = corpus.vocabulary.index("bank"), corpus.vocabulary.index("the")
    alone = corpus.occurrences([bank], at_most=5, seed=0)[bank]
    np.testing.assert_array_equal(corpus.occurrences([the, bank], at_most=5, seed=0)[bank], alone)
    assert corpus.occurrences([bank], at_most=5, seed=1)[bank].tolist() != alone.tolist()
    assert corpus.occurrences([], at_most=5, seed=0) == {}


def test_every_occurrence_has_the_same_chance(corpus):
    bank = corpus.vocabulary.index("bank")
    drawn = Counter(tuple(row) for seed in range(400) for row in corpus.occurrences([bank], at_most=19, seed=seed)[bank].tolist())
    places = everywhere(corpus, "bank")
    expected = 400 * 19 / len(places)
    assert set(drawn) == set(places)
    # Five standard deviations of a binomial on either side.
    assert all(abs(count - expected) < 5 * expected**0.5 for count in drawn.values())


def test_facts_describe_text_and_parts(corpus):
    assert corpus.facts["text"]["documents"] == 80
    assert corpus.facts["parts"]["training"]["words"] == corpus.size("training")
    assert corpus.facts["most_frequent"][0] == ["bank", corpus.vocabulary.count("bank")]
