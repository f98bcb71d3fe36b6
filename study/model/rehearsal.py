"""Rehearsals: steps of a training that are not kept, by which its speed is measured and its operations are counted.

The network that rehearses is a copy whose learning rate is 0: it does all the work of a step and stays as it is, so that a
rehearsal, which has no warm-up, cannot lead it astray.
"""

from __future__ import annotations

import time
from typing import Protocol

import torch
from lightning_fabric import Fabric

from study.model.effort import Effort, operations, peak
from study.model.progress import NotFiniteError, Progress
from study.model.regimen import Schedule

STEPS = 200
"""By whose speed a budget in minutes becomes one in words, at most."""

SHARE = 0.1
"""Of a budget in minutes, spent on them at most."""

COUNTED = 4
"""Steps whose operations are counted."""

MANY = 10**12
"""Words: a budget that a rehearsal does not come to the end of."""

GOLDEN = 0.618034
"""Steps of this size around a circle, however many, are spread evenly over it."""


class Rehearsal(Protocol):
    """A training whose steps are not kept."""

    fabric: Fabric
    progress: Progress
    regimen: Schedule

    def step(self) -> None:
        """Make a step."""
        ...


def minutes_in_words(minutes: float, rehearsal: Rehearsal) -> int:
    """Turn minutes into words by the speed of some steps, spread over the budget, for what steps ask may change with it.

    A step counts by the inverse of its batch, as often as the training makes such steps; an epoch's last one, which may be
    smaller, as often as it is met. Each is made twice and timed once: products of a new size are prepared the first time, which
    a training does once for many steps. The time of the rehearsal itself is taken off. Beside a GPU a training is somewhat
    faster, for it reads ahead. Where not even a step fits, or a step fails, a word is left: the training makes its first step
    and says what is wrong.
    """
    begun, seconds, words, steps = time.perf_counter(), 0.0, 0.0, 0
    try:
        rehearsal.progress.total = MANY
        while steps < STEPS and (not steps or time.perf_counter() - begun < 60 * SHARE * minutes):
            share = (steps + 0.5) * GOLDEN % 1
            rehearsal.progress.words = round(share * MANY)
            place = rehearsal.progress.place()
            rehearsal.step()
            rehearsal.progress.go_to(place)
            before = time.perf_counter()
            rehearsal.step()
            batch = rehearsal.regimen.batch_at(share)
            seconds += (time.perf_counter() - before) / batch
            words += (rehearsal.progress.words - place.words) / batch
            steps += 1
    except NotFiniteError:
        return 1
    left = 60 * minutes - (time.perf_counter() - begun)
    return max(1, round(left * words / seconds))


def counted(rehearsal: Rehearsal, total: int) -> Effort | None:
    """Count what steps halfway through a budget of words ask of the machine, and measure what it has.

    Returns
    -------
    Effort or None
        None where a step fails: what is trained is no longer finite then, or close to it, and still worth a look.
    """
    rehearsal.progress.words, rehearsal.progress.total = total // 2, total
    try:
        asked = sum(operations(rehearsal.step) for _ in range(COUNTED))
    except NotFiniteError:
        return None
    kind = rehearsal.fabric.device.type
    with rehearsal.fabric.autocast():
        precision = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else torch.float32
    each = round(asked / (rehearsal.progress.words - total // 2))
    return Effort(each, round(peak(kind, precision)), str(precision).removeprefix("torch."), kind, torch.get_num_threads())
