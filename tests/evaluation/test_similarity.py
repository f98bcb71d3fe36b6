import numpy as np
import pytest

from study.contracts import ITEM_COLUMNS, StudyError
from study.evaluation import Similarity

from .listed_corpus import ListedCorpus, assert_recomputable, one


def similarity(data) -> Similarity:
    return Similarity(data=str(data), description="", source="https://here")


def test_cosines_are_ranked_against_ratings_and_unknown_words_lower_the_coverage(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text("# a comment\nsun\tmoon\t9\nsun\tstone\t1\nmoon\tstone\t2\nsun\tghost\t5\nsun\tsun\t10\nice-cream\tsun\t3\n")
    task = similarity(path)
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


def test_a_bad_line_is_named(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text("# fine\nsun\tmoon\t9\nsun moon 9\n")
    with pytest.raises(StudyError, match=f"{path}:3: expected 'word TAB word TAB rating', found: sun moon 9"):
        similarity(path).questions(ListedCorpus())


@pytest.mark.parametrize(("name", "pairs"), [("gensim:simlex999.txt", 999), ("gensim:wordsim353.tsv", 353)])
def test_the_sets_in_gensims_wheel_are_read_whole(name, pairs):
    questions = similarity(name).questions(ListedCorpus())
    assert len(questions.items) == pairs
    assert questions.items["item"].is_unique
    assert questions.dropped == {}
