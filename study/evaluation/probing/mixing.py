"""A learned mix of all layers as a probe: one weight a layer, learned together with the classifier that reads the mix.

The mix is ``gamma * sum_l softmax(s)_l * layer_l`` of layers standardised by the training items, so that the weights compare
layers of any length. They say which layers a probe leans on, and not that a property is nowhere else.

References
----------
Peters, Neumann, Iyyer, Gardner, Clark, Lee and Zettlemoyer (2018), Deep contextualized word representations,
doi:10.18653/v1/N18-1202. Tenney et al. (2019), What do you learn from context?, arXiv:1905.06316.
"""

from __future__ import annotations

import torch
from torch import nn

from study.contracts import Array
from study.evaluation.probing.perceptron import learned
from study.evaluation.probing.reader import Reader

SPEED = 5.0
"""How much faster the scores of the layers learn than the classifier, which would else settle before the mix does."""


class Mix(nn.Module):
    """Weigh the layers of features of shape (n, layers, d), and read the mix (n, d) by what follows."""

    def __init__(self, layers: int, follows: nn.Module) -> None:
        super().__init__()
        self.scores = nn.Parameter(torch.zeros(layers))
        self.gamma = nn.Parameter(torch.ones(()))
        self.follows = follows

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return the scores of the classes, (n, k)."""
        mixed = torch.einsum("l,nld->nd", self.weights(), features)
        return self.follows(self.gamma * mixed)

    def weights(self) -> torch.Tensor:
        """Return the weights of the layers, which sum to 1."""
        return (SPEED * self.scores).softmax(0)


def mixed(*, hidden: int, epochs: int, seed: int) -> Reader:
    """Return the reader of features of shape (n, layers, d) that mixes the layers.

    Parameters
    ----------
    hidden : int
        Units of a hidden layer; 0 for a linear classifier.
    epochs, seed : int
        As for ``perceptron``.
    """

    def network(shape: tuple[int, ...], classes: int) -> nn.Module:
        """Make a mix of layers below a classifier, for features of shape (layers, d)."""
        layers, width = shape
        perceptron = nn.Sequential(nn.Linear(width, hidden or 1), nn.ReLU(), nn.Linear(hidden or 1, classes))
        return Mix(layers, perceptron if hidden else nn.Linear(width, classes))

    return learned(network, epochs=epochs, seed=seed, weights=_weights)


def _weights(module: nn.Module) -> Array:
    assert isinstance(module, Mix)
    return module.weights().detach().numpy()
