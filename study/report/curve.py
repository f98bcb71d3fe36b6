"""Figures over time, cost and swept settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from study.report.plot import STYLE, Look, by_task, legend, panels, whiskers
from study.report.run import BASELINE, Run
from study.report.table import percent, spell

SHORTEST = 0.1
"""Seconds at which a model without training stands on the logarithmic axis of cost, marked as none."""


@dataclass(frozen=True)
class Asked:
    """What models are asked on the development part, whose learning curves stand in the same panels.

    Attributes
    ----------
    validation_loss, masked_accuracy : str
        What an axis says of these columns of the curves.
    told : str
        What the caption says of the question.
    words : bool
        Whether words are asked for: their frequencies alone are a rule to compare with.
    """

    validation_loss: str
    masked_accuracy: str
    told: str
    words: bool = True


MASKED = Asked(
    "loss (nats per masked word)", "masked words predicted right", "masked words, 15\N{NO-BREAK SPACE}% of all, from the others"
)
NEXT = Asked(
    "loss (nats per next word, either way)",
    "next words predicted right, either way",
    "every word as the next one, from the words before it and again, backwards, from the words after it",
)
FOLLOWING = Asked(
    "loss (nats per next word)", "next words predicted right", "the next word, 15\N{NO-BREAK SPACE}% of all, from those before it"
)
REPLACED = Asked(
    "loss (nats per word that may be replaced)",
    "words told right, replaced or not",
    "every word, whether a small generator put it there",
    words=False,
)
AGAIN = Asked(
    "loss (nats per word of the sentence)",
    "words of the sentence said right",
    "every word of a sentence that the encoder has read{}, after the right words before it",
)
ANY = Asked("loss (nats per word asked for)", "words asked for predicted right", "words")
ASKED = {"Transformer": MASKED, "Recurrent": NEXT, "RecurrentReconstruction": AGAIN, "TransformerReconstruction": AGAIN}
"""What each kind of model is asked; what another kind is asked, a report does not know: ``ANY``."""
OBJECTIVES = {"objective.masked": MASKED, "objective.causal": FOLLOWING, "objective.detection": REPLACED}
"""Settings: the shares of what a Transformer learns by. It is asked the first that has any."""
DAMAGE = ("masked", "dropped")
"""Settings: the shares of a sentence that a model which says it again does not read."""


def asked(run: Run) -> dict[str, Asked]:
    """Return what each validated model of a run is asked, in the order of the models."""
    kinds = run.models.groupby("model")["kind"].first()
    validated = set(run.curves.dropna(subset="validation_loss")["model"])
    told = run.settings[run.settings["setting"].isin(OBJECTIVES)]
    shares = told.pivot(index="model", columns="setting", values="value").astype(float)

    def of(model: str) -> Asked:
        """Return what a model is asked by its objective, or else by its kind."""
        known = ASKED.get(kinds.get(model, ""), ANY)
        if known is not MASKED or model not in shares.index:
            return known
        question = next((question for share, question in OBJECTIVES.items() if shares.loc[model].get(share, 0) > 0), known)
        return _at_rate(question, run.wide_settings.get(model, pd.Series(dtype=object))) if question is REPLACED else question

    return {model: of(model) for model in [*run.trained, *run.controls] if model in validated}


def _at_rate(question: Asked, settings: pd.Series) -> Asked:
    """Return a question with the share of words that may be replaced: at other shares it is another question."""
    rates = pd.to_numeric(settings.reindex(["final_mask_rate", "mask_rate"]), errors="coerce").dropna()
    return replace(question, told=f"{question.told}, as for {percent(rates.iloc[0])} it may have") if len(rates) else question


def curves_caption(run: Run) -> str:
    """Say what each model is asked where its learning curve is drawn, and what the pale lines are."""
    found = asked(run)
    names = {question: [model for model in found if found[model] == question] for question in found.values()}
    told = [f"{question.told.format(_damage(run, models))} ({', '.join(models)})" for question, models in names.items()]
    more, rate = (
        (" (as of words around, or of replaced words)", " at the training’s own mask rate") if MASKED in names else ("", "")
    )
    text = (
        f"Learning curves on the development part. Asked are {'; '.join(told)}. The pale training loss is what the steps made "
        f"smaller: the sum of all that they ask{more}, estimated from candidates{rate}. It cannot be compared with the "
        "validation loss (full softmax, of the words asked for alone)."
    )
    return f"{text} Nor can losses of different questions be compared." if len(names) > 1 else text


def _damage(run: Run, models: Sequence[str]) -> str:
    """Say whether what models say again was damaged, where the run tells their settings."""
    shares = run.settings.loc[run.settings["model"].isin(models) & run.settings["setting"].isin(DAMAGE), "value"].astype(float)
    if shares.empty:
        return ""
    return " with some words masked or left out" if shares.any() else " undamaged"


@mpl.rc_context(STYLE)
def curves(
    moments: pd.DataFrame, asked: Mapping[str, Asked], look: Mapping[str, Look], unigram_loss: float | None = None
) -> Figure | None:
    """Draw the learning curves of the models that have them, panels for each question; None where no model was validated.

    Parameters
    ----------
    moments : DataFrame
        ``model, seed, words_seen, loss, validation_loss, masked_accuracy``.
    asked : mapping of str to Asked
        What each model is asked; one that is not in it is not drawn.
    look : mapping of str to Look
    unigram_loss : float, optional
        What a model that knows only the word frequencies would lose, nats per word: a rule to compare with.
    """
    questions = moments["model"].map(asked)
    shown = [
        (question, column)
        for question in dict.fromkeys(asked.values())
        for column in ("validation_loss", "masked_accuracy")
        if moments.loc[questions == question, column].notna().any()
    ]
    if not shown:
        return None
    figure, axes = panels(len(shown), width=4.6, height=3.0, columns=2)
    for axis, (question, column) in zip(axes, shown, strict=True):
        for (model, _), mine in moments[questions == question].groupby(["model", "seed"], sort=False):
            mine, colour = mine.dropna(subset=column), look[str(model)].colour
            if mine.empty:
                continue
            axis.plot(mine["words_seen"] / 1e6, mine[column], marker=".", color=colour, label=f"{model}, validation")
            training = moments[(moments["model"] == model) & (moments["seed"] == mine["seed"].iloc[0])].dropna(subset="loss")
            if column == "validation_loss" and len(training):
                axis.plot(training["words_seen"] / 1e6, training["loss"], color=colour, alpha=0.4, label=f"{model}, training")
        if column == "validation_loss" and unigram_loss is not None and question.words:
            axis.axhline(unigram_loss, color="black", linestyle=":", label="word frequencies alone")
        axis.set_xlabel("million words seen")
        axis.set_title(getattr(question, column))
        axis.grid(color="#e3e5e8")
    legend(figure, axes)
    return figure


@mpl.rc_context(STYLE)
def costs(scores: pd.DataFrame, seconds: Mapping[str, float], look: Mapping[str, Look]) -> Figure:
    """Draw each task's headline scores against the seconds of training, on a logarithmic axis.

    Parameters
    ----------
    scores : DataFrame
        ``model, view, task, question, metric, value, low, high, chance`` of headline views.
    seconds : mapping of str to float
        Training time of each model; models without training stand at the left end.
    look : mapping of str to Look
    """
    groups = by_task(scores[scores["model"].isin(list(look)) & (scores["view"] != BASELINE)])
    figure, axes = panels(len(groups), width=3.4, height=2.6, columns=3)
    for axis, (name, rows) in zip(axes, groups, strict=True):
        for (_, row), (below, above) in zip(rows.iterrows(), whiskers(rows).T, strict=True):
            shown = look[row["model"]]
            axis.errorbar(
                max(seconds.get(row["model"], 0.0), SHORTEST),
                row["value"],
                yerr=[[below], [above]],
                fmt=shown.marker,
                color=shown.colour,
                capsize=3,
                label=row["model"],
            )
        axis.axhline(rows["chance"].median(), color="black", linestyle=":", linewidth=1, label="chance")
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter(lambda value, _: "none" if value <= SHORTEST else f"{value:g}")
        axis.minorticks_off()
        axis.set_xlim(SHORTEST / 2, 3 * max([*seconds.values(), 1.0]))
        axis.set_title(name)
        axis.set_xlabel("seconds of training")
        axis.set_ylabel(spell(rows["metric"].iloc[0]))
        axis.grid(axis="y", color="#e3e5e8")
    legend(figure, axes)
    return figure


def numbers(values: Sequence[str]) -> list[float] | None:
    """Read values as numbers; None where one is not."""
    try:
        return [float(value) for value in values]
    except ValueError:
        return None


@mpl.rc_context(STYLE)
def sweep(scores: pd.DataFrame, x: Mapping[str, str], rows: Mapping[str, str], key: str, look: Mapping[str, Look]) -> Figure:
    """Draw a family's scores against a swept setting: a panel per task, and a row of panels per value of the other settings.

    Parameters
    ----------
    scores : DataFrame
        ``point, model, view, task, question, metric, value, low, high, chance`` of headline views.
    x : mapping of str to str
        Point -> its value of ``key``; numbers give lines, other values dots.
    rows : mapping of str to str
        Point -> its values of the other settings in words ("" for none).
    key : str
    look : mapping of str to Look
    """
    scores = scores[scores["model"].isin(list(look)) & (scores["view"] != BASELINE)]
    values = list(dict.fromkeys(x.values()))
    as_numbers = numbers(values)
    places = dict(zip(values, as_numbers or range(len(values)), strict=True))
    groups = [
        (f"{name}\n{row}" if row else name, part[part["point"].map(rows) == row])
        for row in dict.fromkeys(rows.values())
        for name, part in by_task(scores)
    ]
    groups = [(name, part) for name, part in groups if len(part)]
    tasks = max(1, len(by_task(scores)))
    figure, axes = panels(len(groups), width=3.6, height=2.9, columns=min(tasks, 3))
    for axis, (name, part) in zip(axes, groups, strict=True):
        _lines(axis, part.assign(x=part["point"].map(x).map(places)), look, numeric=as_numbers is not None)
        if as_numbers and min(as_numbers) > 0 and max(as_numbers) > 8 * min(as_numbers):
            axis.set_xscale("log")
            axis.minorticks_off()
        axis.set_xticks(list(places.values()), list(places), rotation=0 if as_numbers else 20)
        axis.set_title(name)
        axis.set_xlabel(key)
        axis.set_ylabel(spell(part["metric"].iloc[0]))
        axis.grid(axis="y", color="#e3e5e8")
    legend(figure, axes)
    return figure


def _lines(axis: Axes, rows: pd.DataFrame, look: Mapping[str, Look], *, numeric: bool) -> None:
    """Draw each model's scores: lines in their bands over numbers, dots with whiskers side by side over names."""
    models = [model for model in look if model in set(rows["model"])]
    offsets = np.linspace(-0.2, 0.2, len(models)) if len(models) > 1 else [0.0]
    for model, offset in zip(models, offsets, strict=True):
        mine = rows[rows["model"] == model].sort_values("x")
        shown = look[model]
        if numeric:
            axis.plot(mine["x"], mine["value"], marker=shown.marker, color=shown.colour, label=model)
            axis.fill_between(mine["x"], mine["low"], mine["high"], color=shown.colour, alpha=0.12, linewidth=0)
        else:
            x, bars = mine["x"] + offset, whiskers(mine)
            axis.errorbar(x, mine["value"], yerr=bars, fmt=shown.marker, color=shown.colour, capsize=3, label=model)
    axis.axhline(rows["chance"].median(), color="black", linestyle=":", linewidth=1, label="chance")
