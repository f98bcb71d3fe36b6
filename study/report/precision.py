"""What a run could have shown at all: the smallest differences that its tasks would find, and what its scores hang on."""

from __future__ import annotations

import numpy as np

from study.report.run import Run
from study.report.table import Table, count, listing, number, spell


def detectable_table(run: Run) -> Table:
    """Return the minimum detectable effects of each task over its pairs of models."""
    frame = run.detectable.assign(**{name: run.detectable[name].map(spell) for name in ("family", "task", "question", "metric")})
    caption = (
        "The smallest true difference that each task would find in four of five repetitions (test at 0.05, not corrected), over "
        "its pairs of models. A difference below it is not shown to be none."
    )
    formats = {"n": count, "pairs": count, "smallest": number, "median": number, "largest": number}
    return listing("detectable", caption, frame, formats)


def variance_table(run: Run) -> Table:
    """Return, for each model and task, the shares of its score's variance that come from seed, view and items.

    A model read from files is the same with every seed: it gets a dash there and not a share of 0.
    """
    keys = ["model", "family", "task", "question", "metric"]
    wide = run.variance.pivot_table(index=keys, columns="component", values="share", sort=False).reset_index()
    wide.columns.name = None
    wide = wide.rename(
        columns={"seed": "share of the seed", "view": "of the view", "seed and view": "of both together", "items": "of the items"}
    )
    total = run.variance.groupby(keys, sort=False)["variance"].sum().reset_index(name="total")
    frame = run.in_order(wide.merge(total, on=keys))
    frame["standard deviation"] = frame.pop("total") ** 0.5
    names = [name for name in frame.columns if name not in keys]
    of_seeds = [name for name in ("share of the seed", "of both together") if name in names]
    frame.loc[frame["model"].isin(run.from_files), of_seeds] = np.nan
    frame = frame.assign(**{name: frame[name].map(spell) for name in ("family", "task", "question", "metric")})
    caption = "Where the variance of each main score comes from: another seed, another view, other items. Shares sum to 1."
    if run.from_files:
        caption += " A dash: read from files, the same with every seed."
    return listing("variance", caption, frame, dict.fromkeys(names, number))
