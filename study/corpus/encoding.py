"""The stage ``corpus``: the token stream divided into parts, and the vocabulary of the training part.

The folder it writes holds, for each part, ``training.tokens.npy``, ``training.sentences.npy`` and ``training.documents.npy`` (as
in the stage ``text``, offsets from 0), and

- ``vocabulary.tsv``: word, tab, count in the training part; most frequent first;
- ``rare.tsv``: the other words of the training part, likewise;
- ``identifiers.npy``: surface type to vocabulary identifier, int32; the vocabulary's size where unknown;
- ``training.txt``: the folded words of the training part, unknown ones too, a sentence a line, for gensim's ``corpus_file``;
- ``facts.json``: what a report says of the corpus.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from study.contracts import Array, Moment, Observe, Part
from study.corpus.arrays import ArrayFile, open_array
from study.corpus.parts import PARTS, PartsSettings, assign, divided
from study.corpus.stream import read_types
from study.corpus.vocabulary import Vocabulary, VocabularySettings, folded

LONGEST_LINE = 10_000
"""Words of a line of ``training.txt``: gensim reads no more of a sentence."""
CHUNK = 1 << 20
"""Words handled in one go."""
PERCENTILES = (5, 25, 50, 75, 95, 99)
"""Of the words per sentence."""


def encode(text: Path, folder: Path, vocabulary: VocabularySettings, parts: PartsSettings, observe: Observe) -> dict[str, Any]:
    """Divide a text into parts, make the vocabulary, and write the stage's folder, which must exist.

    Parameters
    ----------
    text : Path
        The folder of the stage ``text``.
    folder : Path
    vocabulary : VocabularySettings
    parts : PartsSettings
    observe : callable
        Told the words written so far and in all.

    Returns
    -------
    dict
        What ``facts.json`` holds.

    Raises
    ------
    StudyError
        If a setting is out of range, the text too short to be divided, or no word frequent enough.
    """
    vocabulary.check()
    parts.check()
    start = time.monotonic()
    types = read_types(text)
    divided_by_blocks = _write_parts(text, folder, parts)
    forms, form_of_type = _fold(types, vocabulary)
    counts = {part: _counts(open_array(folder / f"{part}.tokens.npy"), form_of_type, len(forms)) for part in PARTS}
    shared = Vocabulary.from_counts(forms, counts["training"], vocabulary)
    shared.write(folder / "vocabulary.tsv")
    identifier_of_form = np.fromiter((shared.ranks.get(form, len(shared)) for form in forms), np.int32, len(forms))
    np.save(folder / "identifiers.npy", identifier_of_form[form_of_type])
    words = _write_training_text(folder, forms, form_of_type, observe, start)
    facts = {
        "case": vocabulary.case,
        "vocabulary": len(shared),
        "training_text_words": words,
        "divided_by_blocks": divided_by_blocks,
        "unigram_loss": _unigram_loss(shared, counts["development"], identifier_of_form),
        "most_frequent": [[word, count] for word, count in zip(shared.words[:30], shared.counts[:30].tolist(), strict=True)],
        "parts": {part: _facts(folder, part, counts[part], identifier_of_form < len(shared)) for part in PARTS},
    }
    (folder / "facts.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return facts


def _write_parts(text: Path, folder: Path, settings: PartsSettings) -> bool:
    """Write each part's arrays, contiguous and in the text's order; return whether documents were cut into blocks."""
    tokens, sentences, documents = (open_array(text / f"{name}.npy") for name in ("tokens", "sentences", "documents"))
    blocks = divided(documents, sentences)
    lines = (text / "documents.txt").read_text(encoding="utf-8").split("\n")
    starts = sentences[blocks]
    owners = np.searchsorted(documents, blocks[:-1], side="right") - 1
    # A document that belongs to nothing, or a block of it, is a group of its own, named by its number and name.
    named = [(number, *lines[owner].split("\t")) for number, owner in enumerate(owners)]
    groups = [belongs or f"{number}\t{name}" for number, name, belongs in named]
    part_of_block = assign(groups, np.diff(starts), settings)
    for number, part in enumerate(PARTS):
        chosen = part_of_block == number
        with ArrayFile(folder / f"{part}.tokens.npy", "int32") as stream:
            for first, last in _runs(chosen):
                for start in range(int(starts[first]), int(starts[last]), CHUNK):
                    stream.append(tokens[start : min(start + CHUNK, int(starts[last]))])
        lengths = np.diff(sentences)[np.repeat(chosen, np.diff(blocks))]
        np.save(folder / f"{part}.sentences.npy", _offsets(lengths))
        np.save(folder / f"{part}.documents.npy", _offsets(np.diff(blocks)[chosen]))
    return blocks is not documents


def _runs(chosen: Array) -> Iterator[tuple[int, int]]:
    """Yield the half-open runs of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], chosen, [False]]).astype(np.int8)))
    for first, last in edges.reshape(-1, 2):
        yield int(first), int(last)


def _offsets(lengths: Array) -> Array:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])


def _fold(types: list[str], settings: VocabularySettings) -> tuple[list[str], Array]:
    """Return the distinct folded forms, and for each surface type the index of its form, int64."""
    forms: dict[str, int] = {}
    numbers = [forms.setdefault(folded(word, settings.case), len(forms)) for word in types]
    return list(forms), np.array(numbers, np.int64)


def _counts(tokens: Array, form_of_type: Array, forms: int) -> Array:
    """Count the folded forms of a part, int64 of shape (forms,)."""
    counts = np.zeros(len(form_of_type), np.int64)
    for start in range(0, len(tokens), CHUNK):
        counts += np.bincount(tokens[start : start + CHUNK], minlength=len(counts))
    totals = np.zeros(forms, np.int64)
    np.add.at(totals, form_of_type, counts)
    return totals


def _write_training_text(folder: Path, forms: list[str], form_of_type: Array, observe: Observe, start: float) -> int:
    """Write the folded words of the training part, a sentence a line, and return their number."""
    tokens = open_array(folder / "training.tokens.npy")
    sentences = open_array(folder / "training.sentences.npy")
    ends = np.union1d(sentences[1:], _long_sentence_cuts(sentences))
    first = done = 0
    with (folder / "training.txt").open("w", encoding="utf-8", newline="\n") as file:
        while done < len(tokens):
            last = max(int(np.searchsorted(ends, done + CHUNK)), first + 1)
            words = [forms[form] for form in form_of_type[tokens[done : ends[last - 1]]].tolist()]
            cuts = [0, *(ends[first:last] - done).tolist()]
            file.writelines(" ".join(words[a:b]) + "\n" for a, b in pairwise(cuts))
            first, done = last, int(ends[last - 1])
            observe(Moment(done, len(tokens), time.monotonic() - start))
    return len(tokens)


def _long_sentence_cuts(sentences: Array) -> Array:
    """Return the word offsets at which sentences longer than ``LONGEST_LINE`` are cut."""
    long = np.flatnonzero(np.diff(sentences) > LONGEST_LINE)
    pieces = [np.arange(sentences[index], sentences[index + 1], LONGEST_LINE)[1:] for index in long]
    return np.concatenate(pieces) if pieces else np.zeros(0, np.int64)


def _unigram_loss(vocabulary: Vocabulary, counts: Array, identifier_of_form: Array) -> float | None:
    """Return what it costs to guess the known words of the development part by frequency alone, nats per word."""
    known = (identifier_of_form < len(vocabulary)) & (counts > 0)
    if not known.any():
        return None
    frequencies = vocabulary.counts / vocabulary.counts.sum()
    return float(np.average(-np.log(frequencies[identifier_of_form[known]]), weights=counts[known]))


def _facts(folder: Path, part: Part, counts: Array, known: Array) -> dict[str, Any]:
    """Describe a part; coverage is the share of its running words that the vocabulary knows."""
    lengths = np.diff(open_array(folder / f"{part}.sentences.npy"))
    words = int(counts.sum())
    percentiles = PERCENTILES if words else ()
    return {
        "documents": len(open_array(folder / f"{part}.documents.npy")) - 1,
        "sentences": len(lengths),
        "words": words,
        "types": int(np.count_nonzero(counts)),
        "coverage": float(counts[known].sum() / words) if words else None,
        "sentence_length": {str(percentile): float(np.percentile(lengths, percentile)) for percentile in percentiles},
    }
