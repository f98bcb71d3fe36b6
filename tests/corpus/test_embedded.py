from study.corpus import Embedded, Speeches
from study.corpus.wikipedia import sample

LABELS = {"words": "unicode", "description": "", "source": "", "licence": ""}


def test_each_speech_is_a_document():
    source = Speeches(name="speeches", **LABELS)
    documents = list(source.documents())
    assert len(documents) == len(source.files()) > 240
    assert documents[0].name == "1790-Washington-1"
    assert documents[0].text.startswith("Fellow-Citizens of the Senate")
    assert documents[-1].position == sum(path.stat().st_size for path in source.files())


def test_speeches_of_one_year_and_president_belong_together():
    groups = {document.name: document.belongs for document in Speeches(name="speeches", **LABELS).documents()}
    assert groups["1945-Roosevelt-1"] == groups["1945-Roosevelt-2"]
    assert groups["1953-Truman-1"] != groups["1953-Eisenhower-1"]
    assert groups["1790-Washington-1"] != groups["1791-Washington-1"]


def test_the_default_is_the_articles_and_then_the_speeches():
    source = Embedded(name="embedded", **LABELS)
    assert source.files()[0] == sample()
    documents = list(source.documents())
    names = [document.name for document in documents]
    assert names.index("Anarchism") == 0
    assert names.index("1790-Washington-1") == 106
    positions = [document.position for document in documents]
    assert positions == sorted(positions)
    assert positions[-1] == sum(path.stat().st_size for path in source.files())
