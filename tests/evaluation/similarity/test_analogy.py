import os
from pathlib import Path

import numpy as np
import pytest
from gensim.test.utils import datapath

from study.contracts import Lexicon, Questions, StudyError
from study.evaluation import Analogy
from study.evaluation.similarity.analogy import nearest
from tests.evaluation.glove import glove, keyed
from tests.evaluation.listed_corpus import ListedCorpus, assert_recomputable, one
from tests.evaluation.option import option

TEXT = (
    ": capital\nAthens Greece Oslo Norway\nOslo Norway Athens Greece\nRome Italy Oslo Norway\n: gram1-plural\ncat cats dog dogs\n"
)


def analogy(data, **settings) -> Analogy:
    return option("similarity/google", **{"data": str(data), "restrict_vocabulary": 100} | settings)


def lexicon() -> Lexicon:
    words = ["athens", "greece", "oslo", "norway", "cat", "cats", "dog", "dogs"]
    capital, plural = np.array([0, 0, 0, 0, 1, 0]), np.array([0, 0, 0, 0, 0, 1])
    base = np.eye(6)
    rows = [base[0], base[0] + capital, base[1], base[1] + capital, base[2], base[2] + plural, base[3], base[3] - 3 * plural]
    return Lexicon(words, np.array(rows, np.float32))


needs_data = pytest.mark.skipif(not os.environ.get("STUDY_DATA"), reason="needs the data sets under STUDY_DATA")


def test_offsets_are_followed_and_sections_scored_apart(tmp_path):
    path = tmp_path / "questions.txt"
    path.write_text(TEXT)
    task = analogy(path)
    questions = task.questions(ListedCorpus())
    assert questions.level == "vocabulary"
    assert questions.items["gold"].tolist() == ["Norway", "Greece", "Norway", "dogs"]
    result = task.score(questions, {"word": lexicon()})
    assert_recomputable(result)
    assert one(result, "accuracy", question="semantic").value == 1.0
    assert one(result, "accuracy", question="syntactic").value == 0.0
    assert one(result, "accuracy", question="semantic: capital").n == 2
    whole = one(result, "accuracy", question="all")
    assert (whole.value, whole.n, whole.coverage) == (pytest.approx(2 / 3), 3, 0.75)
    assert not result.items.set_index("item")["known"]["capital-00004"]


def test_words_beyond_the_restriction_are_not_known(tmp_path):
    path = tmp_path / "questions.txt"
    path.write_text(TEXT)
    task = analogy(path, restrict_vocabulary=4)
    result = task.score(task.questions(ListedCorpus()), {"word": lexicon()})
    assert one(result, "accuracy", question="all").coverage == 0.5
    assert np.isnan(one(result, "accuracy", question="syntactic").value)


def test_unknown_words_count_as_answered_wrong_where_that_is_the_policy(tmp_path):
    path = tmp_path / "questions.txt"
    path.write_text(TEXT)
    task = analogy(path, unknown="zero")
    result = task.score(task.questions(ListedCorpus()), {"word": lexicon()})
    assert_recomputable(result)
    score = one(result, "accuracy", question="all")
    assert (score.value, score.n, score.coverage) == (0.5, 4, 1.0)


def test_words_are_looked_up_as_written_before_they_are_folded(tmp_path):
    path = tmp_path / "questions.txt"
    path.write_text(TEXT)
    small = lexicon()
    rows = np.concatenate([small.vectors, -small.vectors[:2]])
    cased = Lexicon(["ATHENS", "GREECE", *small.words[2:], "Athens", "Greece"], rows)
    result = analogy(path).score(analogy(path).questions(ListedCorpus()), {"word": cased})
    answers = result.items.set_index("item")["predicted"]
    assert answers["capital-00002"] != "Norway"  # Athens and Greece are turned round, where the capitals alone would be right
    assert one(result, "accuracy", question="all").n == 3


def test_a_section_of_no_kind_is_named(tmp_path):
    path = tmp_path / "questions.txt"
    path.write_text(TEXT)
    with pytest.raises(StudyError, match=f"{path}:2: the section 'capital' begins with none of gram, city"):
        analogy(path, kinds={"gram": "syntactic", "city": "semantic"}).questions(ListedCorpus())


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


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # gensim calls a function of its own that it has deprecated
@pytest.mark.parametrize("epsilon", [1e-6, 1e-3])
def test_products_of_cosines_agree_with_single_questions_and_with_gensim(epsilon):
    rng = np.random.default_rng(0)
    vectors, asked = rng.normal(size=(50, 8)).astype(np.float32), rng.integers(0, 50, (300, 3))
    unit = vectors.astype(np.float64) / np.linalg.norm(vectors, axis=1, keepdims=True)
    found = nearest(vectors, asked, "3CosMul", epsilon)
    reference = keyed(Lexicon([str(row) for row in range(50)], vectors))
    for row in range(0, 300, 7):
        a, b, c = asked[row]
        at_a, at_b, at_c = ((1 + unit @ unit[word]) / 2 for word in (a, b, c))
        fit = at_b * at_c / (at_a + epsilon)
        fit[[a, b, c]] = -np.inf
        assert found[row] == fit.argmax()
        if epsilon == 1e-6:  # gensim's own
            assert str(found[row]) == reference.most_similar_cosmul([str(b), str(c)], [str(a)], topn=1)[0][0]
    assert (found != nearest(vectors, asked)).any()


def invented(questions: Questions) -> Lexicon:
    """Draw vectors for the words of questions, so that some offsets hold; every eleventh word is unknown."""
    rng = np.random.default_rng(0)
    rows = questions.items[["a", "b", "c", "gold"]].map(str.lower).to_numpy()
    vector = {word: rng.normal(size=20) for word in np.unique(rows)}
    used: set[str] = set()
    for a, b, c, d in rows:
        if d not in used:
            vector[d] = vector[b] - vector[a] + vector[c] + 0.5 * rng.normal(size=20)
        used |= {a, b, c, d}
    words = [word for row, word in enumerate(rng.permutation(list(vector)).tolist()) if row % 11]
    return Lexicon(words, np.array([vector[word] for word in words], np.float32))


@pytest.mark.parametrize("vectors", ["invented", "GloVe"])
def test_gensim_gives_the_same_figures(tmp_path, vectors):
    path = tmp_path / "part.txt"
    lines = Path(datapath("questions-words.txt")).read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(line for number, line in enumerate(lines) if line.startswith(":") or number % 61 == 0))
    questions = analogy(path).questions(ListedCorpus())
    given = Lexicon(glove().words[:40_000], glove().vectors[:40_000]) if vectors == "GloVe" else invented(questions)
    restrict = 30_000 if vectors == "GloVe" else 400
    reference = keyed(given)
    own, zero = (analogy(path, restrict_vocabulary=restrict, unknown=unknown) for unknown in ("own", "zero"))
    for task, dummy in ((own, False), (zero, True)):
        result = task.score(questions, {"word": given})
        value, sections = reference.evaluate_word_analogies(str(path), restrict_vocab=restrict, dummy4unknown=dummy)
        assert one(result, "accuracy", question="all").value == pytest.approx(value, abs=1e-12)
        assert 0.05 < value < 0.95
        for section in sections[:-1]:
            right, wrong = len(section["correct"]), len(section["incorrect"])
            kind = "syntactic" if section["section"].startswith("gram") else "semantic"
            score = one(result, "accuracy", question=f"{kind}: {section['section']}")
            assert score.n == right + wrong
            assert score.value == pytest.approx(right / (right + wrong)) if right + wrong else np.isnan(score.value)


def test_a_bad_line_is_named(tmp_path):
    path = tmp_path / "questions.txt"
    path.write_text("a b c d\n")
    with pytest.raises(StudyError, match=f"{path}:1: expected four words under a line ': section'"):
        analogy(path).questions(ListedCorpus())


def test_the_google_set_is_read_whole():
    questions = analogy("gensim:questions-words.txt").questions(ListedCorpus())
    assert len(questions.items) == 19544
    assert questions.items["question"].str.partition(": ")[0].value_counts().to_dict() == {"syntactic": 10675, "semantic": 8869}


@pytest.mark.data
@needs_data
def test_the_msr_set_is_read_whole():
    task = option("similarity/msr")
    questions = task.questions(ListedCorpus())
    kinds = questions.items["question"].str.partition(": ")
    assert kinds[0].value_counts().to_dict() == {"adjectives": 3000, "verbs": 3000, "nouns": 2000}
    assert set(kinds[2].value_counts()) == {500}
    assert questions.items.loc[0, ["a", "b", "c", "gold"]].tolist() == ["good", "better", "rough", "rougher"]
    result = task.score(questions, {"word": glove()})
    assert_recomputable(result)
    assert 0.3 < one(result, "accuracy", question="all").value < 0.6
