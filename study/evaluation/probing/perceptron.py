"""A perceptron with one hidden layer as a probe, learned in batches by Adam; development items say after which pass it stops."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from study.contracts import Array
from study.evaluation.probing.reader import Reader, Reading

BATCH = 128
"""Training items of one step, at most."""
STEPS = 4
"""Steps of one pass at least, which makes the batches of small sets smaller."""
RATE = 5e-3
READ = 4096
"""Items read at once."""


def perceptron(*, hidden: int, epochs: int, seed: int) -> Reader:
    """Return a perceptron with one hidden layer of rectified units, on features standardised by the training items.

    Parameters
    ----------
    hidden : int
        Units of the hidden layer.
    epochs : int
        Passes over the training items, at most; each gives one probe of the path.
    seed : int
        Of the initial weights and the order of the items.
    """

    def network(shape: tuple[int, ...], classes: int) -> nn.Module:
        """Make one hidden layer and an output, for features of shape (d,)."""
        return nn.Sequential(nn.Linear(shape[-1], hidden), nn.ReLU(), nn.Linear(hidden, classes))

    return learned(network, epochs=epochs, seed=seed)


def learned(
    network: Callable[[tuple[int, ...], int], nn.Module],
    *,
    epochs: int,
    seed: int,
    weights: Callable[[nn.Module], Array] | None = None,
) -> Reader:
    """Return the reader that learns a network from standardised features to scores of classes, pass by pass.

    Parameters
    ----------
    network : function of the features' shape without the items, and the number of classes
    epochs, seed : int
    weights : function, optional
        Reads the weights of the layers off a network that mixes some.
    """

    def path(features: Array, codes: Array, classes: int) -> Iterator[Reading]:
        """Yield the reading after each pass over the training items."""
        standard = _standardised(features)
        inputs, targets = standard(features), torch.from_numpy(np.asarray(codes, dtype=np.int64))
        with torch.random.fork_rng(devices=[]):  # leaves the global generator as it was
            torch.manual_seed(seed)
            module = network(tuple(inputs.shape[1:]), classes)
        turns = torch.Generator().manual_seed(seed)
        optimiser = torch.optim.Adam(module.parameters(), lr=RATE, fused=True)
        size = max(1, min(BATCH, len(codes) // STEPS))
        for _ in range(epochs):
            with _one_thread():
                for batch in torch.randperm(len(targets), generator=turns).split(size):
                    loss = functional.cross_entropy(module(inputs[batch]), targets[batch])
                    optimiser.zero_grad()
                    loss.backward()
                    optimiser.step()
            fitted = copy.deepcopy(module)
            yield Reading(_reads(fitted, standard), None if weights is None else weights(fitted))

    return path


def _standardised(features: Array) -> Callable[[Array], torch.Tensor]:
    """Return the function that gives features the mean 0 and the deviation 1 of these; constant ones become 0."""
    values = torch.from_numpy(np.asarray(features, dtype=np.float32))
    mean, spread = values.mean(0), values.std(0, correction=0)
    spread = torch.where(spread > 1e-6 * mean.abs().clamp(min=1e-30), spread, torch.inf)
    return lambda raw: (torch.from_numpy(np.asarray(raw, dtype=np.float32)) - mean) / spread


def _reads(module: nn.Module, standard: Callable[[Array], torch.Tensor]) -> Callable[[Any], Array]:
    def log_probability(values: Array) -> Array:
        """Return the log-probability of each class for values (n, d): (n, classes)."""
        with torch.no_grad(), _one_thread():
            parts = [module(standard(values[at : at + READ])) for at in range(0, len(values), READ)]
        return functional.log_softmax(torch.cat(parts).double(), dim=1).numpy()

    return log_probability


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute on one thread: on networks this small more only wait for each other, and the order of sums stays the same."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
