"""The loop that every network of the study is trained by, with its budget, schedule, learning curve and checkpoints.

What the network is asked in a step, and how it is judged, is for those who inherit from the loop to say.

Everything random in step s (which words are asked for, which are candidates, what is dropped) is drawn from the seed and s alone,
and the learning rate is a function of the words seen alone. So a training that was killed and resumed is the same, bit for bit,
as one that was not, for the same words, machine and threads.

References
----------
Loshchilov & Hutter (2019), Decoupled weight decay regularization, arXiv:1711.05101 (AdamW).
"""

from __future__ import annotations

import copy
import math
import time
from abc import ABC, abstractmethod
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn

from study.contracts import Array, Moment, Observe
from study.model.checkpoint import NAME, discard_checkpoint, read_checkpoint, write_checkpoint
from study.model.effort import Effort
from study.model.memory import keep_freed_memory
from study.model.moments import Moments
from study.model.objective import Candidates
from study.model.progress import Batch, NotFiniteError, Place, Progress
from study.model.regimen import Schedule, choose_fabric
from study.model.rehearsal import counted, minutes_in_words
from study.model.sequences import Sequences, Stream
from study.store import settings_of

ORDER, STEP, VALIDATION = 0, 1, 2
"""What a random stream is for: with the seed and a count it makes the stream's own seed."""

REPORT_STEPS = 50
"""Steps between two training losses of the learning curve."""

OBSERVATION_SECONDS = 0.5
"""Time between two observations that only tell how far the training is."""


class Loop(ABC):
    """A training under way: a network, what it reads, and how far it is.

    Parameters
    ----------
    network : Module
        Trained in place; its ``length`` is the longest sequence that it reads.
    corpus : Stream
    regimen : Schedule
    **others : Module
        What is trained beside the network and kept in its checkpoints, but is no part of the model.
    """

    edges: ClassVar[int] = 0
    """Boundary symbols that are added to what a row holds before the network reads it."""

    def __init__(self, network: nn.Module, corpus: Stream, regimen: Schedule, **others: nn.Module) -> None:
        self.regimen, self.corpus, self.network = regimen, corpus, network
        self.fabric = choose_fabric(regimen.device, regimen.precision)
        self.parts = nn.ModuleDict({"weights": network, **others})
        self.fabric.to_device(self.parts)
        assert isinstance(network.length, int)
        self.length = network.length - self.edges
        self.training = Sequences(corpus, "training", length=self.length, context=regimen.context)
        self.candidates = Candidates(corpus.vocabulary.counts, regimen.candidates, regimen.candidate_exponent)
        self.weights = [weight for weight in self.parts.parameters() if weight.requires_grad]
        products = [part for part in self.parts.modules() if isinstance(part, nn.Linear | nn.RNNBase)]
        matrices = [weight for part in products for weight in part.parameters() if weight.ndim > 1]
        rest = [weight for weight in self.weights if not any(weight is matrix for matrix in matrices)]
        groups = [{"params": matrices, "weight_decay": regimen.weight_decay}, {"params": rest, "weight_decay": 0.0}]
        tables = [part.weight for part in self.parts.modules() if isinstance(part, nn.Embedding)]
        self.tables = {table for table in tables if table.requires_grad}
        self.optimiser = torch.optim.AdamW(groups, betas=(0.9, regimen.second_moment), fused=True)
        self.progress = Progress(total=0)
        self.folder: Path | None = None  # of the checkpoints, once the training runs
        self.order = self.training.order(regimen.seed, ORDER, 0)
        # A thread reads ahead beside a GPU; a processor's it would take from those that compute (reports/encoder-recipe.md).
        self.reads_ahead = self.fabric.device.type != "cpu"
        self.reader: ThreadPoolExecutor | None = None
        self.upcoming: Future[Batch] | None = None

    @abstractmethod
    def ask(self, words: Array, segments: Array, starts: Array, random: np.random.Generator, share: float) -> Any:
        """Draw what a batch is asked, without the network: a thread may do so while a GPU computes the step before.

        Parameters
        ----------
        words, segments : ndarray of shape (b, t), int64
            See ``Sequences.read``.
        starts : ndarray of shape (b,), int64
            Where the rows start in the stream.
        random : Generator
            Of this step.
        share : float
            Of the budget that is spent, in [0, 1].
        """

    @abstractmethod
    def loss(self, asked: Any) -> Tensor:
        """Return the loss of what ``ask`` drew, nats: the sum over the questions asked, each per word asked for."""

    @abstractmethod
    def judge(self, words: Array, segments: Array, random: np.random.Generator) -> tuple[Tensor, Tensor, int]:
        """Judge the network on rows of the development part: the sum of the losses, the hits, and the words asked for."""

    def run(self, folder: Path, observe: Observe) -> list[Moment]:
        """Train to the end of the budget, from the checkpoint in ``folder`` if there is one; return the learning curve.

        At the moments that the regimen asks for, the network is kept as it is, which takes no part in the training or its time.
        Nor does validation take part in its time: words per second tell how fast the network learns, however often it is judged.

        Raises
        ------
        NotFiniteError
            Where the loss, in training or validation, or a weight is no longer finite; the last checkpoint stays, for none is
            written of such weights.
        """
        keep_freed_memory()
        begun, self.folder = time.perf_counter(), folder
        resumed = self.resume(folder)
        if not resumed:
            self.progress.total = self.budget()
            begun += self.report(validate=True)
        seen = self.progress.words if resumed else None
        moments = Moments(self.regimen.moments, folder, total=self.progress.total, seen=seen)
        begun -= self.progress.seconds
        begun += self.keep(moments)
        try:
            with ThreadPoolExecutor(1) as reader:
                self.reader = reader if self.reads_ahead else None
                self.learn(folder, observe, moments, begun)
        finally:
            self.reader = self.upcoming = None
        self.check_weights()
        self.parts.eval()
        return self.progress.history

    def learn(self, folder: Path, observe: Observe, moments: Moments, begun: float) -> None:
        """Make steps to the end of the budget; ``begun`` is when they would have begun without a pause."""
        saved = observed = time.perf_counter()
        while self.progress.words < self.progress.total:
            before = self.progress.words // self.regimen.validate_every
            self.step()
            now = time.perf_counter()
            self.progress.seconds = now - begun
            begun += self.keep(moments)
            validate = self.progress.words // self.regimen.validate_every > before or self.progress.words >= self.progress.total
            news = validate or self.progress.step % REPORT_STEPS == 0
            if news:
                begun += self.report(validate)
            if now - saved >= self.regimen.checkpoint_seconds:
                self.check_weights()
                write_checkpoint(folder, self.state())
                saved = time.perf_counter()
            if news or now - observed >= OBSERVATION_SECONDS:
                observe(self.progress.history[-1] if news else self.progress.moment())
                observed = now

    def keep(self, moments: Moments) -> float:
        """Keep the network as a model of its own if its moment has come; return the seconds that this took."""
        begun, progress = time.perf_counter(), self.progress
        if moments.due(progress.words):
            self.check_weights()
            history = [*progress.history, progress.moment()]
            moments.keep(progress.words, lambda path: self.regimen.keep(history, path))
        return time.perf_counter() - begun

    def step(self) -> None:
        """Ask the network about one batch and let it learn from its answers."""
        regimen, progress = self.regimen, self.progress
        batch = self.prepare(progress.place()) if self.upcoming is None else self.upcoming.result()
        self.order = batch.order
        ahead = self.reader if batch.after.words < progress.total else None
        self.upcoming = None if ahead is None else ahead.submit(self.prepare, batch.after)
        for group in self.optimiser.param_groups:
            group["lr"] = regimen.rate_at(batch.share)
        self.parts.train()
        self.forget()
        loss = self.loss(batch.asked)
        loss.backward()
        length = nn.utils.clip_grad_norm_(self.weights, regimen.clip)
        nats, norm = torch.stack([loss.detach(), length]).tolist()  # waits for a GPU once
        if not math.isfinite(nats) or not math.isfinite(norm):
            raise self.failure(f"loss {nats}, gradient {norm}")
        self.optimiser.step()
        progress.go_to(batch.after)
        progress.losses.append(nats)

    def prepare(self, place: Place) -> Batch:
        """Read the batch of the step that begins at a place, and draw what it asks; at the end of an epoch it may be smaller."""
        regimen, total, order, (step, seen, epoch, row) = self.regimen, max(1, self.progress.total), self.order, place
        if row >= len(order):
            epoch, row = epoch + 1, 0
            order = self.training.order(regimen.seed, ORDER, epoch)
        number = max(1, regimen.batch_at(min(1.0, seen / total)) // self.training.length)
        starts = order[row : row + number]
        words, segments = self.training.read(starts)
        read = self.words_in(words)
        share = min(1.0, (seen + read / 2) / total)
        asked = self.ask(words, segments, starts, np.random.default_rng((regimen.seed, STEP, step)), share)
        return Batch(starts, asked, share, order, Place(step + 1, seen + read, epoch, row + number))

    def failure(self, found: str) -> NotFiniteError:
        """Return the error that ends the training, with the curve up to it, after something that was found there."""
        regimen, progress = self.regimen, self.progress
        last = [replace(progress.moment(), loss=float(np.mean(progress.losses)))] if progress.losses else []
        path = None if self.folder is None else self.folder / NAME
        return NotFiniteError(
            f"The training failed in step {progress.step}, after {progress.words} words: {found}. The last checkpoint, if any, "
            f"is kept. Try a rate below {regimen.rate} or a longer warm_up.",
            [*progress.history, *last],
            path if path is not None and path.exists() else None,
        )

    def check_weights(self) -> None:
        """Raise NotFiniteError where a weight is not finite: an update may do that, and later losses need not tell."""
        if not all(bool(weight.isfinite().all()) for weight in self.weights):
            raise self.failure("weights that are not finite")

    def forget(self) -> None:
        """Forget the gradients of the last step; those of tables keep their memory, into which ``look_up`` adds rows."""
        for weight in self.weights:
            if weight in self.tables:
                weight.grad = torch.zeros_like(weight) if weight.grad is None else weight.grad.zero_()
            else:
                weight.grad = None

    def words_in(self, words: Array) -> int:
        """Return how many running words are read with a batch."""
        return int((words != self.training.symbols.boundary).sum())

    def report(self, validate: bool) -> float:
        """Add to the learning curve the mean training loss since the last report and, if asked, the validation.

        Returns
        -------
        float
            The seconds that this took.
        """
        begun = time.perf_counter()
        loss = float(np.mean(self.progress.losses)) if self.progress.losses else None
        validation_loss, accuracy = self.validate() if validate else (None, None)
        moment = replace(self.progress.moment(), loss=loss, validation_loss=validation_loss, masked_accuracy=accuracy)
        if validation_loss is not None and not math.isfinite(validation_loss):
            raise self.failure(f"validation loss {validation_loss}")
        self.progress.history.append(moment)
        self.progress.losses.clear()
        return time.perf_counter() - begun

    @torch.inference_mode()
    def validate(self) -> tuple[float | None, float | None]:
        """Ask the same of the development part each time.

        Returns
        -------
        loss : float, nats per word asked for, by the full softmax, or None where the development part is empty
        accuracy : float, share guessed right, in [0, 1], or None
        """
        if self.corpus.size("development") == 0:
            return None, None
        development = Sequences(self.corpus, "development", length=self.length, context=self.regimen.context)
        random = np.random.default_rng((self.regimen.seed, VALIDATION))
        self.parts.eval()
        losses, hits, number = 0.0, 0, 0
        for words, segments in development.batches(development.evenly(self.regimen.validation_words), rows=64):
            loss, right, asked = self.judge(words, segments, random)
            losses, hits, number = losses + float(loss), hits + int(right), number + asked
        return losses / max(1, number), hits / max(1, number)

    def budget(self) -> int:
        """Return the budget in words; one in minutes is turned into words by the speed of some steps that are not kept."""
        regimen = self.regimen
        if regimen.words is not None:
            return int(regimen.words)
        if regimen.epochs is not None:
            return round(regimen.epochs * self.corpus.size("training"))
        assert regimen.minutes is not None
        return minutes_in_words(regimen.minutes, self.rehearsal())

    def effort(self) -> Effort | None:
        """Count what steps halfway through the budget ask of the machine; see ``study.model.rehearsal.counted``."""
        return counted(self.rehearsal(), self.progress.total)

    def rehearsal(self) -> Self:
        """Return a training of a copy of the network, whose steps leave it as it is: its rate is 0."""
        return type(self)(copy.deepcopy(self.network), self.corpus, replace(self.regimen, rate=0.0))

    def state(self) -> dict[str, Any]:
        """Return all that a resumed training needs."""
        parts = {name: part.state_dict() for name, part in self.parts.items()}
        told = {"settings": settings_of(self.regimen, without=("resource", "view")), "progress": asdict(self.progress)}
        return {**parts, "optimiser": self.optimiser.state_dict(), **told}

    def resume(self, folder: Path) -> bool:
        """Put what a checkpoint holds in place; return whether there was one that fits."""
        state = read_checkpoint(folder)
        if state is None:
            return False
        if not _alike(state, self.state()):
            discard_checkpoint(folder, "it is of another training")
            return False
        for name, part in self.parts.items():
            part.load_state_dict(state[name])
        self.optimiser.load_state_dict(state["optimiser"])
        self.progress = Progress(**state["progress"])
        self.progress.history = [Moment(**moment) for moment in state["progress"]["history"]]
        self.order = self.training.order(self.regimen.seed, ORDER, self.progress.epoch)
        return True


def _alike(state: dict[str, Any], own: dict[str, Any]) -> bool:
    """Say whether a checkpoint is of a training with these settings, parts and shapes."""
    if state.keys() != own.keys() or state["settings"] != own["settings"]:
        return False
    try:
        return _shape(state) == _shape(own)
    except (KeyError, TypeError, AttributeError):  # it holds something else under these names
        return False


def _shape(state: dict[str, Any]) -> Any:
    """Return what is the same in all states of a training: the names and shapes of its parts, without what they hold."""
    parts = {name: part for name, part in state.items() if name not in ("settings", "progress", "optimiser")}
    shapes = {name: {key: tuple(weight.shape) for key, weight in part.items()} for name, part in parts.items()}
    groups = [len(group["params"]) for group in state["optimiser"]["param_groups"]]
    return shapes, groups, sorted(state["progress"])
