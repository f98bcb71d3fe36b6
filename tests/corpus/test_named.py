import gzip
import subprocess

import pytest

from study.contracts import StudyError
from study.corpus import Named
from study.corpus import named as module


def named(**changed):
    settings = {
        "name": "tiny",
        "dataset": "tiny",
        "words": "whitespace",
        "field": None,
        "words_per_sentence": 4,
        "sentences_per_document": 2,
        "description": "",
        "source": "",
        "licence": "",
    }
    return Named(**{**settings, **changed})


@pytest.fixture
def data(tmp_path, monkeypatch):
    """Put the set into gensim's own folder."""
    monkeypatch.setenv("GENSIM_DATA_DIR", str(tmp_path / "gensim-data"))
    monkeypatch.setenv("STUDY_DATA", str(tmp_path / "data"))

    def put(text):
        path = tmp_path / "gensim-data" / "tiny" / "tiny.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(text.encode()))
        return path

    return put


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_running_words_are_cut_into_sentences_and_documents(data, monkeypatch, size):
    monkeypatch.setattr(module, "READ_AT_ONCE", size)
    data(" " + " ".join(f"wörd{number}" for number in range(10)) + "\n")
    texts = [document.text for document in named().documents()]
    assert texts == ["wörd0 wörd1 wörd2 wörd3\nwörd4 wörd5 wörd6 wörd7", "wörd8 wörd9"]


def test_records_are_documents(data):
    path = data('{"data": "one post"}\n{"data": "another"}\n')
    assert [document.text for document in named(field="data").documents()] == ["one post", "another"]
    assert named().files() == [path]


def test_the_downloader_is_run_in_its_own_process_and_its_python_is_not(data, tmp_path, monkeypatch):
    called = []

    def run(command, **options):
        called.append((command[1:], options["env"]["GENSIM_DATA_DIR"]))
        return subprocess.CompletedProcess(command, 1, stderr="Traceback\nURLError: no network\n")

    monkeypatch.setattr(module.subprocess, "run", run)
    with pytest.raises(StudyError, match=r"tiny.gz: missing, .*URLError: no network.*--download tiny"):
        named().files()
    assert called == [(["-m", "gensim.downloader", "--download", "tiny"], str(tmp_path / "data" / "corpus" / "gensim"))]
