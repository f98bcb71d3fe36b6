import json

import pytest

from study.contracts import StudyError
from study.evaluation.data import edges, table
from tests.evaluation.listed_corpus import ListedCorpus


def written(folder, *lines):
    path = folder / "edges.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    return path


def targets(*spans, **keys):
    return {"text": "The old ship left the harbour .", "targets": [{**span, "label": "x"} for span in spans], **keys}


def test_spans_are_half_open_and_count_tokens(tmp_path):
    pair = {"span1": [1, 3], "span2": [5, 6]}
    rows = edges.read(written(tmp_path, targets(pair, {"span1": [3, 4], "span2": [5, 6]}, group="doc", info={"x": 1})))
    assert [[row.text[slice(*span)] for span in row.targets] for row in rows] == [["old ship", "harbour"], ["left", "harbour"]]
    assert {(row.line, row.group, row.split) for row in rows} == {(1, "doc", None)}
    questions = table.questions(rows, ListedCorpus(), name="edges")
    assert questions.items["item"].tolist() == ["doc-0001", "doc-0001.2"]
    assert questions.places.tolist() == [[0, 1, 3], [1, 3, 4], [0, 5, 6], [1, 5, 6]]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "a line of JSON"),
        ('["text"]', "expected"),
        ({"text": "a b"}, "expected"),
        (targets({"span1": [2, 2]}), "half-open"),
        (targets({"span1": [5, 8]}), "within the 7 tokens"),
        (targets({"span1": [1]}), "first token"),
        (targets({"span1": [1, 2], "span2": "x"}), "'span2'"),
        (targets({"span1": [1, 2], "span2": [3, 4]}), "no 'span2'"),
        ({"text": "a b", "targets": [{"span1": [0, 1], "label": ["x", "y"]}]}, "one 'label'"),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, said):
    path = written(tmp_path, targets({"span1": [1, 2]}), line)
    with pytest.raises(StudyError, match=said) as caught:
        edges.read(path)
    assert str(caught.value).startswith(f"{path}:2: ")
