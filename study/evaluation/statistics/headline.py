"""The one view by which a model is compared in a family of tasks, chosen on development items and never on test.

Three rules, the first that can be followed:

1. the best view on the development items of the family's tasks at that level;
2. the best view on the development items at that level of the model's other families, all of them taken together;
3. what was fixed in advance: at the level of a word ``word``, else ``averaged``, else ``input``; in a sentence the last
   ``layer-``, else ``context``; where none of these is to be had, the model's first view.

Where a word is asked in its place (level ``target``), a view that is the same in every place (``word``, ``input``) is chosen by
its development items only if it lies above chance on them. Where types tell nothing it stands at chance by construction, and
beats views that might tell by luck alone: a model would be read by what cannot tell.

A control is the floor of the models that have views like its own, so it is read as they are: by these rules, but only among its
views of the kind by which most of these models are read in that family at that level (a layer, whichever it is; ``context``;
``word``; of equally many kinds, among all of these). Where no model has views of its kinds, it follows the three rules alone.

Why: on few development sentences the mean of random vectors around a word may score a little below chance. Free to choose,
``random`` would then be read by ``word``, which stands at chance by construction, also in another task of the family in which
that mean is far above chance; and what the mean does without any training would look like the merit of training.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

import pandas as pd

from study.contracts import CONTROLS, OF_TYPES

IN_ADVANCE = ("word", "averaged", "input")
"""Views of bare words in the order in which they are taken where there are no development items."""

ROUNDING = 1e-9
"""What a view that stands at chance by construction may lie above it."""

KEYS = ["model", "family", "level"]


def main_rows(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the rows by which each task's views and models are compared; a task that only describes has none."""
    return scores[scores["main"].astype(bool)]


def headlines(scores: pd.DataFrame) -> pd.DataFrame:
    """Choose the headline view of every model, family and level with a task that compares.

    The best view has the highest mean, over the development items of tasks and over seeds, of the chance-centred main metric
    ``(value - chance) / (1 - chance)``; of equal ones it is the first in the model's order. A view that lacks a task which
    another has takes no part. No row of another split is looked at. The models named in ``CONTROLS`` follow the others.

    Parameters
    ----------
    scores : DataFrame
        Columns ``model, seed, family, task, level, view, split, question, metric, value, chance`` and ``main`` (whether the
        metric is its task's main metric), without baselines.

    Returns
    -------
    DataFrame
        Columns ``model, family, level, view``, ``value`` (the mean it was chosen by, NaN without) and ``reason``.
    """
    main = main_rows(scores)
    centred = ((main["value"] - main["chance"]) / (1 - main["chance"])).rename("centred")
    development = main.assign(centred=centred)[main["split"] == "development"]
    offered = {key: list(dict.fromkeys(part["view"])) for key, part in main.groupby(KEYS, sort=False)}
    chosen: dict[tuple[Hashable, ...], tuple[str, float, str]] = {}
    for key in sorted(offered, key=lambda key: key[0] in CONTROLS):  # controls last
        model, family, level = key
        views = offered[key]
        if model in CONTROLS:
            views = _as_models(views, [chosen[other][0] for other in chosen if other[1:] == key[1:] and other[0] not in CONTROLS])
        told = development[(development["model"] == model) & (development["level"] == level) & development["view"].isin(views)]
        own, others = told[told["family"] == family], told[told["family"] != family]
        view, value, reason = _choose(views, own, others, str(level))
        chosen[key] = view, value, reason if views == offered[key] else f"{reason}, of the kind that models are read by"
    return pd.DataFrame([(*key, *chosen[key]) for key in offered], columns=[*KEYS, "view", "value", "reason"])


def _as_models(views: Sequence[str], heads: Sequence[str]) -> list[str]:
    """Return a control's views of the kind that most models' headline views are of; all of them where no model has its kinds."""
    kinds = {_kind(view) for view in views}
    times = Counter(kind for kind in map(_kind, heads) if kind in kinds)
    most = max(times.values(), default=0)
    return [view for view in views if times[_kind(view)] == most]


def _kind(view: str) -> str:
    """Return a view's name without the number of its layer."""
    return view.partition("-")[0]


def _choose(views: Sequence[str], own: pd.DataFrame, others: pd.DataFrame, level: str) -> tuple[str, float, str]:
    """Return view, mean on development items and reason; ``views`` are in the model's order."""
    mine, elsewhere = _means(own), _means(others)
    if len(views) == 1:
        return views[0], float(mine.get(views[0], float("nan"))), "its only view"
    families = " and ".join(dict.fromkeys(others["family"]))
    for means, reason in ((mine, "best on development items"), (elsewhere, f"best on development items of {families}")):
        if not means.empty:
            known = [name for name in views if name in means.index]
            telling = [name for name in known if level != "target" or name not in OF_TYPES or means[name] > ROUNDING]
            best = max(telling or known, key=lambda name: float(means[name]))
            return best, float(means[best]), reason
    return _in_advance(views, level), float("nan"), "fixed in advance: no development items"


def _means(development: pd.DataFrame) -> pd.Series:
    """Return the mean over tasks of each view that has them all; empty without development items."""
    table = development.pivot_table(index="view", columns=["family", "task"], values="centred", aggfunc="mean")
    return table.dropna().mean(axis=1)


def _in_advance(views: Sequence[str], level: str) -> str:
    layers = sorted((name for name in views if name.startswith("layer-")), key=lambda name: int(name.removeprefix("layer-")))
    contextual = [*reversed(layers), *(name for name in views if name == "context")]
    in_order = (*contextual, *IN_ADVANCE) if level in ("target", "sentence") else IN_ADVANCE
    return next((name for name in in_order if name in views), views[0])
