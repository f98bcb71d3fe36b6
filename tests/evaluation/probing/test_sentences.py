from collections import Counter

import numpy as np
import pytest

from study.contracts import NotAskableError
from study.evaluation import BigramShift, SentenceLength, WordContent
from tests.evaluation.listed_corpus import ListedCorpus, assert_recomputable, one, random_vectors, regimen, written_corpus

REGIMEN = {"regimen": regimen(penalties=(0.1, 0.01), iterations=100), "description": "", "source": ""}
SIZES = {"shortest": 5, "longest": 25, "training": 300, "development": 100, "test": 150}
LENGTH = SentenceLength(bins=5, **SIZES, **REGIMEN)
SHIFT = BigramShift(**SIZES, **REGIMEN)
CONTENT = WordContent(
    words=20, most_frequent_left_out=10, sentences_per_word=20, documents_per_word=3, fewest_words=10, **SIZES, **REGIMEN
)


@pytest.fixture(scope="module")
def corpus():
    return written_corpus()


@pytest.mark.parametrize("task", [LENGTH, SHIFT, CONTENT], ids=lambda task: type(task).__name__)
def test_splits_are_of_the_wanted_size_and_disjoint_in_documents(task, corpus):
    questions = task.questions(corpus)
    items = questions.items
    assert questions.level == "sentence"
    assert items.groupby("group")["split"].nunique().eq(1).all()
    counts = items["split"].value_counts()
    assert all(0 < counts[split] <= SIZES[split] for split in ("training", "development", "test"))
    assert len({tuple(words) for words in questions.sentences}) == len(items)
    assert all(SIZES["shortest"] <= len(words) <= SIZES["longest"] for words in questions.sentences)
    result = task.score(questions, {"word": random_vectors(questions)})
    assert_recomputable(result)
    assert not (result.items["split"] == "training").any()


@pytest.mark.parametrize("task", [LENGTH, SHIFT, CONTENT], ids=lambda task: type(task).__name__)
def test_questions_are_the_same_again(task, corpus):
    first, second = task.questions(corpus), task.questions(corpus)
    assert first.sentences == second.sentences
    assert first.items.equals(second.items)


def test_classes_of_length_hold_their_sentences(corpus):
    questions = LENGTH.questions(corpus)
    for words, name in zip(questions.sentences, questions.items["gold"], strict=True):
        low, high = map(int, name.removesuffix(" words").split("-"))
        assert low <= len(words) <= high
    assert questions.items["gold"].nunique() == 5
    shares = questions.items["gold"].value_counts(normalize=True)
    assert shares.max() < 0.3


def test_lengths_can_be_read_from_a_view_that_has_them(corpus):
    questions = LENGTH.questions(corpus)
    lengths = np.array([[len(words), len(words) ** 2] for words in questions.sentences], dtype=np.float32)
    vectors = np.hstack([lengths / 100, random_vectors(questions)])
    assert one(LENGTH.score(questions, {"word": vectors}), "accuracy").value > 0.5


def test_one_version_of_each_sentence_is_kept_and_half_are_changed(corpus):
    written = {tuple(sorted(words)): words for _, words in corpus.listed}
    questions = SHIFT.questions(corpus)
    assert len({tuple(sorted(words)) for words in questions.sentences}) == len(questions.sentences)
    for words, label in zip(questions.sentences, questions.items["gold"], strict=True):
        original = written[tuple(sorted(words))]
        differs = [at for at, (one, other) in enumerate(zip(words, original, strict=True)) if one != other]
        if label == "as written":
            assert differs == []
        else:
            assert len(differs) == 2
            assert differs[0] > 0
            assert differs[1] == differs[0] + 1
    for _, part in questions.items.groupby("split"):
        assert abs(Counter(part["gold"])["exchanged"] - len(part) / 2) <= 1


def test_a_bag_of_words_cannot_see_an_exchange(corpus):
    questions = SHIFT.questions(corpus)
    score = one(SHIFT.baselines(questions)["naive Bayes"], "accuracy", view="baseline")
    assert abs(score.value - 0.5) < 0.15


def test_each_sentence_contains_exactly_one_of_the_words_and_their_number_is_said(corpus):
    questions = CONTENT.questions(corpus)
    words = set(questions.items["gold"])
    assert 10 <= len(words) <= 20
    assert questions.note == f"{len(words)} words to be told apart"
    for sentence, gold in zip(questions.sentences, questions.items["gold"], strict=True):
        assert set(sentence) & words == {gold}
    assert not words & set(corpus.vocabulary.words[:10])
    assert one(CONTENT.baselines(questions)["naive Bayes"], "accuracy", view="baseline").value > 0.3


def test_too_few_words_are_refused_with_the_number(corpus):
    small = ListedCorpus(corpus.listed[:200])
    with pytest.raises(NotAskableError, match=r"needs 10 words with 20 sentences in 3 documents .* found \d"):
        CONTENT.questions(small)


def test_too_few_documents_or_sentences_are_refused():
    for task in (LENGTH, SHIFT, CONTENT):
        with pytest.raises(NotAskableError, match="at least 3 documents"):
            task.questions(ListedCorpus([(0, ["a", "b", "c", "d", "e"])]))
    with pytest.raises(NotAskableError, match="at least 20 sentences"):
        LENGTH.questions(written_corpus(documents=3, sentences=5))
