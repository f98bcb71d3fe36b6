import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import silhouette_score

from study.contracts import ITEM_COLUMNS, NotAskableError, StudyError
from study.evaluation import WordClusters
from study.evaluation.polysemy.clusters import cluster
from study.evaluation.polysemy.senses import unit
from study.evaluation.polysemy.shuffling import SHUFFLED
from tests.evaluation.listed_corpus import ListedCorpus, assert_recomputable, one, random_vectors

TOPICS = ("boat shore flood", "loan money vault")


def task(**changed) -> WordClusters:
    settings = {
        "word": "Plant",
        "parts": ["training"],
        "occurrences": 60,
        "fewest": 10,
        "most_clusters": 4,
        "starts": 2,
        "null_draws": 20,
        "examples": 3,
        "shuffle": True,
        "seed": 0,
        "description": "",
        "source": "the corpus",
    }
    return WordClusters(**{**settings, **changed})


def corpus(sentences: int = 40) -> ListedCorpus:
    """Write sentences of two topics with the word, some without, and a bare one."""
    asked = [(at, f"The {TOPICS[at % 2]} x{at} PLANT stood near a plant".split()) for at in range(sentences)]
    return ListedCorpus([*asked, (98, ["plant"]), (99, ["Plants", "grow"])])


def by_topic(questions, noise: float = 0.3) -> np.ndarray:
    topic = np.array([int("loan" in questions.sentences[number]) for number in questions.places[:, 0]])
    return (3 * np.eye(8)[topic] + noise * random_vectors(questions, width=8)).astype(np.float32)


def test_occurrences_are_the_first_of_each_sentence_however_written():
    questions = task().questions(corpus())
    assert len(questions.items) == 40
    assert {questions.sentences[number][start] for number, start, _ in questions.places} == {"PLANT"}
    assert len(questions.places) == 80
    assert questions.items["item"].is_unique
    assert questions.note.startswith("40 of 40 occurrences of 'Plant': 40 training, 0 development, 0 test; ")
    assert "seen in training" in questions.note


def test_a_sample_is_drawn_with_equal_chance_and_by_seed():
    drawn = [set(task(occurrences=10, seed=seed, shuffle=False).questions(corpus()).items["item"]) for seed in range(200)]
    assert all(len(items) == 10 for items in drawn)
    assert drawn[0] == set(task(occurrences=10, seed=0, shuffle=False).questions(corpus()).items["item"])
    low, high = stats.binom.interval(0.9999, 200, 10 / 40)
    counted = [sum(f"training-{at:07d}" in items for items in drawn) for at in range(40)]
    assert low <= min(counted) <= max(counted) <= high


def test_equal_sentences_count_once():
    listed = [(at, ["the", "plant", "closed", f"x{at // 2}"]) for at in range(40)]
    assert len(task().questions(ListedCorpus(listed)).items) == 20


def test_topics_that_lie_apart_are_the_clusters():
    questions = task().questions(corpus())
    result = task().score(questions, {"word": np.ones((80, 4), np.float32), "layer-1": by_topic(questions)})
    assert tuple(result.items.columns) == ITEM_COLUMNS
    assert_recomputable(result)
    score = one(result, "silhouette", view="layer-1")
    assert score.value > score.chance > 0
    assert one(result, "word_accuracy", view="layer-1", question=SHUFFLED).value == 1  # the topic does not hang on the order
    clusters, points = result.tables["clusters"], result.tables["points"]
    mine = clusters[clusters["view"] == "layer-1"]
    assert set(mine["k"]) == {2}
    assert (mine["silhouette"] == score.value).all()
    assert (mine["silhouette"] > mine["level"]).all()
    assert mine.groupby("cluster")["size"].first().to_dict() == {1: 20, 2: 20}
    assert len(mine) == 2 * 3
    for number, part in mine.groupby("cluster"):
        topics = {"loan" in sentence for sentence in part["sentence"]}
        assert len(topics) == 1, number
        assert part["sentence"].str.contains("[PLANT] stood near a plant", regex=False).all()
    shown = points[points["view"] == "layer-1"]
    assert len(shown) == 40
    assert shown.groupby("cluster")["sentence"].agg(lambda all_of_it: all_of_it.str.contains("loan").nunique()).eq(1).all()
    assert 0 < shown["share_x"].iloc[0] <= 1


def test_vectors_that_do_not_differ_show_no_clusters():
    questions = task().questions(corpus())
    result = task().score(questions, {"word": np.ones((80, 4), np.float32)})
    score = one(result, "silhouette")
    assert (score.value, score.chance) == (0, 0)
    table = result.tables["clusters"]
    assert (set(table["k"]), set(table["size"]), len(table)) == ({1}, {40}, 3)
    assert set(result.items["question"]) == {"cluster"}  # one cluster cannot be left


def test_the_silhouette_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    directions = unit(np.concatenate([rng.normal(size=(20, 5)) + 4 * np.eye(5)[at] for at in range(3)]))
    found = cluster(directions, 5, starts=2, draws=10, seed=0)
    assert found.k == 3
    assert found.silhouettes.mean() == pytest.approx(silhouette_score(directions, found.labels, metric="cosine"))


def test_one_gaussian_rarely_shows_clusters():
    """The null is exceeded in about one of twenty samples of it, also where one direction is far the longest."""
    shown = []
    for seed in range(60):
        vectors = np.random.default_rng(seed).normal(size=(40, 6)) * [4, 1, 1, 1, 1, 1] + [0, 9, 0, 0, 0, 0]
        shown.append(cluster(unit(vectors), 3, starts=1, draws=19, seed=0).k > 1)
    assert sum(shown) <= stats.binom.ppf(0.999, len(shown), 0.07)


def test_occurrences_without_a_vector_are_asked_but_not_clustered():
    questions = task().questions(corpus())
    vectors = by_topic(questions)
    vectors[:4] = np.nan
    result = task().score(questions, {"layer-1": vectors, "word": np.full((80, 3), np.nan, np.float32)})
    score = one(result, "silhouette", view="layer-1")
    assert (score.n, score.coverage) == (36, 0.9)
    assert np.isnan(one(result, "silhouette", view="word").value)
    assert set(result.tables["points"]["view"]) == {"layer-1"}


def test_a_rare_word_is_left_out_with_its_count():
    with pytest.raises(NotAskableError, match=r"needs 10 sentences .* with 'plants' .*training.*, found 1"):
        task(word="plants").questions(corpus())


@pytest.mark.parametrize("changed", [{"word": "two words"}, {"word": ""}, {"parts": ["all"]}, {"parts": []}])
def test_settings_that_cannot_be_are_refused(changed):
    with pytest.raises(StudyError, match="expected one word, and parts of"):
        task(**changed).questions(corpus())
