"""How models with a part taken out differ from the whole model, on tasks and in loss, and the scale of these differences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.multitest import multipletests

from study.report.factors import estimate
from study.report.run import Run
from study.report.table import number, signed, spell

UNTRAINED = "untrained"
LOSS = "loss"
"""The family, task and metric of the validation loss among the tasks: its difference is a cost, lower is better."""
KEYS = ["family", "task", "question", "metric"]
MEASURES = {"similarity": "similarity", "polysemy": "senses", "probing": "probes", LOSS: "validation loss"}


def differences(run: Run, reference: str) -> pd.DataFrame:
    """Return the paired differences of all models to the reference on each task's items.

    Returns
    -------
    DataFrame
        ``part`` (the model), ``KEYS``, ``difference, low, high, p`` and the smallest ``detectable`` difference.
    """
    pairs = run.comparisons
    first = pairs["model_a"] == reference
    pairs, first = pairs[first | (pairs["model_b"] == reference)], first[first | (pairs["model_b"] == reference)]
    ends = np.sort(pairs[["low", "high"]].to_numpy() * np.where(first, -1, 1)[:, None], axis=1)
    return pairs[KEYS].assign(
        part=pairs["model_a"].where(~first, pairs["model_b"]),
        difference=pairs["difference"] * np.where(first, -1, 1),
        low=ends[:, 0],
        high=ends[:, 1],
        p=pairs["p"],
        detectable=pairs["minimum_detectable_effect"],
    )


def losses(run: Run, reference: str) -> pd.DataFrame:
    """Return the differences of all models to the reference in validation loss, seed by seed, columns as of ``differences``.

    The same seed hides the same words, so that seeds make pairs: with k of them the interval is ``mean ± t(k - 1) s / √k``, and
    with one there is none. Without any training the loss is the reference's own, before its first step.
    """
    table = run.models.dropna(subset="validation_loss").pivot_table(index="seed", columns="model", values="validation_loss")
    start = run.curves[(run.curves["model"] == reference) & (run.curves["words_seen"] == 0)]
    table[UNTRAINED] = start.groupby("seed")["validation_loss"].first()
    rows = []
    for part in table.columns if reference in table else []:
        found = (table[part] - table[reference]).dropna().to_numpy()
        if part != reference and len(found):
            rows.append({"part": part, **dict.fromkeys(KEYS, LOSS), **_over_seeds(found)})
    columns = ["part", *KEYS, "difference", "low", "high", "p", "detectable"]
    return pd.DataFrame(rows, columns=columns)


def _over_seeds(found: np.ndarray) -> dict[str, float]:
    mean, k = float(found.mean()), len(found)
    if k < 2:
        return {"difference": mean, "low": np.nan, "high": np.nan, "p": np.nan, "detectable": np.nan}
    told, error = estimate(found, 0.0, np.inf), float(found.std(ddof=1) / np.sqrt(k))
    p = float(2 * stats.t.sf(abs(mean) / error, k - 1)) if error else np.nan
    return {"difference": mean, "low": told.low, "high": told.high, "p": p, "detectable": told.detectable}


def corrected(rows: pd.DataFrame) -> pd.DataFrame:
    """Correct the p-values after Holm over all parts and tasks of a family; what is without training is no part."""
    rows = rows.assign(p_holm=np.nan)
    for _, family in rows[rows["part"] != UNTRAINED].dropna(subset="p").groupby("family"):
        rows.loc[family.index, "p_holm"] = multipletests(family["p"].astype(float), method="holm")[1]
    return rows


def judged(rows: pd.DataFrame, *, verdicts: bool) -> pd.DataFrame:
    """Add ``found``: whether a difference is significant after the correction, where the run judges and the scale can be read.

    Parameters
    ----------
    rows : DataFrame
        As of ``corrected``.
    verdicts : bool
        Whether the run judges at all.
    """
    rows = rows.assign(found=verdicts & (rows["p_holm"] < 0.05))
    for _, mine in rows.groupby(KEYS):
        rows.loc[mine.index, "found"] &= not scale(mine)[2]
    return rows


def by_task(rows: pd.DataFrame) -> list[tuple[tuple[str, ...], pd.DataFrame]]:
    """Cut differences by task and question, in their order: the key of each and its rows."""
    return [(tuple(map(str, key)), part) for key, part in rows.groupby(KEYS, sort=False)]


def title(key: Sequence[str], rows: pd.DataFrame) -> str:
    """Name a task by what it measures, its own name, and its question where it has several."""
    family, task, question, _ = key
    if family == LOSS:
        return MEASURES[LOSS]
    several = rows.loc[rows["task"] == task, "question"].nunique() > 1
    return f"{MEASURES.get(family, spell(family))}: {spell(task)}{f', {spell(question)}' if several else ''}"


def scale(rows: pd.DataFrame) -> tuple[float, str, bool]:
    """Return what training gave the whole model on one task, in words, and whether the task would hardly detect even that.

    Parameters
    ----------
    rows : DataFrame
        Of one task.
    """
    floor = rows[rows["part"] == UNTRAINED]
    if floor.empty:
        return np.nan, "no untrained model to compare with", False
    difference, detectable = -float(floor["difference"].iloc[0]), float(floor["detectable"].iloc[0])
    text = f"full − untrained {signed(difference)}"
    if not np.isfinite(detectable):
        return difference, f"{text}; one seed: no interval", False
    if abs(difference) < detectable:
        return difference, f"{text}: below the detectable {number(detectable)}", True
    return difference, f"{text}; detectable {number(detectable)}", False
