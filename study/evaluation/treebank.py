"""Part of speech, from a treebank in CoNLL-U, as a probe of words in their sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pooch

from study import paths
from study.contracts import Corpus, Questions, Span, StudyError
from study.evaluation import table
from study.evaluation.probing import LinearProbe


@dataclass(frozen=True, kw_only=True)
class PartOfSpeech(LinearProbe):
    """Ask for the universal part of speech of words; learnt, chosen and tested on the treebank's own splits.

    Parameters
    ----------
    data : str
        Folder of the treebank's files.
    files : mapping of str to str
        Split (training, development, test) -> file name in that folder.
    fetch : mapping of str to str
        File name -> address from which it is fetched where it is missing.
    digests : mapping of str to str
        File name -> ``sha256:…`` of a fetched file; a file without one is not checked.
    training, development, test : int
        Words at most in each split.
    per_sentence : int
        Words at most of one sentence.

    References
    ----------
    Silveira et al. (2014), A gold standard dependency corpus for English (LREC). De Marneffe, Manning, Nivre and Zeman (2021),
    Universal Dependencies, doi:10.1162/coli_a_00402.
    """

    data: str = field(metadata={"resource": True})
    files: Mapping[str, str]
    fetch: Mapping[str, str] = field(metadata={"resource": True})
    digests: Mapping[str, str] = field(metadata={"resource": True})
    training: int
    development: int
    test: int
    per_sentence: int

    def questions(self, corpus: Corpus) -> Questions:
        """Draw sentences and words of each split, and find the words among the corpus's.

        Raises
        ------
        StudyError
            Where a file is missing and cannot be fetched, or is not CoNLL-U.
        """
        folder = Path(self.data) if Path(self.data).is_dir() else paths.data() / self.data
        rng = np.random.default_rng(self.seed)
        sentences: list[list[str]] = []
        places: list[tuple[int, int, int]] = []
        rows: list[tuple[str, str, str, str]] = []
        dropped: Counter[str] = Counter()
        for split in table.SPLITS:
            wanted, found = getattr(self, split), 0
            treebank = list(read(self._file(folder, self.files[split])))
            for number in rng.permutation(len(treebank)):
                name, text, marked = treebank[number]
                words, spans, lost = _aligned(corpus, text, marked)
                dropped.update(lost)
                if len(words) < 2 or not spans:
                    continue
                for at in rng.permutation(len(spans))[: min(self.per_sentence, wanted - found)]:
                    span, tag = spans[at]
                    rows.append((f"{split}-{len(rows):05d}", name.rpartition("-")[0] or name, split, tag))
                    places.append((len(sentences), *span))
                    found += 1
                sentences.append(words)
                if found >= wanted:
                    break
        items = pd.DataFrame(rows, columns=["item", "group", "split", "gold"]).assign(place=np.arange(len(rows)))
        return Questions("target", sentences, np.array(places, dtype=np.int64).reshape(-1, 3), items, dict(dropped))

    def _file(self, folder: Path, name: str) -> Path:
        """Return a file of the treebank, fetched where it is missing."""
        path = folder / name
        if path.exists():
            return path
        address = self.fetch.get(name, self.source)
        try:
            pooch.retrieve(address, self.digests.get(name), fname=name, path=folder, progressbar=True)
        except Exception as fault:  # pooch hands on whatever its downloader raises
            raise StudyError(
                f"{path}: missing, and not fetched from {address} ({fault}). Without a network put the file there yourself, "
                f"or set STUDY_DATA to a folder that has it: curl --create-dirs -o '{path}' {address}"
            ) from fault
        return path


Marked = tuple[int, int, str]
"""Half-open characters of a word in its text, and its part of speech."""


def read(path: Path) -> Iterator[tuple[str, str, list[Marked]]]:
    """Yield name, text and marked words of each sentence of a CoNLL-U file; parts of a contraction are left out.

    Raises
    ------
    StudyError
        For a line that is not of ten columns, with file and line number.
    """
    name = text = ""
    marked: list[Marked] = []
    at, inside = 0, 0  # characters passed; last word of the contraction we are in
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("# sent_id = "):
            name = line.removeprefix("# sent_id = ")
        elif line.startswith("# text = "):
            text, marked, at, inside = line.removeprefix("# text = "), [], 0, 0
        elif not line and text:
            yield name, text, marked
            text = ""
        elif line and not line.startswith("#"):
            cells = line.split("\t")
            if len(cells) != 10:
                raise StudyError(f"{path}:{number}: expected the ten columns of CoNLL-U, found {len(cells)}")
            if "." in cells[0] or (cells[0].isdigit() and int(cells[0]) <= inside):
                continue
            start = text.find(cells[1], at)
            if "-" in cells[0]:
                inside = int(cells[0].partition("-")[2])
            elif start >= 0 and cells[3] not in ("PUNCT", "SYM"):
                marked.append((start, start + len(cells[1]), cells[3]))
            at = start + len(cells[1]) if start >= 0 else at
    if text:
        yield name, text, marked


def _aligned(corpus: Corpus, text: str, marked: Sequence[Marked]) -> tuple[list[str], list[tuple[Span, str]], Counter[str]]:
    """Return a sentence's words by the corpus's rule, the marked words found among them, and how many were not."""
    tokens = corpus.words(text)
    spans, lost = [], Counter[str]()
    for start, stop, tag in marked:
        span = table.span(tokens, start, stop)
        if span is None:
            lost["word does not align with the corpus's words"] += 1
        else:
            spans.append((span, tag))
    return [token.word for token in tokens], spans, lost
