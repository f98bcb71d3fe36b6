"""Trained models written for other tools: static vectors as word2vec's text and gensim's KeyedVectors, encoders as a folder.

The text is read by nearly every tool, and by this study (``model=[vectors] models.vectors.path=FOLDER/vectors.txt``). Its
numbers are the shortest decimals that give the same float32 again. KeyedVectors hold the words' counts too. gensim saves them as
a pickle, for its own ``KeyedVectors.load``: this study writes that file and never reads one.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from study.contracts import Array, HasFiles, Lexicon, Model, StudyError, Vocabulary
from study.model.contextual import Contextual
from study.model.encoder import Designed
from study.model.saved import export_encoder

TEXT, KEYED = "vectors.txt", "vectors.kv"
ROWS = 4096
"""Rows that are turned into text at a time."""
_SEPARATORS = re.compile(r"[\x00-\x20\x7f]")


def exported(model: Model, folder: Path) -> list[Path]:
    """Write a trained model in the formats that suit it; one that was not trained here is left out.

    A recurrent or reconstructing network, or an encoder of sub-words, has no such format yet: it is left out with a warning.

    Returns
    -------
    list of Path
        The files written: those of ``export_encoder``, or those of ``export_static`` for a model with a vector per word.
    """
    if isinstance(model, HasFiles) or not model.parameters:
        return []
    if isinstance(model, Designed) and model.spelled is None:
        return export_encoder(model, folder)
    if isinstance(model, Contextual):
        of = f" of {model.units}" if isinstance(model, Designed) else ""
        warnings.warn(f"{type(model).__name__}{of} is left out: there is no format to export it in.", stacklevel=2)
        return []
    return export_static(model, folder)


def export_static(model: Model, folder: Path) -> list[Path]:
    """Write the vectors of a static model as ``vectors.txt`` (word2vec text) and ``vectors.kv`` (gensim's KeyedVectors).

    Parameters
    ----------
    model : Model
        Trained or loaded, with a view ``word`` that gives every word of its vocabulary one vector.
    folder : Path
        Made if it is not there; files of these names in it are replaced.

    Returns
    -------
    list of Path
        The two files. Beside KeyedVectors of more than some ten million numbers gensim writes their arrays, in files named after
        theirs.

    Raises
    ------
    StudyError
        If the model has no such view.
    """
    lexicon = model.lexicons().get("word")
    if lexicon is None:
        raise StudyError(f"{type(model).__name__} has no static vectors of words to export; word2vec and vectors have.")
    folder.mkdir(parents=True, exist_ok=True)
    write_text(lexicon, folder / TEXT)
    write_keyed(lexicon, _counts(model), folder / KEYED)
    return [folder / TEXT, folder / KEYED]


def write_text(lexicon: Lexicon, path: Path) -> None:
    """Write vectors in word2vec's text format: a line ``words size``, then a word and its numbers a line.

    The format separates by spaces and lines: a word with a space or a control character in it has no place there. Such words
    are left out, with a warning that tells them; KeyedVectors have them.
    """
    words, vectors = lexicon.words, np.asarray(lexicon.vectors)
    rows = [row for row, word in enumerate(words) if word and not _SEPARATORS.search(word)]
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(f"{len(rows)} {vectors.shape[1]}\n")
        for start in range(0, len(rows), ROWS):
            some = rows[start : start + ROWS]
            file.writelines(f"{words[row]} {numbers}\n" for row, numbers in zip(some, _written(vectors[some]), strict=True))
    if len(rows) < len(words):
        left_out = sorted(set(range(len(words))).difference(rows))
        examples = ", ".join(repr(words[row]) for row in left_out[:3])
        warnings.warn(
            f"{path}: {len(left_out):,} words with a space or control character, such as {examples}, cannot be written as text.",
            stacklevel=2,
        )


def _written(vectors: Array) -> Sequence[str]:
    """Return each row's numbers as text, the shortest that are read back as the same float32."""
    width = vectors.shape[1]
    numbers = pa.array(vectors.astype(np.float32, copy=False).reshape(-1)).cast(pa.string()).to_pylist()
    return [" ".join(numbers[start : start + width]) for start in range(0, len(numbers), width)]


def write_keyed(lexicon: Lexicon, counts: Array, path: Path) -> None:
    """Write vectors, words and their counts as gensim's KeyedVectors, to be read by ``KeyedVectors.load``.

    Parameters
    ----------
    lexicon : Lexicon
    counts : ndarray of shape (v,), int64
        How often each word occurs in the training part.
    path : Path
    """
    from gensim.models import KeyedVectors  # loads slowly, and only an export needs it

    keyed = KeyedVectors(vector_size=lexicon.vectors.shape[1])
    keyed.add_vectors(list(lexicon.words), np.asarray(lexicon.vectors, np.float32))
    keyed.expandos["count"] = np.array(counts, np.int64)
    keyed.save(str(path))


def _counts(model: Model) -> Array:
    """Return the counts of a static model's words."""
    vocabulary: Vocabulary = model.vocabulary  # type: ignore[attr-defined]  # whatever has a view "word" has it
    return vocabulary.counts
