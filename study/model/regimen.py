"""The regimen of a training: every choice of how a network is trained, and the device and precision it is trained with."""

from __future__ import annotations

import logging
import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric

from study.contracts import Moment, StudyError
from study.model.sequences import CONTEXTS

OBJECTIVES = ("masked", "causal", "detection")
CHOICES = {
    "context": CONTEXTS,
    "decay": ("linear", "cosine"),
    "precision": ("auto", "float32", "bfloat16"),
}
DEVICES = ("auto", "cpu", "cuda")


@dataclass(kw_only=True)
class Schedule:
    """What all trainings have: a budget, steps, rates, and a look at the development part now and then.

    Attributes
    ----------
    context : str
        What a word may look at: its ``sentence``, or its ``document`` within the sequence.
    candidates : int
        Words by which the softmax's normaliser is estimated while training; 0 takes the full vocabulary.
    candidate_exponent : float
        Power of the word counts by which candidates are drawn.
    batch : int
        Words of a step, boundary symbols included.
    rate : float
        Highest learning rate.
    warm_up : float
        Share of the budget in which the rate rises from 0.
    decay : str
        How the rate falls to 0 after that: ``linear`` or ``cosine``.
    weight_decay : float
        Of the matrices; tables, norms and biases are not decayed.
    second_moment : float
        AdamW's second decay rate (beta 2).
    clip : float
        Longest gradient; a longer one is shortened to it.
    precision : str
        ``float32``, ``bfloat16`` (products only), or ``auto``: bfloat16 where the processor or GPU has it.
    words, epochs, minutes : float or None
        The budget: running words, passes over the training part, or time. Exactly one is set.
    validate_every : int
        Running words between two looks at the development part.
    validation_words : int
        Words of the development part that are looked at.
    checkpoint_seconds : float
        Time between two checkpoints.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    threads : int or None
        Processor threads; None leaves torch's own choice.
    moments : sequence of int
        Words seen after which the network is kept; see ``study.contracts.Grows``.
    """

    context: str
    candidates: int
    candidate_exponent: float
    batch: int
    rate: float
    warm_up: float
    decay: str
    weight_decay: float
    second_moment: float
    clip: float
    precision: str
    words: int | None
    epochs: float | None
    minutes: float | None
    validate_every: int
    validation_words: int
    seed: int
    checkpoint_seconds: float = field(metadata={"resource": True})
    device: str = field(metadata={"resource": True})
    threads: int | None = field(metadata={"resource": True})

    moments: Sequence[int] = field(init=False, repr=False, compare=False, default=())

    @abstractmethod
    def keep(self, history: list[Moment], folder: Path) -> None:
        """Write what the network is now, while it learns, and its curve so far as a model of its own."""

    def check_regimen(self) -> None:
        """Raise StudyError where the choices do not fit together."""
        given = {name: getattr(self, name) for name in ("words", "epochs", "minutes") if getattr(self, name) is not None}
        if len(given) != 1:
            raise StudyError(
                f"Exactly one of words, epochs and minutes is the budget of a training, the others null; given: {given}."
            )
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise StudyError(f"{name} must be one of {', '.join(known)}, not {getattr(self, name)!r}.")
        for name in ("rate", "clip", "batch", "validate_every", "minutes"):
            if getattr(self, name) is not None and not getattr(self, name) > 0:
                raise StudyError(f"{name} must be above 0, not {getattr(self, name)}.")
        for name in ("words", "epochs", "candidates", "weight_decay", "validation_words", "checkpoint_seconds"):
            if getattr(self, name) is not None and not getattr(self, name) >= 0:
                raise StudyError(f"{name} must be 0 or more, not {getattr(self, name)}.")
        if not 0 <= self.second_moment < 1:
            raise StudyError(f"second_moment is a rate in [0, 1), not {self.second_moment}.")
        if not 0 <= self.warm_up < 1:
            raise StudyError(f"warm_up is a share of the budget in [0, 1), not {self.warm_up}.")
        for name in ("rate", "candidate_exponent"):
            if not math.isfinite(getattr(self, name)):
                raise StudyError(f"{name} must be a finite number, not {getattr(self, name)}.")
        choose_fabric(self.device, self.precision)
        check_threads(self.threads)

    def rate_at(self, share: float) -> float:
        """Return the learning rate when a share of the budget, in [0, 1], is spent."""
        if share < self.warm_up:
            return self.rate * share / self.warm_up
        left = (1 - share) / (1 - self.warm_up)
        return self.rate * (left if self.decay == "linear" else 0.5 - 0.5 * math.cos(math.pi * left))

    def batch_at(self, share: float) -> int:
        """Return the words of a step when a share of the budget, in [0, 1], is spent: always as many."""
        return self.batch


@dataclass(kw_only=True)
class Regimen(Schedule):
    """How a Transformer encoder is trained: a schedule, and the questions that it is asked.

    Attributes
    ----------
    objective : mapping of str to float
        What the steps ask, as shares that sum to 1: ``masked`` (guess hidden words), ``causal`` (guess the next word from those
        before) and ``detection`` (say which words a small generator has replaced).
    first_batch : int or None
        Words of the first step, from which steps grow to ``batch`` in a straight line; None takes ``batch`` from the first.
    batch_growth : float
        Share of the budget in which they grow, in (0, 1].
    mask_rate : float
        Share of the known words that are to be guessed, in (0, 1].
    final_mask_rate : float or None
        That share at the end of the budget, reached in a straight line; None keeps it.
    mask_hidden, mask_replaced : float
        Of these, the share shown as the mask symbol and as a random word; the rest is shown as it is.
    generator : float
        Width of the generator of ``detection`` as a share of the encoder's.
    detection_weight : float
        How much detection counts beside the generator's guessing.
    surroundings : float
        Share of the visible words that are asked, where words are hidden, for words around them that are out of sight: see
        ``study.model.surroundings``.
    surroundings_window, surroundings_drawn : int
        Words before and after a visible word of which some are drawn, and how many.
    surroundings_threshold : float
        Words of a relative frequency above this are drawn less often, as in Skip-gram.
    """

    objective: Mapping[str, float]
    first_batch: int | None
    batch_growth: float
    mask_rate: float
    final_mask_rate: float | None
    mask_hidden: float
    mask_replaced: float
    generator: float
    detection_weight: float
    surroundings: float
    surroundings_window: int
    surroundings_drawn: int
    surroundings_threshold: float

    def check_regimen(self) -> None:
        """Raise StudyError where the choices do not fit together."""
        super().check_regimen()
        if not self.mask_rate > 0:
            raise StudyError(f"mask_rate must be above 0, not {self.mask_rate}.")
        if not isinstance(self.objective, Mapping) or not all(
            isinstance(share, int | float) for share in self.objective.values()
        ):
            raise StudyError(f"objective: expected shares, such as {{masked: 1.0}}, found {self.objective!r}.")
        shares = dict(self.objective)
        if set(shares) - set(OBJECTIVES) or min(shares.values(), default=-1) < 0 or not math.isclose(sum(shares.values()), 1):
            raise StudyError(f"objective: expected shares of {', '.join(OBJECTIVES)} that sum to 1, found {shares}.")
        if self.first_batch is not None and not 0 < self.first_batch <= self.batch:
            raise StudyError(f"first_batch is a number of words from 1 to batch={self.batch}, or null, not {self.first_batch}.")
        if not 0 < self.batch_growth <= 1:
            raise StudyError(f"batch_growth is a share of the budget in (0, 1], not {self.batch_growth}.")
        if not 0 < self.generator <= 1 or self.detection_weight < 0:
            raise StudyError("generator is a share in (0, 1] and detection_weight is not negative.")
        if not 0 <= self.surroundings <= 1 or min(self.surroundings_window, self.surroundings_drawn) < 1:
            raise StudyError("surroundings is a share in [0, 1]; surroundings_window and surroundings_drawn are 1 or more.")
        if self.surroundings and not shares.get("masked", 0):
            raise StudyError(
                f"surroundings={self.surroundings} is asked in steps that hide words, and objective has none: "
                "give masked a share, or set surroundings=0."
            )
        if not self.surroundings_threshold > 0:
            raise StudyError(f"surroundings_threshold must be above 0, not {self.surroundings_threshold}.")
        if self.final_mask_rate is not None and not 0 < self.final_mask_rate <= 1:
            raise StudyError(f"final_mask_rate is a share in (0, 1] or null, not {self.final_mask_rate}.")
        hidden, replaced = self.mask_hidden, self.mask_replaced
        if self.mask_rate > 1 or not (hidden >= 0 and replaced >= 0 and hidden + replaced <= 1):
            raise StudyError("mask_rate, mask_hidden and mask_replaced are shares, and the last two sum to 1 at most.")

    def batch_at(self, share: float) -> int:
        """Return the words of a step when a share of the budget, in [0, 1], is spent: steps may grow."""
        first = self.batch if self.first_batch is None else self.first_batch
        return round(first + min(1.0, share / self.batch_growth) * (self.batch - first))

    def mask_rate_at(self, share: float) -> float:
        """Return the share of words that are to be guessed when a share of the budget, in [0, 1], is spent."""
        last = self.mask_rate if self.final_mask_rate is None else self.final_mask_rate
        return self.mask_rate + share * (last - self.mask_rate)

    def question(self, random: np.random.Generator) -> str:
        """Draw what a step asks: one of ``OBJECTIVES``, by their shares."""
        asked = {name: share for name, share in sorted(self.objective.items()) if share > 0}
        return str(random.choice(list(asked), p=list(asked.values()))) if len(asked) > 1 else next(iter(asked))


def judged_by(objective: Mapping[str, float]) -> str:
    """Return what the development part asks: for hidden words where any step does, else for the next, else what was replaced."""
    return next((name for name in OBJECTIVES if objective.get(name, 0)), OBJECTIVES[0])


def choose_fabric(device: str, precision: str) -> Fabric:
    """Choose the device and its precision: bfloat16 products with float32 weights where ``auto`` finds them in the hardware.

    Raises
    ------
    StudyError
        For a device that is none of ``auto``, ``cpu`` and ``cuda``, or a GPU that is not there.
    """
    if device not in DEVICES:
        raise StudyError(f"device must be one of {', '.join(DEVICES)}, not {device!r}.")
    if device == "cuda" and not torch.cuda.is_available():
        raise StudyError("device is cuda, but torch finds no GPU: take device=cpu or device=auto.")
    cuda = device == "cuda" or (device == "auto" and torch.cuda.is_available())
    if precision == "auto":
        precision = "bfloat16" if _has_bfloat16(cuda) else "float32"
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it announces its precision on the terminal
    return Fabric(accelerator=device, devices=1, precision="bf16-mixed" if precision == "bfloat16" else "32-true")


def _has_bfloat16(cuda: bool) -> bool:
    """Say whether the hardware multiplies bfloat16 itself (an emulation would be slower than float32)."""
    if cuda:
        return torch.cuda.is_bf16_supported(including_emulation=False)
    features = Path("/proc/cpuinfo")
    return features.exists() and "bf16" in features.read_text(encoding="utf-8")


def check_threads(number: int | None) -> None:
    """Raise StudyError for less than one thread; None leaves the choice to torch."""
    if number is not None and number < 1:
        raise StudyError(f"threads must be 1 or more, or null for torch's own choice, not {number}.")


@contextmanager
def limited_threads(number: int | None) -> Iterator[None]:
    """Compute with a number of processor threads, or with all that torch has chosen, then with as many as before."""
    check_threads(number)
    before = torch.get_num_threads()
    torch.set_num_threads(number or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
