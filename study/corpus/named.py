"""Sets of text that gensim's downloader knows by name."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from study import paths
from study.contracts import StudyError
from study.corpus.compression import READ_AT_ONCE, open_file
from study.corpus.text import Decoder, Described, Document, json_documents

_LAST_SPACE = re.compile(r"\s(?=\S*\Z)")


@dataclass(frozen=True, kw_only=True)
class Named(Described):
    """A set of gensim's downloader: JSON records, or running words without sentences and documents.

    It is looked for in gensim's own folder (``GENSIM_DATA_DIR``, else ``~/gensim-data``) and in the data folder, and downloaded
    to the latter. Only its data file is read; the Python file that comes with it is not run.

    Parameters
    ----------
    dataset : str
        The downloader's name for it.
    field : str or None
        The key of the text in a JSON record; None where the set is running words.
    words_per_sentence : int
        Running words are cut into sentences of so many words.
    sentences_per_document : int
        Sentences of running words that make a document, the unit of which the parts are made.
    name, words, description, source, licence : str
        As in ``Described``.
    """

    dataset: str
    field: str | None
    words_per_sentence: int
    sentences_per_document: int

    def files(self) -> list[Path]:
        """Return the data file, downloading it if need be.

        Raises
        ------
        StudyError
            If it can neither be found nor downloaded.
        """
        downloads = paths.data() / "corpus" / "gensim"
        own = Path(os.environ.get("GENSIM_DATA_DIR") or Path.home() / "gensim-data")
        candidates = [folder / self.dataset / f"{self.dataset}.gz" for folder in (own, downloads)]
        if not any(path.is_file() for path in candidates):
            self._download(downloads, candidates[-1])
        return [next(path for path in candidates if path.is_file())]

    def documents(self) -> Iterator[Document]:
        """Yield a document per record, or per ``sentences_per_document`` sentences of running words."""
        for path in self.files():
            yield from json_documents(path, self.field) if self.field else self._running_words(path)

    def _running_words(self, path: Path) -> Iterator[Document]:
        decoder = Decoder(path)
        size = self.words_per_sentence * self.sentences_per_document
        words: list[str] = []
        rest, number = "", 0
        with open_file(path) as file:
            while raw := file.stream.read(READ_AT_ONCE):
                text = rest + decoder.decode(raw)
                cut = _LAST_SPACE.search(text)
                rest = text[cut.start() :] if cut else text
                words += text[: cut.start()].split() if cut else []
                while len(words) >= size:
                    yield Document(f"{path.name}:{number}", self._cut(words[:size]), file.position)
                    words, number = words[size:], number + 1
            words += (rest + decoder.decode(b"", final=True)).split()
            decoder.check()
            yield Document(f"{path.name}:{number}", self._cut(words), file.position, decoder.undecodable)

    def _cut(self, words: list[str]) -> str:
        """Return words as sentences, a line each."""
        step = self.words_per_sentence
        return "\n".join(" ".join(words[start : start + step]) for start in range(0, len(words), step))

    def _download(self, folder: Path, path: Path) -> None:
        """Have gensim's downloader fetch the set; in a process of its own, because its folder is fixed when it is imported."""
        print(f"downloading {self.dataset} to {folder}", file=sys.stderr, flush=True)
        done = subprocess.run(
            [sys.executable, "-m", "gensim.downloader", "--download", self.dataset],
            env={**os.environ, "GENSIM_DATA_DIR": str(folder)},
            stdout=sys.stderr,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if not path.is_file():
            reason = (done.stderr.strip().splitlines() or ["it brought no such file"])[-1]
            raise StudyError(
                f"{path}: missing, and gensim's downloader could not fetch {self.dataset!r} ({reason[:200]}); put it there,"
                f" or run with a network: GENSIM_DATA_DIR='{folder}' python -m gensim.downloader --download {self.dataset}"
            )
