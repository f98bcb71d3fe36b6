from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from study.contracts import Guesses, NotAskableError, StudyError
from study.evaluation import Cloze
from tests.evaluation.listed_corpus import ListedCorpus, ListedVocabulary, assert_recomputable, one, spelled, written_corpus

TASK = Cloze(
    test=300, development=100, shortest=5, longest=25, middle_from=11, rare_from=101, even_bands=False, shown=4, seed=0,
    description="", source="",
)  # fmt: skip


def cut_corpus(words: int, **changed) -> ListedCorpus:
    """Make a corpus whose vocabulary holds only its most frequent words."""
    corpus = written_corpus(**changed)
    corpus.vocabulary = ListedVocabulary(corpus.vocabulary.words[:words], corpus.vocabulary.counts[:words])
    return corpus


@pytest.fixture(scope="module")
def corpus():
    return cut_corpus(500)


@pytest.fixture(scope="module")
def questions(corpus):
    return TASK.questions(corpus)


def ranked(questions, corpus, ranks) -> Guesses:
    """Make guesses of given ranks; the best guess is the hidden word where its rank is 1, else the most frequent other one."""
    words = corpus.vocabulary.words
    gold = questions.items["gold"]
    best = [
        [word if rank == 1 else next(other for other in words if other != word)] for word, rank in zip(gold, ranks, strict=True)
    ]
    return Guesses(-np.log(np.asarray(ranks, float)), np.asarray(ranks), best)


def test_hidden_words_are_known_single_words_of_sentences_of_the_wanted_length(corpus, questions):
    assert questions.level == "hidden"
    assert questions.items["split"].value_counts().to_dict() == {"test": 300, "development": 100}
    assert questions.items["item"].is_unique
    documents = {tuple(words): document for document, words in corpus.listed}
    for (sentence, start, stop), gold, group in zip(
        questions.places, questions.items["gold"], questions.items["group"], strict=True
    ):
        words = questions.sentences[sentence]
        assert stop == start + 1
        assert words[start] == gold
        assert gold in corpus.vocabulary
        assert 5 <= len(words) <= 25
        assert group.endswith(f" document {documents[tuple(words)]}")
    assert questions.dropped["drawn word outside the vocabulary"] > 0
    assert "500 words to choose from" in questions.note


def test_the_same_seed_hides_the_same_words_and_another_hides_others(corpus, questions):
    again, other = TASK.questions(corpus), replace(TASK, seed=1).questions(corpus)
    assert again.items.equals(questions.items)
    assert np.array_equal(again.places, questions.places)
    assert other.sentences != questions.sentences


def test_running_words_have_the_same_chance(corpus):
    items = replace(TASK, test=2000).questions(corpus).items
    hidden = items.loc[items["split"] == "test", "gold"]
    running = [word for _, words in corpus.listed if 5 <= len(words) <= 25 for word in words if word in corpus.vocabulary]
    for rank in (0, 1, 2, 20):
        share = running.count(spelled(rank)) / len(running)
        assert abs((hidden == spelled(rank)).mean() - share) < 4 * np.sqrt(share * (1 - share) / len(hidden))


def test_bands_are_cut_by_rank_and_can_be_asked_evenly(corpus, questions):
    rank = questions.items["gold"].map(corpus.vocabulary.index) + 1
    assert (questions.items["band"] == "frequent").equals(rank <= 10)
    assert (questions.items["band"] == "rare").equals(rank >= 101)
    even = replace(TASK, even_bands=True).questions(corpus).items
    counts = even.loc[even["split"] == "test", "band"].value_counts()
    assert counts.to_dict() == {"frequent": 100, "middle": 100, "rare": 100}


def test_the_frequency_baseline_is_what_numpy_and_scipy_compute(corpus, questions):
    score = TASK.baselines(questions)["word frequency"]
    assert_recomputable(score)
    counts = np.asarray(corpus.vocabulary.counts)
    hidden = questions.items["gold"][questions.items["split"] == "test"].map(corpus.vocabulary.index).to_numpy()
    ranks = stats.rankdata(-counts, method="max")[hidden]
    assert one(score, "reciprocal_rank", view="baseline", question="word").value == pytest.approx((1 / ranks).mean(), abs=1e-12)
    assert one(score, "accuracy", view="baseline", question="word").value == (hidden == 0).mean()
    wanted = np.log(counts[hidden] / counts.sum()).mean()
    assert one(score, "log_probability", view="baseline").value == pytest.approx(wanted, abs=1e-12)


def test_random_guesses_land_at_chance_within_binomial_bounds():
    corpus = cut_corpus(12)
    task = replace(TASK, test=3000, middle_from=4, rare_from=8)
    questions = task.questions(corpus)
    ranks = np.random.default_rng(0).integers(1, 13, len(questions.items))
    result = task.score(questions, {"masked": ranked(questions, corpus, ranks)})
    assert_recomputable(result)
    for question in ("word", "word, frequent", "word, middle", "word, rare"):
        right = one(result, "accuracy", view="masked", question=question)
        assert right.chance == pytest.approx(1 / 12)
        assert abs(right.value - right.chance) < 4 * np.sqrt(right.chance * (1 - right.chance) / right.n)
        rank = one(result, "reciprocal_rank", view="masked", question=question)
        assert rank.chance == pytest.approx(np.mean(1 / np.arange(1, 13)))
        assert abs(rank.value - rank.chance) < 4 * np.std(1 / np.arange(1, 13)) / np.sqrt(rank.n)
    assert one(result, "log_probability", view="masked").chance == pytest.approx(-np.log(12))


def test_a_model_that_knows_is_right_and_every_way_of_guessing_is_scored(corpus, questions):
    right, second = (ranked(questions, corpus, np.full(len(questions.items), rank)) for rank in (1, 2))
    result = TASK.score(questions, {"output": second, "output+frequency": right})
    assert_recomputable(result)
    for split in ("test", "development"):
        assert one(result, "accuracy", split, "output+frequency", "word").value == 1.0
        assert one(result, "accuracy", split, "output", "word").value == 0.0
        assert one(result, "reciprocal_rank", split, "output", "word").value == 0.5


def test_words_that_a_model_cannot_guess_count_in_the_coverage_alone(corpus, questions):
    ranks = np.ones(len(questions.items), np.int64)
    guesses = ranked(questions, corpus, ranks)
    guesses.rank[:150], guesses.log_probability[:150] = 0, np.nan
    guesses.best[0] = []
    result = TASK.score(questions, {"masked": guesses})
    assert_recomputable(result)
    score = one(result, "reciprocal_rank", view="masked", question="word")
    assert (score.value, score.n, score.coverage) == (1.0, 150, 0.5)
    assert one(result, "log_probability", view="masked").value == 0.0


def test_the_shown_sentences_are_the_same_for_all_with_a_gap_for_the_word(corpus, questions):
    guesses = ranked(questions, corpus, np.full(len(questions.items), 2))
    shown = TASK.score(questions, {"output": guesses, "masked": guesses}).tables["guesses"]
    assert shown["item"].tolist() == 2 * [f"test-{number:05d}" for number in range(4)]
    sentence, start, _ = questions.places[0]
    words = questions.sentences[sentence]
    first = shown.iloc[0]
    assert first["sentence"].split() == [*words[:start], "____", *words[start + 1 :]]
    assert (first["word"], first["rank"], first["guesses"]) == (words[start], 2, guesses.best[0][0])
    (baseline,) = TASK.baselines(questions).values()
    assert baseline.tables["guesses"]["guesses"].eq(" ".join(corpus.vocabulary.words[:5])).all()


def test_a_corpus_with_too_few_words_is_not_asked():
    with pytest.raises(NotAskableError, match=r"needs at least 20 known words .* test part, found 5"):
        TASK.questions(ListedCorpus([(0, ["a", "b", "c", "d", "e"])]))


def test_bands_that_do_not_rise_are_refused(corpus):
    with pytest.raises(StudyError, match="middle_from=11, rare_from=5: expected rising ranks"):
        replace(TASK, rare_from=5).questions(corpus)
