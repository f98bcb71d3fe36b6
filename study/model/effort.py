"""What a training computes, and how fast the machine could: the share of its fastest product of matrices that a training reaches.

Operations are those of products of matrices, forward and backward, as they are asked of the machine in steps that are not kept:
what a step saves (words that no output is asked for) is not counted, nor is what is no product. The machine's speed is that of
one large product in the training's own precision, by as many threads.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

FILE = "effort.json"
SIDES = {"cpu": 2048, "cuda": 8192}
"""Rows of the large square matrices: a product of them fills the machine."""
SECONDS = 0.4
"""For which the large product is repeated; the fastest counts."""


@dataclass(frozen=True)
class Effort:
    """What a training asks of a machine, and what the machine has.

    Attributes
    ----------
    operations_per_word : int
        Additions and multiplications of a training step's products of matrices, per word read.
    peak : int
        Additions and multiplications per second of the machine's fastest product.
    precision : str
        ``float32`` or ``bfloat16``: in which the training's products were computed, and the fastest one measured.
    device, threads : str, int, or None
        What it ran on, and on how many threads of the processor; None of a training that kept no note of it.
    """

    operations_per_word: int
    peak: int
    precision: str
    device: str | None = None
    threads: int | None = None


def peak(device: str, precision: torch.dtype) -> float:
    """Measure the operations per second of a large product of matrices with the present number of threads.

    Parameters
    ----------
    device : str
        ``cpu`` or ``cuda``.
    precision : torch.dtype

    Notes
    -----
    Measured once in a process for each device, precision and number of threads.
    """
    return _peak(device, precision, torch.get_num_threads())


@lru_cache
def _peak(device: str, precision: torch.dtype, _: int) -> float:
    side = SIDES[device]
    matrix = torch.ones(side, side, dtype=precision, device=device)
    product = torch.empty_like(matrix)
    finish = torch.cuda.synchronize if device == "cuda" else lambda: None
    fastest, begun = float("inf"), time.perf_counter()
    while fastest == float("inf") or time.perf_counter() - begun < SECONDS:
        finish()
        asked = time.perf_counter()
        torch.matmul(matrix, matrix, out=product)
        finish()
        fastest = min(fastest, time.perf_counter() - asked)
    return 2 * side**3 / fastest


def operations(work: Callable[[], object]) -> int:
    """Do some work and return the operations of the products of matrices in it."""
    with FlopCounterMode(display=False, custom_mapping=RECURRENT) as counter:
        work()
    return int(counter.get_total_flops())


def _layer_forward(words: Any, into: Any, over: Any, *_: Any, **__: Any) -> int:
    """Count a recurrent layer's products on the processor, from the shapes of its words (t, b, d) and its matrices (4 d, d)."""
    return 2 * words[0] * words[1] * (into[0] * into[1] + over[0] * over[1])


def _layer_backward(words: Any, into: Any, over: Any, *_: Any, **__: Any) -> int:
    return 2 * _layer_forward(words, into, over)


def _stack_forward(words: Any, weights: Any, each: int, *_: Any, **__: Any) -> int:
    """Count the products of all recurrent layers at once, as a GPU computes them.

    Parameters
    ----------
    words : shape
        Of the words, (t, b, d) or (b, t, d), or (all words, d) of sentences that are packed.
    weights : sequence of shapes
        Of each layer and direction the matrix for what it reads and the one for its states, then what else it has.
    each : int
        How many weights a layer and direction has.
    """
    matrices = (prod(weights[first + place]) for first in range(0, len(weights), each) for place in (0, 1))
    return 2 * prod(words[:-1]) * sum(matrices)


def _stack_backward(words: Any, weights: Any, each: int, *_: Any, **__: Any) -> int:
    return 2 * _stack_forward(words, weights, each)


RECURRENT = {
    torch.ops.aten.mkldnn_rnn_layer: _layer_forward,
    torch.ops.aten.mkldnn_rnn_layer_backward: _layer_backward,
    torch.ops.aten._cudnn_rnn: _stack_forward,
    torch.ops.aten._cudnn_rnn_backward: _stack_backward,
}
"""What torch's own counter passes over: recurrent layers, by oneDNN on the processor and by cuDNN on a GPU."""


def write_effort(folder: Path, effort: Effort | None) -> None:
    """Write ``effort.json``, where there is something to write."""
    if effort is not None:
        (folder / FILE).write_text(json.dumps(asdict(effort)), encoding="utf-8")


def read_effort(folder: Path) -> Effort | None:
    """Read what ``write_effort`` wrote; None where nothing was."""
    path = folder / FILE
    return Effort(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None
