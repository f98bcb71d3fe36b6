"""Where a learned mix of layers leans: the weights of the layers, by model and task."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from study.report.plot import RULE, STYLE, Look, depth, legend, panels
from study.report.run import Run
from study.report.table import Table, listing, number, spell

KEYS = ["task", "model", "classifier", "layer"]
DASHES = ("-", "--", "-.", ":")


def weights(run: Run, family: str) -> pd.DataFrame:
    """Return a family's weights as means over seeds: ``task, model, classifier, layer, weight, seeds``."""
    mine = run.mix_weights[run.mix_weights["family"] == family]
    return run.in_order(mine.groupby(KEYS, sort=False)["weight"].agg(weight="mean", seeds="count").reset_index())


@mpl.rc_context(STYLE)
def draw(frame: pd.DataFrame, look: Mapping[str, Look]) -> Figure | None:
    """Draw the weights by layer: a panel per task, a line per model and classifier; None without weights.

    Parameters
    ----------
    frame : DataFrame
        ``task, model, classifier, layer, weight``, the layer as the name of a view such as ``layer-2``.
    look : mapping of str to Look
    """
    frame = frame.assign(depth=frame["layer"].map(depth)).dropna(subset=["depth", "weight"])
    if frame.empty:
        return None
    tasks = list(dict.fromkeys(frame["task"]))
    classifiers = list(dict.fromkeys(frame["classifier"]))
    figure, axes = panels(len(tasks), width=3.6, height=2.6, columns=3)
    depths = sorted(frame["depth"].unique())
    for axis, task in zip(axes, tasks, strict=True):
        mine = frame[frame["task"] == task]
        for (model, classifier), line in mine.groupby(["model", "classifier"], sort=False):
            shown = look.get(str(model), Look(RULE, "o"))
            line = line.sort_values("depth")
            dash = DASHES[classifiers.index(classifier) % len(DASHES)]
            label = f"{model}, {classifier}"
            axis.plot(line["depth"], line["weight"], color=shown.colour, marker=shown.marker, linestyle=dash, label=label)
        axis.axhline(1 / mine["depth"].nunique(), color="black", linestyle=":", linewidth=1, label="all layers alike")
        axis.set_ylim(0, 1)
        axis.set_xticks(depths, ["input" if layer == 0 else f"{layer:.0f}" for layer in depths])
        axis.set_title(spell(str(task)))
        axis.set_xlabel("layer")
        axis.set_ylabel("weight")
        axis.grid(axis="y", color="#e3e5e8")
    legend(figure, axes)
    return figure


def weight_table(run: Run, family: str) -> Table:
    """Return the weights, a row per task, model and classifier and a column per layer."""
    frame = weights(run, family)
    wide = frame.pivot_table(index=KEYS[:3], columns="layer", values="weight", sort=False).reset_index()
    wide.columns.name = None
    layers = sorted((name for name in wide.columns if name not in KEYS), key=lambda name: (depth(name), name))
    wide = wide[[*KEYS[:3], *layers]].assign(task=wide["task"].map(spell))
    caption = f"{spell(family).capitalize()}: weights of the layers in the learned mix (means over seeds); each row sums to 1."
    return listing(f"{family}-mix", caption, wide, dict.fromkeys(layers, number))
