"""An encoded corpus, memory-mapped: the contract of ``study.contracts.Corpus``, and what models read of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from study import contracts
from study.contracts import Array, Part, Token
from study.corpus.arrays import open_array
from study.corpus.parts import PARTS
from study.corpus.stream import read_types
from study.corpus.vocabulary import Vocabulary
from study.corpus.words import Rule, rule

CHUNK = 1 << 20
"""Words searched in one go."""


@dataclass(frozen=True)
class _PartArrays:
    tokens: Array
    sentences: Array
    documents: Array


@dataclass(eq=False, repr=False)
class EncodedCorpus:
    """A corpus in three parts, read from its artefact; every model reads the same token stream.

    Attributes
    ----------
    name : str
    digest : str
        Content digest of the artefact.
    folder : Path
        The artefact's folder.
    vocabulary : Vocabulary
    types : list of str
        The surface types as written, by their identifiers.
    identifiers : ndarray of shape (len(types),), int32
        Surface type to vocabulary identifier; ``len(vocabulary)`` where unknown.
    facts : dict
        What a report says: ``text`` (the stage it was encoded from), and the counts of each part.
    """

    name: str
    digest: str
    folder: Path
    vocabulary: contracts.Vocabulary
    types: list[str]
    identifiers: Array
    facts: dict[str, Any]
    _rule: Rule
    _parts: dict[Part, _PartArrays]

    @classmethod
    def open(cls, folder: Path, text_folder: Path, name: str, digest: str) -> Self:
        """Open the artefact in ``folder``, encoded from the text in ``text_folder``."""
        facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
        text = json.loads((text_folder / "facts.json").read_text(encoding="utf-8"))
        return cls(
            name=name,
            digest=digest,
            folder=folder,
            vocabulary=Vocabulary.read(folder / "vocabulary.tsv", facts["case"]),
            types=read_types(text_folder),
            identifiers=open_array(folder / "identifiers.npy"),
            facts={**facts, "text": text},
            _rule=rule(text["rule"]),
            _parts={
                part: _PartArrays(*(open_array(folder / f"{part}.{kind}.npy") for kind in ("tokens", "sentences", "documents")))
                for part in PARTS
            },
        )

    def split(self, text: str) -> list[list[Token]]:
        """Split a text by the corpus's own rule into sentences of words with character offsets."""
        return self._rule.split(text)

    def words(self, text: str) -> list[Token]:
        """Split a text into words by the corpus's own rule, taking it as one sentence."""
        return self._rule.words(text)

    def size(self, part: Part) -> int:
        """Return the number of running words of a part."""
        return len(self._parts[part].tokens)

    def tokens(self, part: Part) -> Array:
        """Return the running words of a part as identifiers of ``types``: memory-mapped, shape (n,), int32."""
        return self._parts[part].tokens

    def sentence_offsets(self, part: Part) -> Array:
        """Return where the sentences of a part begin in its words, and its end: shape (s + 1,), int64."""
        return self._parts[part].sentences

    def document_offsets(self, part: Part) -> Array:
        """Return where the documents of a part begin in its sentences, and their end: shape (d + 1,), int64."""
        return self._parts[part].documents

    def ids(self, part: Part, start: int, stop: int) -> Array:
        """Return the vocabulary identifiers of the words ``start`` to ``stop`` of a part: shape (stop - start,), int32."""
        return self.identifiers[self._parts[part].tokens[start:stop]]

    def sentence(self, part: Part, index: int) -> list[str]:
        """Return a sentence of a part, its words as written."""
        start, stop = self._parts[part].sentences[index : index + 2]
        return [self.types[token] for token in self._parts[part].tokens[start:stop].tolist()]

    def sentences(self, part: Part) -> Iterator[tuple[int, list[str]]]:
        """Yield ``(document number within the part, words as written)`` for each sentence of a part, in order."""
        documents = self._parts[part].documents
        for document in range(len(documents) - 1):
            for index in range(documents[document], documents[document + 1]):
                yield document, self.sentence(part, index)

    @property
    def training_text(self) -> Path:
        """Return the file of the training part's folded words, a sentence a line (for gensim's ``corpus_file``)."""
        return self.folder / "training.txt"

    @property
    def training_text_words(self) -> int:
        """Return the running words of ``training_text``."""
        return int(self.facts["training_text_words"])

    def occurrences(self, words: Iterable[int], at_most: int, seed: int) -> dict[int, Array]:
        """Sample where words occur in the training part, each occurrence with equal chance.

        The sample of a word depends on the seed and the word alone, not on what else is asked for.

        Parameters
        ----------
        words : iterable of int
            Vocabulary identifiers.
        at_most : int
            Occurrences per word; all of them where there are no more.
        seed : int

        Returns
        -------
        dict of int to ndarray of shape (k, 2), int64
            For each word its rows ``(sentence, position in the sentence)`` in the training part, in order of the text.
        """
        asked = sorted(set(words))
        counts = self.vocabulary.counts
        slot_of_word = np.full(len(self.vocabulary) + 1, -1, np.int64)
        slot_of_word[asked] = np.arange(len(asked))
        # Which of its occurrences, by rank, are wanted of each word; slot and rank make one key, and the keys are sorted.
        stride = int(counts.max()) + 1
        ranks = [slot * stride + _sample(int(counts[word]), at_most, [seed, word]) for slot, word in enumerate(asked)]
        wanted = np.concatenate([np.zeros(0, np.int64), *ranks])
        seen = np.zeros(len(asked), np.int64)
        found = [np.zeros((0, 2), np.int64)]
        for start in range(0, self.size("training"), CHUNK):
            slots = slot_of_word[self.ids("training", start, start + CHUNK)]
            hits = np.flatnonzero(slots >= 0)
            hits = hits[np.argsort(slots[hits], kind="stable")]
            counted = np.bincount(slots[hits], minlength=len(asked))
            within = np.arange(len(hits)) - np.repeat(np.cumsum(counted) - counted, counted)
            chosen = np.isin(slots[hits] * stride + seen[slots[hits]] + within, wanted, assume_unique=True)
            found.append(np.stack([slots[hits][chosen], start + hits[chosen]], axis=1))
            seen += counted
        slots, places = np.concatenate(found).T
        return self._rows(asked, slots, places)

    def _rows(self, asked: list[int], slots: Array, places: Array) -> dict[int, Array]:
        """Return for each word the rows ``(sentence, position)`` of its places in the training part."""
        offsets = self._parts["training"].sentences
        order = np.lexsort((places, slots))
        slots, places = slots[order], places[order]
        sentences = np.searchsorted(offsets, places, side="right") - 1
        rows = np.stack([sentences, places - offsets[sentences]], axis=1)
        bounds = np.searchsorted(slots, np.arange(len(asked) + 1))
        return {word: rows[bounds[slot] : bounds[slot + 1]] for slot, word in enumerate(asked)}


def _sample(count: int, at_most: int, seed: list[int]) -> Array:
    """Draw at most so many of the ranks 0 to ``count`` - 1, sorted."""
    if count <= at_most:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, at_most, replace=False))
