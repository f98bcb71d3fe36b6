import pytest

from study.contracts import StudyError
from study.evaluation.data.columns import read


def test_columns_are_taken_by_number_or_by_the_names_of_a_header(tmp_path):
    path = tmp_path / "file.csv"
    path.write_text("# comment\none, two,three\n\n1,2 ,3\n")
    (row,) = read(path, {"b": "three", "a": "two"}, "comma")
    assert (row.line, row.where, row.cells) == (4, f"{path}:4", {"b": "3", "a": "2"})
    assert [row.cells["a"] for row in read(path, {"a": 2}, "comma")] == ["two", "2"]


def test_faults_are_named(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("one two\n1 2\n")
    with pytest.raises(StudyError, match=f"{path}:1: expected a header with the column 'three', found \\['one', 'two'\\]"):
        read(path, {"a": "three"}, "space")
    with pytest.raises(StudyError, match=f"{path}:1: expected at least 3 columns set apart by spaces, found: one two"):
        read(path, {"a": 3}, "space")
    with pytest.raises(StudyError, match="columns all named or all numbered"):
        read(path, {"a": 1, "b": "two"}, "space")
