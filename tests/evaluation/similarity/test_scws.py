import os

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from study import paths
from study.contracts import ITEM_COLUMNS, StudyError
from study.evaluation.similarity.scws import averaged
from tests.evaluation.listed_corpus import ListedCorpus, assert_recomputable, one, random_vectors
from tests.evaluation.option import option

needs_data = pytest.mark.skipif(not os.environ.get("STUDY_DATA"), reason="needs the data sets under STUDY_DATA")
ROWS = [
    ("bank", "shore", "he sat on the <b> bank </b> of the river", "the <b> shore </b> was of white sand", 8.0),
    ("bank", "bank", "the <b> Bank </b> raised its rates", "a <b> bank </b> of earth and stones", 1.5),
    ("loan", "bank", "they asked for a <b> loan </b> again", "her <b> bank </b> is in the town", 7.0),
    ("money", "shore", "there was no <b> money </b> left", "along the <b> shore </b> we went", 0.5),
]


@pytest.fixture
def task(tmp_path):
    path = tmp_path / "ratings.txt"
    path.write_text("\n".join(f"{n}\t{a}\tn\t{b}\tn\t{x}\t{y}\t{rating}\t9\t9" for n, (a, b, x, y, rating) in enumerate(ROWS)))
    return option("similarity/scws", data=str(path))


def test_both_words_are_asked_in_context_and_among_the_same_words_shuffled(task):
    questions = task.questions(ListedCorpus())
    assert questions.level == "target"
    assert len(questions.places) == 16
    first = questions.items.iloc[0]
    for place, word in ((first["place"], "bank"), (first["place_shuffled"], "bank"), (first["other"], "shore")):
        sentence, start, stop = questions.places[place]
        assert list(questions.sentences[sentence][start:stop]) == [word]
    plain, shuffled = (questions.sentences[questions.places[first[name]][0]] for name in ("place", "place_shuffled"))
    assert sorted(plain) == sorted(shuffled)
    assert list(plain) != list(shuffled)
    assert questions.items["group"].tolist() == ["bank|shore", "bank", "loan|bank", "money|shore"]


def test_pairs_are_ranked_by_the_cosine_in_context(task):
    questions = task.questions(ListedCorpus())
    vectors = random_vectors(questions)
    vectors[questions.items["place"][3]] = np.nan
    result = task.score(questions, {"layer-1": vectors})
    assert tuple(result.items.columns) == ITEM_COLUMNS
    assert_recomputable(result)
    assert [score.question for score in result.scores] == [
        *("pair", "pair, averaged", "pair, words shuffled", "pair, another's context"),
    ]
    items = result.items[result.items["question"] == "pair"]
    a, b = vectors[questions.items["place"]], vectors[questions.items["other"]]
    expected = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    np.testing.assert_allclose(items["predicted_value"], expected, atol=1e-6)
    assert items["known"].tolist() == [True, True, True, False]


def test_a_view_that_sees_no_context_gives_one_answer_to_all_questions(task):
    questions = task.questions(ListedCorpus())
    types = {}
    vectors = np.empty((len(questions.places), 8))
    for row, (sentence, start, _) in enumerate(questions.places):
        word = questions.sentences[sentence][start].lower()
        vectors[row] = types.setdefault(word, np.random.default_rng(len(types)).normal(size=8))
    items = task.score(questions, {"word": vectors}).items.pivot(index="item", columns="question", values="predicted_value")
    assert (items["pair"] == 1).sum() == 1
    for question in items.columns:
        np.testing.assert_array_equal(items[question], items["pair"])


def test_the_average_is_over_all_pairs_of_occurrences_but_none_with_itself():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(7, 5))
    vectors[5] = np.nan
    form = np.array(["a", "a", "b", "a", "b", "b", "c"], dtype=object)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosine = unit @ unit.T
    a, b = [0, 1, 3], [2, 4]
    found = averaged(vectors, form, np.array([0, 0, 6, 2]), np.array([2, 1, 6, 6]))
    within = cosine[np.ix_(a, a)][~np.eye(3, dtype=bool)].mean()
    np.testing.assert_allclose(found, [cosine[np.ix_(a, b)].mean(), within, np.nan, cosine[b, 6].mean()])


def test_lines_without_a_marked_word_or_a_rating_are_named(task, tmp_path):
    path = tmp_path / "ratings.txt"
    for line, wanted in (
        (
            "1\ta\tn\tb\tn\tno mark here\tthe <b> b </b> is\t3",
            r"1: expected one word marked as <b> word </b>, found: no mark here",
        ),
        ("1\ta\tn\tb\tn\tthe <b> a </b> is\tthe <b> b </b> is\tmuch", "1: expected a rating, found: much"),
    ):
        path.write_text(line)
        with pytest.raises(StudyError, match=wanted):
            task.questions(ListedCorpus())
    path.write_text("1\ta\tn\tb\tn\tthe x<b> a </b> is\tthe <b> b </b> is\t3")
    with pytest.raises(StudyError, match="none of the lines is left"):
        task.questions(ListedCorpus())


@pytest.mark.data
@needs_data
def test_the_whole_set_is_read_and_agrees_with_scipy_on_the_raw_file():
    task = option("similarity/scws")
    questions = task.questions(ListedCorpus())
    assert len(questions.items) + sum(questions.dropped.values()) == 2003
    assert sum(questions.dropped.values()) < 20
    vectors = random_vectors(questions, mean=1)
    result = task.score(questions, {"word": vectors})
    score = one(result, "spearman", question="pair")
    raw = pd.read_csv(paths.data() / task.data, sep="\t", header=None, quoting=3, keep_default_na=False)
    ratings = raw.set_index(raw[1] + " " + raw[3] + " " + (raw.index + 1).map("{:04d}".format))[7].astype(float)
    a, b = (vectors[questions.items[name]].astype(np.float64) for name in ("place", "other"))
    cosine = (a * b).sum(1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
    assert score.value == pytest.approx(stats.spearmanr(ratings[questions.items["item"]], cosine).statistic, abs=1e-12)
