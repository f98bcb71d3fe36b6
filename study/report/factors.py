"""What the models of a run differ in, and what that does: sweeps over settings, estimates over seeds, and paired losses.

An estimate's squared standard error is that over what was measured (sentences, batches, rows), the same with every seed, beside
that over seeds::

    SE² = SE²(measured) + s²(seeds) / seeds        interval: value ± t(df) SE

with ``df`` by Welch and Satterthwaite: few seeds make wide intervals. With one seed it says nothing of other trainings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from study.report.run import Run

POWER = 0.80
"""Share of repetitions in which a detectable difference is found by a two-sided test at 0.05."""

CHOSEN = "rate"
"""A setting that development data may have chosen for each model by itself: it may differ beside what is compared."""

MEASURES = ("losses", "gradients", "attention_spread", "order", "head_probes")
"""The tables of a run that instruments fill."""


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval, and the smallest true figure that would be told from 0 (test at 0.05, power 0.80)."""

    value: float
    low: float
    high: float
    detectable: float


def estimate(values: Sequence[float] | np.ndarray, error: float, n: float) -> Estimate:
    """Estimate a mean over seeds.

    Parameters
    ----------
    values : sequence of float
        One for each seed.
    error : float
        Standard error over the n things that were measured with each seed.
    n : float
    """
    found = np.asarray(values, float)
    parts = [(error**2, n - 1)]
    parts += [(found.var(ddof=1) / len(found), len(found) - 1)] if len(found) > 1 else []
    variance = sum(part for part, _ in parts)
    below = sum(part**2 / degrees for part, degrees in parts if degrees > 0)
    degrees = variance**2 / below if below > 0 else max(1.0, n - 1)
    wide, mean = float(stats.t.ppf(0.975, degrees)) * variance**0.5, float(found.mean())
    return Estimate(mean, mean - wide, mean + wide, wide + float(stats.t.ppf(POWER, degrees)) * variance**0.5)


def over_seeds(frame: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Return estimates of measures with columns ``seed, value, error, n``: the keys, then ``value, low, high, n, seeds``."""
    rows = []
    for key, part in frame.groupby(list(keys), sort=False):
        found = estimate(part["value"].to_numpy(), float(np.sqrt(np.square(part["error"]).mean())), part["n"].mean())
        rows.append((*key, found.value, found.low, found.high, part["n"].mean(), part["seed"].nunique()))
    return pd.DataFrame(rows, columns=[*keys, "value", "low", "high", "n", "seeds"])


def sweep(run: Run, *factors: str) -> pd.DataFrame:
    """Return the models that differ in some settings alone, or in these and in the learning rate, where each has its own.

    Parameters
    ----------
    run : Run
    *factors : str
        Settings, such as ``blocks``; each takes several values among these models.

    Returns
    -------
    DataFrame
        A row per model, its index, and a column per factor with the value as text; of several such sets of models the
        largest, and no rows where there is none. Of models that are alike in the factors too the first stands for all.
    """
    wide = run.wide_settings.T.fillna("")
    wide = wide.loc[[model for model in run.trained if model in wide.index]].rename_axis(columns=None)
    if not set(factors) <= set(wide.columns):
        return pd.DataFrame(columns=list(factors))
    alike = wide.drop(columns=[*factors, CHOSEN], errors="ignore").agg(tuple, axis=1)
    sets = [part.loc[~part.duplicated(list(factors)), list(factors)] for _, part in wide.groupby(alike, sort=False)]
    return max((part for part in sets if (part.nunique() > 1).all()), key=len, default=wide[list(factors)].iloc[:0])


def reference(run: Run) -> str:
    """Return the first model of a run that instruments measured, which is taken as the full one; empty where none was."""
    measured = {model for name in MEASURES for model in getattr(run, name)["model"]}
    return next((model for model in run.trained if model in measured), "")


def changes(run: Run, models: pd.DataFrame, removed: Sequence[str]) -> dict[str, str]:
    """Return for each model of a sweep which of the settings it has otherwise than the full one; ``full`` for none."""
    first = run.settings[run.settings["model"] == reference(run)].set_index("setting")["value"]
    return {
        str(model): ", ".join(f"{name}={row[name]}" for name in removed if row[name] != first[name]) or "full"
        for model, row in models.iterrows()
    }


def losses(run: Run) -> pd.DataFrame:
    """Return each model's loss on hidden words, nats per word: ``model, stage, value, low, high, n, seeds``, n rows of text."""
    rows = []
    for (model, stage, seed), part in run.losses.groupby(["model", "stage", "seed"], sort=False):
        value, error = _ratio(part["loss"].to_numpy(), part["asked"].to_numpy())
        rows.append((model, stage, seed, value, error, len(part)))
    return over_seeds(pd.DataFrame(rows, columns=["model", "stage", "seed", "value", "error", "n"]), ["model", "stage"])


def difference(run: Run, one: str, other: str, stages: tuple[str, str] = ("trained", "trained")) -> Estimate:
    """Estimate the loss of one model minus that of another, on the same hidden words: nats per word.

    Parameters
    ----------
    run : Run
    one, other : str
        Names of models, or twice the same at two stages.
    stages : (str, str)
        When each of them is looked at: ``start`` or ``trained``.
    """
    keys = ["seed", "row", "asked"]
    pairs = _rows(run, one, stages[0]).merge(_rows(run, other, stages[1]), on=keys, suffixes=("_one", "_other"))
    pairs["apart"] = pairs["loss_one"] - pairs["loss_other"]
    by_seed = pairs.groupby("seed")[["apart", "asked"]].sum()
    by_row = pairs.groupby("row")[["apart", "asked"]].mean()
    _, error = _ratio(by_row["apart"].to_numpy(), by_row["asked"].to_numpy())
    return estimate((by_seed["apart"] / by_seed["asked"]).to_numpy(), error, len(by_row))


def _rows(run: Run, model: str, stage: str) -> pd.DataFrame:
    return run.losses[(run.losses["model"] == model) & (run.losses["stage"] == stage)]


def _ratio(sums: np.ndarray, numbers: np.ndarray) -> tuple[float, float]:
    """Return a ratio of totals over rows and its standard error (not a number of fewer than two rows)."""
    value = float(sums.sum() / numbers.sum())
    off, n = sums - value * numbers, len(sums)
    return value, float(np.sqrt(np.square(off).sum() * n / (n - 1)) / numbers.sum()) if n > 1 else np.nan


SWEEPS = {
    "scaling": (("width",), ("scaling",)),
    "positions": ((), ("positions",)),
    "depth": (("blocks",), ("residual", "norm")),
    "MLP": ((), ("attention", "activation")),
}
"""Part of an encoder -> the setting that grows, and those that are changed."""


def contrasts(run: Run) -> pd.DataFrame:
    """Compare the loss of each changed encoder with that of the full one that is else the same.

    Returns
    -------
    DataFrame
        ``part`` (of ``SWEEPS``), ``model, full`` (names), ``at`` (the setting that grows), ``change`` (what the model has
        otherwise), ``loss``, ``difference, low, high, detectable``, ``scale`` (what training gains the full one), ``share`` of
        it, and a ``remark`` where one is too small to be told from 0.
    """
    rows = []
    loss = losses(run).set_index(["model", "stage"])["value"]
    for part, (growing, removed) in SWEEPS.items():
        models = sweep(run, *growing, *removed)
        labels = changes(run, models, removed)
        models = models[models.index.isin(loss.index.get_level_values("model"))]
        for model, row in zip(map(str, models.index), models.to_dict("records"), strict=True):
            same = models.index[(models[list(growing)] == [row[name] for name in growing]).all(axis=1)]
            full = next((other for other in same if labels[other] == "full"), None)
            if full is None or full == model:
                continue
            apart, gain = difference(run, model, full), difference(run, full, full, ("start", "trained"))
            remark = "difference below detectable" if abs(apart.value) < apart.detectable else ""
            remark = "scale below detectable" if gain.value < gain.detectable else remark
            at = ", ".join(f"{name}={row[name]}" for name in growing)
            told = (apart.value, apart.low, apart.high, apart.detectable, gain.value, apart.value / gain.value, remark)
            rows.append((part, model, full, at, labels[model], loss[model, "trained"], *told))
    names = ["part", "model", "full", "at", "change", "loss", "difference", "low", "high", "detectable", "scale", "share"]
    return pd.DataFrame(rows, columns=[*names, "remark"])


def own_rates(run: Run, pairs: pd.DataFrame) -> dict[str, str]:
    """Return the learning rate of each model of ``contrasts`` where they are not all alike; else nothing."""
    models = list(dict.fromkeys([*pairs["full"], *pairs["model"]]))
    told = run.wide_settings.reindex(index=[CHOSEN], columns=models).loc[CHOSEN].dropna()
    return {str(model): str(rate) for model, rate in told.items()} if told.nunique() > 1 else {}
