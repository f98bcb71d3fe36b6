import time

import numpy as np
import pytest
from scipy import stats

from study.contracts import NotAskableError
from study.evaluation import StructuralProbe
from study.evaluation.probing.structural import distances, rank_correlation, spanning_tree
from tests.evaluation.listed_corpus import ListedCorpus, assert_recomputable, one
from tests.evaluation.option import option
from tests.evaluation.toy_treebank import FILES, english_web_treebank, needs_data, toy_treebank, written

SETTINGS = {"shortest": 4, "longest": 30, "training": 300, "development": 60, "test": 80, "rank": 64, "epochs": 30}
SETTINGS |= {"patience": 3, "batch": 10, "learning_rate": 0.01, "seed": 0, "description": "", "source": ""}
QUESTIONS = [("distance", "accuracy"), ("distance, spearman", "mean"), ("depth", "accuracy"), ("depth, spearman", "mean")]


def coded(questions, width=128, noise=0.005, seed=0) -> np.ndarray:
    """Make vectors that hold the tree: a word is its head plus a direction of its own, so squared distances count arcs."""
    rng = np.random.default_rng(seed)
    vectors = np.zeros((len(questions.places), 2 * width))
    for _, part in questions.items.groupby("sentence", sort=False):
        heads, rows = part["gold_value"].to_numpy().astype(int), part["place"].to_numpy()
        steps = rng.normal(size=(len(rows), width)) / np.sqrt(width)
        for word, row in enumerate(rows):
            at = word
            while heads[at] != -1:
                vectors[row, :width] += steps[at]
                at = heads[at]
    vectors[:, width:] = rng.normal(size=(len(vectors), width)) / np.sqrt(width)
    return (vectors + noise * rng.normal(size=vectors.shape)).astype(np.float32)


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    return StructuralProbe(treebank=toy_treebank(tmp_path_factory.mktemp("treebank")), **SETTINGS)


@pytest.fixture(scope="module")
def questions(task):
    return task.questions(ListedCorpus())


def test_distances_count_the_arcs_between_words():
    heads = np.array([1, 2, -1, 2, 3])  # a chain 0-1-2-3-4 with its root in the middle
    assert distances(heads).tolist() == [[abs(one - other) for other in range(5)] for one in range(5)]
    assert distances(np.array([-1, 0, 0])).tolist() == [[0, 1, 1], [1, 0, 2], [1, 2, 0]]


def test_the_spanning_tree_is_the_smallest_and_leaves_unknown_words_out():
    distance = np.array([[0, 1, 9, 9], [1, 0, 5, 2], [9, 5, 0, 1], [9, 2, 1, 0]], dtype=float)
    assert spanning_tree(distance, np.ones(4, dtype=bool)) == {(0, 1), (1, 3), (2, 3)}
    assert spanning_tree(distance, np.array([True, True, True, False])) == {(0, 1), (1, 2)}
    assert len(spanning_tree(np.zeros((4, 4)), np.ones(4, dtype=bool))) == 3  # a distance of 0 is an edge too
    assert spanning_tree(distance, np.zeros(4, dtype=bool)) == set()


def test_rank_correlations_are_those_of_scipy():
    rng = np.random.default_rng(0)
    one, other = rng.integers(5, size=(20, 9)), rng.normal(size=(20, 9))
    wanted = [stats.spearmanr(a, b).statistic for a, b in zip(one, other, strict=True)]
    assert rank_correlation(one, other) == pytest.approx(wanted, abs=1e-12)
    assert rank_correlation(np.ones((1, 4)), np.arange(4)[None]).tolist() == [0]


def test_every_word_of_the_sentences_is_a_place_with_its_head(task, questions):
    assert questions.level == "target"
    assert questions.items["split"].value_counts().index.tolist() == ["training", "test", "development"]
    assert questions.items["item"].is_unique
    counts = questions.items.groupby("split")["sentence"].nunique()
    assert counts.to_dict() == {"training": 300, "development": 60, "test": 80}
    for number, part in questions.items.groupby("sentence"):
        words, heads = questions.sentences[number], part["gold_value"].to_numpy().astype(int)
        assert len(part) == len(words)
        assert (questions.places[part["place"]] == [[number, at, at + 1] for at in range(len(words))]).all()
        assert words[int(np.flatnonzero(heads == -1)[0])].startswith("v")
        assert all(words[heads[at]].startswith("n") for at, word in enumerate(words) if word.lower() == "the")


def test_a_tree_that_is_there_is_found(task, questions):
    result = task.score(questions, {"word": coded(questions)})
    assert_recomputable(result)
    values = {question: one(result, metric, question=question).value for question, metric in QUESTIONS}
    assert values["distance"] > 0.9
    assert values["distance, spearman"] > 0.8
    assert values["depth"] > 0.9
    assert values["depth, spearman"] > 0.7
    assert {score.split for score in result.scores} == {"development", "test"}


def test_random_vectors_stay_near_chance(task, questions):
    vectors = np.random.default_rng(0).normal(size=(len(questions.places), 32)).astype(np.float32)
    result = task.score(questions, {"word": vectors})
    for question, metric in QUESTIONS[:3:2]:
        score = one(result, metric, question=question)
        assert abs(score.value - score.chance) < 0.12
    assert one(result, "mean", question="depth, spearman").value == pytest.approx(0, abs=0.15)


def test_what_is_asked_of_unknown_words_is_not_known(task, questions):
    vectors = coded(questions)
    vectors[::4] = np.nan
    result = task.score(questions, {"word": vectors})
    score = one(result, "accuracy", question="distance")
    assert 0.45 < score.coverage < 0.7  # both words of an arc: (3/4)²
    assert score.value > 0.8
    assert 0.55 < one(result, "accuracy", question="depth").coverage < 0.85
    assert_recomputable(result)
    blind = task.score(questions, {"word": np.full_like(vectors, np.nan)})
    assert {score.coverage for score in blind.scores} == {0}


def test_the_chain_of_words_is_the_floor(task, questions):
    result = task.baselines(questions)["chain"]
    neighbours, arcs = 0, 0
    for _, part in questions.items[questions.items["split"] == "test"].groupby("sentence"):
        heads = part["gold_value"].to_numpy().astype(int)
        arcs += len(heads) - 1
        neighbours += sum(head >= 0 and abs(at - head) == 1 for at, head in enumerate(heads))
    score = one(result, "accuracy", view="baseline", question="distance")
    assert score.value == pytest.approx(neighbours / arcs)
    assert score.n == arcs
    assert one(result, "accuracy", view="baseline", question="depth").value == 0  # no sentence begins with its root
    assert_recomputable(result)


def test_sentences_whose_words_do_not_align_are_dropped_and_counted(tmp_path):
    bad = "It/PRON/2/nsubj re-opens/VERB/0/root on/ADP/4/case Monday/PROPN/2/obl"
    treebank = toy_treebank(tmp_path)
    for number, name in enumerate(FILES.values()):
        with (tmp_path / name).open("a") as file:
            file.write(written(f"bad{number}-1", bad.replace("Monday", f"Monday{'y' * number}")))
    everything = SETTINGS | {"training": 1000, "development": 1000, "test": 1000}
    questions = StructuralProbe(treebank=treebank, **everything).questions(ListedCorpus())
    assert questions.dropped == {"sentence whose words are not the corpus's words": 3}
    assert not any("opens" in words for words in questions.sentences)


def test_a_treebank_without_fitting_sentences_is_refused(tmp_path):
    task = StructuralProbe(treebank=toy_treebank(tmp_path), **SETTINGS | {"shortest": 29})
    with pytest.raises(NotAskableError, match="at least 10 training sentences"):
        task.questions(ListedCorpus())


@pytest.mark.data
@needs_data
def test_the_english_web_treebank_at_the_size_of_the_option_file():
    task = option("probing/structural", treebank=english_web_treebank(), source="")
    questions = task.questions(ListedCorpus())
    assert questions.items.groupby("split")["sentence"].nunique().to_dict() == {"training": 1500, "development": 300, "test": 500}
    chain = task.baselines(questions)["chain"]
    assert 0.38 < one(chain, "accuracy", view="baseline", question="distance").value < 0.5
    start = time.process_time()
    result = task.score(questions, {"word": coded(questions, width=64)})
    assert time.process_time() - start < 15
    assert one(result, "accuracy", question="distance").value > 0.9
