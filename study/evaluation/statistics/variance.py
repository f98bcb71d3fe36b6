"""What a score's figure hangs on: the seed of the training, the view that is read out, the items that were asked.

The seeds and views of a model cross, and each pair of them has one value. With ``s`` seeds and ``v`` views the components come
from the mean squares of a two-way analysis of variance without replication, both ways random::

    interaction  σ²(seed and view) = MS(rest)
    seed         σ²(seed)          = (MS(seeds) - MS(rest)) / v
    view         σ²(view)          = (MS(views) - MS(rest)) / s
    items        σ²(items)         = mean over seeds and views of (width of the 95 % interval / 3.92)²

An estimate below 0 is set to 0. All seeds and views are asked the same items, whose luck is common to them and so takes no part
in the mean squares; it comes from the bootstrap. With one view the variance of the seeds is that of the values.

References
----------
Searle, Casella and McCulloch (1992), Variance Components, chapter 4, doi:10.1002/9780470316856. Bouthillier et al. (2021),
Accounting for variance in machine learning benchmarks, arXiv:2103.03098.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from study.contracts import Array
from study.evaluation.statistics.headline import main_rows

KEYS = ["model", "family", "task", "question", "metric"]
COLUMNS = (*KEYS, "component", "variance", "share")


def variance_components(scores: pd.DataFrame) -> pd.DataFrame:
    """Split the variance of each model's main score on the test items of each task into its sources.

    Parameters
    ----------
    scores : DataFrame
        Tidy scores with ``model, family, task, view, split, question, metric, value, low, high, seed, main``. Baselines are left
        aside, and so are views without a value for every seed.

    Returns
    -------
    DataFrame
        Columns ``COLUMNS``: a row per component (``seed``, ``view``, ``seed and view``, ``items``) with its variance in squared
        units of the metric and its share of their sum, in [0, 1]. Models that were trained once have no rows; those with one
        view have neither ``view`` nor ``seed and view``.
    """
    wanted = main_rows(scores)
    wanted = wanted[(wanted["split"] == "test") & (wanted["view"] != "baseline")]
    rows = []
    for key, part in wanted.groupby(KEYS, sort=False):
        values = part.pivot_table(index="view", columns="seed", values="value", aggfunc="mean").dropna()
        if values.shape[0] < 1 or values.shape[1] < 2:
            continue
        used = part[part["view"].isin(values.index)]
        errors = (used["high"] - used["low"]) / (2 * stats.norm.ppf(0.975))
        found = {**crossed(values.to_numpy()), "items": float((errors**2).mean())}
        total = sum(found.values())
        rows += [(*key, name, variance, variance / total if total > 0 else np.nan) for name, variance in found.items()]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def crossed(values: Array) -> dict[str, float]:
    """Estimate the variance components of seeds and views; the formula heads this module.

    Parameters
    ----------
    values : ndarray of shape (v views, s > 1 seeds)
    """
    views, seeds = values.shape
    if views == 1:
        return {"seed": float(values.var(ddof=1))}
    by_seed, by_view = values.mean(axis=0), values.mean(axis=1)
    rest = values - by_view[:, None] - by_seed + values.mean()
    noise = float((rest**2).sum() / ((views - 1) * (seeds - 1)))
    seed = max(0.0, float(by_seed.var(ddof=1)) - noise / views)
    view = max(0.0, float(by_view.var(ddof=1)) - noise / seeds)
    return {"seed": seed, "view": view, "seed and view": noise}
