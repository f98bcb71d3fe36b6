"""Where word vectors are found and in which format they are, told from their content.

A path is a file, a folder with a ``.npy`` file and its words, or the name of an installed package that ships such a pair (found
through the package's list of files; nothing of it is imported).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from study import paths
from study.contracts import StudyError
from study.corpus.compression import open_file
from study.model.rows import Rows, array_rows, binary_rows, columns, header, text_rows

Format = Literal["auto", "word2vec", "binary", "glove", "npy", "package"]
"""``word2vec`` is text whose first line tells its size, as fastText's ``.vec`` does; ``binary`` is word2vec's own."""

WORD_LISTS = ("words.txt", "vocab.txt")
LOOKED_AT = 1 << 16
"""Bytes at the beginning of a file by which its format is told."""
REFUSED = {
    rb"\x80[\x02-\x05]": "a pickle, as gensim's .model and .kv files are, and reading one runs whatever code it holds. If you"
    " trust it, load it in gensim, write it with save_word2vec_format, and name that file",
    rb"\xba\x16\x4f\x2f": "a model in fastText's own format; name the .vec file that comes with it",
    rb"PK\x03\x04": "a zip archive; unpack it and name the file of vectors",
    rb"\x1f\x8b": "compressed by gzip; give it a name that ends in .gz",
    rb"\x89HDF": "an HDF5 file; write its vectors as .npy with the words beside it",
}
"""What a file that is no word vectors begins with -> what it is and what to do."""


@dataclass(frozen=True)
class VectorFiles:
    """Word vectors on disk: their format, and the words' file where they have one of their own."""

    format: Format
    vectors: Path
    words: Path | None = None

    def files(self) -> Mapping[str, Path]:
        """Return the files by what they hold."""
        return {"vectors": self.vectors} | ({"words": self.words} if self.words else {})

    def rows(self) -> Iterator[Rows]:
        """Read words and vectors; see ``study.model.rows``."""
        if self.words is not None:
            return array_rows(self.vectors, self.words)
        if self.format == "binary":
            return binary_rows(self.vectors)
        return text_rows(self.vectors, headed=self.format == "word2vec")


def find(path: str, format: Format) -> VectorFiles:
    """Find word vectors and tell their format.

    Parameters
    ----------
    path : str
        A file or folder, also below the data folder, or the name of an installed package.
    format : Format
        ``auto`` tells it from the content.

    Raises
    ------
    StudyError
        Where nothing is found, or what is found holds no word vectors that can be read without running code.
    """
    candidates = [] if format == "package" else [Path(path).expanduser(), paths.data() / path]
    found = next((candidate for candidate in candidates if candidate.exists()), None)
    if found is None:
        return _packaged(path)
    if found.is_dir():
        return _in_folder(found)
    told = _told(found)
    chosen = told if format == "auto" else format
    return VectorFiles("npy", found, _word_list(found)) if chosen == "npy" else VectorFiles(chosen, found)


def _told(path: Path) -> Format:
    """Tell the format of a file from its beginning."""
    with open_file(path) as file:
        beginning = file.stream.read(LOOKED_AT)
    if not beginning:
        raise StudyError(f"{path}: the file is empty; expected word vectors")
    for mark, told in REFUSED.items():
        if re.match(mark, beginning):
            raise StudyError(f"{path}: this is {told}.")
    if beginning.startswith(b"\x93NUMPY"):
        return "npy"
    first, _, rest = beginning.partition(b"\n")
    promised = header(first.removeprefix(b"\xef\xbb\xbf"))
    if promised is None:
        return "glove"
    second = rest.partition(b"\n")[0]
    return "word2vec" if columns(second) == promised[1] or not _has_control_characters(rest) else "binary"


def _has_control_characters(text: bytes) -> bool:
    return re.search(rb"[\x00-\x08\x0e-\x1b]", text) is not None


def _in_folder(folder: Path) -> VectorFiles:
    """Return the only ``.npy`` file of a folder, with its words."""
    arrays = sorted(folder.glob("*.npy"))
    if len(arrays) != 1:
        names = ", ".join(path.name for path in arrays) or "none"
        raise StudyError(f"{folder}: expected one .npy file of vectors in this folder, found {names}. Name the file itself.")
    return VectorFiles("npy", arrays[0], _word_list(arrays[0]))


def _word_list(vectors: Path) -> Path:
    candidates = [vectors.with_suffix(".txt"), *(vectors.with_name(name) for name in WORD_LISTS)]
    found = next((path for path in candidates if path.is_file()), None)
    if found is None:
        names = ", ".join(path.name for path in candidates)
        raise StudyError(f"{vectors}: its words are missing; expected a file with one word a line beside it, one of {names}")
    return found


def _packaged(name: str) -> VectorFiles:
    """Return the ``.npy`` file and the Parquet file with its words that an installed package ships."""
    try:
        listed = metadata.files(name) if re.fullmatch(r"\w[\w.-]*", name) else None
    except metadata.PackageNotFoundError:
        listed = None
    if listed is None:
        raise StudyError(
            f"{name}: no such file or folder, here or under {paths.data()}, and no installed package of that name. Expected word"
            " vectors: word2vec text or binary, GloVe text, fastText .vec, a .npy file with words.txt beside it, or a package."
        )
    shipped = {ending: [file for file in listed if file.suffix == ending] for ending in (".npy", ".parquet")}
    if any(len(files) != 1 for files in shipped.values()):
        raise StudyError(f"{name}: expected a package with one .npy file of vectors and one .parquet file of their words")
    vectors, words = (Path(str(files[0].locate())) for files in shipped.values())
    for path in (vectors, words):
        if not path.is_file():
            raise StudyError(f"{path}: missing, though the installed package {name} lists it; install the package again")
    return VectorFiles("package", vectors, words)
