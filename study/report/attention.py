"""What attention does with a sentence, as heat maps, and what every head does on the whole, as a figure and a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from study.contracts import CONTROLS
from study.report.album import Album, Drawn, Section
from study.report.plane import short
from study.report.plot import COLOURS, RULE, STYLE, Look, legend, panels, whiskers
from study.report.run import Run
from study.report.table import Cell, Row, Table, interval, number

MOST_MODELS = 4
"""Models whose maps are drawn; ``attention.csv`` has those of all."""
MOST = 4
"""Layers, and heads of a layer, that are drawn of a larger model."""
ROOM = 10.0
"""Inches that the maps of a layer share; where words are many, fewer heads are drawn."""
IN_SIGHT = 16
"""Heads up to which their table is not folded away."""
MARKED = COLOURS[1]
MEASURES = {
    "entropy": "entropy, nats",
    "evenness": "entropy / log of keys",
    "distance": "distance, words",
    "itself": "on itself",
    "previous": "on the word before",
    "next": "on the word after",
    "boundary": "on no word",
}
KINDS = {"self": "a sentence’s words look at each other", "cross": "a decoder looks at what the encoder read"}


@dataclass(frozen=True)
class Map:
    """A sentence's weights, of shape (layers, heads, queries, keys), with the names along both sides of each square.

    ``symbols`` says which keys are no words, shape (keys,), ``targets`` which queries are the marked word, shape (queries,).
    """

    weights: np.ndarray
    queries: Sequence[str]
    keys: Sequence[str]
    symbols: np.ndarray
    targets: np.ndarray

    @classmethod
    def of(cls, rows: pd.DataFrame) -> Map:
        """Return the map of the rows of ``attention.csv`` of one model, seed, sentence and kind."""
        axes = ["layer", "head", "query_position", "key_position"]
        rows = rows.sort_values(axes)
        weights = rows["weight"].to_numpy().reshape([rows[axis].nunique() for axis in axes])
        queries, keys = rows.iloc[:: weights.shape[3]].iloc[: weights.shape[2]], rows.iloc[: weights.shape[3]]
        sides = (list(queries["query_word"]), list(keys["key_word"]), keys["symbol"].to_numpy(), queries["target"].to_numpy())
        return cls(weights, *sides)


def section(run: Run, look: Mapping[str, Look], album: Album) -> Section:
    """Return the maps of the sentences that were asked for, and the measures of heads; nothing without them."""
    figures = _maps(run, album)
    tables: list[Table] = []
    if len(run.attention_heads):
        number_of = run.attention_heads["sentences"].max()
        caption = (
            f"Every head by layer, over {number_of:,.0f} sentences of the development part, with 95 % intervals over them: the "
            "entropy of a word’s weights, and how far away the words are that they fall on. "
            "Dotted: looking evenly at everything."
        )
        if run.seeds > 1:
            caption += " Every seed has heads of its own."
        figures += album.add("attention-heads", caption, heads(run.in_order(run.attention_heads), look))
        tables.append(head_table(run))
    in_sight = [table for table in tables if len(table.rows) <= IN_SIGHT]
    return Section("Attention", figures, in_sight, [table for table in tables if table not in in_sight])


def _maps(run: Run, album: Album) -> list[Drawn]:
    frame = run.in_order(run.attention)
    models = list(dict.fromkeys(frame["model"]))
    drawn: list[Drawn] = []
    shown = [model for model in models if model not in CONTROLS] or models
    for model in shown[:MOST_MODELS]:
        mine = frame[frame["model"] == model]
        for (sentence, kind), rows in mine[mine["seed"] == mine["seed"].min()].groupby(["sentence", "kind"], sort=False):
            seen = Map.of(rows)
            layers, chosen = choose(seen)
            name = f"attention-{model}-{sentence:.0f}" + ("" if kind == "self" else f"-{kind}")
            who = f"{model}, seed {rows['seed'].iloc[0]:.0f}" if run.seeds > 1 else model
            caption = _caption(f"{who}, {KINDS[str(kind)]}", seen, rows, layers, chosen)
            if len(shown) > MOST_MODELS:
                caption += f" Maps are drawn of {MOST_MODELS} models; attention.csv has those of all {len(models)}."
            drawn += album.add(name, caption, heat_maps(seen, layers, chosen))
    return drawn


def _caption(who: str, seen: Map, rows: pd.DataFrame, layers: Sequence[int], chosen: Sequence[Sequence[int]]) -> str:
    """Say what a figure of maps shows, and what it leaves out."""
    words = [key for key, symbol in zip(seen.keys, seen.symbols, strict=True) if not symbol]
    text = f"‘{' '.join(words)}’ ({who}): each row’s weights on the columns sum to 1."
    if seen.targets.any():
        text += " The marked word is framed."
    if any(word.startswith("(") for word in words):
        text += " Words in parentheses are not in the vocabulary."
    if len(words) < rows["sentence_words"].iloc[0]:
        text += f" Only {len(words)} of the sentence’s {rows['sentence_words'].iloc[0]:.0f} words are read."
    all_layers, all_heads = seen.weights.shape[:2]
    if len(layers) < all_layers:
        text += f" {len(layers)} of {all_layers} layers are shown."
    if len(chosen[0]) < all_heads:
        heads_of = f"{len(chosen[0])} of {all_heads} heads are" if len(chosen[0]) > 1 else f"one of {all_heads} heads is"
        text += f" Of each layer {heads_of} shown, which here tell{'s' * (len(chosen[0]) == 1)} words apart most sharply."
    return text


def choose(seen: Map) -> tuple[list[int], list[list[int]]]:
    """Choose the layers, evenly spread, and the heads of each that are drawn, from 0: all where there is room.

    Heads are chosen by what their weights on words tell of which word is looked at: over all rows Σ w log(w n / Σ w), with n
    words, nats; what falls on symbols tells nothing.
    """
    wide = max(1, min(MOST, int(ROOM / _side(seen))))
    number_of = min(len(seen.weights), max(2, wide))  # the first and the last in any case
    layers = np.linspace(0, len(seen.weights) - 1, number_of).round().astype(int).tolist()
    weights = seen.weights[..., ~seen.symbols]  # (l, h, u, words)
    falls = weights.sum(axis=3, keepdims=True)
    even = np.divide(falls, weights.shape[3], out=np.ones_like(falls), where=falls > 0)
    told = (weights * np.log(np.where(weights > 0, weights / even, 1))).sum(axis=(2, 3))  # (l, h)
    return layers, [sorted(np.argsort(-told[layer], kind="stable")[:wide].tolist()) for layer in layers]


def _side(seen: Map) -> float:
    """Return the width of a map, inches, that leaves room for its words."""
    return max(1.9, 0.17 * len(seen.keys))


@mpl.rc_context(STYLE)
def heat_maps(seen: Map, layers: Sequence[int], chosen: Sequence[Sequence[int]]) -> Figure:
    """Draw a map per head, a row of them per layer, in the same colours whatever is drawn.

    Parameters
    ----------
    seen : Map
    layers : sequence of int
        From 0.
    chosen : sequence of sequence of int
        The heads of each of these layers, from 0.
    """
    side, columns = _side(seen), len(chosen[0])
    tall = side * len(seen.queries) / len(seen.keys)
    figure = Figure(figsize=(max(side * columns, 3.4) + 1.9, (tall + 0.3) * len(layers) + 1.1), layout="constrained")
    grid = figure.subplots(len(layers), columns, squeeze=False)
    colours = PowerNorm(0.5, vmin=0, vmax=1)  # small weights are told apart too
    image = None
    for row, (layer, heads) in enumerate(zip(layers, chosen, strict=True)):
        for axis, head in zip(grid[row], heads, strict=True):
            image = axis.imshow(seen.weights[layer, head], norm=colours, cmap="cividis", aspect="auto")
            axis.set_title(f"layer {layer + 1}, head {head + 1}", fontsize=9)
            axis.spines[:].set_visible(False)
            axis.tick_params(length=0)
            below, beside = seen.keys if row == len(layers) - 1 else [], seen.queries if head == heads[0] else []
            axis.set_xticks(range(len(below)), map(short, below), fontsize=8, rotation=90)
            axis.set_yticks(range(len(beside)), map(short, beside), fontsize=8)
            _frame(axis, seen)
    figure.supylabel("who looks", fontsize=9, color="#5f6368")
    figure.supxlabel("at whom", fontsize=9, color="#5f6368")
    assert image is not None  # there is at least one head
    figure.colorbar(image, ax=grid, shrink=0.8, pad=0.01).set_label("weight (colours by its root)")
    return figure


def _frame(axis: Axes, seen: Map) -> None:
    """Frame the row of the marked word, and write it in colour."""
    ahead = len(seen.keys) - len(seen.queries)
    for place in np.flatnonzero(seen.targets):
        axis.add_patch(Rectangle((-0.5, place - 0.5), len(seen.keys), 1, fill=False, edgecolor=MARKED, linewidth=1.6))
        labels = [*axis.get_yticklabels()[place : place + 1], *axis.get_xticklabels()[place + ahead : place + ahead + 1]]
        for label in labels:
            label.set(color=MARKED, fontweight="bold")


@mpl.rc_context(STYLE)
def heads(frame: pd.DataFrame, look: Mapping[str, Look]) -> Figure:
    """Draw the entropy and the distance of every head by layer, models side by side in each layer.

    Parameters
    ----------
    frame : DataFrame
        Rows of ``attention_heads.csv``.
    look : mapping of str to Look
    """
    groups = [
        (str(kind), measure, rows[rows["measure"] == measure])
        for kind, rows in frame.groupby("kind", sort=False)
        for measure in ("entropy", "distance")
    ]
    figure, axes = panels(len(groups), width=5.2, height=3.0, columns=2)
    for axis, (kind, measure, rows) in zip(axes, groups, strict=True):
        _by_layer(axis, rows, look)
        axis.set_title(KINDS[kind] if frame["kind"].nunique() > 1 else "")
        axis.set_ylabel(MEASURES[measure])
        axis.set_xlabel("layer")
        axis.set_ylim(bottom=0)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.set_xlim(0.4, frame["layer"].max() + 0.6)
        axis.grid(axis="y", color="#e3e5e8")
    legend(figure, axes)
    return figure


def _by_layer(axis: Axes, rows: pd.DataFrame, look: Mapping[str, Look]) -> None:
    models = list(dict.fromkeys(rows["model"]))
    alike = np.allclose(rows["uniform"], rows["uniform"].iloc[0], rtol=0.02)  # not where a model may look backwards only
    slot = 0.8 / len(models)
    for place, model in enumerate(models):
        mine, shown = rows[rows["model"] == model].sort_values(["layer", "seed", "head"]), look.get(model, Look(RULE, "o"))
        turn, number_of = mine.groupby("layer").cumcount(), mine.groupby("layer")["head"].transform("size")
        x = mine["layer"] - 0.4 + slot * (place + (turn + 1) / (number_of + 1))
        style = {"fmt": shown.marker, "color": shown.colour, "markersize": 4, "elinewidth": 0.9, "label": model}
        axis.errorbar(x, mine["value"], yerr=whiskers(mine), **style)
        if place == 0 or not alike:
            label = "looking evenly" if alike else f"{model}, looking evenly"
            axis.axhline(
                mine["uniform"].iloc[0], color="black" if alike else shown.colour, linestyle=":", linewidth=1, label=label
            )


def head_table(run: Run) -> Table:
    """Return the measures of every head with their intervals, and what looking evenly would give."""
    keys = ["model", "seed", "kind", "layer", "head"]
    frame = run.in_order(run.attention_heads)
    wide = frame.pivot_table(index=keys, columns="measure", values=["value", "low", "high", "uniform"], sort=False)
    told = [key for key in keys if key in ("model", "layer", "head") or frame[key].nunique() > 1]
    rows: list[Row] = []
    told_of: set[tuple[str, str]] = set()
    for at, (_, row) in zip(wide.index.to_frame().to_dict("records"), wide.iterrows(), strict=True):
        if (at["model"], at["kind"]) not in told_of:
            told_of.add((at["model"], at["kind"]))
            even = {"model": at["model"], "kind": at["kind"], "layer": "looking evenly"}
            cells = [Cell(str(even.get(key, ""))) for key in told]
            rows.append(Row((*cells, *(Cell(number(row["uniform", m], 2), number=True) for m in MEASURES)), quiet=True))
        cells = [Cell(f"{at[key]:.0f}" if isinstance(at[key], float) else str(at[key])) for key in told]
        cells += [Cell(number(row["value", m], 2), interval(row["low", m], row["high", m], 2), number=True) for m in MEASURES]
        rows.append(Row(tuple(cells), quiet=at["model"] in CONTROLS))
    header = (*(Cell(key) for key in told), *(Cell(name, number=True) for name in MEASURES.values()))
    caption = (
        "What every head does, over sentences of the development part, with 95 % intervals over sentences: the entropy of a "
        "word’s weights, also as a share of its largest value; the distance to the words they fall on; and the shares that fall "
        "on the word itself, its neighbours, and symbols that are no words."
    )
    flat = wide.set_axis([" ".join(reversed(pair)) for pair in wide.columns.to_list()], axis=1).reset_index()
    return Table("attention-heads", caption, header, tuple(rows), flat)
