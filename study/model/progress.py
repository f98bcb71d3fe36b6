"""How far a training is, what its steps read, and how it ends where its numbers do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from study.contracts import Array, Moment, StudyError


class NotFiniteError(StudyError):
    """A training whose loss, gradient or weights are no longer finite: a finding on its settings, which leaves others alone.

    Parameters
    ----------
    message : str
    history : sequence of Moment
        The learning curve up to there.
    checkpoint : Path, optional
        The last one that was written, of weights that are finite.
    """

    def __init__(self, message: str, history: Sequence[Moment] = (), checkpoint: Path | None = None) -> None:
        super().__init__(message)
        self.history, self.checkpoint = history, checkpoint


class Place(NamedTuple):
    """Where a step begins: after how many steps and running words, and in which epoch and row of the data."""

    step: int
    words: int
    epoch: int
    row: int


@dataclass(frozen=True)
class Batch:
    """What a step reads and asks.

    Attributes
    ----------
    starts : ndarray of shape (b,), int64
        Where its rows start in the stream.
    asked : object
        What is drawn of it, see ``study.model.loop.Loop.ask``.
    share : float
        Of the budget that is spent in the middle of the step, in [0, 1].
    order : ndarray of shape (rows,), int64
        Where all rows of its epoch start, in the order in which they are read.
    after : Place
        Where the next step begins.
    """

    starts: Array
    asked: Any
    share: float
    order: Array
    after: Place


@dataclass
class Progress:
    """How far a training is: with weights and optimiser all that a resumed training needs.

    Attributes
    ----------
    total : int
        The budget, words.
    step, words : int
        Steps done and running words seen.
    epoch, row : int
        Where in the data the next step begins.
    seconds : float
        Time spent without validation, before an interruption too.
    losses : list of float
        Loss of each step since the last report, nats: the sum over the questions that it asked, each per word asked for.
    history : list of Moment
    """

    total: int
    step: int = 0
    words: int = 0
    epoch: int = 0
    row: int = 0
    seconds: float = 0.0
    losses: list[float] = field(default_factory=list)
    history: list[Moment] = field(default_factory=list)

    def moment(self) -> Moment:
        """Return an observation of how far the training is."""
        return Moment(self.words, self.total, self.seconds)

    def place(self) -> Place:
        """Return where the next step begins."""
        return Place(self.step, self.words, self.epoch, self.row)

    def go_to(self, place: Place) -> None:
        """Let the next step begin at a place."""
        self.step, self.words, self.epoch, self.row = place
