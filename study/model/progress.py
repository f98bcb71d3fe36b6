"""How far a training is, and how it ends where its numbers do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from study.contracts import Moment, StudyError


class NotFiniteError(StudyError):
    """A training whose loss, gradient or weights are no longer finite: a finding on its settings, which leaves others alone.

    Parameters
    ----------
    message : str
    history : sequence of Moment
        The learning curve up to there.
    """

    def __init__(self, message: str, history: Sequence[Moment] = ()) -> None:
        super().__init__(message)
        self.history = history


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
