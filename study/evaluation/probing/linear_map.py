"""Learning the linear map of a structural probe by gradient descent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from study.contracts import Array

if TYPE_CHECKING:
    import torch


SLOWER = 0.3
"""Factor of the learning rate after a pass without a better development loss."""


@dataclass(frozen=True)
class Parse:
    """The dependency tree of a sentence of t words.

    Attributes
    ----------
    name, group, split : str
    rows : ndarray of shape (t,), int64
        Of the words' vectors.
    heads : ndarray of shape (t,), int64
        Offset of each word's head.
    distance : ndarray of shape (t, t), float64
        Arcs between two words.
    depth : ndarray of shape (t,), float64
        Arcs between a word and the root.
    """

    name: str
    group: str
    split: str
    rows: Array
    heads: Array
    distance: Array
    depth: Array


@dataclass(frozen=True)
class Settings:
    """How a map is learned; see ``StructuralProbe``."""

    rank: int
    epochs: int
    patience: int
    batch: int
    learning_rate: float
    seed: int


@dataclass(frozen=True)
class Stack:
    """Sentences of one length: rows of vectors (m, t), what is to be predicted and its weight, (m, t, t) or (m, t)."""

    rows: torch.Tensor
    gold: torch.Tensor
    weight: torch.Tensor


def fit(parses: Sequence[Parse], vectors: Array, settings: Settings, *, depth: bool) -> Array:
    """Learn a map from vectors to a space where squared lengths are distances in a tree, or depths.

    The loss is the absolute difference, summed over the known words or pairs of a sentence, over the square of their number
    (for depths: over their number), as in the paper. The vectors are brought to a root mean square of 1, so that one learning
    rate serves all views; the map that is returned takes them as they were.

    Parameters
    ----------
    parses : sequence of Parse
        Those of ``training`` teach, those of ``development`` stop the training.
    vectors : ndarray of shape (n, d)
        NaN rows for unknown words.
    settings : Settings
    depth : bool
        Whether depths are learned, not distances.

    Returns
    -------
    ndarray of shape (d, k), float64
        The transpose of the matrix B of the paper; zero where no training sentence has two known words.
    """
    import torch  # loaded only by those who train a probe of this kind

    known = np.isfinite(vectors).all(1)
    taught = np.concatenate([parse.rows for parse in parses if parse.split == "training"])
    scale = float(np.sqrt(np.mean(np.square(vectors[taught[known[taught]]], dtype=np.float64)))) if known[taught].any() else 0.0
    shape = (vectors.shape[1], min(settings.rank, vectors.shape[1]))
    if not scale:
        return np.zeros(shape)
    features = torch.from_numpy(np.where(known[:, None], vectors / scale, 0).astype(np.float32))  # (n, d)
    stacks = {split: _stacks([p for p in parses if p.split == split], known, depth) for split in ("training", "development")}
    rng = np.random.default_rng(settings.seed)
    start = rng.normal(scale=(shape[0] * shape[1]) ** -0.5, size=shape)  # the length of a mapped vector is about 1
    linear = torch.tensor(start, dtype=torch.float32, requires_grad=True)
    optimizer = torch.optim.Adam([linear], lr=settings.learning_rate)
    best, best_loss, waited = linear.detach().clone(), np.inf, 0
    for _ in range(settings.epochs):
        for stack in _batches(stacks["training"], settings.batch, rng):
            optimizer.zero_grad()
            loss = _loss(features, linear, stack) / len(stack.rows)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            loss_now = sum(float(_loss(features, linear, stack)) for stack in stacks["development"])
        if loss_now < best_loss:
            best, best_loss, waited = linear.detach().clone(), loss_now, 0
        else:
            waited += 1
            for group in optimizer.param_groups:
                group["lr"] *= SLOWER
        if waited == settings.patience:
            break
    return best.numpy().astype(np.float64) / scale


def _stacks(parses: Sequence[Parse], known: Array, depth: bool) -> list[Stack]:
    """Stack the sentences of each length that have two known words or more."""
    import torch

    by_length: dict[int, list[Parse]] = defaultdict(list)
    for parse in parses:
        if known[parse.rows].sum() > 1:
            by_length[len(parse.rows)].append(parse)
    stacks = []
    for _, members in sorted(by_length.items()):
        rows = np.stack([parse.rows for parse in members])
        present = known[rows].astype(np.float32)  # (m, t)
        count = present.sum(1)
        if depth:
            gold, weight = np.stack([parse.depth for parse in members]), present / count[:, None]
        else:
            gold = np.stack([parse.distance for parse in members])
            weight = present[:, :, None] * present[:, None] / (count**2)[:, None, None]
        stacks.append(Stack(torch.from_numpy(rows), torch.from_numpy(gold.astype(np.float32)), torch.from_numpy(weight)))
    return stacks


def _batches(stacks: Sequence[Stack], size: int, rng: np.random.Generator) -> Iterator[Stack]:
    """Cut all stacks into batches, anew for every pass, and deal them in random order."""
    batches = []
    for stack in stacks:
        order = rng.permutation(len(stack.rows))
        for at in range(0, len(order), size):
            part = order[at : at + size]
            batches.append(Stack(stack.rows[part], stack.gold[part], stack.weight[part]))
    for number in rng.permutation(len(batches)):
        yield batches[number]


def _loss(features: torch.Tensor, linear: torch.Tensor, stack: Stack) -> torch.Tensor:
    """Sum the weighted absolute differences of the sentences of a stack."""
    mapped = features[stack.rows] @ linear  # (m, t, k)
    predicted = (mapped**2).sum(-1)  # (m, t)
    if stack.gold.ndim == 3:
        predicted = predicted[:, :, None] + predicted[:, None] - 2 * mapped @ mapped.transpose(1, 2)  # (m, t, t)
    return ((predicted - stack.gold).abs() * stack.weight).sum()
