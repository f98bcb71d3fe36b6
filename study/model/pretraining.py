"""Pretraining: the loop that teaches an encoder its words, with its budget, schedule and checkpoints.

Everything random in step s (which words are hidden, which are candidates, what is dropped) is drawn from the seed and s alone,
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
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from study.contracts import Array, Moment, Observe, StudyError
from study.corpus import EncodedCorpus
from study.model.checkpoint import discard_checkpoint, read_checkpoint, write_checkpoint
from study.model.detection import Detection
from study.model.objective import Candidates, Masked, candidate_loss, following, full_loss, mask
from study.model.regimen import Regimen, choose_fabric
from study.model.sequences import Sequences
from study.model.transformer import Encoder

ORDER, STEP, VALIDATION = 0, 1, 2
"""What a random stream is for: with the seed and a count it makes the stream's own seed."""

REPORT_STEPS = 50
"""Steps between two training losses of the learning curve."""

REHEARSAL_STEPS = 200
"""Steps by whose speed a budget in minutes becomes one in words; they are not kept."""

VALIDATION_RATE = 0.15
"""Share of the known words that validation hides, every one by the mask symbol: regimens are compared on the same question."""

OBSERVATION_SECONDS = 0.5
"""Time between two observations that only tell how far the training is."""


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
        Time spent, before an interruption too.
    losses : list of float
        Loss of each step since the last report, nats per hidden word.
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


class Pretraining:
    """A training under way: an encoder, what it reads, and how far it is.

    Parameters
    ----------
    encoder : Encoder
        Trained in place.
    corpus : EncodedCorpus
    regimen : Regimen
    """

    def __init__(self, encoder: Encoder, corpus: EncodedCorpus, regimen: Regimen) -> None:
        self.regimen = regimen
        self.corpus = corpus
        self.fabric = choose_fabric(regimen.device, regimen.precision)
        self.fabric.to_device(encoder)
        self.encoder = encoder
        self.length = encoder.length
        self.training = Sequences(corpus, "training", length=self.length, context=regimen.context)
        self.candidates = Candidates(corpus.vocabulary.counts, regimen.candidates, regimen.candidate_exponent)
        self.detection = self._detection()
        trained = nn.ModuleList([encoder, *([self.detection] if self.detection else [])])
        self.weights = [weight for weight in trained.parameters() if weight.requires_grad]
        matrices = [weight for part in trained.modules() if isinstance(part, nn.Linear) for weight in part.parameters()]
        others = [weight for weight in self.weights if not any(weight is matrix for matrix in matrices)]
        groups = [{"params": matrices, "weight_decay": regimen.weight_decay}, {"params": others, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, betas=(0.9, regimen.second_moment), fused=True)
        self.progress = Progress(total=0)
        self.rows = self.training.order(regimen.seed, ORDER, 0)

    def run(self, folder: Path, observe: Observe) -> list[Moment]:
        """Train to the end of the budget, from the checkpoint in ``folder`` if there is one; return the learning curve.

        Raises
        ------
        StudyError
            Where the loss is no longer finite; the last checkpoint stays.
        """
        begun = time.perf_counter()
        if not self.resume(folder):
            self.progress.total = self.budget()
            self.report(validate=True)
        begun -= self.progress.seconds
        saved = observed = time.perf_counter()
        while self.progress.words < self.progress.total:
            before = self.progress.words // self.regimen.validate_every
            self.step()
            now = time.perf_counter()
            self.progress.seconds = now - begun
            validate = self.progress.words // self.regimen.validate_every > before or self.progress.words >= self.progress.total
            news = validate or self.progress.step % REPORT_STEPS == 0
            if news:
                self.report(validate)
            if now - saved >= self.regimen.checkpoint_seconds:
                write_checkpoint(folder, self.state())
                saved = time.perf_counter()
            if news or now - observed >= OBSERVATION_SECONDS:
                observe(self.progress.history[-1] if news else self.progress.moment())
                observed = now
        return self.progress.history

    def step(self) -> None:
        """Ask the encoder about one batch and let it learn from its answers."""
        regimen, progress = self.regimen, self.progress
        random = np.random.default_rng((regimen.seed, STEP, progress.step))
        words, segments = self.training.read(self.next_rows())
        read = int((words != self.training.symbols.boundary).sum())
        share = min(1.0, (progress.words + read / 2) / max(1, progress.total))
        for group in self.optimiser.param_groups:
            group["lr"] = regimen.rate_at(share)
        self.encoder.train()
        loss = self.loss(words, segments, random, share)
        self.optimiser.zero_grad()
        loss.backward()
        length = nn.utils.clip_grad_norm_(self.weights, regimen.clip)
        if not math.isfinite(loss.item()) or not math.isfinite(length.item()):
            raise StudyError(
                f"The encoder's training failed in step {progress.step}, after {progress.words} words: loss {loss.item()}, "
                f"gradient {length.item()}. The last checkpoint is kept. Try a rate below {regimen.rate} or a longer warm_up."
            )
        self.optimiser.step()
        progress.step += 1
        progress.words += read
        progress.losses.append(loss.item())

    def loss(self, words: Array, segments: Array, random: np.random.Generator, share: float) -> Tensor:
        """Return the loss of a batch, by the question that its random stream draws, when a share of the budget is spent."""
        regimen, symbols = self.regimen, self.training.symbols
        question, rate = regimen.question(random), regimen.mask_rate_at(share)
        if question == "causal":
            batch = following(words, segments, symbols, random, rate=rate).to(self.fabric.device)
        elif question == "detection":
            batch = self.hide(words, segments, random, rate=rate, hidden=1.0, replaced=0.0)
        else:
            batch = self.hide(words, segments, random, rate=rate, hidden=regimen.mask_hidden, replaced=regimen.mask_replaced)
        candidates = [part.to(self.fabric.device) for part in self.candidates.draw(random)]
        torch.manual_seed(int(random.integers(2**62)))  # dropout, and what a generator draws
        with self.fabric.autocast():
            if question == "detection" and self.detection:
                original = torch.from_numpy(words).to(self.fabric.device)
                return self.detection.loss(self.encoder, batch, original, candidates[0], candidates[1])
            x = self.encoder(batch.words, batch.segments, batch.places, causal=question == "causal")[-1]  # (n, d)
            return candidate_loss(self.encoder, x, batch.targets, *candidates)

    def _detection(self) -> Detection | None:
        """Return the generator and the head of detection where some steps ask for it."""
        if not self.regimen.objective.get("detection", 0):
            return None
        anatomy, symbols = self.encoder.anatomy, self.training.symbols
        frequencies = self.encoder.bias.detach().exp()
        made = Detection(anatomy, len(symbols), frequencies, self.regimen.generator, self.regimen.detection_weight)
        self.fabric.to_device(made)
        return made

    def next_rows(self) -> Array:
        """Return where the next batch's rows start in the stream; at the end of an epoch the batch may be smaller."""
        if self.progress.row >= len(self.rows):
            self.progress.epoch, self.progress.row = self.progress.epoch + 1, 0
            self.rows = self.training.order(self.regimen.seed, ORDER, self.progress.epoch)
        first, number = self.progress.row, max(1, self.regimen.batch // self.training.length)
        self.progress.row += number
        return self.rows[first : first + number]

    def hide(self, words: Array, segments: Array, random: np.random.Generator, **rates: float) -> Masked:
        """Hide words at the rates of ``study.model.objective.mask``."""
        return mask(words, segments, self.training.symbols, random, **rates).to(self.fabric.device)

    def report(self, validate: bool) -> None:
        """Add to the learning curve the mean training loss since the last report and, if asked, the validation."""
        loss = float(np.mean(self.progress.losses)) if self.progress.losses else None
        validation_loss, accuracy = self.validate() if validate else (None, None)
        moment = replace(self.progress.moment(), loss=loss, validation_loss=validation_loss, masked_accuracy=accuracy)
        self.progress.history.append(moment)
        self.progress.losses.clear()

    @torch.inference_mode()
    def validate(self) -> tuple[float | None, float | None]:
        """Guess the same hidden words of the development part each time.

        Returns
        -------
        loss : float, nats per hidden word by the full softmax, or None where the development part is empty
        accuracy : float, share guessed right, in [0, 1], or None
        """
        if self.corpus.size("development") == 0:
            return None, None
        development = Sequences(self.corpus, "development", length=self.length, context=self.regimen.context)
        random = np.random.default_rng((self.regimen.seed, VALIDATION))
        self.encoder.eval()
        losses, hits, number = 0.0, 0, 0
        for words, segments in development.batches(development.evenly(self.regimen.validation_words), rows=64):
            batch = self.hide(words, segments, random, rate=VALIDATION_RATE, hidden=1.0, replaced=0.0)
            with self.fabric.autocast():
                x = self.encoder(batch.words, batch.segments, batch.places)[-1]  # (n, d)
            loss, right = full_loss(self.encoder, x.float(), batch.targets)
            losses, hits, number = losses + float(loss), hits + int(right), number + len(batch.targets)
        return losses / max(1, number), hits / max(1, number)

    def budget(self) -> int:
        """Return the budget in words; one in minutes is turned into words by the speed of some steps that are not kept."""
        regimen = self.regimen
        if regimen.words is not None:
            return int(regimen.words)
        if regimen.epochs is not None:
            return round(regimen.epochs * self.corpus.size("training"))
        assert regimen.minutes is not None
        rehearsal = Pretraining(copy.deepcopy(self.encoder), self.corpus, regimen)
        begun = time.perf_counter()
        while rehearsal.progress.step < REHEARSAL_STEPS and time.perf_counter() - begun < 6 * regimen.minutes:
            rehearsal.step()
        spent = time.perf_counter() - begun
        return round(rehearsal.progress.words * (60 * regimen.minutes - spent) / spent)

    def state(self) -> dict[str, Any]:
        """Return all that a resumed training needs."""
        weights, optimiser = self.encoder.state_dict(), self.optimiser.state_dict()
        detection = self.detection.state_dict() if self.detection else {}
        return {"weights": weights, "detection": detection, "optimiser": optimiser, "progress": asdict(self.progress)}

    def resume(self, folder: Path) -> bool:
        """Put what a checkpoint holds in place; return whether there was one that fits."""
        state = read_checkpoint(folder)
        if state is None:
            return False
        if not _alike(state, self.state()):
            discard_checkpoint(folder, "it is not of this encoder")
            return False
        self.encoder.load_state_dict(state["weights"])
        if self.detection:
            self.detection.load_state_dict(state["detection"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.progress = Progress(**state["progress"])
        self.progress.history = [Moment(**moment) for moment in state["progress"]["history"]]
        self.rows = self.training.order(self.regimen.seed, ORDER, self.progress.epoch)
        return True


def _alike(state: dict[str, Any], own: dict[str, Any]) -> bool:
    """Say whether a checkpoint has the parts and shapes of an encoder's own state."""
    if any(state.get(part, {}).keys() != own[part].keys() for part in own):
        return False
    return all(weight.shape == own["weights"][name].shape for name, weight in state["weights"].items())
