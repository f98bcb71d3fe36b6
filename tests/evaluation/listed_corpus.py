"""A small corpus of plain lists, which is all that the tasks need of the real one."""

import re
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from study.contracts import Questions, Result, Token
from study.evaluation import Regimen
from study.evaluation.statistics.metric import METRICS, select

WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


@dataclass
class ListedVocabulary:
    words: list[str]
    counts: np.ndarray

    def fold(self, word: str) -> str:
        return word.lower()

    def index(self, word: str) -> int | None:
        return self.words.index(self.fold(word)) if self.fold(word) in self.words else None

    def count(self, word: str) -> int:
        number = self.index(word)
        return 0 if number is None else int(self.counts[number])

    def __contains__(self, word: object) -> bool:
        return self.index(str(word)) is not None

    def __len__(self) -> int:
        return len(self.words)


@dataclass
class ListedCorpus:
    """A corpus whose every part holds the same listed sentences ``(document, words)``."""

    listed: list[tuple[int, list[str]]] = field(default_factory=list)
    name: str = "listed"
    digest: str = "0"

    def __post_init__(self) -> None:
        counted = Counter(word.lower() for _, words in self.listed for word in words).most_common()
        self.vocabulary = ListedVocabulary([word for word, _ in counted], np.array([count for _, count in counted]))

    def words(self, text: str) -> list[Token]:
        return [Token(found[0], found.start(), found.end()) for found in WORD.finditer(text)]

    def split(self, text: str) -> list[list[Token]]:
        return [self.words(text)]

    def sentences(self, part: str):
        return iter(self.listed)

    def size(self, part: str) -> int:
        return sum(len(words) for _, words in self.listed)


def spelled(rank: int) -> str:
    """Spell a number in letters, so that it is a word."""
    return "w" + "".join("abcdefghij"[int(digit)] for digit in str(rank))


def written_corpus(documents: int = 30, sentences: int = 40, seed: int = 0) -> ListedCorpus:
    """Make sentences of 4 to 30 words, drawn by a law of Zipf from words that spell their rank."""
    rng = np.random.default_rng(seed)
    chance = 1 / np.arange(1, 2001)
    listed = []
    for document in range(documents):
        for _ in range(sentences):
            ranks = rng.choice(2000, size=rng.integers(4, 31), p=chance / chance.sum())
            listed.append((document, [spelled(rank) for rank in ranks]))
    return ListedCorpus(listed)


def regimen(**settings) -> Regimen:
    """Make the settings of a linear probe and nothing more; ``settings`` replace some."""
    given = {
        "classifiers": ("linear",),
        "penalties": (0.1, 0.01, 0.001),
        "iterations": 200,
        "hidden": 32,
        "epochs": 30,
        "mix": False,
        "control": False,
        "description_length": False,
        "development": 0.25,
        "folds": 10,
        "seed": 0,
    }
    return Regimen(**{**given, **settings})


def random_vectors(questions: Questions, width: int = 16, seed: int = 0, mean: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(len(questions.places), width)) + mean * rng.normal(size=width)).astype(np.float32)


def assert_recomputable(result: Result) -> None:
    """Compute every score again from the items that its view, split and question name."""
    assert result.scores
    for score in result.scores:
        items = result.items[(result.items["view"] == score.view) & (result.items["split"] == score.split)]
        again = METRICS[score.metric](select(items, score.question))
        assert again == score.value or (np.isnan(again) and np.isnan(score.value)), score


def one(result: Result, metric: str, split: str = "test", view: str = "word", question: str | None = None):
    """Return the only score of a metric, split, view (and question)."""
    wanted = [
        score
        for score in result.scores
        if (score.metric, score.split, score.view) == (metric, split, view) and question in (None, score.question)
    ]
    assert len(wanted) == 1, wanted
    return wanted[0]


def answers(group, gold, predicted, **columns) -> pd.DataFrame:
    """Make items of one view, all known, numbered from 0."""
    frame = pd.DataFrame({"group": group, "gold": gold, "predicted": predicted})
    frame = frame.assign(view="word", question="label", split="test", gold_value=np.nan, predicted_value=np.nan, known=True)
    return frame.assign(item=[f"item-{number:04d}" for number in range(len(frame))]).assign(**columns)


def ratings(group, gold_value, predicted_value, **columns) -> pd.DataFrame:
    """Make items with numbers, all known."""
    return answers(group, "", "", gold_value=gold_value, predicted_value=predicted_value, **columns)
