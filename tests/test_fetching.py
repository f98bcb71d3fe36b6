import pytest

from study.contracts import StudyError
from study.fetching import fetched


def test_a_file_that_is_there_is_not_fetched(tmp_path):
    (tmp_path / "a.txt").write_text("here")
    assert fetched(tmp_path / "a.txt", "http://127.0.0.1:9/a.txt", None) == tmp_path / "a.txt"


def test_without_a_network_the_error_names_file_place_and_command(tmp_path):
    path = tmp_path / "corpus" / "a.txt"
    with pytest.raises(StudyError) as caught:
        fetched(path, "http://127.0.0.1:9/a.txt", None)
    message = str(caught.value)
    assert f"{path}: missing" in message
    assert "set STUDY_DATA" in message
    assert f"curl -L --create-dirs -o '{path}' 'http://127.0.0.1:9/a.txt'" in message
