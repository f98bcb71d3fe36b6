import json

import numpy as np
import pytest

from study.contracts import StudyError
from study.corpus import split_text
from study.corpus import stream as module
from study.corpus.stream import read_types


def split(source, folder, **options):
    folder.mkdir()
    moments = []
    return split_text(source, folder, moments.append, **options), moments


def read(folder, name):
    return np.load(folder / f"{name}.npy", allow_pickle=False).tolist()


def test_the_stream_holds_words_sentences_and_documents(tmp_path, file_source):
    path = tmp_path / "a.txt"
    path.write_text("The bank. The river bank.\n\n...\n\nThe end", encoding="utf-8")
    facts, moments = split(file_source(path), tmp_path / "out")
    types = read_types(tmp_path / "out")
    assert types == ["The", "bank", "river", "end"]
    assert [types[token] for token in read(tmp_path / "out", "tokens")] == ["The", "bank", "The", "river", "bank", "The", "end"]
    assert read(tmp_path / "out", "sentences") == [0, 2, 5, 7]
    assert read(tmp_path / "out", "documents") == [0, 2, 3]
    assert (tmp_path / "out" / "documents.txt").read_text().split("\n") == ["a.txt:0\t", "a.txt:2\t", ""]
    assert (facts["words"], facts["sentences"], facts["documents"], facts["types"]) == (7, 3, 2, 4)
    assert json.loads((tmp_path / "out" / "facts.json").read_text()) == facts
    assert (moments[-1].words_seen, moments[-1].total_words) == (7, 7)


def test_blocks_and_processes_do_not_change_the_stream(tmp_path, file_source, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("\n\n".join(f"Word{number % 17} and naïve {number}. And more’s!" for number in range(200)), encoding="utf-8")
    split(file_source(path), tmp_path / "whole")
    monkeypatch.setattr(module, "BLOCK", 100)
    _, moments = split(file_source(path), tmp_path / "cut", processes=2)
    for name in ("tokens.npy", "sentences.npy", "documents.npy", "types.txt", "documents.txt", "facts.json"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "cut" / name).read_bytes()
    seen = [moment.words_seen for moment in moments]
    assert len(seen) > 10
    assert seen == sorted(seen)


def test_what_describes_a_source_leaves_no_trace(tmp_path, file_source):
    path = tmp_path / "a.txt"
    path.write_text("The bank. The river bank.")
    split(file_source(path), tmp_path / "plain")
    described = {"name": "other", "description": "a text", "source": "https://example.org", "licence": "CC0"}
    split(file_source(path, **described), tmp_path / "described")
    for plain in (tmp_path / "plain").iterdir():
        assert plain.read_bytes() == (tmp_path / "described" / plain.name).read_bytes()


def test_replaced_bytes_are_noted(tmp_path, file_source):
    path = tmp_path / "a.txt"
    path.write_bytes(b"fine words " * 100 + b"\xff")
    facts, _ = split(file_source(path), tmp_path / "out")
    assert facts["undecodable_bytes"] == 1
    assert facts["notes"] == ["1 bytes of the corpus were no UTF-8 and were replaced by U+FFFD"]


@pytest.mark.parametrize("content", ["", " \n\n ... !\n"])
def test_a_text_without_words_is_refused(tmp_path, file_source, content):
    path = tmp_path / "empty.txt"
    path.write_text(content)
    with pytest.raises(StudyError, match=r"no words in .*empty.txt"):
        split(file_source(path), tmp_path / "out")


def test_an_unknown_rule_is_refused(tmp_path, file_source):
    path = tmp_path / "a.txt"
    path.write_text("words")
    with pytest.raises(StudyError, match=r"corpus.words"):
        split(file_source(path, words="spaces"), tmp_path / "out")
