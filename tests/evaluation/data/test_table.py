import os
from pathlib import Path

import pytest

from study.contracts import StudyError
from study.evaluation.data import table
from tests.evaluation.listed_corpus import ListedCorpus


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "task.tsv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_two_columns_need_no_header(tmp_path):
    rows = table.read(written(tmp_path, "He [did] it.\tyes\n\nHe did [not].\tno\n"))
    assert [(row.line, row.text, row.start, row.stop, row.label) for row in rows] == [
        (1, "He did it.", 3, 6, "yes"),
        (3, "He did not.", 7, 10, "no"),
    ]


def test_a_header_names_the_columns_in_any_order(tmp_path):
    rows = table.read(written(tmp_path, "sentence\tgroup\tlabel\tsplit\r\nA [b] c\tg\tx\ttest\r\nA [b] d\tg\ty\ttraining\r\n"))
    assert [(row.group, row.label, row.split) for row in rows] == [("g", "x", "test"), ("g", "y", "training")]


def test_a_file_without_brackets_asks_of_whole_sentences(tmp_path):
    rows = table.read(written(tmp_path, "It rains today.\tyes\nIt is dry.\tno\n"))
    questions = table.questions(rows, ListedCorpus(), name="rain")
    assert questions.level == "sentence"
    assert questions.places.tolist() == [[0, 0, 3], [1, 0, 3]]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("He [did] it.\tyes\nHe did it.\tno\n", 2, "one \\[bracketed\\] target"),
        ("He did it.\tyes\nHe [did] it.\tno\n", 2, "no \\[brackets\\]"),
        ("He [did] [it] [so].\tyes\n", 1, "exactly one"),
        ("He [did]{2} [it].\tyes\n", 1, "numbered"),
        ("He [did]{2} [it]{2}.\tyes\n", 1, "numbered"),
        ("He [did] it.\tyes\nHe [did] [it].\tno\n", 2, "one \\[bracketed\\] target, as"),
        ("[She] [did] it.\tyes\nHe [did] it.\tno\n", 2, "two \\[bracketed\\] targets"),
        ("word\tlabel\n[ship]\tyes\n", 2, "bare word"),
        ("word\tsentence\nship\tyes\n", 1, "header"),
        ("He [did it.\tyes\n", 1, "exactly one"),
        ("He [did] it.\n", 1, "2 columns"),
        ("He [did] it.\tyes\tg\n", 1, "first line that names them"),
        ("He [did] it.\t\n", 1, "'label' is empty"),
        ("sentence\tlabel\tsplit\nHe [did] it.\tyes\ttrain\n", 2, "found 'train'"),
        ("sentence\tlabels\nHe [did] it.\tyes\n", 1, "header"),
        (b"He [did] it.\tyes\nHe [d\xffd] it.\tno\n", 2, "UTF-8"),
    ],
)
def test_a_bad_line_is_named(tmp_path, text, line, said):
    path = written(tmp_path, text)
    with pytest.raises(StudyError, match=said) as caught:
        table.read(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")


def test_one_label_is_no_question(tmp_path):
    with pytest.raises(StudyError, match="at least two labels"):
        table.read(written(tmp_path, "He [did] it.\tyes\nHe [did] so.\tyes\n"))
    with pytest.raises(StudyError, match="empty"):
        table.read(written(tmp_path, "\n"))


def test_targets_are_carried_by_characters_and_lost_ones_counted(tmp_path):
    text = "The river [bank], was wet.\ta\nThe [river bank] was wet.\tb\nThe re[cord] broke.\ta\n[Stop]!\tb\n"
    questions = table.questions(table.read(written(tmp_path, text)), ListedCorpus(), name="x")
    assert questions.level == "target"
    assert questions.places.tolist() == [[0, 2, 3], [1, 1, 3]]
    assert questions.sentences[0] == ["The", "river", "bank", "was", "wet"]
    assert sorted(questions.dropped.values()) == [1, 1]
    assert questions.items["item"].is_unique


def test_missing_data_say_where_to_put_them_and_where_they_come_from(tmp_path, monkeypatch):
    monkeypatch.setenv("STUDY_DATA", str(tmp_path / "data"))
    with pytest.raises(StudyError, match=r"probing/gone\.tsv.*beside.*data.*https://here"):
        table.locate("probing/gone.tsv", "https://here")
    with pytest.raises(StudyError, match="gensim"):
        table.locate("gensim:gone.txt", "https://here")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "found.tsv").touch()
    assert table.locate("found.tsv", "") == tmp_path / "data" / "found.tsv"
    assert os.path.basename(table.locate("gensim:simlex999.txt", "")) == "simlex999.txt"  # noqa: PTH119


def test_a_pair_is_in_the_order_of_the_sentence_or_of_its_numbers(tmp_path):
    text = "The [old ship] left the [harbour].\ta\nThe [sails]{2} of the [ship]{1} were torn.\tb\nThe [x]y left [z].\ta\n"
    rows = table.read(written(tmp_path, text))
    assert [[row.text[slice(*span)] for span in row.targets] for row in rows[:2]] == [["old ship", "harbour"], ["ship", "sails"]]
    questions = table.questions(rows, ListedCorpus(), name="x")
    assert questions.level == "target"
    assert questions.places.tolist() == [[0, 1, 3], [1, 4, 5], [0, 5, 6], [1, 1, 2]]
    assert questions.items[["place", "other"]].to_numpy().tolist() == [[0, 2], [1, 3]]
    assert sum(questions.dropped.values()) == 1


def test_bare_words_need_their_header_and_are_their_own_group(tmp_path):
    rows = table.read(written(tmp_path, "word\tlabel\nship\tyes\nice cream\tno\n?\tno\n"))
    questions = table.questions(rows, ListedCorpus(), name="x")
    assert questions.level == "word"
    assert questions.sentences == [["ship"], ["ice", "cream"]]
    assert questions.places.tolist() == [[0, 0, 1], [1, 0, 2]]
    assert questions.items["group"].tolist() == ["ship", "ice cream"]
