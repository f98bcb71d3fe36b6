import numpy as np
import pytest

from study.contracts import StudyError
from study.evaluation import ColumnProbe
from tests.evaluation.data.test_formats import conllu
from tests.evaluation.listed_corpus import ListedCorpus, one, random_vectors, regimen
from tests.evaluation.probing.test_probe import probe


def test_the_files_own_splits_are_used_and_training_items_not_scored(tmp_path):
    lines = [f"It x{i} is.\t{'ab'[i % 2]}\t{('training', 'training', 'development', 'test')[i % 8 // 2]}" for i in range(80)]
    task = probe(tmp_path, ["sentence\tlabel\tsplit", *lines])
    questions = task.questions(ListedCorpus())
    assert questions.level == "sentence"
    result = task.score(questions, {"word": random_vectors(questions)})
    assert result.items["split"].value_counts().to_dict() == {"development": 20, "test": 20}


def test_training_items_lend_development_items_where_the_file_has_none(tmp_path):
    lines = [f"It x{i} is.\t{'ab'[i % 2]}\t{'test' if i % 4 > 1 else 'training'}" for i in range(80)]
    items = probe(tmp_path, ["sentence\tlabel\tsplit", *lines]).questions(ListedCorpus()).items
    assert items["split"].value_counts().to_dict() == {"test": 40, "training": 30, "development": 10}


def test_two_columns_are_enough(tmp_path):
    lines = [f"It x{i} [is] so.\t{'ab'[i % 2]}" for i in range(40)]
    task = probe(tmp_path, lines)
    questions = task.questions(ListedCorpus())
    assert questions.items["split"].value_counts().to_dict() == {"test": 30, "development": 10}
    knows = random_vectors(questions) + 4 * (questions.items["gold"] == "a").to_numpy()[:, None].astype(np.float32)
    assert one(task.score(questions, {"word": knows}), "accuracy").value > 0.9


@pytest.mark.parametrize(
    ("lines", "settings", "said"),
    [
        (["sentence\tlabel\tsplit", "It [is].\ta\ttest", "It [is].\tb\ttest"], {}, "names no training items"),
        (["It [is].\ta", "It [was].\tb"], {}, "at least four groups"),
        ([f"It x{i} [is].\t{'ab'[i % 2]}" for i in range(40)], {"folds": 1}, "two folds or more"),
        (["It re[is]t x.\ta", "It re[is]t y.\tb"], {}, "none of the 2 lines is left"),
    ],
)
def test_what_cannot_be_probed_is_refused(tmp_path, lines, settings, said):
    with pytest.raises(StudyError, match=said):
        probe(tmp_path, lines, **settings).questions(ListedCorpus())


def test_the_words_of_a_column_are_drawn_and_grouped_by_document(tmp_path):
    for name in ("x-train", "x-dev", "x-test"):
        (tmp_path / f"{name}.conllu").write_text("".join(conllu(f"{name}-{i}-1", f"{name[2:]}s") for i in range(20)))
    task = ColumnProbe(data=str(tmp_path), description="", source="", regimen=regimen(), column="upos", most=30)
    questions = task.questions(ListedCorpus())
    assert questions.items["split"].value_counts().to_dict() == {"training": 30, "development": 30, "test": 30}
    assert questions.items["item"].is_unique
    assert questions.items["group"].str.fullmatch(r"x-(train|dev|test)-[0-9]+").all()
    assert questions.items["gold"].isin(["NOUN", "VERB", "DET"]).all()


def test_a_sentence_in_two_splits_counts_in_the_first_of_them(tmp_path):
    for name in ("x-train", "x-dev", "x-test"):
        own = [conllu(f"{name}-{i}-1", f"{name[2:]}s") for i in range(9)]
        (tmp_path / f"{name}.conllu").write_text("".join([conllu(f"{name}-9-1", "ships"), *own]))
    task = ColumnProbe(data=str(tmp_path), description="", source="", regimen=regimen(), column="upos", most=100)
    questions = task.questions(ListedCorpus())
    of = {split: {" ".join(questions.sentences[n]) for n in part["place"]} for split, part in questions.items.groupby("split")}
    assert "The ships left" in of["training"]
    assert "The ships left" not in of["development"] | of["test"]
