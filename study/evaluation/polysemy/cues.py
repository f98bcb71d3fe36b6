"""Reading words of several senses with the words that tell these apart.

A file has the columns ``word, split, sense, cues``, named in its first line: a line per sense, the cues separated by spaces. The
senses of a word stand in one split and share no cue.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from study.contracts import Corpus, StudyError
from study.evaluation.data import table

COLUMNS = ("word", "split", "sense", "cues")


@dataclass(frozen=True)
class AmbiguousWord:
    """A word, the split it is asked in, and the telling words of each of its senses."""

    word: str
    split: str
    cues: Mapping[str, Sequence[str]]


def read_cues(path: Path) -> list[AmbiguousWord]:
    """Read a file of ambiguous words.

    Raises
    ------
    StudyError
        For a bad line; for a word of one sense, in two splits, or with a cue that tells two of its senses or is the word itself.
    """
    lines = table.lines(path)
    if not lines or tuple(lines[0][1].split("\t")) != COLUMNS:
        found = repr(lines[0][1]) if lines else "an empty file"
        raise StudyError(f"{path}:1: expected a header {' TAB '.join(COLUMNS)}, found {found}")
    splits: dict[str, str] = {}
    senses: dict[str, dict[str, list[str]]] = {}
    for number, line in lines[1:]:
        where, cells = f"{path}:{number}", [cell.strip() for cell in line.split("\t")]
        if len(cells) != len(COLUMNS) or not all(cells):
            raise StudyError(f"{where}: expected {' TAB '.join(COLUMNS)}, found: {line}")
        word, split, sense, cues = cells[0], cells[1], cells[2], cells[3].split()
        if split not in ("development", "test") or splits.setdefault(word, split) != split:
            raise StudyError(f"{where}: expected development or test, one of them for all senses of '{word}', found '{split}'")
        mine = senses.setdefault(word, {})
        taken = {word, *(cue for others in mine.values() for cue in others)}
        wrong = sorted(taken & set(cues)) or sorted(cue for cue, times in Counter(cues).items() if times > 1)
        if wrong or sense in mine:
            told = f"the cues {wrong} again" if wrong else f"the sense '{sense}' again"
            raise StudyError(f"{where}: expected cues that tell one sense of '{word}' and a line per sense, found {told}")
        mine[sense] = cues
    for word, mine in senses.items():
        if len(mine) < 2:
            raise StudyError(f"{path}: expected two senses of '{word}' at least, found {list(mine)}")
    return [AmbiguousWord(word, splits[word], mine) for word, mine in senses.items()]


def known_cues(
    words: Sequence[AmbiguousWord], corpus: Corpus, *, most: int, count: int
) -> tuple[list[AmbiguousWord], Mapping[str, int]]:
    """Keep the cues that a corpus knows, equally many of each sense of a word, the first ones of the file.

    Parameters
    ----------
    words : sequence of AmbiguousWord
    corpus : Corpus
    most : int
        Cues of a sense, at most.
    count : int
        Occurrences in the training part that a cue needs.

    Returns
    -------
    words : list of AmbiguousWord
        Without those that the vocabulary lacks, or of which a sense has fewer than two cues.
    dropped : mapping of str to int
        Reason -> number of words or cues.
    """
    vocabulary, kept, dropped = corpus.vocabulary, [], Counter[str]()
    for word in words:
        known = {
            sense: [cue for cue in cues if cue in vocabulary and vocabulary.count(cue) >= count]
            for sense, cues in word.cues.items()
        }
        fewest = min(most, *map(len, known.values()))
        dropped[f"telling words with fewer than {count} occurrences"] += sum(map(len, word.cues.values())) - sum(
            map(len, known.values())
        )
        if word.word not in vocabulary or fewest < 2:
            dropped["words that the corpus does not know, or fewer than two telling words of a sense"] += 1
            continue
        kept.append(AmbiguousWord(word.word, word.split, {sense: cues[:fewest] for sense, cues in known.items()}))
    return kept, {reason: number for reason, number in dropped.items() if number}
