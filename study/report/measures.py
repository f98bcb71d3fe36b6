"""What instruments measured of a run's encoders, as means over seeds with 95 % intervals."""

from __future__ import annotations

import pandas as pd

from study.report.factors import over_seeds, reference, sweep
from study.report.run import Run

HEAD_KEYS = ["stage", "block", "head", "question", "shuffled"]


def by_width(run: Run) -> pd.DataFrame:
    """Return the sweep of widths with and without scaling: ``x``, the width of a head, and ``kind``."""
    models = sweep(run, "width", "scaling")
    asked = run.settings[run.settings["setting"].isin(["heads", "head_width"])]
    told = asked.pivot(index="model", columns="setting", values="value").reindex(models.index, columns=["heads", "head_width"])
    own = pd.to_numeric(told["head_width"], errors="coerce")  # not a number where the heads share out the width
    kind = models["scaling"].map({"true": "divided by √d", "false": "not divided"})
    return models.assign(x=own.fillna(models["width"].astype(float) / told["heads"].astype(float)), kind=kind)


def gradients(run: Run, part: str) -> pd.DataFrame:
    """Return the length of the gradient at a part, mean over blocks: ``model, stage, value, low, high, n, seeds``."""
    mine = run.gradients[run.gradients["part"] == part]
    means = mine.groupby(["model", "seed", "stage"], sort=False)[["value", "error", "n"]].mean().reset_index()
    return over_seeds(means, ["model", "stage"])


def attention(run: Run, measure: str) -> pd.DataFrame:
    """Return the ``entropy`` of attention as a share of its ceiling, or the ``slope`` of its softmax, means over all heads."""
    keys = ["model", "seed", "stage"]
    means = run.attention_spread.groupby([*keys, "measure"], sort=False)[["value", "error", "n"]].mean().reset_index("measure")
    found = means[means["measure"] == measure].drop(columns="measure")
    if measure == "entropy":
        ceiling = means.loc[means["measure"] == "ceiling", "value"]
        found = found.assign(value=found["value"] / ceiling, error=found["error"] / ceiling)
    return over_seeds(found.reset_index(), ["model", "stage"])


def order_changes(run: Run) -> pd.DataFrame:
    """Return how the last layer changes with the order of words: ``model, stage, order, value, low, high, n, seeds``."""
    last = run.order[run.order["layer"] == run.order.groupby("model")["layer"].transform("max")]
    return over_seeds(last, ["model", "stage", "order"])


def head_accuracy(run: Run) -> pd.DataFrame:
    """Return what a probe finds in each head of the full model: ``HEAD_KEYS``, then ``value, low, high, n, seeds``.

    Of its first training alone: a head's number means nothing from one training to another, so there is no mean over them.
    """
    mine = run.head_probes[run.head_probes["model"] == reference(run)]
    return over_seeds(mine[mine["seed"] == mine["seed"].min()], HEAD_KEYS)
