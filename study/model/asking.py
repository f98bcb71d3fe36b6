"""The training of a network that says words of whole sentences: some of them in a step, all of them where it is judged."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from study.contracts import Array, StudyError
from study.model.loop import Loop
from study.model.objective import candidate_loss, full_loss, moved
from study.model.regimen import Schedule


@dataclass(kw_only=True)
class Asked(Schedule):
    """How such a network is trained: the settings of ``Schedule``, and what share of the words is asked.

    Parameters
    ----------
    asked : float
        Share of the known words that it is to say in a step, in (0, 1].
    """

    asked: float

    def check_regimen(self) -> None:
        """Raise StudyError where the choices do not fit together."""
        super().check_regimen()
        if not 0 < self.asked <= 1:
            raise StudyError(f"asked is a share in (0, 1], not {self.asked}.")


class Asking(Loop):
    """The training of such a network under way.

    Parameters
    ----------
    network : Module
        With an ``output``, see ``study.model.objective.Scoring``.
    corpus : EncodedCorpus
    regimen : Asked
    """

    network: Any
    regimen: Asked
    edges = 2

    def ask(self, words: Array, segments: Array, starts: Array, random: np.random.Generator, share: float) -> Any:
        """Draw candidates; what is asked is drawn where the network says it. See ``Loop.ask``."""
        return words, segments, random, self.candidates.draw(random)

    def loss(self, asked: Any) -> Tensor:
        """Ask for some of the words; see ``Loop.loss``."""
        words, segments, random, drawn = asked
        candidates = [moved(part, self.fabric.device) for part in drawn]
        torch.manual_seed(int(random.integers(2**62)))  # dropout
        with self.fabric.autocast():
            x, targets = self.said(words, segments, random, self.regimen.asked)
            return candidate_loss(self.network, x, targets, *candidates)

    def judge(self, words: Array, segments: Array, random: np.random.Generator) -> tuple[Tensor, Tensor, int]:
        """Ask for all of the words; see ``Loop.judge``."""
        with self.fabric.autocast():
            x, targets = self.said(words, segments, random, 1.0)
        return *full_loss(self.network, x.float(), targets), len(targets)

    @abstractmethod
    def said(self, words: Array, segments: Array, random: np.random.Generator, share: float) -> tuple[Tensor, Tensor]:
        """Return the vectors that score a share of the known words, (n, d), and these words, (n,)."""
