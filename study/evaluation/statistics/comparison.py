"""Models against each other: on the items that all of them know, by their headline views, with paired intervals and tests.

With one seed a difference is tested between items only, and nothing gets a verdict. With n seeds the difference is that of the
means over seeds, and the squared standard error of a model's mean is ``s² / n`` from its seeds beside that of the items::

    SE² = SE²(items) + s²(a) / n(a) + s²(b) / n(b)        interval: difference ± t(df) SE        p from t = difference / SE

with ``df`` by Welch and Satterthwaite, ``SE⁴ / (SE⁴(items) / (G - 1) + Σ (s²/n)² / (n - 1))``: few seeds make wide intervals, and
so do few groups. G is the number of groups (words, documents) that the bootstrap draws. Its standard error is that of G groups
divided by G where it should be G - 1, and is mended by √(G / (G - 1)); with nine words or twenty documents a normal distribution
would reject twice as many equal models as it says.

A model whose answers are the same for every seed (vectors from a file) was not trained again: it brings no variance of seeds,
and no verdict is given on it.

A task that only describes (none of its scores is a main one) is not compared.

References
----------
Dror, Baumer, Shlomov and Reichart (2018), The hitchhiker's guide to testing statistical significance in NLP,
doi:10.18653/v1/P18-1128. Holm (1979), A simple sequentially rejective multiple test procedure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from study.contracts import ITEM_COLUMNS, Array
from study.evaluation.statistics import uncertainty
from study.evaluation.statistics.headline import headlines, main_rows
from study.evaluation.statistics.metric import METRICS, number, select

DEMONSTRATION = "demonstration, no verdict"
ONE_SEED = "one seed: differences between items only"
UNREPEATED = "not trained again: differences between items only"
POWER = 0.80
"""Share of repetitions in which a detectable difference is found by a two-sided test at 0.05."""

COMMON = ("model", "view", "family", "task", "question", "metric", "value_common", "n_common", "value_own", "n_own")
COMPARISONS = (
    *("family", "task", "question", "metric", "model_a", "view_a", "model_b", "view_b"),
    *("difference", "low", "high", "p", "p_holm", "test", "n", "groups", "seeds", "verdict", "minimum_detectable_effect"),
)

Answers = Mapping[str, Sequence[pd.DataFrame]]
"""Model -> for each of its seeds the items of its headline view, all models' in the same order."""


def compare(
    scores: pd.DataFrame, items: pd.DataFrame, *, seeds: int, verdicts: bool = True, seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compare the headline views of all models on each task's test items.

    Parameters
    ----------
    scores : DataFrame
        As for ``headlines``; rows of the view ``baseline`` are left aside.
    items : DataFrame
        ``ITEM_COLUMNS`` with ``model, seed, family, task``.
    seeds : int
        Trainings of each model; with one there are no verdicts.
    verdicts : bool
        Whether there may be any: a demonstration gives none.
    seed : int
        Of the bootstrap.

    Returns
    -------
    common : DataFrame
        Each headline view's value on the test items that all models know and on its own, averaged over seeds, for every metric:
        columns ``COMMON``.
    comparisons : DataFrame
        A row per task and pair of models on the main metric: columns ``COMPARISONS``. ``p_holm`` is corrected over all rows of a
        family. ``minimum_detectable_effect`` is the smallest true difference that such a test would find in
        four of five repetitions.
    """
    scores = scores[(scores["view"] != "baseline") & scores["metric"].isin(list(METRICS))]
    chosen = headlines(scores)
    views = {
        (family, level, model): view for model, family, level, view in chosen[["model", "family", "level", "view"]].to_numpy()
    }
    compares = scores.groupby(["family", "task"])["main"].transform("any").astype(bool)
    tasks = scores[compares & (scores["split"] == "test")].groupby(["family", "task", "level"], sort=False)
    found = _by_task(items)
    common, compared = [], []
    for (family, task, level), part in tasks:
        headline = {
            model: views[family, level, model] for model in dict.fromkeys(part["model"]) if (family, level, model) in views
        }
        own = _headline_items(found.get((str(family), str(task)), items[:0]), headline)
        values, pairs = _compared(part, own, seeds, seed)
        here = {"family": family, "task": task}
        common += [{**here, "view": headline[row["model"]], **row} for row in values]
        compared += [{**here, "view_a": headline[row["model_a"]], "view_b": headline[row["model_b"]], **row} for row in pairs]
    comparisons = pd.DataFrame(compared, columns=list(COMPARISONS))
    return pd.DataFrame(common, columns=list(COMMON)), _judged(comparisons, seeds, verdicts)


def _compared(scores: pd.DataFrame, own: Answers, seeds: int, seed: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rows of one task: every model's values on each question and metric, and its pairs on the main ones."""
    main = set(map(tuple, main_rows(scores)[["question", "metric"]].to_numpy()))
    rows, pairs = [], []
    for question, asked in scores[["question", "metric"]].drop_duplicates().groupby("question", sort=False):
        mine = {model: [select(answers, str(question)) for answers in several] for model, several in own.items()}
        shared = _shared(mine)
        n_common, n_own = ({model: _fewest(several) for model, several in answers.items()} for answers in (shared, mine))
        for metric in asked["metric"]:
            named = {"question": question, "metric": metric}
            values = {model: _values(several, metric) for model, several in shared.items()}
            for model in mine:
                told = {"value_common": _mean(values[model]), "value_own": _mean(_values(mine[model], metric))}
                rows.append({**named, "model": model, **told, "n_common": n_common[model], "n_own": n_own[model]})
            if (question, metric) in main:
                pairs += [{**named, **pair} for pair in _pairs(shared, values, metric, seeds, seed)]
    return rows, pairs


def _by_task(items: pd.DataFrame) -> dict[tuple[str, str], pd.DataFrame]:
    """Return the test items by family and task."""
    test = items[items["split"] == "test"]
    return {(str(family), str(task)): part for (family, task), part in test.groupby(["family", "task"], sort=False)}


def _headline_items(items: pd.DataFrame, headline: Mapping[str, str]) -> dict[str, list[pd.DataFrame]]:
    """Return the items of each model's headline view in the order of their names, one frame a seed."""
    wanted = [name for name in (*ITEM_COLUMNS, "model", "seed") if name != "split"]
    texts = dict.fromkeys(("item", "group", "question", "gold", "predicted"), object)  # plain objects are the fastest to select
    found = {}
    for model, view in headline.items():
        mine = (
            items.loc[(items["model"] == model) & (items["view"] == view), wanted]
            .astype(texts)
            .sort_values("item", kind="stable")
        )
        found[model] = [part for _, part in mine.groupby("seed", sort=True, dropna=False)]
    return found


def _shared(answers: Answers) -> dict[str, list[pd.DataFrame]]:
    """Cut all frames down to the items that every model knows with every seed."""
    known = [set(part.loc[part["known"].astype(bool), "item"]) for several in answers.values() for part in several]
    common = set.intersection(*known) if known else set()
    return {model: [part[part["item"].isin(common)] for part in several] for model, several in answers.items()}


def _values(answers: Sequence[pd.DataFrame], metric: str) -> Array:
    """Return a metric's value for each seed."""
    return np.array([METRICS[metric](part) for part in answers])


def _mean(values: Array) -> float:
    return float(values.mean()) if len(values) else np.nan


def _fewest(answers: Sequence[pd.DataFrame]) -> int:
    """Return the number of known items of the seed that knows fewest."""
    return min(map(number, answers), default=0)


def _pairs(shared: Answers, values: Mapping[str, Array], metric: str, seeds: int, seed: int) -> list[dict[str, Any]]:
    """Compare every two models on their common items, given each model's values by seed."""
    drawn = iter(uncertainty.resample_alike([part for several in shared.values() for part in several], metric, seed=seed))
    draws = {model: np.mean([next(drawn) for _ in several], axis=0) for model, several in shared.items()}
    n = min(map(_fewest, shared.values()), default=0)
    groups = _groups(next(iter(shared.values()))[0], metric) if shared else 0
    again = {model: seeds > 1 and not _same(several) for model, several in shared.items()}
    rows = []
    for a, b in combinations(shared, 2):
        difference = float(values[a].mean() - values[b].mean())
        over_items = _standard_error(draws[a] - draws[b], groups)
        error, degrees = _with_seeds(over_items, groups, *(values[model] for model in (a, b) if again[model]))
        half = float(stats.t.ppf(0.975, degrees)) * error
        test, p = "t over groups" if seeds < 2 else "t over groups and seeds", t_test(difference, error, degrees)
        if seeds < 2:
            test, p = _test(shared[a][0], shared[b][0], metric) or (test, p)
        rows.append(
            {
                "model_a": a,
                "model_b": b,
                "difference": difference,
                "low": difference - half,
                "high": difference + half,
                "p": p,
                "test": test,
                "n": n,
                "groups": groups,
                "seeds": seeds if again[a] and again[b] else 1,
                "minimum_detectable_effect": (stats.t.ppf(0.975, degrees) + stats.t.ppf(POWER, degrees)) * error,
            }
        )
    return rows


def _groups(answers: pd.DataFrame, metric: str) -> int:
    """Count what the bootstrap draws: groups, of pairs both sides; items, where a metric over words is asked of one word."""
    units = {unit for group in answers.loc[answers["known"].astype(bool), "group"].unique() for unit in str(group).split("|")}
    return len(units) if len(units) > 1 or metric not in uncertainty.WITHIN_A_WORD else number(answers)


def _same(several: Sequence[pd.DataFrame]) -> bool:
    """Whether a model gave the very same answers with every seed."""
    told = [part[["item", "predicted", "predicted_value"]].reset_index(drop=True) for part in several]
    return all(part.equals(told[0]) for part in told[1:])


def _standard_error(paired: Array, groups: int) -> float:
    """Return the standard error of a difference from its bootstrap replicates; the factor heads this module."""
    finite = paired[np.isfinite(paired)]
    return float(finite.std(ddof=1) * np.sqrt(groups / (groups - 1))) if len(finite) > 1 and groups > 1 else np.nan


def _with_seeds(error: float, groups: int, *values: Array) -> tuple[float, float]:
    """Return the standard error of a difference and its degrees of freedom; the formula heads this module.

    Parameters
    ----------
    error : float
        Standard error over items.
    groups : int
    *values : ndarray of shape (seeds,)
        Values by seed of each model that was trained again.
    """
    parts = [(error**2, groups - 1), *((found.var(ddof=1) / len(found), len(found) - 1) for found in values)]
    variance = sum(part for part, _ in parts)
    below = sum(part**2 / degrees for part, degrees in parts if degrees > 0)
    return float(np.sqrt(variance)), float(variance**2 / below) if below > 0 else float(max(1, groups - 1))


def t_test(difference: float, error: float, degrees: float) -> float:
    """Return the two-sided p-value of a difference by Student's t.

    The share of bootstrap replicates beyond zero would be the usual choice, but of 1,000 replicates it is never below 2/1001, and
    Holm's correction over a family of some tens of pairs lifts that above 0.05 however large the difference.
    """
    if np.isnan(error):
        return np.nan
    return float(2 * stats.t.sf(abs(difference) / error, degrees)) if error > 0 else float(difference == 0)


def _test(a: pd.DataFrame, b: pd.DataFrame, metric: str) -> tuple[str, float] | None:
    """Return the name and the p-value of the paired test that is known for a metric, None where there is none."""
    if metric == "spearman" and len(a) > 3:
        gold, first, second = (frame[name] for frame, name in ((a, "gold_value"), (a, "predicted_value"), (b, "predicted_value")))
        if min(frame.nunique() for frame in (gold, first, second)) < 2:
            return "Williams", np.nan
        gold_a, gold_b, a_b = (stats.spearmanr(*pair).statistic for pair in ((gold, first), (gold, second), (first, second)))
        return "Williams", williams(gold_a, gold_b, a_b, len(a))
    if metric == "accuracy" and len(a) and a["group"].is_unique:
        right_a, right_b = (frame["gold"].to_numpy() == frame["predicted"].to_numpy() for frame in (a, b))
        table = [
            [(right_a & right_b).sum(), (right_a & ~right_b).sum()],
            [(~right_a & right_b).sum(), (~right_a & ~right_b).sum()],
        ]
        return "McNemar", float(mcnemar(np.array(table), exact=True).pvalue)
    return None


def williams(gold_a: float, gold_b: float, a_b: float, n: int) -> float:
    """Test whether two correlations with the same variable differ.

    Parameters
    ----------
    gold_a, gold_b : float
        Correlations of the two predictors with the gold values.
    a_b : float
        Correlation of the two predictors with each other.
    n : int
        Number of items, above 3.

    Returns
    -------
    float
        Two-sided p-value of Williams's t with n - 3 degrees of freedom; 1 where both correlations are one and the same.

    References
    ----------
    Williams (1959), The comparison of regression variables. Steiger (1980), Tests for comparing elements of a correlation matrix,
    doi:10.1037/0033-2909.87.2.245, equation 7.
    """
    if gold_a == gold_b:
        return 1.0
    determinant = 1 - gold_a**2 - gold_b**2 - a_b**2 + 2 * gold_a * gold_b * a_b
    mean = (gold_a + gold_b) / 2
    below = 2 * (n - 1) / (n - 3) * determinant + mean**2 * (1 - a_b) ** 3
    if not below > 0:
        return np.nan
    t = (gold_a - gold_b) * np.sqrt((n - 1) * (1 + a_b) / below)
    return float(2 * stats.t.sf(abs(t), n - 3))


def _judged(comparisons: pd.DataFrame, seeds: int, verdicts: bool) -> pd.DataFrame:
    """Correct the p-values over each family, and say what they allow to say."""
    comparisons["p_holm"] = np.nan
    for _, part in comparisons.groupby("family"):
        finite = part.index[part["p"].notna()]
        if len(finite):
            comparisons.loc[finite, "p_holm"] = multipletests(part.loc[finite, "p"].astype(float), method="holm")[1]
    comparisons["verdict"] = [_verdict(row, seeds) if verdicts else DEMONSTRATION for _, row in comparisons.iterrows()]
    return comparisons


def _verdict(row: pd.Series, seeds: int) -> str:
    if row["seeds"] < 2:
        return ONE_SEED if seeds < 2 else UNREPEATED
    if not row["p_holm"] < 0.05:
        return "no difference shown"
    return f"{row['model_a'] if row['difference'] > 0 else row['model_b']} is better"


def over_seeds(scores: pd.DataFrame) -> pd.DataFrame:
    """Average scores over seeds, and widen their intervals by the seeds' variance.

    The half-widths add in quadrature: ``half² = mean(half over items)² + (t(n - 1) s / √n)²``, on each side of the mean.

    Parameters
    ----------
    scores : DataFrame
        Tidy scores with ``model, family, task, view, split, question, metric, value, low, high, seed``.

    Returns
    -------
    DataFrame
        One row per score with the number of ``seeds``; other columns as with the first seed.
    """
    keys = ["model", "family", "task", "view", "split", "question", "metric"]
    rows = []
    for _, part in scores.groupby(keys, sort=False):
        n, mean = len(part), part["value"].mean()
        spread = stats.t.ppf(0.975, n - 1) * part["value"].std(ddof=1) / np.sqrt(n) if n > 1 else 0.0
        low = mean - np.hypot((part["value"] - part["low"]).mean(), spread)
        high = mean + np.hypot((part["high"] - part["value"]).mean(), spread)
        rows.append({**part.iloc[0].to_dict(), "value": mean, "low": low, "high": high, "seeds": n})
    return pd.DataFrame(rows).drop(columns="seed", errors="ignore")
