"""What a reader of an ablation must know: what its models have not in common beside the part that each is named after."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from study.report.parts import LOSS, MEASURES, UNTRAINED
from study.report.run import Run
from study.report.table import count, percent, spell

LITTLE = 0.2
"""Share of what training gains the whole model in loss; of a model that gains less it shows how slowly it learns."""


def caveats(run: Run, rows: pd.DataFrame, reference: str, parts: Sequence[str]) -> str:
    """Say all that models with a part taken out or exchanged have not in common with the whole.

    Parameters
    ----------
    run : Run
    rows : DataFrame
        As of ``study.report.parts.judged``.
    reference : str
        The whole.
    parts : sequence of str
        The other models.
    """
    models = [reference, *parts]
    said = [*_budget(run, models), *_rates(run, models), *_slow(rows), *_order(run, parts)]
    said += [*_contexts(run, reference, parts), *_sizes(run, reference, parts), *_views(run, models)]
    return " ".join(said)


def slow_parts(rows: pd.DataFrame) -> list[str]:
    """Return the models that gained little in loss over their start, which knows the frequencies of words; or may have."""
    found = rows[rows["family"] == LOSS].set_index("part")[["difference", "high"]]
    gained, most = found["difference"].get(UNTRAINED, np.nan), found["high"].fillna(found["difference"])
    return [str(part) for part, behind in most.items() if part != UNTRAINED and gained - behind < LITTLE * gained]


def other_contexts(run: Run, reference: str, parts: Sequence[str]) -> list[str]:
    """Return the models whose loss is that of other text than the whole's: of words that see no more than their sentence."""
    return [part for part in parts if "context" in run.settings_apart(reference, part).index]


def orderless(run: Run, parts: Sequence[str]) -> list[str]:
    """Return the models that lose the order of words with their attention.

    Uniform attention makes no products of queries and keys for rotary positions to act on; looking backwards tells an order too.
    """
    told = run.wide_settings.reindex(["attention", "positions", "mask"])
    lost = (told.loc["attention"] == "uniform") & (told.loc["positions"] == "rotary") & (told.loc["mask"] != "causal")
    return [part for part in parts if lost.get(part, False)]


def parameters(run: Run) -> dict[str, float]:
    """Return the number of parameters of each model that has any."""
    sizes = run.models.groupby("model")["parameters"].mean()
    return {str(model): size for model, size in sizes.items() if size > 0}


def _budget(run: Run, models: Sequence[str]) -> list[str]:
    """Say how many words each model read, and how much of the corpus's training part that is."""
    read = run.models.loc[run.models["model"].isin(models), "words_seen"]
    training = run.facts.get("corpus", {}).get("parts", {}).get("training", {}).get("words", 0)
    if read.empty or not training:
        return []
    least, most = count(read.min()), count(read.max())
    share = read.max() / training
    part = f"{100 * share:.1f}\N{NO-BREAK SPACE}% of" if share < 1 else f"{share:.1f} times"
    return [f"Each model read {least if least == most else f'{least} to {most}'} words, {part} the training part."]


def _rates(run: Run, models: Sequence[str]) -> list[str]:
    """Say that all models have one learning rate, which need not suit each of them; or that they have several."""
    rates = run.settings.loc[(run.settings["setting"] == "rate") & run.settings["model"].isin(models), "value"].unique()
    if len(rates) == 1:
        return [f"All share one highest learning rate, {rates[0]}: what a part costs is what it costs at this rate."]
    return ["The learning rates differ."] if len(rates) else []


def _slow(rows: pd.DataFrame) -> list[str]:
    """Name the models that have hardly learned."""
    slow = [spell(part) for part in slow_parts(rows)]
    if not slow:
        return []
    return [
        f"In loss, these have gained less than {percent(LITTLE)} of what the whole has over its start, which knows the "
        f"frequencies of words alone, or may have, by their intervals: {', '.join(slow)}. Their rows show how slowly they learn, "
        "not what the part is worth to who trains longer."
    ]


def _order(run: Run, parts: Sequence[str]) -> list[str]:
    """Say that uniform attention may take the order of words away with it."""
    names = ", ".join(map(spell, orderless(run, parts)))
    if not names:
        return []
    return [
        f"With {names} the order of words is lost too, as the positions act on products that it does not make: what choosing "
        "among words is worth shows beside a model without positions only."
    ]


def _contexts(run: Run, reference: str, parts: Sequence[str]) -> list[str]:
    """Name the models whose loss is of words in another context."""
    other = [spell(part) for part in other_contexts(run, reference, parts)]
    return [f"The loss of {', '.join(other)} is of words that see another context than the whole’s."] if other else []


def _sizes(run: Run, reference: str, parts: Sequence[str]) -> list[str]:
    """Say which parts, taken out or exchanged, change the number of parameters most."""
    sizes = parameters(run)
    sizes = {model: sizes[model] for model in (reference, *parts) if model in sizes}
    if reference not in sizes or len(set(sizes.values())) < 2:
        return []
    ends = (choose(sizes, key=lambda model: sizes[model]) for choose in (min, max))
    least, most = (f"{spell(end)} {count(sizes[end])}" for end in ends)
    return [f"Sizes differ: {count(sizes[reference])} parameters for {reference} whole, from {least} to {most}."]


def _views(run: Run, models: Sequence[str]) -> list[str]:
    """Say which views stand for the models where they differ, by family and by what is asked of words."""
    heads = run.scores[run.scores["headline"] & run.scores["main"] & run.scores["model"].isin(models)]
    found = []
    for (family, level), rows in heads[heads["level"] != "hidden"].groupby(["family", "level"], sort=False):
        by_view = rows.drop_duplicates("model").groupby("view", sort=False)["model"].apply(lambda names: [*map(spell, names)])
        usual = max(by_view.index, key=lambda view: len(by_view[view]))
        others = [f"{view} of {', '.join(names)}" for view, names in by_view.items() if view != usual]
        place = "words in their places" if level == "target" else f"a {level}"
        measure = MEASURES.get(str(family), spell(str(family)))
        found += [f"For {measure}, asked of {place}, the headline view is {usual}, but {'; '.join(others)}."] if others else []
    return found
