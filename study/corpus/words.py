"""The one splitting rule: a text into sentences, a sentence into words.

Corpora and tasks are split by the same rule, so that a word of a task is the word that a model was trained on. ``unicode``,
the rule for running text, knows two things:

- *Sentences* end at a line break, and after ``.``, ``!``, ``?`` or ``…`` (with any closing quotes and brackets) before white
  space and something that can start a sentence, unless the full stop belongs to an abbreviation or an initial. The marks of
  scripts that put no space there (``。``, ``।``, ``؟`` …) end a sentence by themselves.
- *Words* are maximal runs of letters, digits and combining marks with apostrophes inside ("don't"); each Chinese character and
  each kana is a word of its own. Punctuation is no word.

``whitespace`` is the rule for text that is split already: a sentence a line, words between white space.

>>> [[token.word for token in sentence] for sentence in UNICODE.split("Dr. No isn't here. Who is?")]
[['Dr', 'No', "isn't", 'here'], ['Who', 'is']]
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import chain, pairwise
from typing import Protocol

from study.contracts import StudyError, Token

LINE_BREAKS = "\n\r\f\v\x85\u2028\u2029"
ENDS_BEFORE_SPACE = ".!?…"
ENDS_ALONE = "。！？｡।॥؟۔։።"
CLOSERS = "\"'”’»)\\]}）」』】"
OPENERS = "\"'“‘„«(\\[{¿¡"

_ABBREVIATIONS = (
    "mr mrs ms mx messrs mme mlle dr prof st sr jr rev fr gen col lt capt cpt sgt maj cmdr adm gov sen rep hon pres supt mt ft"
    " vs cf viz al inc ltd co corp dept univ assn bros approx ph.d"
)
_ABBREVIATIONS_BEFORE_NUMBERS = (
    "no nos nr vol p pp pg fig figs art sec ch chap op ca jan feb mar apr jun jul aug sep sept oct nov dec"
)
ABBREVIATIONS = frozenset(_ABBREVIATIONS.split())
"""Words whose full stop ends no sentence, in lower case."""
ABBREVIATIONS_BEFORE_NUMBERS = frozenset(_ABBREVIATIONS_BEFORE_NUMBERS.split())
"""Words whose full stop ends no sentence before a number: "no. 5", but "Oh no."."""

IDEOGRAPHS = (
    "\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U0001aff0-\U0001b16f\U00020000-\U0003ffff"
)
JOINERS = "\u00ad\u200c\u200d"  # soft hyphen, zero-width non-joiner and joiner stand inside words

_LETTERS = "[^\\W_]++"  # exactly the Unicode categories L and N
_APOSTROPHE = "['’]"
_PLAIN_WORD = re.compile(f"{_LETTERS}(?:{_APOSTROPHE}{_LETTERS})*+")
# Where combining marks, joiners and ideographs may occur: coarse, so that the common text is told apart at a glance.
_NOT_PLAIN = re.compile("[\u00ad\u0300-\u036f\u0483-\u0489\u0591-\u1dff\u200c\u200d\u20d0-\u20ff\u2c00-\U0010ffff]")

_SPACE = f"[^\\S{LINE_BREAKS}]"
# One leading class, then what makes it an end: its own power, a line break, or white space and no lower-case letter after it.
_BOUNDARY = re.compile(
    f"[{LINE_BREAKS}{ENDS_ALONE}{ENDS_BEFORE_SPACE}](?:"
    f"(?<=[{LINE_BREAKS}{ENDS_ALONE}])[{ENDS_ALONE}{ENDS_BEFORE_SPACE}{CLOSERS}]{{0,8}}+\\s*+"
    f"|[{ENDS_BEFORE_SPACE}{CLOSERS}]{{0,8}}+(?:{_SPACE}*+[{LINE_BREAKS}]\\s*+|{_SPACE}++(?=[{OPENERS}]*+([^\\W_a-z]))))"
)
_LINE = re.compile(f"[^{LINE_BREAKS}]+")
_CHUNK = re.compile(r"\S+")


@cache
def _full_word() -> re.Pattern[str]:
    """Compile the whole rule for words; its table of combining marks is made when a text first needs it."""
    marks = "".join(chr(point) for point in range(0x110000) if unicodedata.category(chr(point))[0] == "M")
    letters = f"[^\\W_{IDEOGRAPHS}]"
    inner = f"[{marks}{JOINERS}]"
    word = f"{letters}++(?:{inner}++{letters}*+)*+"
    return re.compile(f"[{IDEOGRAPHS}][{marks}]*+|{word}(?:{_APOSTROPHE}{word})*+")


class Rule(Protocol):
    """A way of splitting a text into sentences of words."""

    name: str

    def split(self, text: str) -> list[list[Token]]:
        """Split a text into sentences of words with their character offsets; a sentence has at least one word."""
        ...

    def words(self, text: str) -> list[Token]:
        """Split a text into words with their character offsets, taking it as one sentence."""
        ...

    def raw_sentences(self, text: str) -> Iterator[list[str]]:
        """Yield the words of each sentence as written, for encoding: no offsets, ``normalise`` not yet applied."""
        ...

    def normalise(self, word: str) -> str:
        """Return the form of a word as written that stands in tokens and in the types of a corpus."""
        ...


def _boundaries(text: str) -> Iterator[int]:
    """Yield the offset after each sentence's end; the text's own end need not be among them."""
    for match in _BOUNDARY.finditer(text):
        following = match[1]
        if following is None or not (following.islower() or _is_abbreviation(text, match.start(), following)):
            yield match.end()


def _is_abbreviation(text: str, stop: int, following: str) -> bool:
    """Say whether the full stop at offset ``stop``, white space behind it, belongs to an abbreviation or an initial."""
    if text[stop] != "." or not text[stop + 1].isspace():
        return False
    before = text[max(0, stop - 16) : stop].split()
    if not before or text[stop - 1].isspace():
        return False
    word = before[-1].rpartition("-")[2].lstrip(OPENERS)
    if len(word) == 1:  # "J. Smith", but "So did I. Then"
        return word.isupper() and word != "I"
    if word[-2:-1] == ".":  # "U.S. Army", but "version 2.5. Then"
        return word[-1].isalpha()
    word = word.lower()
    return word in ABBREVIATIONS or (following.isdigit() and word in ABBREVIATIONS_BEFORE_NUMBERS)


class _Unicode:
    """The rule for running text of any language."""

    name = "unicode"

    def split(self, text: str) -> list[list[Token]]:
        """Return the words of each sentence that has any."""
        pattern = self._pattern(text)
        cuts = [0, *_boundaries(text), len(text)]
        sentences = (
            [Token(self.normalise(match[0]), match.start(), match.end()) for match in pattern.finditer(text, start, stop)]
            for start, stop in pairwise(cuts)
        )
        return [sentence for sentence in sentences if sentence]

    def words(self, text: str) -> list[Token]:
        """Return all words, whatever their sentences."""
        return [Token(self.normalise(match[0]), match.start(), match.end()) for match in self._pattern(text).finditer(text)]

    def raw_sentences(self, text: str) -> Iterator[list[str]]:
        """Yield the words of each sentence as they are written, not normalised."""
        plain = self._pattern(text) is _PLAIN_WORD
        start = 0
        for stop in chain(_boundaries(text), (len(text),)):
            pattern = _PLAIN_WORD if plain or not _NOT_PLAIN.search(text, start, stop) else _full_word()
            if words := pattern.findall(text, start, stop):
                yield words
            start = stop

    def normalise(self, word: str) -> str:
        """Return a word in one spelling of its characters."""
        return word if word.isascii() else unicodedata.normalize("NFC", word.replace("’", "'").replace("\u00ad", ""))

    @staticmethod
    def _pattern(text: str) -> re.Pattern[str]:
        return _PLAIN_WORD if text.isascii() or not _NOT_PLAIN.search(text) else _full_word()


class _Whitespace:
    """The rule for text that is split already: a sentence a line, words between white space."""

    name = "whitespace"

    def split(self, text: str) -> list[list[Token]]:
        """Return the words of each sentence that has any."""
        sentences = (self._tokens(text, line.start(), line.end()) for line in _LINE.finditer(text))
        return [sentence for sentence in sentences if sentence]

    def words(self, text: str) -> list[Token]:
        """Return all words, whatever their sentences."""
        return self._tokens(text, 0, len(text))

    def raw_sentences(self, text: str) -> Iterator[list[str]]:
        """Yield the words of each sentence as they are written, not normalised."""
        return filter(None, (line.split() for line in _LINE.findall(text)))

    def normalise(self, word: str) -> str:
        """Return a word in one spelling of its characters."""
        return word if word.isascii() else unicodedata.normalize("NFC", word)

    def _tokens(self, text: str, start: int, stop: int) -> list[Token]:
        return [Token(self.normalise(match[0]), match.start(), match.end()) for match in _CHUNK.finditer(text, start, stop)]


UNICODE: Rule = _Unicode()
WHITESPACE: Rule = _Whitespace()


def rule(name: str) -> Rule:
    """Return the splitting rule of a name.

    Raises
    ------
    StudyError
        If there is no rule of this name.
    """
    rules = {UNICODE.name: UNICODE, WHITESPACE.name: WHITESPACE}
    if name not in rules:
        raise StudyError(f"corpus.words: expected {' or '.join(rules)}, found {name!r}")
    return rules[name]
