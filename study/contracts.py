"""The words that every room of the study shares.

A *sentence* is a sequence of words. A *place* is a span of words in a sentence: what a task asks a vector for. A *model* turns
places into vectors, one array per *view* (a way of reading a vector out of a model). A *task* turns vectors into *items*
(one answer each) and *scores* (one figure per metric, with its chance level and its interval).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, Self, runtime_checkable

import numpy as np
import pandas as pd

Array = np.ndarray
Sentence = Sequence[str]
Span = tuple[int, int]
Part = Literal["training", "development", "test"]
Level = Literal["word", "target", "sentence", "vocabulary", "hidden"]
"""What a task asks for: bare words, words in their sentence, whole sentences, a model's lexicons, or guesses of hidden words."""

CONTROLS = ("untrained", "random")
"""The names of models that learned nothing: what they score is the floor of a claim about learning."""

OF_TYPES = ("word", "input")
"""Views that give a word the same vector in every sentence."""

ITEM_COLUMNS = ("view", "question", "item", "group", "split", "gold", "predicted", "gold_value", "predicted_value", "known")


class StudyError(Exception):
    """A fault that the user can mend: the message names the file, line or key, what was expected, what came, what to do."""


class NotAskableError(StudyError):
    """A task that a corpus is too small or too plain for: the study goes on without it and its report gives the reason."""


@dataclass(frozen=True)
class Token:
    """A word with the half-open character offsets it had in the text it came from."""

    word: str
    start: int
    stop: int


class Vocabulary(Protocol):
    """The words that all models trained on a corpus share, most frequent first; identifiers are ranks from 0."""

    words: Sequence[str]
    counts: Array
    """Occurrences in the training part, ``ndarray of shape (v,), int64``."""

    def fold(self, word: str) -> str:
        """Return the form under which the vocabulary knows a word (for example in lower case)."""

    def index(self, word: str) -> int | None:
        """Return a word's identifier after folding, or None where it is unknown."""

    def count(self, word: str) -> int:
        """Return how often a word occurs in the training part, whether the vocabulary knows it or not."""

    def __contains__(self, word: object) -> bool: ...

    def __len__(self) -> int: ...


class Corpus(Protocol):
    """A text split into sentences of words and, by document, into training, development and test parts."""

    name: str
    digest: str
    vocabulary: Vocabulary

    def split(self, text: str) -> list[list[Token]]:
        """Split a text by the corpus's own rule into sentences of words with character offsets."""

    def words(self, text: str) -> list[Token]:
        """Split a text into words by the corpus's own rule, taking it as one sentence."""

    def sentences(self, part: Part) -> Iterator[tuple[int, Sentence]]:
        """Yield ``(document number, words as written)`` for each sentence of a part, in order."""

    def size(self, part: Part) -> int:
        """Return the number of running words of a part."""


@dataclass(frozen=True)
class Moment:
    """One observation of a training: what a progress bar and a learning curve need.

    Attributes
    ----------
    words_seen, total_words : int
        Running words seen so far and planned in all.
    seconds : float
        Training time so far, without validation; the time before a resumed run's interruption included.
    loss : float or None
        Training loss since the last observation, nats: the sum where steps ask several questions; None where the trainer
        reports none.
    validation_loss : float or None
        Full-softmax loss on the development part, nats per masked word.
    masked_accuracy : float or None
        Share of the masked development words predicted right, in [0, 1].
    """

    words_seen: int
    total_words: int
    seconds: float
    loss: float | None = None
    validation_loss: float | None = None
    masked_accuracy: float | None = None


Observe = Callable[[Moment], None]


@dataclass(frozen=True)
class Lexicon:
    """The type vectors of one view: words by descending frequency and ``vectors`` of shape (v, d), float32."""

    words: Sequence[str]
    vectors: Array


@dataclass(frozen=True)
class Guesses:
    """What a model says of n hidden words.

    ``log_probability`` of the right word, shape (n,), nats, is NaN where the model does not know it or cannot guess there;
    ``rank``, shape (n,), is 1 where it is the first guess of the model's vocabulary, and 0 where not known; ``best`` names the
    words of the highest probability for each place, best first.
    """

    log_probability: Array
    rank: Array
    best: Sequence[Sequence[str]]


class Model(Protocol):
    """A system that can be trained on a corpus and asked for vectors. Its constructor only stores its plain settings.

    A model is a keyword-only dataclass whose fields are its settings; fields with ``metadata={"resource": True}`` (threads,
    device) say how it is computed, not what, and take no part in an artefact's name; fields with ``metadata={"view": True}`` say
    how vectors are read out of the trained model, and changing one retrains nothing. A class attribute ``version`` is raised
    when the meaning of its code changes.
    """

    seed: int
    version: int
    history: list[Moment]
    """The learning curve of the finished training, oldest first."""

    @property
    def parameters(self) -> int:
        """Number of trained numbers (0 for a model without training)."""

    @property
    def reproducible(self) -> bool:
        """Whether training again on the same machine gives the same bits."""

    @property
    def resources(self) -> Mapping[str, str | int]:
        """What it is computed with: ``device`` and ``threads``, as resolved on this machine."""

    def fit(self, corpus: Corpus, *, folder: Path, observe: Observe) -> Self:
        """Train on the corpus's training part; keep checkpoints in ``folder`` and resume from those found there."""

    def save(self, folder: Path) -> None:
        """Write the trained model to ``folder`` in safe formats only."""

    def load(self, folder: Path, corpus: Corpus) -> Self:
        """Read what ``save`` wrote; raise StudyError where it does not fit the settings or the corpus."""

    def views(self, level: Level) -> tuple[str, ...]:
        """Name the views that apply to a level, in the order of a table's rows."""

    def embed(self, sentences: Sequence[Sentence], places: Array, views: Sequence[str]) -> Mapping[str, Array]:
        """Compute the vectors of places, each distinct sentence once for all views.

        Parameters
        ----------
        sentences : sequence of sequence of str
            Words as written; folding is the model's work.
        places : ndarray of shape (n, 3), int64
            Rows ``(sentence, start, stop)``.
        views : sequence of str

        Returns
        -------
        mapping of str to ndarray of shape (n, d), float32
            NaN rows where a target is unknown to the model or the view does not apply to the place.
        """

    def lexicons(self) -> Mapping[str, Lexicon]:
        """Return the views that give every word of the vocabulary one vector (``word``, ``input``)."""


@runtime_checkable
class HasFiles(Protocol):
    """A model made from files of the user's: their digests take part in the names of its artefacts."""

    def files(self) -> Mapping[str, Path]:
        """Return the files by a short name; raise StudyError where one is missing."""


@runtime_checkable
class StartsFrom(Protocol):
    """A model whose training may start from the type vectors of another model of the study, which ``start`` names."""

    start: str | None

    def take(self, lexicon: Lexicon) -> None:
        """Keep the vectors that ``fit`` is to start from."""


@runtime_checkable
class Grows(Protocol):
    """A model that can be seen while it learns: ``fit`` keeps it after each of ``moments``, words seen in rising order from 0.

    What is kept lies in ``moments/<words>`` of the folder that ``fit`` is given, as ``save`` writes it.
    """

    moments: Sequence[int]


@runtime_checkable
class HasTables(Protocol):
    """A model that is measured as it is trained: tidy tables by name, filled by ``fit`` and ``load``, one file each in a run."""

    tables: Mapping[str, pd.DataFrame]


@runtime_checkable
class Predicts(Protocol):
    """A model that can guess a hidden word from the words around it."""

    def guess(self, sentences: Sequence[Sentence], places: Array, best: int) -> Mapping[str, Guesses]:
        """Guess the words at places, of one word each and not to be seen, in one or more ways; name so many of the ``best``."""


@runtime_checkable
class Instrument(Protocol):
    """Looks inside trained models instead of asking them: a frozen keyword-only dataclass of its plain settings.

    A class attribute ``version`` is raised when the meaning of its code changes.
    """

    version: int

    def fits(self, model: Model) -> bool:
        """Whether a model has what the instrument looks at."""

    def measure(self, model: Any, corpus: Any, observe: Observe) -> Mapping[str, pd.DataFrame]:
        """Return tidy tables by the name of the file that they are collected in, without columns for model and seed."""


@dataclass(frozen=True)
class Questions:
    """What a task asks of every model.

    Attributes
    ----------
    level : Level
        What the places are; ``vocabulary``: a model's lexicons are asked, not places; ``hidden``: their words are guessed.
    sentences : sequence of sequence of str
    places : ndarray of shape (n, 3), int64
        Rows ``(sentence, start, stop)``.
    items : DataFrame
        One row per question with at least ``item`` (text, unique), ``group`` (what a bootstrap resamples), ``split``
        (``development``, ``test``, or ``training`` where only a probe learns from it) and ``gold`` or ``gold_value``.
    dropped : mapping of str to int
        Reason -> number of questions left out (for example targets that do not align with the words).
    note : str
        What a reader of the scores should know of the questions, such as how many classes there are.
    """

    level: Level
    sentences: Sequence[Sentence]
    places: Array
    items: pd.DataFrame
    dropped: Mapping[str, int] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class Score:
    """One figure of one view on one task, in its natural unit (never per cent), with a 95 % interval."""

    view: str
    split: str
    question: str
    metric: str
    value: float
    chance: float
    n: int
    coverage: float
    low: float
    high: float


@dataclass(frozen=True)
class Result:
    """The scores of all views of one model on one task, and the items (columns ``ITEM_COLUMNS``) they are computed from.

    ``tables`` are further tidy tables for the report (clusters of a word, guesses of hidden words), by the name of the file that
    they are collected in, each with a column ``view``.
    """

    scores: Sequence[Score]
    items: pd.DataFrame
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)


class Task(Protocol):
    """A question asked of every model: a keyword-only dataclass of its plain settings; it returns and never writes.

    ``main_metric`` and ``main_question`` name the scores by which views and models are compared; higher is better. A task whose
    ``main_metric`` is empty only describes: it chooses no view and compares no models. ``data`` and other paths are marked as
    resources (``metadata={"resource": True}``): an artefact's name holds the digest of the questions instead.
    """

    main_metric: str
    main_question: str
    version: int
    description: str
    source: str

    def questions(self, corpus: Corpus) -> Questions:
        """Prepare sentences, places and items; raise StudyError naming file and line where the data are wrong."""

    def score(self, questions: Questions, vectors: Mapping[str, Any]) -> Result:
        """Score every view of one model.

        ``vectors`` maps a view to an array of shape (n places, d), NaN where unknown; at level ``vocabulary`` to a Lexicon; at
        level ``hidden`` a way of guessing to Guesses.
        """


@runtime_checkable
class HasBaselines(Protocol):
    """A task that knows scores no model is needed for (majority, naive Bayes on the words)."""

    def baselines(self, questions: Questions) -> Mapping[str, Result]:
        """Return a result per baseline, each with the single view ``baseline``."""
