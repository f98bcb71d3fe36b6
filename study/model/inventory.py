"""Sub-words learned from text, by which any word can be spelled.

Both kinds learn in the same way: beginning with single characters, the most frequent pair of neighbours is joined, again and
again, until there are as many sub-words as wanted. ``bpe`` spells a word by the same joins in the same order, ``wordpiece`` by
the longest sub-word that fits, from left to right. One that continues a word begins with a space, which no word has in it. A word
with a character that is too rare to be learned is the unknown sub-word as a whole.

The library ``tokenizers`` learns and spells. It numbers characters in the order of a hash table, which is another one each time;
here they are numbered beforehand, so that the same words give the same sub-words, to the bit.

References
----------
Sennrich, Haddow & Birch (2016), Neural machine translation of rare words with subword units, doi:10.18653/v1/P16-1162 (``bpe``).
Schuster & Nakajima (2012), Japanese and Korean voice search, doi:10.1109/ICASSP.2012.6289079 (``wordpiece``); as trained in
``tokenizers``, which joins by frequency, not by likelihood.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from study.contracts import Array, StudyError

KINDS = ("bpe", "wordpiece")
FILE = "tokenizer.json"
CONTINUES = " "
"""What a sub-word that continues a word begins with."""
UNKNOWN = "<unknown word>"
COVERAGE = 0.9999
"""Share of the running characters whose characters are learned, the most frequent ones; the rest is unknown."""
WORDS_AT_ONCE = 1 << 14
"""Words that the library is given in one go."""
INSTALL = "pip install 'embedding-study[subwords]'"


@dataclass(frozen=True)
class Spellings:
    """How words are spelled.

    Attributes
    ----------
    subwords : ndarray of shape (n,), int32
        Their sub-words, one word after the other.
    starts : ndarray of shape (words + 1,), int64
        Where each begins, and the end.
    """

    subwords: Array
    starts: Array

    def together(self, words: Array) -> tuple[Array, Array]:
        """Spell a sequence of these words, given by their numbers: its sub-words, and where each word begins, and the end."""
        sizes = self.starts[words + 1] - self.starts[words]  # (t,)
        begins = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])  # (t + 1,)
        places = np.arange(begins[-1]) + np.repeat(self.starts[words] - begins[:-1], sizes)
        return self.subwords[places], begins


class Inventory:
    """The sub-words that an encoder knows, numbered from 0; the unknown one comes after the last.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
        Of words, so without rules that split them or mark their ends.
    """

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        numbers = tokenizer.get_vocab()
        self.unknown = numbers.pop(UNKNOWN)
        self.subwords = sorted(numbers, key=numbers.__getitem__)

    @property
    def continues(self) -> Array:
        """Which sub-words continue a word, shape (v,), bool."""
        return np.array([subword.startswith(CONTINUES) for subword in self.subwords])

    def spell(self, words: Sequence[str]) -> Spellings:
        """Spell words, as folded as those it was learned from."""
        spelled: list[list[int]] = []
        for start in range(0, len(words), WORDS_AT_ONCE):
            encoded = self.tokenizer.encode_batch(list(words[start : start + WORDS_AT_ONCE]), add_special_tokens=False)
            spelled += [one.ids if one.ids and self.unknown not in one.ids else [self.unknown] for one in encoded]
        starts = np.cumsum([0, *map(len, spelled)])
        return Spellings(np.array([number for one in spelled for number in one], np.int32), starts)

    def write(self, folder: Path) -> None:
        """Write ``tokenizer.json``, as the library has it."""
        self.tokenizer.save(str(folder / FILE))

    @classmethod
    def read(cls, folder: Path) -> Inventory:
        """Read what ``write`` wrote.

        Raises
        ------
        StudyError
            Where it is missing or damaged, or the library is not installed.
        """
        library = _library()
        try:
            return cls(library.Tokenizer.from_file(str(folder / FILE)))
        except Exception as error:  # the library raises nothing more special
            raise StudyError(
                f"{folder / FILE}: expected sub-words that this study wrote ({error}): train the encoder again."
            ) from error


def learn(kind: str, size: int, words: Sequence[str], counts: Array) -> Inventory:
    """Learn sub-words from words and how often they occur.

    Parameters
    ----------
    kind : {"bpe", "wordpiece"}
    size : int
        Sub-words wanted; where the words do not have as many, there are fewer.
    words : sequence of str
        Distinct.
    counts : ndarray of shape (len(words),), int64

    Raises
    ------
    StudyError
        Where the characters alone are more, or the library is not installed.
    """
    library = _library()
    counted = sorted((word, count) for word, count in zip(words, counts.tolist(), strict=True) if count)
    characters = _characters(counted)
    alphabet = [*characters, *(CONTINUES + character for character in characters)]
    if len(alphabet) > size:
        raise StudyError(
            f"subwords: expected at least {len(alphabet)}, for each of the {len(characters)} characters of the corpus one that "
            f"begins a word and one that continues it, found {size}."
        )
    model, trainer = {
        "bpe": (library.models.BPE, library.trainers.BpeTrainer),
        "wordpiece": (library.models.WordPiece, library.trainers.WordPieceTrainer),
    }[kind]
    learner = library.Tokenizer(model(unk_token=UNKNOWN, continuing_subword_prefix=CONTINUES))
    known = set(characters)
    readable = ([word] * count for word, count in counted if known.issuperset(word))
    learner.train_from_iterator(
        readable, trainer(vocab_size=size, special_tokens=alphabet, continuing_subword_prefix=CONTINUES, show_progress=False)
    )
    # A fresh tokenizer: in the one that learned, the characters are special and would be taken out of words.
    learned = json.loads(learner.to_str())["model"]
    joins = {"merges": [tuple(join) for join in learned["merges"]]} if kind == "bpe" else {}
    numbers = {**learned["vocab"], UNKNOWN: len(learned["vocab"])}
    return Inventory(library.Tokenizer(model(vocab=numbers, unk_token=UNKNOWN, continuing_subword_prefix=CONTINUES, **joins)))


def _characters(counted: Sequence[tuple[str, int]]) -> list[str]:
    """Return the most frequent characters, in alphabetical order, until they make up ``COVERAGE`` of all."""
    found: Counter[str] = Counter()
    for word, count in counted:
        for character in word:
            found[character] += count
    ranked = sorted(found, key=lambda character: (-found[character], character))
    covered = np.cumsum([found[character] for character in ranked])
    return sorted(ranked[: int(np.searchsorted(covered, COVERAGE * covered[-1])) + 1])


def _library() -> ModuleType:
    try:
        import tokenizers
    except ImportError as error:
        raise StudyError(f"units: bpe and wordpiece need the package tokenizers: {INSTALL}") from error
    return tokenizers
