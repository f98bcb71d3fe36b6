"""How probes are trained: the settings that all probes of a study share, in the section ``probe`` of the configuration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Regimen:
    """How a probe is fitted to every view of a model.

    Parameters
    ----------
    classifiers : sequence of str
        Which probes: ``linear`` (logistic regression) and ``mlp`` (one hidden layer).
    penalties : sequence of float
        L2 weights per training item, from which the development items choose.
    iterations : int
        Upper bound of the linear solver's steps.
    hidden : int
        Units of the hidden layer of ``mlp``.
    epochs : int
        Passes of ``mlp`` over the training items, at most; the development items stop it earlier.
    mix : bool
        Whether a probe on a learned mix of all layers is fitted too (view ``mix``).
    control : bool
        Whether the control task is fitted too and selectivity scored (token and pair probes).
    description_length : bool
        Whether the online description length is scored.
    development : float
        Share of the groups set apart as development items where a file does not say, in (0, 1).
    folds : int
        Folds of the cross-validation where a file has no splits.
    seed : int
        Of sampling, folds, initial weights and control labels.
    """

    classifiers: Sequence[str]
    penalties: Sequence[float]
    iterations: int
    hidden: int
    epochs: int
    mix: bool
    control: bool
    description_length: bool
    development: float
    folds: int
    seed: int
