"""The probing tasks of SentEval, from their original files.

A file has a line ``tr TAB label TAB sentence`` for each sentence; ``tr``, ``va`` and ``te`` are training, validation and test.
Columns between label and sentence are passed over. The words of the sentence are separated by spaces, and split again by the
corpus's rule.

References
----------
Conneau, Kruszewski, Lample, Barrault and Baroni (2018), What you can cram into a single vector, doi:10.18653/v1/P18-1198.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from study.contracts import Corpus, NotAskableError, Questions, StudyError
from study.evaluation.data import fetching, table
from study.evaluation.probing.probe import LabelProbe

SPLIT_OF = {"tr": "training", "va": "development", "te": "test"}


@dataclass(frozen=True, kw_only=True)
class SentEval(LabelProbe):
    """Ask for the label of whole sentences, drawn from one of the original files.

    Parameters
    ----------
    data : str
        The file.
    address : str
        From which it is fetched where it is missing.
    training, development, test : int
        Sentences at most in each split.
    """

    data: str = field(metadata={"resource": True})
    address: str = field(metadata={"resource": True})
    training: int
    development: int
    test: int

    def questions(self, corpus: Corpus) -> Questions:
        """Draw distinct sentences of each split; one that an earlier split has is not drawn again.

        Raises
        ------
        StudyError
            Where the file is missing and cannot be fetched; for a bad line, with its number.
        NotAskableError
            Where no training or no test sentence is left.
        """
        path = fetching.located(self.data, self.source, address=self.address, digest=None)
        found: dict[str, list[tuple[int, str, str]]] = {split: [] for split in table.SPLITS}
        for number, line in table.lines(path):
            cells = line.split("\t")
            if len(cells) < 3 or cells[0] not in SPLIT_OF:
                raise StudyError(f"{path}:{number}: expected 'tr', 'va' or 'te' TAB label TAB sentence, found: {line[:80]}")
            found[SPLIT_OF[cells[0]]].append((number, cells[1], cells[-1]))
        rows: list[tuple[str, str, str, str]] = []
        sentences: list[list[str]] = []
        seen: set[tuple[str, ...]] = set()
        dropped: Counter[str] = Counter()
        for at, (split, lines) in enumerate(found.items()):
            enough = len(rows) + getattr(self, split)
            for index in np.random.default_rng((self.regimen.seed, at)).permutation(len(lines)):
                if len(rows) >= enough:
                    break
                number, label, text = lines[index]
                words = [token.word for token in corpus.words(text)]
                key = tuple(word.lower() for word in words)
                if len(words) < 2 or key in seen:
                    dropped["sentence of fewer than two words, or drawn before"] += 1
                    continue
                seen.add(key)
                rows.append((f"{path.stem}-{number:06d}", f"line {number}", split, label))
                sentences.append(words)
        items = pd.DataFrame(rows, columns=["item", "group", "split", "gold"]).assign(place=np.arange(len(rows)))
        if not {"training", "test"} <= set(items["split"]):
            raise NotAskableError(f"{path}: needs training and test sentences, found {dict(Counter(items['split']))}")
        places = np.array([(number, 0, len(words)) for number, words in enumerate(sentences)], dtype=np.int64)
        return Questions("sentence", sentences, places, items, dict(dropped), f"{items['gold'].nunique()} classes")
