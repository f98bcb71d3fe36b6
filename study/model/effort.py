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
    """

    operations_per_word: int
    peak: int


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
    recurrent = {
        torch.ops.aten.mkldnn_rnn_layer: _recurrent_forward,
        torch.ops.aten.mkldnn_rnn_layer_backward: _recurrent_backward,
    }
    with FlopCounterMode(display=False, custom_mapping=recurrent) as counter:
        work()
    return int(counter.get_total_flops())


def _recurrent_forward(words: Any, into: Any, over: Any, *_: Any, **__: Any) -> int:
    """Count a recurrent layer's products, from the shapes of its words (t, b, d) and of its two matrices, (4 d, d) each."""
    return 2 * words[0] * words[1] * (into[0] * into[1] + over[0] * over[1])


def _recurrent_backward(words: Any, into: Any, over: Any, *_: Any, **__: Any) -> int:
    return 2 * _recurrent_forward(words, into, over)


def write_effort(folder: Path, effort: Effort | None) -> None:
    """Write ``effort.json``, where there is something to write."""
    if effort is not None:
        (folder / FILE).write_text(json.dumps(asdict(effort)), encoding="utf-8")


def read_effort(folder: Path) -> Effort | None:
    """Read what ``write_effort`` wrote; None where nothing was."""
    path = folder / FILE
    return Effort(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None
