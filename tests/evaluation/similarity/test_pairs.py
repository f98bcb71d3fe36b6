import os
from pathlib import Path

import numpy as np
import pytest
from gensim.test.utils import datapath
from scipy import stats

from study import paths
from study.contracts import ITEM_COLUMNS, Lexicon, StudyError
from study.evaluation import Similarity
from study.evaluation.geometry.correction import centred, standardised, without_top
from tests.evaluation.glove import glove, keyed, of_words
from tests.evaluation.listed_corpus import ListedCorpus, assert_recomputable, one
from tests.evaluation.option import TASKS, option

needs_data = pytest.mark.skipif(not os.environ.get("STUDY_DATA"), reason="needs the data sets under STUDY_DATA")
with_data = [pytest.mark.data, needs_data]
SETS = sorted(path.stem for path in (TASKS / "similarity").glob("*.yaml") if "evaluation.Similarity\n" in path.read_text())
SIZES = {
    **{"mc30": 30, "rg65": 65, "yp130": 130, "verb143": 144, "mturk287": 287, "mturk771": 771, "rw": 2034},
    **{"ws353": 353, "ws353_sim": 203, "ws353_rel": 252, "simlex999_pairs": 999, "simverb3500_pairs": 3500, "men_pairs": 3000},
    **{"simlex999": 999, "simverb3500": 3500, "men": 3000, "men_natural": 3000, "simlex": 999, "wordsim": 353},
}
WHEEL = ["simlex", "wordsim"]
PAIRS = "# a comment\nsun\tmoon\t9\nsun\tstone\t1\nmoon\tstone\t2\nsun\tghost\t5\nsun\tsun\t10\nice-cream\tsun\t3\n"


def uncorrected(name, **settings):
    """Make a task without the corrections that its file may ask for."""
    return option(name, **{"corrections": []} | settings)


def similarity(data, **settings) -> Similarity:
    return uncorrected("similarity/simlex", data=str(data), **settings)


@pytest.fixture
def pairs(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text(PAIRS)
    return path


def invented(words, width=20, seed=0) -> Lexicon:
    """Draw vectors with a common mean for words in lower case, one in seven left out, in random order."""
    rng = np.random.default_rng(seed)
    words = sorted({word.lower() for word in words})
    words = [words[row] for row in rng.permutation(len(words)) if row % 7]
    return Lexicon(words, (rng.normal(size=(len(words), width)) + rng.normal(size=width)).astype(np.float32))


def raw(task, lexicon) -> tuple[list[float], list[float], int]:
    """Read a set's file without this project: known ratings and cosines, and how many pairs there are in all."""
    path = Path(datapath(task.data.removeprefix("gensim:"))) if ":" in task.data else paths.data() / task.data
    row = {word: number for number, word in enumerate(lexicon.words)}
    lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    named = any(isinstance(column, str) for column in task.columns.values())
    at = [lines[0].index(task.columns[role]) if named else task.columns[role] - 1 for role in ("first", "second", "rating")]
    ratings, cosines = [], []
    for cells in lines[named:]:
        first, second, rating = (cells[column] for column in at)
        if task.suffix:
            first, second = first[:-2], second[:-2]
        if first.lower() in row and second.lower() in row and "-" not in first + second:
            a, b = (np.asarray(lexicon.vectors[row[word.lower()]], np.float64) for word in (first, second))
            ratings.append(float(rating))
            cosines.append(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))  # a pair and its reverse are tied exactly
    return ratings, cosines, len(lines) - named


def test_cosines_are_ranked_against_ratings_and_unknown_words_lower_the_coverage(pairs):
    task = similarity(pairs)
    questions = task.questions(ListedCorpus())
    assert questions.level == "word"
    assert questions.sentences == [["sun"], ["moon"], ["stone"], ["ghost"]]
    assert questions.items["group"].tolist() == ["sun|moon", "sun|stone", "moon|stone", "sun|ghost", "sun"]
    assert sum(questions.dropped.values()) == 1
    vectors = np.array([[1, 0], [2, 1], [-1, 1], [np.nan, np.nan]], np.float32)
    result = task.score(questions, {"word": vectors, "flipped": vectors * [1, -1]})
    assert tuple(result.items.columns) == ITEM_COLUMNS
    assert_recomputable(result)
    score = one(result, "spearman")
    assert score.value == pytest.approx(1.0)  # -1/√2 < -1/√10 < 2/√5 < 1, as the ratings 1 < 2 < 9 < 10
    assert (score.n, score.coverage, score.chance) == (4, 0.8, 0.0)


def test_the_classical_policies_ask_lexicons_and_score_every_pair(pairs):
    lexicon = Lexicon(["Sun", "sun", "moon", "stone"], np.array([[9, 9], [1, 0], [2, 1], [-1, 1]], np.float32))
    mean = np.array([11, 11]) / 4
    for unknown, value in {"zero": 0.0, "mean": mean[0] / np.hypot(*mean)}.items():
        task = similarity(pairs, unknown=unknown)
        questions = task.questions(ListedCorpus())
        assert (questions.level, len(questions.places), questions.dropped) == ("vocabulary", 0, {})
        result = task.score(questions, {"word": lexicon})
        assert_recomputable(result)
        found = result.items.set_index("item")["predicted_value"]
        assert found["sun moon"] == pytest.approx(2 / np.sqrt(5))
        assert found[["sun ghost", "ice-cream sun"]].tolist() == pytest.approx([value, value])
        assert one(result, "spearman").coverage == 1.0


def test_after_a_correction_the_mean_vector_is_alike_to_nothing(pairs):
    rng = np.random.default_rng(0)
    lexicon = Lexicon(["sun", "moon", "stone", "tree"], (rng.normal(size=(4, 3)) + 5).astype(np.float32))
    task = similarity(pairs, unknown="mean", corrections=["mean"])
    items = task.score(task.questions(ListedCorpus()), {"word": lexicon}).items
    found = items[items["question"] == "pair, mean removed"].set_index("item")["predicted_value"]
    assert found["sun ghost"] == 0
    rows = centred(lexicon.vectors)
    assert found["sun moon"] == pytest.approx(rows[0] @ rows[1] / np.linalg.norm(rows[0]) / np.linalg.norm(rows[1]))


def test_words_are_looked_up_as_written_before_they_are_folded(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text("Turkey\tOslo\t1\nturkey\tOSLO\t2\nTurkey\tTurkey\t3\n")
    task = similarity(path, unknown="zero")
    lexicon = Lexicon(["turkey", "Turkey", "oslo"], np.array([[0, 1], [1, 0], [1, 1e-3]], np.float32))
    values = task.score(task.questions(ListedCorpus()), {"word": lexicon}).items["predicted_value"]
    assert values.tolist() == pytest.approx([1, 1e-3, 1], abs=1e-5)


def test_corrections_are_questions_of_their_own(pairs):
    rng = np.random.default_rng(0)
    task = similarity(pairs, corrections=["mean", "top", "standardised"], components=2)
    questions = task.questions(ListedCorpus())
    vectors = rng.normal(size=(4, 5)) * [1, 1, 5, 1, 1] + 7
    vectors[3] = np.nan
    result = task.score(questions, {"word": vectors})
    assert_recomputable(result)
    for question, corrected in {
        "pair": vectors,
        "pair, mean removed": centred(vectors),
        "pair, top components removed": without_top(vectors, 2),
        "pair, standardised": standardised(vectors),
    }.items():
        items = result.items[result.items["question"] == question].set_index("item")
        assert one(result, "spearman", question=question).n == items["known"].sum()
        assert items["predicted_value"]["sun stone"] == pytest.approx(
            corrected[0] @ corrected[2] / np.linalg.norm(corrected[0]) / np.linalg.norm(corrected[2])
        )
    with pytest.raises(StudyError, match="corrections: expected some of mean, top, standardised, found 'whitened'"):
        similarity(pairs, corrections=["whitened"]).questions(ListedCorpus())


def test_parts_and_development_pairs_are_scored_by_themselves(tmp_path):
    full, development = tmp_path / "full.txt", tmp_path / "development.txt"
    lines = [f"w{a}-n\tv{b}-v\t{a * b}\t{'AB'[b % 2]}\t{b}" for a in (1, 2) for b in (3, 4, 5, 6)]
    full.write_text("\n".join(["one\ttwo\tscore\tkind\tnumber", *lines]))
    settings = {
        "columns": {"first": "one", "second": "two", "rating": "score"},
        "parts": {"kind": {"A": "even", "B": "odd"}, "number": {6: "six"}},
        "suffix": "-",
        "development": str(development),
    }
    task = similarity(full, **settings)
    questions = task.questions(ListedCorpus())
    assert set(questions.items["split"]) == {"test"}
    assert "development pairs" in questions.note
    development.write_text("\n".join(["one\ttwo\tscore\tkind\tnumber", *lines[:4]]))
    questions = task.questions(ListedCorpus())
    assert questions.note == ""
    assert questions.sentences == [[word] for word in ("w1", "v3", "v4", "v5", "v6", "w2")]
    assert questions.items["split"].value_counts().to_dict() == {"development": 4, "test": 4}
    result = task.score(questions, {"word": np.random.default_rng(0).normal(size=(6, 4))})
    assert_recomputable(result)
    counted = {(score.split, score.question): score.n for score in result.scores}
    sizes = {"pair": 4, "even": 2, "odd": 2, "six": 1}
    assert counted == {(split, name): n for split in ("development", "test") for name, n in sizes.items()}


def test_bad_lines_and_columns_are_named(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text("# fine\nsun\tmoon\t9\nsun moon 9\n")
    with pytest.raises(StudyError, match=f"{path}:3: expected at least 3 columns set apart by tabs, found: sun moon 9"):
        similarity(path).questions(ListedCorpus())
    path.write_text("sun\tmoon\tfar\n")
    with pytest.raises(StudyError, match=f"{path}:1: expected two words and a rating, found: sun moon far"):
        similarity(path).questions(ListedCorpus())
    with pytest.raises(StudyError, match=r"gone.txt: no such file.*It comes from https://fh295"):
        similarity("gone.txt").questions(ListedCorpus())


def test_every_set_is_known_here():
    assert set(SETS) == set(SIZES)


@pytest.mark.parametrize("name", [*WHEEL, *(pytest.param(name, marks=with_data) for name in SETS if name not in WHEEL)])
def test_each_set_is_read_whole_and_agrees_with_scipy_on_the_raw_file(name):
    task = uncorrected(f"similarity/{name}")
    questions = task.questions(ListedCorpus())
    assert len(questions.items) + sum(questions.dropped.values()) == SIZES[name]
    assert questions.items["item"].is_unique
    assert sum(questions.dropped.values()) == (20 if name == "rw" else 0)  # words with hyphens: this splitting rule divides them
    lexicon = invented(word for sentence in questions.sentences for word in sentence)
    score = one(task.score(questions, {"word": of_words(lexicon, questions)}), "spearman", question="pair")
    ratings, cosines, pairs = raw(task, lexicon)
    assert (score.n, pairs) == (len(ratings), SIZES[name])
    assert score.value == pytest.approx(stats.spearmanr(ratings, cosines).statistic, abs=1e-12)
    assert score.low < score.value < score.high


@pytest.mark.data
@needs_data
def test_the_parts_of_the_originals_have_their_published_sizes():
    sizes = {}
    for name in ("simlex999", "simverb3500"):
        task = uncorrected(f"similarity/{name}")
        questions = task.questions(ListedCorpus())
        result = task.score(questions, {"word": np.random.default_rng(0).normal(size=(len(questions.places), 8))})
        sizes[name] = {score.question: score.n for score in result.scores}
    quartiles = {"concreteness 1": 249, "concreteness 2": 250, "concreteness 3": 250, "concreteness 4": 250}
    assert sizes["simlex999"] == {"pair": 999, "noun": 666, "verb": 222, "adjective": 111, **quartiles}
    assert sizes["simverb3500"] == {
        **{"pair": 3500, "synonyms": 306, "antonyms": 111, "hypernyms and hyponyms": 800},
        **{"co-hyponyms": 190, "no relation": 2093},
    }


@pytest.mark.parametrize("vectors", ["invented", "GloVe"])
@pytest.mark.parametrize("name", WHEEL)
def test_gensim_gives_the_same_figures(name, vectors):
    task = uncorrected(f"similarity/{name}")
    questions = task.questions(ListedCorpus())
    lexicon = glove() if vectors == "GloVe" else invented(word for sentence in questions.sentences for word in sentence)
    reference, path = keyed(lexicon), datapath(task.data.removeprefix("gensim:"))
    own = one(task.score(questions, {"word": of_words(lexicon, questions)}), "spearman")
    theirs = reference.evaluate_word_pairs(path, restrict_vocab=len(lexicon.words))
    assert own.value == pytest.approx(theirs[1].statistic, abs=1e-6)
    assert own.coverage == pytest.approx(1 - theirs[2] / 100)
    zero = uncorrected(f"similarity/{name}", unknown="zero")
    value = one(zero.score(zero.questions(ListedCorpus()), {"word": lexicon}), "spearman").value
    theirs = reference.evaluate_word_pairs(path, restrict_vocab=len(lexicon.words), dummy4unknown=True)
    assert value == pytest.approx(theirs[1].statistic, abs=1e-6)


@pytest.mark.data
@needs_data
def test_the_policy_for_unknown_words_decides_the_figure_on_rare_words():
    values = {}
    for unknown in ("own", "mean", "zero"):
        task = uncorrected("similarity/rw", unknown=unknown)
        questions = task.questions(ListedCorpus())
        given = of_words(glove(), questions) if unknown == "own" else glove()
        values[unknown] = one(task.score(questions, {"word": given}), "spearman").value
    assert values == pytest.approx({"own": 0.340, "mean": 0.294, "zero": 0.278}, abs=5e-4)
