"""What the parts of an encoder do: five claims of lectures beside what was measured of this run's encoders.

The encoders are found by what they differ in, see ``study.report.factors.sweep``. The first model that was measured is the full
one: the others are told by what they have otherwise, and its heads are shown. Nothing here says whether a claim holds: the
figures do.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from study.report import mechanism
from study.report.album import Album, Section
from study.report.caveats import orderless
from study.report.claims import claims_table, unlike_rates
from study.report.factors import changes, contrasts, losses, over_seeds, own_rates, reference, sweep
from study.report.measures import attention, by_width, gradients, head_accuracy, order_changes
from study.report.mechanism import Panel, kinds, named
from study.report.run import Run
from study.report.table import Table, count, interval, listing, number, percent, signed, spell

TITLE = "Mechanics"
FIRST = "Heads are those of the first training: heads of other trainings are others, whatever their number."
SPREAD = {"entropy": "entropy of attention, share of its ceiling", "slope": "slope of the softmax, 1 − Σ p²"}


def section(run: Run, album: Album) -> Section:
    """Return the section of a run whose encoders were measured by instruments; an empty one of any other run."""
    if not reference(run) or run.settings.empty:
        return Section(TITLE)
    pairs = contrasts(run)
    scaling, order, depth, heads = _scaling(run, pairs), _order(run, pairs), _depth(run, pairs), _heads(run)
    mlp = _kinds(run, pairs, "MLP", "5 Loss by attention and MLP", ["attention", "activation"])
    seeds = f"{run.seeds} seeds" if run.seeds > 1 else "one seed: intervals over text alone"
    rates = ", but for learning rates, which the table of differences tells" if own_rates(run, pairs) else ""
    caption = (
        "Five claims of lectures, as far as the encoders of this run differ in them: division by √d (1), order (2), depth (3), "
        f"heads (4), the MLP (5). 95 % intervals, {seeds}; those of losses are of differences to the full encoder. Every encoder "
        f"follows the same recipe{rates}. In (1) an encoder has one head and is as wide as it, so that all grows with d, and "
        "division by √d also divides the gradient at queries and keys by √d. In (2) the output may change with the order and yet "
        "make no use of it, as the losses show, and added vectors change it by their size alone: compare each kind with itself "
        "before training. In (4) the probe tells which of four classes of frequency a word is of. Uniform attention with a "
        "linear MLP (5) is not linear, either: layer normalisation bends. "
    )
    whose = f"{FIRST} " if run.seeds > 1 else ""
    caption += whose
    if without := orderless(run, run.trained):
        caption += f"With {', '.join(map(spell, without))} the order of words is lost too: compare with no positions. "
    caption += "The first table below sets figures beside the claims."
    opening = [panel for panel in (*scaling, *order, *depth, *heads, *mlp) if panel.opens]
    figures = album.add("mechanics", caption, mechanism.figure(opening))
    caption = (
        "Scaling: how much a softmax gives way (1 − Σ p²), and the gradient at other weights. Division by √d also divides the "
        f"gradient at queries and keys by √d; the slope of the softmax knows no such factor.{unlike_rates(run, pairs)}"
    )
    figures += album.add("mechanics-scaling", caption, _further(scaling))
    caption = "Order and depth: two neighbours swapped, and the gradient that reaches each block of the deepest encoders."
    figures += album.add("mechanics-depth", caption, _further([*order, *depth]))
    caption = (
        "Heads (block.head): accuracy of a probe on each above that on the same head shuffled. The probe tells which of four "
        "classes of frequency the word before, the word itself or the word after is of. "
    )
    figures += album.add("mechanics-heads", (caption + whose).strip(), _further(heads))
    folded = [table for table in (claims_table(run, pairs), difference_table(run, pairs)) if table.rows]
    return Section(TITLE, figures, folded=[*folded, *measure_tables(run)], answer=answer(pairs))


def answer(pairs: pd.DataFrame) -> str:
    """Say what each change costs of what training gains the full encoder of the same width or depth, in loss.

    Parameters
    ----------
    pairs : DataFrame
        Of ``study.report.factors.contrasts``.
    """
    parts = [f"{_sentence(str(part), rows)}." for part, rows in pairs.dropna(subset="share").groupby("part", sort=False)]
    if not parts:
        return ""
    return (
        "How much of what training gains the full encoder of the same width or depth, in nats per hidden word, is gone where a "
        f"part is changed (below 0: more is gained). {' '.join(parts)}"
    )


def _sentence(part: str, rows: pd.DataFrame) -> str:
    """Say the shares that changes of a part cost, each change once, and what they are shares of."""
    same = rows["scale"].nunique() == 1
    changed = []
    for change, mine in rows.groupby("change", sort=False):
        said = [
            f"{percent(row['share'])}{'' if same else ' of ' + number(row['scale'], 2)}{' at ' + row['at'] if row['at'] else ''}"
            f"{'' if row['low'] > 0 or row['high'] < 0 else ' (not told from 0)'}"
            for row in mine.to_dict("records")
        ]
        changed.append(f"{change} {', '.join(said)}")
    of = f" (of {number(rows['scale'].iloc[0], 2)})" if same else ""
    return f"{part[0].upper()}{part[1:]}{of}: {'; '.join(changed)}"


def _further(panels: list[Panel]) -> Figure | None:
    return mechanism.figure([panel for panel in panels if not panel.opens])


def _scaling(run: Run, pairs: pd.DataFrame) -> list[Panel]:
    models = by_width(run)
    trained = beside(losses(run), pairs)
    trained = trained[trained["stage"] == "trained"]
    frames = [
        ("1 Gradient at queries and keys", gradients(run, "queries and keys"), "length of the gradient", True),
        ("1 Entropy of attention", attention(run, "entropy"), "share of its ceiling", False),
        ("1 Loss by width", trained, "nats per hidden word", False),
        ("1 Slope of the softmax", attention(run, "slope"), "1 − Σ p², mean over words", False),
        ("1 Gradient at values and answers", gradients(run, "values and answers"), "length of the gradient", True),
    ]
    panels = []
    for place, (title, frame, y, steep) in enumerate(frames):
        mine = named(frame, kinds(models["kind"]))
        mine = mine.assign(x=mine["model"].map(models["x"]))
        draw = partial(mechanism.lines, frame=mine, x="width d of a head", y=y, logarithmic=(True, steep))
        draw = partial(_against, draw=draw, loss=mine, pairs=pairs[pairs["part"] == "scaling"]) if frame is trained else draw
        panels += [Panel(title, draw, opens=place < 3)] if len(mine) else []
    return panels


def _order(run: Run, pairs: pd.DataFrame) -> list[Panel]:
    labels = kinds(sweep(run, "positions")["positions"])
    panels: list[Panel] = []
    for order, part in named(order_changes(run), labels).groupby("order", sort=False):
        draw = partial(mechanism.marks, frame=part, x="‖f(Px) − P f(x)‖ / ‖f(x)‖, last layer")
        panels.append(Panel(f"2 Change of the output, {order}", draw, opens=not panels))
    return [*panels, *_kinds(run, pairs, "positions", "2 Loss by kind of positions", ["positions"])]


def _depth(run: Run, pairs: pd.DataFrame) -> list[Panel]:
    models = sweep(run, "blocks", "residual", "norm")
    labels, blocks = changes(run, models, ["residual", "norm"]), models["blocks"].astype(float)
    loss = named(beside(losses(run), pairs), labels, stage="trained")
    panels = []
    if len(loss):
        loss = loss.assign(x=loss["model"].map(blocks))
        draw = partial(mechanism.lines, frame=loss, x="blocks", y="loss, nats per hidden word")
        draw = partial(_against, draw=draw, loss=loss, pairs=pairs[pairs["part"] == "depth"])
        panels.append(Panel("3 Loss by depth", draw, opens=True))
    deepest = {model: labels[str(model)] for model in blocks.index[blocks == blocks.max()]}
    keys = ["model", "stage", "block"]
    reaching = over_seeds(run.gradients[run.gradients["part"] == "vectors that reach it"], keys)
    for stage, told in (("start", "before training"), ("trained", "after training")):
        mine = named(reaching, deepest, stage=stage)
        mine = mine.assign(x=mine["block"])
        draw = partial(mechanism.lines, frame=mine, x="block", y="length of the gradient", logarithmic=(False, True))
        panels += [Panel(f"3 Gradient that reaches a block, {told}", draw)] if len(mine) else []
    return panels


def _kinds(run: Run, pairs: pd.DataFrame, part: str, title: str, settings: list[str]) -> list[Panel]:
    """Return the losses of encoders that differ in settings, against that of the full one."""
    labels = {str(model): ", ".join(row) for model, row in sweep(run, *settings)[settings].astype(str).iterrows()}
    loss = named(beside(losses(run), pairs), labels, stage="trained").assign(x=0.0)
    if loss.empty:
        return []
    draw = partial(mechanism.marks, frame=loss, x="loss, nats per hidden word")
    draw = partial(_against, draw=draw, loss=loss, pairs=pairs[pairs["part"] == part])
    return [Panel(title, draw, opens=True)]


def beside(loss: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Return losses with the intervals of their differences to the full encoders in place of their own.

    Over other text all losses go up and down together: what matters is how far they are apart.
    """
    apart = pairs.set_index("model")[["difference", "low", "high"]].groupby(level=0).first().reindex(loss["model"])
    below, above = (apart["difference"] - apart["low"]).fillna(0), (apart["high"] - apart["difference"]).fillna(0)
    return loss.assign(low=loss["value"] - below.to_numpy(), high=loss["value"] + above.to_numpy())


def _against(axis: Axes, draw: partial[None], loss: pd.DataFrame, pairs: pd.DataFrame) -> None:
    """Draw losses against those of the full encoders of a sweep: before training, and too near to be told apart."""
    draw(axis)
    full = pairs.groupby("full", sort=False)[["detectable", "scale"]].median()
    band = loss[loss["model"].isin(full.index)].sort_values("x").join(full, on="model")
    if len(band):
        mechanism.scale(axis, band)


def _heads(run: Run) -> list[Panel]:
    frame = head_accuracy(run)
    if frame.empty:
        return []
    panels = [Panel("4 What single heads tell of a word’s frequency", partial(mechanism.heads, frame=frame), opens=True)]
    wide = frame.pivot_table(index=["stage", "block", "head", "question"], columns="shuffled", values="value", sort=False)
    gains = (wide[False] - wide[True]).rename("gain").reset_index()
    gains["name"] = [f"{block:.0f}.{head:.0f}" for block, head in gains[["block", "head"]].to_numpy()]
    for stage, told in (("start", "before training"), ("trained", "trained")):
        draw = partial(mechanism.matrix, frame=gains[gains["stage"] == stage], brightest=max(0.05, gains["gain"].max()))
        panels.append(Panel(f"4 Heads above shuffled, {told}", draw))
    return panels


def difference_table(run: Run, pairs: pd.DataFrame) -> Table:
    """Return what each change to the full encoder costs, with what training gains as its scale."""
    caption = (
        "Loss of each encoder minus that of the full one on the same hidden words, nats per word: above 0 the change costs. The "
        "scale is what training gains the full encoder: its loss before training minus after. Detectable is the smallest "
        "difference that would be shown in four of five repetitions (test at 0.05)."
    )
    if run.seeds == 1:
        caption += " One seed: intervals over text alone."
    frame = pairs.assign(interval=[interval(low, high) for low, high in zip(pairs["low"], pairs["high"], strict=True)])
    frame = frame[["part", "at", "change", "loss", "difference", "interval", "scale", "share", "detectable", "remark"]]
    if rates := own_rates(run, pairs):
        caption += " Learning rates differ beside what is changed."
        frame.insert(3, "rate", pairs["model"].map(rates))
        frame.insert(4, "rate of the full one", pairs["full"].map(rates))
    formats = {"loss": number, "difference": signed, "scale": number, "share": number, "detectable": number}
    return listing("mechanics-differences", caption, frame, formats)


def measure_tables(run: Run) -> list[Table]:
    """Return what the figures are drawn from, as means over seeds with intervals; the run's CSV files hold the rest."""
    scaling, positions = kinds(by_width(run)["kind"]), kinds(sweep(run, "positions")["positions"])
    parts = [gradients(run, part).assign(measure=f"gradient, {part}") for part in ("queries and keys", "values and answers")]
    parts += [attention(run, measure).assign(measure=told) for measure, told in SPREAD.items()]
    asked = {
        "loss": (losses(run), "Loss of hidden words, nats each; n rows of text"),
        "scaling": (named(pd.concat(parts, ignore_index=True), scaling), "Gradients and attention by division; n batches"),
        "order": (named(order_changes(run), positions), "Relative change of the last layer with order; n sentences"),
        "heads": (
            head_accuracy(run),
            f"Accuracy of probes on single heads of {reference(run)}, first training, four classes of frequency; n words",
        ),
    }
    formats: dict[str, Callable[[float], str]] = dict.fromkeys(("value", "low", "high"), partial(number, digits=4))
    formats |= dict.fromkeys(("n", "seeds", "block", "head"), count)
    found = []
    for name, (frame, caption) in asked.items():
        if len(frame):
            table = frame.drop(columns="kind", errors="ignore")
            mine = {column: write for column, write in formats.items() if column in table}
            over = "over these" if name == "heads" else "over these and seeds"
            told = f"{caption}. With 95 % intervals {over}; start: before training."
            found.append(listing(f"mechanics-{name}", told, table, mine))
    return found
