"""An instrument that looks at attention: the maps of chosen sentences, and what every head does over many."""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from study.contracts import Moment, Observe, StudyError
from study.corpus import EncodedCorpus
from study.instrument.heads import head_table
from study.model.maps import Attends, AttentionMap

COLUMNS = (
    "sentence",
    "sentence_words",
    "kind",
    "layer",
    "head",
    "query_position",
    "query_word",
    "key_position",
    "key_word",
    "symbol",
    "target",
    "weight",
)
TARGET = re.compile(r"\[([^\[\]]+)\]")


@dataclass(frozen=True, kw_only=True)
class AttentionMaps:
    """Attention of sentences, by layer and head.

    A sentence is split by the corpus's own rule. One that is longer than a model's sequence is cut to its first words.

    Parameters
    ----------
    sentences : sequence of str
        Whose maps are kept; a word in [brackets] is marked as the one to look at.
    measured_sentences : int
        Sentences of the development part over which each head is measured, at most; 0 for none.
    measured_lengths : (int, int)
        Their fewest and most words.
    seed : int
        Of their choice, and of the draws of the bootstrap.
    """

    version: ClassVar[int] = 2

    sentences: Sequence[str]
    measured_sentences: int
    measured_lengths: Sequence[int]
    seed: int

    def fits(self, model: object) -> bool:
        """Say whether a trained model has attention to look at."""
        return isinstance(model, Attends) and model.attends()

    def measure(self, model: Attends, corpus: EncodedCorpus, observe: Observe) -> Mapping[str, pd.DataFrame]:
        """Look at the attention of a trained model.

        Returns
        -------
        mapping of str to DataFrame
            ``attention``, a row per weight: ``sentence``, from 1; ``sentence_words``, how many it has, be they read or not;
            ``kind``, ``self`` or ``cross``; ``layer``, ``head``, from 1; ``query_position``, ``query_word``, ``key_position``,
            ``key_word``: words and symbols as ``study.model.maps`` names them, and their positions, from 0, in what is read;
            ``symbol``, whether the key is one; ``target``, whether the query is the marked word; ``weight``, over the keys of a
            query with the sum 1.
            ``attention_heads``: see ``study.instrument.heads.head_table``.

        Raises
        ------
        StudyError
            Where a sentence has no words, or the settings do not fit together.
        """
        self._check()
        asked = [marked(text, corpus, number) for number, text in enumerate(self.sentences)]
        drawn = self._drawn(corpus)
        start, total, maps = time.perf_counter(), len(asked) + len(drawn), []
        for done, sentence in enumerate([*(words for words, _ in asked), *drawn], start=1):
            maps.append(model.attention_maps(sentence))
            observe(Moment(done, total, time.perf_counter() - start))
        tables = [
            weight_table(number, len(words), targets, one)
            for number, ((words, targets), found) in enumerate(zip(asked, maps, strict=False), start=1)
            for one in found
        ]
        weights = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(COLUMNS))
        measured = [one for found in maps[len(asked) :] for one in found]
        return {"attention": weights, "attention_heads": head_table(measured, self.seed)}

    def _check(self) -> None:
        lengths = list(self.measured_lengths)
        if len(lengths) != 2 or not 1 <= lengths[0] <= lengths[1]:
            raise StudyError(f"instruments.attention.measured_lengths: expected the fewest and the most words, found {lengths}.")
        if self.measured_sentences < 0 or isinstance(self.sentences, str):
            raise StudyError(
                "instruments.attention: sentences is a list, such as ['The [bank] lends money'], and measured_sentences a number "
                f"not below 0; found {self.sentences!r} and {self.measured_sentences}."
            )

    def _drawn(self, corpus: EncodedCorpus) -> list[Sequence[str]]:
        """Draw sentences of the development part."""
        sizes = np.diff(np.asarray(corpus.sentence_offsets("development")))
        fitting = np.flatnonzero((sizes >= self.measured_lengths[0]) & (sizes <= self.measured_lengths[1]))
        chosen = np.random.default_rng(self.seed).permutation(fitting)[: self.measured_sentences]
        if not len(chosen) and self.measured_sentences:
            least, most = self.measured_lengths
            warnings.warn(f"No sentence of {least} to {most} words in the development part: no head is measured.", stacklevel=2)
        return [corpus.sentence("development", int(number)) for number in np.sort(chosen)]


def marked(text: str, corpus: EncodedCorpus, number: int) -> tuple[list[str], set[int]]:
    """Split a sentence with words in brackets, and return its words and the places of those.

    Raises
    ------
    StudyError
        Where there is no word in it, or none in brackets that stand there; it names the sentence by its number from 0.
    """
    plain, spans, shift = TARGET.sub(r"\1", text), [], 0
    for found in TARGET.finditer(text):
        spans.append((found.start() - shift, found.end() - shift - 2))
        shift += 2
    tokens = corpus.words(plain)
    if not tokens:
        raise StudyError(f"instruments.attention.sentences[{number}]: expected a sentence, found no word in {text!r}.")
    places = [{place for place, token in enumerate(tokens) if token.start < stop and token.stop > start} for start, stop in spans]
    if not all(places):
        raise StudyError(f"instruments.attention.sentences[{number}]: expected a word in the brackets of {text!r}.")
    return [token.word for token in tokens], set().union(*places)


def weight_table(number: int, words: int, targets: set[int], seen: AttentionMap) -> pd.DataFrame:
    """Return a map as rows, one per weight; see ``AttentionMaps.measure``."""
    layer, head, query, key = np.indices(seen.weights.shape).reshape(4, -1)
    names_of = [np.array(one.names, dtype=object) for one in (seen.queries, seen.keys)]
    ahead = len(seen.keys.names) - len(seen.queries.names)  # a decoder says no first boundary
    columns = {
        "sentence": number,
        "sentence_words": words,
        "kind": seen.kind,
        "layer": layer + 1,
        "head": head + 1,
        "query_position": query + ahead,
        "query_word": names_of[0][query],
        "key_position": key,
        "key_word": names_of[1][key],
        "symbol": ~seen.keys.words[key],
        "target": np.isin(seen.queries.places[query], list(targets)),
        "weight": seen.weights.reshape(-1),
    }
    return pd.DataFrame(columns)[list(COLUMNS)]
