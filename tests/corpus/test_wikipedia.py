import bz2
import re

import pytest

from study.contracts import StudyError
from study.corpus import Wikimedia, WikipediaSample

LABELS = {"words": "unicode", "description": "", "source": "", "licence": ""}
DUMP = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.10/"><siteinfo><namespaces>
<namespace key="6">Datei</namespace></namespaces></siteinfo>
<page><title>Ufer</title><ns>0</ns><revision>
<text>[[Datei:X.jpg|Ein Bild von vielen]]Das '''Ufer''' ist ein Rand &amp;amp; Saum.</text>
</revision></page>
<page><title>Rand</title><ns>0</ns><redirect title="Ufer" /><revision><text>#REDIRECT [[Ufer]]</text></revision></page>
<page><title>Diskussion:Ufer</title><ns>1</ns><revision><text>Das ist hier keine Seite.</text></revision></page>
<page><title>Leer</title><ns>0</ns><revision><text /></revision></page></mediawiki>"""


def dump(path):
    return Wikimedia(name="mywiki", path=str(path), address="https://example.org/mywiki.xml.bz2", **LABELS)


@pytest.fixture(scope="module")
def articles():
    return list(WikipediaSample(name="wikipedia_sample", **LABELS).documents())


def test_the_sample_is_106_articles_of_clean_paragraphs(articles):
    assert len(articles) == 106
    assert sum(len(article.text.split()) for article in articles) > 410_000
    text = "\n".join(article.text for article in articles)
    for rest in (
        "[[",
        "]]",
        "{{",
        "}}",
        "{|",
        "|}",
        "''",
        "==",
        "</",
        "http://",
        "&nbsp;",
        "Category:",
        "File:",
        "thumb|",
        "REDIRECT",
    ):
        assert rest not in text
    assert not re.search(r"^\s*[*#:;|!=]", text, re.M)
    assert len(re.findall(r"\|", text)) <= 2  # a quotation in the article on ASCII holds one


def test_the_sample_reads_as_sentences(articles):
    anarchism = next(article.text for article in articles if article.name == "Anarchism")
    assert anarchism.startswith(
        "Anarchism is a political philosophy that advocates self-governed societies based on voluntary institutions. These "
    )


@pytest.mark.parametrize("name", ["d.xml", "d.xml.bz2"])
def test_a_dump_gives_its_articles_without_redirects_and_talk(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(bz2.compress(DUMP.encode()) if name.endswith("bz2") else DUMP.encode())
    documents = list(dump(path).documents())
    assert [(document.name, document.text) for document in documents] == [("Ufer", "Das Ufer ist ein Rand & Saum."), ("Leer", "")]
    assert documents[-1].position == path.stat().st_size


def test_plain_text_is_taken_for_articles(tmp_path):
    path = tmp_path / "wiki.txt"
    path.write_text("one\n\ntwo")
    assert [document.text for document in dump(path).documents()] == ["one", "two"]


def test_a_broken_dump_is_refused_by_name(tmp_path):
    path = tmp_path / "d.xml"
    path.write_text(DUMP[:-100])
    with pytest.raises(StudyError, match=r"d.xml: expected a dump of Wikimedia"):
        list(dump(path).documents())


def test_what_is_missing_is_found_in_the_data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("STUDY_DATA", str(tmp_path))
    path = tmp_path / "corpus" / "mywiki" / "mywiki.xml.bz2"
    path.parent.mkdir(parents=True)
    path.write_bytes(bz2.compress(DUMP.encode()))
    assert dump("none.txt").files() == [path]
