import numpy as np
import pytest

from study.contracts import Lexicon, StudyError
from study.evaluation import Analogy
from study.evaluation.analogy import nearest

from .listed_corpus import ListedCorpus, assert_recomputable, one

TEXT = (
    ": capital\nAthens Greece Oslo Norway\nOslo Norway Athens Greece\nRome Italy Oslo Norway\n: gram1-plural\ncat cats dog dogs\n"
)


def analogy(data, restrict=100) -> Analogy:
    return Analogy(data=str(data), restrict_vocabulary=restrict, description="", source="https://here")


def lexicon() -> Lexicon:
    words = ["athens", "greece", "oslo", "norway", "cat", "cats", "dog", "dogs"]
    capital, plural = np.array([0, 0, 0, 0, 1, 0]), np.array([0, 0, 0, 0, 0, 1])
    base = np.eye(6)
    rows = [base[0], base[0] + capital, base[1], base[1] + capital, base[2], base[2] + plural, base[3], base[3] - 3 * plural]
    return Lexicon(words, np.array(rows, np.float32))


def test_offsets_are_followed_and_sections_scored_apart(tmp_path):
    path = tmp_path / "questions.txt"
    path.write_text(TEXT)
    task = analogy(path)
    questions = task.questions(ListedCorpus())
    assert questions.level == "vocabulary"
    assert questions.items["gold"].tolist() == ["norway", "greece", "norway", "dogs"]
    result = task.score(questions, {"word": lexicon()})
    assert_recomputable(result)
    assert one(result, "accuracy", question="semantic").value == 1.0
    assert one(result, "accuracy", question="syntactic").value == 0.0
    whole = one(result, "accuracy", question="all")
    assert (whole.value, whole.n, whole.coverage) == (pytest.approx(2 / 3), 3, 0.75)
    assert not result.items.set_index("item")["known"]["capital-00004"]


def test_words_beyond_the_restriction_are_not_known(tmp_path):
    path = tmp_path / "questions.txt"
    path.write_text(TEXT)
    task = analogy(path, restrict=4)
    result = task.score(task.questions(ListedCorpus()), {"word": lexicon()})
    assert one(result, "accuracy", question="all").coverage == 0.5
    assert np.isnan(one(result, "accuracy", question="syntactic").value)


def test_question_words_never_answer():
    vectors = np.array([[1, 0], [1, 0.1], [1, 0.05], [-1, 0]], np.float32)
    assert nearest(vectors, np.array([[0, 1, 2]])).tolist() == [3]


def test_batches_agree_with_single_questions():
    rng = np.random.default_rng(0)
    vectors, asked = rng.normal(size=(50, 8)).astype(np.float32), rng.integers(0, 50, (1200, 3))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    found = nearest(vectors, asked)
    for row in range(0, 1200, 97):
        a, b, c = asked[row]
        cosine = unit @ (unit[b] - unit[a] + unit[c])
        cosine[[a, b, c]] = -np.inf
        assert found[row] == cosine.argmax()


def test_a_bad_line_is_named(tmp_path):
    path = tmp_path / "questions.txt"
    path.write_text("a b c d\n")
    with pytest.raises(StudyError, match=f"{path}:1: expected four words under a line ': section'"):
        analogy(path).questions(ListedCorpus())


def test_the_google_set_is_read_whole():
    questions = analogy("gensim:questions-words.txt").questions(ListedCorpus())
    assert len(questions.items) == 19544
    assert questions.items["question"].value_counts().to_dict() == {"syntactic": 10675, "semantic": 8869}
