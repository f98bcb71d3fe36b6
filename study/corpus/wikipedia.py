"""Wikipedia articles: the sample that gensim carries, and whole dumps of Wikimedia."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

from study import paths
from study.contracts import StudyError
from study.corpus.compression import OpenFile, open_file
from study.corpus.text import Described, Document, plain_documents
from study.corpus.wikitext import MEDIA_AND_CATEGORIES, paragraphs
from study.fetching import fetched

SAMPLE = "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"


@dataclass(frozen=True, kw_only=True)
class WikipediaSample(Described):
    """106 whole articles of the English Wikipedia of 2016 that gensim's wheel carries.

    Parameters
    ----------
    name, words, description, source, licence : str
        As in ``Described``.
    """

    def files(self) -> list[Path]:
        """Return the file within gensim."""
        return [sample()]

    def documents(self) -> Iterator[Document]:
        """Yield the articles, redirects left out."""
        yield from articles(sample())


@dataclass(frozen=True, kw_only=True)
class Wikimedia(Described):
    """A whole wiki: a dump of Wikimedia, or articles as plain text.

    Parameters
    ----------
    path : str
        A dump (``.xml``, ``.xml.bz2`` …), or a text with a paragraph a line and a blank line between articles; from the working
        directory or else from the data folder.
    address : str
        The dump that is fetched into the data folder, to ``corpus/NAME/``, where ``path`` is not found. Upstream replaces it
        every month, so that no digest can be declared.
    name, words, description, source, licence : str
        As in ``Described``.
    """

    path: str = field(metadata={"resource": True})
    address: str = field(metadata={"resource": True})

    def files(self) -> list[Path]:
        """Return the dump or the text, fetching a dump if need be."""
        for start in (Path.cwd(), paths.data()):
            path = start / Path(self.path).expanduser()
            if path.is_file():
                return [path]
        path = paths.data() / "corpus" / self.name / self.address.rpartition("/")[2]
        return [fetched(path, self.address, None)]

    def documents(self) -> Iterator[Document]:
        """Yield the articles."""
        for path in self.files():
            if ".xml" in path.suffixes:
                yield from articles(path)
            else:
                yield from plain_documents(path)


def sample() -> Path:
    """Return the dump of 106 articles that gensim's wheel carries.

    Raises
    ------
    StudyError
        If this gensim does not carry it.
    """
    package = find_spec("gensim")  # Importing gensim takes seconds and is not needed to find its folder.
    path = Path(package.origin or "").parent / "test" / "test_data" / SAMPLE if package else Path(SAMPLE)
    if not path.is_file():
        raise StudyError(f"{path}: missing; expected in gensim's wheel, install it again (pip install --force-reinstall gensim)")
    return path


def articles(path: Path) -> Iterator[Document]:
    """Yield the articles of a dump as clean paragraphs, a line each; redirects and other namespaces are left out.

    Raises
    ------
    StudyError
        If the file is damaged or no dump.
    """
    with open_file(path) as file:
        try:
            yield from _pages(file)
        except ElementTree.ParseError as fault:
            raise StudyError(f"{path}: expected a dump of Wikimedia in XML, found an error: {fault}; fetch it again") from fault


def _pages(file: OpenFile) -> Iterator[Document]:
    """Read a dump page by page; each is forgotten once it is read, so that memory stays flat."""
    dropped = set(MEDIA_AND_CATEGORIES)
    root: ElementTree.Element | None = None
    for event, element in ElementTree.iterparse(file.stream, events=("start", "end")):
        if root is None:
            root = element
        if event == "start":
            continue
        kind = element.tag.rpartition("}")[2]
        if kind == "namespace" and element.get("key") in ("6", "14"):
            dropped.add((element.text or "").lower())
        elif kind == "page":
            page = {child.tag.rpartition("}")[2]: child for child in element.iter()}
            if page["ns"].text == "0" and "redirect" not in page:
                text = "\n".join(paragraphs(page["text"].text or "", dropped))
                yield Document(page["title"].text or "", text, file.position)
            root.clear()
