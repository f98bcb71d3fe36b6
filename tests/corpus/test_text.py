import gzip
import json
import os
from dataclasses import fields

import pytest

from study import paths
from study.contracts import StudyError
from study.corpus import Embedded, File, Named, Speeches, Wikimedia, WikipediaSample
from study.corpus import text as module


def texts(source):
    return [document.text for document in source.documents()]


def test_blank_lines_separate_documents_wherever_the_reading_is_cut(tmp_path, file_source, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeffone\ntwo\r\n\r\n \r\nthrée ☃\n\n\n\nfour\n".encode())
    for size in (1, 2, 3, 5, 1000):
        monkeypatch.setattr(module, "READ_AT_ONCE", size)
        assert texts(file_source(path)) == ["one\ntwo", "thrée ☃", "four"]


def test_a_text_without_blank_lines_is_cut_at_line_ends(tmp_path, file_source, monkeypatch):
    monkeypatch.setattr(module, "LONGEST_DOCUMENT", 50)
    monkeypatch.setattr(module, "READ_AT_ONCE", 20)
    path = tmp_path / "a.txt"
    lines = [f"sentence number {number}" for number in range(100)]
    path.write_text("\n".join(lines))
    found = texts(file_source(path))
    assert max(map(len, found)) < 100
    assert [line for text in found for line in text.split("\n") if line] == lines


def test_wrapped_lines_are_joined(tmp_path, file_source):
    path = tmp_path / "a.txt"
    path.write_text("It was the\nbest of times.\n\nIt was")
    assert texts(file_source(path, wrapped=True)) == ["It was the best of times.", "It was"]


def test_folders_and_patterns_give_their_texts_in_order(tmp_path, file_source, monkeypatch):
    (tmp_path / "in").mkdir()
    (tmp_path / "b.txt").write_text("bee")
    (tmp_path / "in" / "a.jsonl.gz").write_bytes(gzip.compress(b'{"text": "ay"}\n\n{"text": "ay too"}'))
    (tmp_path / "c.pdf").write_text("no")
    (tmp_path / ".hidden.txt").write_text("no")
    assert texts(file_source(tmp_path)) == ["bee", "ay", "ay too"]
    assert texts(file_source(tmp_path / "**" / "*.gz")) == ["ay", "ay too"]
    monkeypatch.chdir(tmp_path)
    assert texts(file_source("*.txt")) == ["bee"]
    monkeypatch.chdir("/")
    monkeypatch.setenv("STUDY_DATA", str(tmp_path))
    assert texts(file_source("b.txt")) == ["bee"]
    positions = [document.position for document in file_source(tmp_path).documents()]
    assert positions == sorted(positions)
    assert positions[-1] == sum(path.stat().st_size for path in file_source(tmp_path).files())


def test_a_missing_path_says_where_it_was_looked_for(tmp_path, file_source):
    with pytest.raises(StudyError, match=r"corpus.path: no text found at 'nowhere/\*.txt'") as caught:
        file_source("nowhere/*.txt").files()
    assert str(paths.data()) in str(caught.value)


def test_stray_bytes_are_replaced_and_counted(tmp_path, file_source):
    path = tmp_path / "a.txt"
    path.write_bytes(b"good text \xff\xfe here. " * 1 + b"fine words. " * 100 + b"\n\n" + b"more fine words " * 30 + b"\xe2")
    documents = list(file_source(path).documents())
    assert [document.undecodable for document in documents] == [2, 1]
    assert documents[0].text.startswith("good text \ufffd\ufffd here")


@pytest.mark.parametrize(
    "content",
    [
        os.urandom(100_000),
        "Grüße aus Köln, schöne Straße".encode("latin1"),
        "text in sixteen bits".encode("utf-16"),
        b"a\0b\0" * 100,
    ],
    ids=["random", "latin1", "utf-16", "zeros"],
)
@pytest.mark.parametrize("name", ["a.txt", "a.bin", "a.jsonl"])
def test_what_is_not_text_is_refused_by_name(tmp_path, file_source, content, name):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(StudyError, match=f"{name}: not a text in UTF-8"):
        texts(file_source(path))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"text": ', r"a.jsonl:3: expected a JSON object"),
        ('{"body": "x", "id": 1}', r"a.jsonl:3: expected a text under the key 'text', found body, id; set corpus.field"),
        ('{"text": 5}', r"a.jsonl:3: expected a text"),
        ("[1]", r"a.jsonl:3: expected a text under the key 'text', found list"),
    ],
)
def test_a_bad_record_is_named_by_file_and_line(tmp_path, file_source, line, message):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "fine"}\n\n' + line + "\n")
    with pytest.raises(StudyError, match=message):
        texts(file_source(path))


def test_records_may_hold_anything_json_can(tmp_path, file_source):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"body": "née ☃\nline"}) + '\n{"body": "half \\ud83d pair"}')
    assert texts(file_source(path, field="body")) == ["née ☃\nline", "half \ufffd pair"]


@pytest.mark.parametrize("source", [File, Named, Wikimedia, WikipediaSample, Speeches, Embedded])
def test_only_the_rule_of_what_describes_a_source_decides_its_text(source):
    resources = {field.name for field in fields(source) if field.metadata.get("resource")}
    assert {"name", "description", "source", "licence"} <= resources
    assert "words" not in resources
