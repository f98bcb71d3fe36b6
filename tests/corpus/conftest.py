import pytest

from study.contracts import Moment
from study.corpus import EncodedCorpus, File, PartsSettings, VocabularySettings, encode, split_text


@pytest.fixture
def file_source():
    """Make a File source of a path, with any setting changed."""

    def make(path, **changed):
        settings = {
            "name": "mine",
            "path": str(path),
            "words": "unicode",
            "field": "text",
            "wrapped": False,
            "description": "",
            "source": "",
            "licence": "",
        }
        return File(**{**settings, **changed})

    return make


@pytest.fixture
def moments():
    """The moments that `encoded` observed."""
    seen: list[Moment] = []
    return seen


@pytest.fixture
def encoded(tmp_path, file_source, moments):
    """Split and encode a text and open the corpus."""

    def make(text, *, words="unicode", vocabulary=None, parts=None):
        path, split, folder = tmp_path / "text.txt", tmp_path / "split", tmp_path / "corpus"
        path.write_text(text, encoding="utf-8")
        split.mkdir()
        folder.mkdir()
        split_text(file_source(path, words=words), split, moments.append)
        encode(
            split,
            folder,
            VocabularySettings(**{"minimum_count": 1, "maximum_size": 1000, "case": "fold", **(vocabulary or {})}),
            PartsSettings(**{"development": 0.05, "test": None, "seed": 0, **(parts or {})}),
            moments.append,
        )
        return EncodedCorpus.open(folder, split, name="mine", digest="0")

    return make
