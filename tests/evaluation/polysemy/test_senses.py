import numpy as np
import pytest
import yaml
from scipy import stats
from sklearn.metrics import silhouette_samples

from study import paths
from study.contracts import ITEM_COLUMNS, StudyError
from study.evaluation import Senses
from study.evaluation.polysemy.senses import nearest_centroid, silhouette
from study.evaluation.polysemy.shuffling import ANOTHER, SHUFFLED
from tests.evaluation.listed_corpus import ListedCorpus, assert_recomputable, one, random_vectors

WORDS = {"bank": ("test", 2), "spring": ("test", 3), "letter": ("development", 2)}
TOPICS = ("boat shore flood", "loan money vault", "green rain bloom")


def twice(vectors: np.ndarray) -> np.ndarray:
    """Give each sentence's vector to the same words in another order, which are the second half of the places."""
    return np.concatenate([vectors, vectors]).astype(np.float32)


def senses(folder, text=None, repeats=20, shuffle=True) -> Senses:
    """Write a set of ten sentences a sense, each sense with its own other words."""
    lines = [
        f"The {TOPICS[sense].split()[i % 3]} {number}x{i} near a [{word}] stood.\tsense{sense}\t{split}\t{word}"
        for number, (word, (split, kinds)) in enumerate(WORDS.items())
        for sense in range(kinds)
        for i in range(10)
    ]
    path = folder / "senses.tsv"
    path.write_text("sentence\tlabel\tsplit\tgroup\n" + "\n".join(lines) if text is None else text)
    return Senses(data=str(path), repeats=repeats, shuffle=shuffle, seed=0, description="", source="https://here")


@pytest.fixture
def task(tmp_path):
    return senses(tmp_path)


@pytest.fixture
def questions(task):
    return task.questions(ListedCorpus())


def test_identical_vectors_score_exactly_one_over_the_senses(task, questions):
    result = task.score(questions, {"word": np.full((len(questions.places), 8), 0.1, np.float32)})
    for question in (ANOTHER, SHUFFLED):
        assert one(result, "word_accuracy", question=question).value == (1 / 2 + 1 / 3) / 2
    test, development = (one(result, "word_accuracy", split, question="sense") for split in ("test", "development"))
    assert test.value == test.chance == (1 / 2 + 1 / 3) / 2
    assert (development.value, development.low, development.high) == (0.5, 0.5, 0.5)
    assert one(result, "auc").value == 0.5
    assert one(result, "silhouette").value == 0.0


@pytest.mark.parametrize("mean", [0.0, 1.0, 30.0])
def test_vectors_without_meaning_score_as_guessing_does(tmp_path, mean):
    """Over many sets the accuracy lies within binomial bounds of one half, whatever mean all vectors share."""
    task = senses(tmp_path, repeats=4)
    questions = task.questions(ListedCorpus())
    rows = np.flatnonzero(questions.items["group"] == "letter")
    hits = []
    for seed in range(60):
        array = random_vectors(questions, seed=seed, mean=mean).astype(np.float64)
        items = task._sensed(questions, array, nearest_centroid)
        mine = items[items["group"] == "letter"]
        hits.append((mine["gold"] == mine["predicted"]).mean())
    low, high = stats.binom.interval(0.999, 60 * len(rows), 0.5)
    assert low <= sum(hits) * len(rows) <= high


def test_senses_that_lie_apart_are_told_apart(task, questions):
    centre = dict(zip(sorted(questions.items["gold"].unique()), np.eye(8) * 9, strict=False))
    vectors = random_vectors(questions, width=8) + twice(np.stack([centre[name] for name in questions.items["gold"]]))
    result = task.score(questions, {"word": random_vectors(questions), "layer-1": vectors.astype(np.float32)})
    assert tuple(result.items.columns) == ITEM_COLUMNS
    assert_recomputable(result)
    for question, metric in (
        ("sense", "word_accuracy"),
        ("sense", "word_macro_f1"),
        (SHUFFLED, "word_accuracy"),
        ("pair", "auc"),
    ):
        assert one(result, metric, view="layer-1", question=question).value > 0.98
    assert one(result, "silhouette", view="layer-1").value > 0.5
    assert one(result, "word_accuracy", view="layer-1", question="sense").n == 50


def test_in_another_ones_context_senses_that_lie_apart_are_guessed(tmp_path):
    """A repeat of a set this tidy is nearly all right or nearly all wrong, so the mean of 400 has a standard error near 0.015."""
    task = senses(tmp_path, repeats=400)
    questions = task.questions(ListedCorpus())
    vectors = np.eye(3)[[int(name[-1]) for name in questions.items["gold"]]]
    true, dealt = (task._sensed(questions, vectors, nearest_centroid, question) for question in ("sense", ANOTHER))
    assert (true["gold"] == true["predicted"]).all()
    for word, expected in (("bank", 1 / 2), ("spring", 1 / 3), ("letter", 1 / 2)):
        mine = dealt[dealt["group"] == word]
        assert (mine["gold"] == mine["predicted"]).mean() == pytest.approx(expected, abs=0.05)


def test_words_in_random_order_are_judged_by_the_centroids_of_true_sentences(task, questions):
    number = np.array([int(name[-1]) for name in questions.items["gold"]])
    wrong = np.concatenate([np.eye(3)[number], np.eye(3)[(number + 1) % np.where(questions.items["group"] == "spring", 3, 2)]])
    result = task.score(questions, {"word": wrong.astype(np.float32)})
    assert one(result, "word_accuracy", question="sense").value == 1
    assert one(result, "word_accuracy", question=SHUFFLED).value == 0


def test_without_shuffled_sentences_there_are_no_places_for_them(tmp_path):
    task = senses(tmp_path, shuffle=False)
    questions = task.questions(ListedCorpus())
    assert len(questions.places) == len(questions.items)
    asked = set(task.score(questions, {"word": random_vectors(questions)}).items["question"])
    assert asked == {"sense", ANOTHER, "pair", "silhouette"}


def test_unknown_items_are_asked_but_not_counted(task, questions):
    vectors = random_vectors(questions)
    vectors[: len(questions.items)][questions.items["group"] == "spring"] = np.nan
    vectors[0] = np.nan
    result = task.score(questions, {"word": vectors})
    for question in ("sense", ANOTHER, SHUFFLED):
        score = one(result, "word_accuracy", question=question)
        assert (score.n, score.coverage) == (19, pytest.approx(19 / 50))
    assert score.value == one(task.score(questions, {"word": vectors}), "word_accuracy", question=SHUFFLED).value
    assert_recomputable(result)


def test_pairs_stay_within_a_word(task, questions):
    items = task.score(questions, {"word": random_vectors(questions)}).items
    pairs = items[items["question"] == "pair"]
    assert len(pairs) == 20 * 19 // 2 * 2 + 30 * 29 // 2
    assert all(first.partition("-")[0] == second.partition("-")[0] for first, second in pairs["item"].str.split("|"))


def test_baselines_know_the_words_around_the_target(task, questions):
    baselines = task.baselines(questions)
    assert one(baselines["majority"], "word_accuracy", "development", "baseline").value == 0.5
    assert one(baselines["naive Bayes"], "word_accuracy", "development", "baseline").value == 1.0


def test_uneven_senses_are_each_asked_once_a_repeat(tmp_path):
    lines = [f"The x{i} [bank] y{i}.\t{'a' if i < 7 else 'b'}\ttest\tbank" for i in range(10)]
    task = senses(tmp_path, "sentence\tlabel\tsplit\tgroup\n" + "\n".join(lines))
    questions = task.questions(ListedCorpus())
    items = task.score(questions, {"word": np.ones((20, 3), np.float32)}).items
    asked = items[items["question"] == "sense"]
    assert len(asked) == 10 * 20
    assert asked["item"].is_unique
    assert set(asked["predicted"]) == {"a"}  # ties go to the sense with most training items


def test_silhouettes_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    points, labels = rng.normal(size=(20, 4)), rng.integers(0, 3, 20)
    distance = np.linalg.norm(points[:, None] - points[None], axis=-1)
    np.testing.assert_allclose(silhouette(distance, labels), silhouette_samples(distance, labels, metric="precomputed"))


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["The [bank] a.\tx\ttest\tbank", "The [bank] b.\ty\ttraining\tbank"], ":3: expected"),
        (["The [bank] a.\tx\ttest\tbank", "The [bank] b.\ty\ttest\tbank"], "two usable sentences"),
        ([f"The [bank] {i}.\t{'xy'[i % 2]}\t{'test' if i < 2 else 'development'}\tbank" for i in range(4)], "all in one split"),
    ],
)
def test_sets_that_cannot_be_scored_are_refused(tmp_path, lines, said):
    task = senses(tmp_path, "sentence\tlabel\tsplit\tgroup\n" + "\n".join(lines))
    with pytest.raises(StudyError, match=said):
        task.questions(ListedCorpus())


def test_on_the_studys_own_set_vectors_that_do_not_differ_score_exactly_chance():
    settings = yaml.safe_load((paths.tasks() / "polysemy" / "bank.yaml").read_text())
    del settings["_target_"]
    task = Senses(**{**settings, "data": str(paths.tasks() / settings["data"])})
    questions = task.questions(ListedCorpus())
    assert questions.dropped == {}
    assert (questions.items.loc[questions.items["group"] == "bank", "split"] == "test").all()
    words, codes = np.unique(questions.items["group"], return_inverse=True)
    vectors = np.random.default_rng(0).normal(size=(len(words), 100))
    for split in ("development", "test"):
        result = task.score(questions, {"word": twice(vectors[codes])})
        for question in ("sense", ANOTHER, SHUFFLED):
            score = one(result, "word_accuracy", split, question=question)
            assert score.value == score.chance
