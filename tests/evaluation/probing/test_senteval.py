import pytest
import yaml

from study import paths
from study.contracts import StudyError
from study.evaluation import SentEval
from tests.evaluation.listed_corpus import ListedCorpus, assert_recomputable, random_vectors, regimen

LINES = [
    f"{split}\t{label}\tThe {'cat' if label == 'NN' else 'cats'} number {split}{chr(97 + n % 26)}{chr(97 + n // 26)} slept ."
    for split, count in (("tr", 60), ("va", 20), ("te", 30))
    for n in range(count)
    for label in ("NN", "NNS")
]
SETTINGS = {"address": "http://127.0.0.1:9/one.txt", "regimen": regimen(), "description": "", "source": "https://here"}


@pytest.fixture
def task(tmp_path):
    def make(lines=LINES, **settings) -> SentEval:
        path = tmp_path / "subj_number.txt"
        path.write_text("\n".join(lines) + "\n")
        return SentEval(data=str(path), **{"training": 50, "development": 20, "test": 1000, **SETTINGS, **settings})

    return make


def test_sentences_of_each_partition_are_drawn(task):
    questions = task().questions(ListedCorpus())
    assert questions.items["split"].value_counts().to_dict() == {"test": 60, "training": 50, "development": 20}
    short = {"training": "tr", "development": "va", "test": "te"}
    for words, (split, label) in zip(questions.sentences, questions.items[["split", "gold"]].to_numpy(), strict=True):
        assert words[3].startswith(short[split])
        assert words[1] == ("cat" if label == "NN" else "cats")
        assert "." not in words
    assert questions.level == "sentence"
    assert_recomputable(task().score(questions, {"word": random_vectors(questions)}))


def test_a_sentence_that_an_earlier_partition_has_is_not_drawn_again(task):
    lines = [*LINES, *(line.replace("tr\t", "te\t", 1) for line in LINES[:10])]
    questions = task(lines, training=1000).questions(ListedCorpus())
    assert questions.items["split"].value_counts()["test"] == 60
    assert sum(questions.dropped.values()) == 10


def test_columns_between_label_and_sentence_are_passed_over(task):
    questions = task([line.replace("\tThe", "\tmore\tThe") for line in LINES]).questions(ListedCorpus())
    assert {words[0] for words in questions.sentences} == {"The"}


@pytest.mark.parametrize("line", ["xx\tNN\tA cat slept .", "tr\tNN A cat slept ."])
def test_a_bad_line_is_named(task, line):
    with pytest.raises(StudyError, match=r"subj_number.txt:3: expected 'tr', 'va' or 'te'"):
        task([*LINES[:2], line]).questions(ListedCorpus())


def test_a_missing_file_is_told_with_its_address(tmp_path, monkeypatch):
    monkeypatch.setenv("STUDY_DATA", str(tmp_path))
    task = SentEval(data="probing/senteval/one.txt", training=1, development=1, test=1, **SETTINGS)
    with pytest.raises(StudyError, match=r"one.txt: missing, and not fetched from http://127.0.0.1:9/one.txt"):
        task.questions(ListedCorpus())


def test_all_ten_tasks_are_there():
    options = sorted((paths.tasks() / "probing").glob("senteval_*.yaml"))
    assert len(options) == 10
    for option in options:
        settings = yaml.safe_load(option.read_text(encoding="utf-8"))
        name = option.stem.removeprefix("senteval_")
        assert settings["data"] == f"probing/senteval/{name}.txt"
        assert settings["address"].startswith("https://raw.githubusercontent.com/facebookresearch/SentEval/")
        assert settings["address"].endswith(f"/data/probing/{name}.txt")
