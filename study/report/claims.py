"""Five claims that lectures make of a Transformer's parts, each beside the figures of this run: no word says who is right."""

from __future__ import annotations

import numpy as np
import pandas as pd

from study.report.factors import SWEEPS, own_rates, sweep
from study.report.measures import attention, by_width, gradients, head_accuracy, order_changes
from study.report.mechanism import kinds, named
from study.report.run import Run
from study.report.table import Cell, Row, Table, interval, number, signed


def claims_table(run: Run, pairs: pd.DataFrame) -> Table:
    """Return the claims, each with what was measured; those that the run has nothing on are left out.

    Parameters
    ----------
    run : Run
    pairs : DataFrame
        Of ``study.report.factors.contrasts``.
    """
    scaling, order, depth, mlp = (_losses(pairs[pairs["part"] == part]) for part in SWEEPS)
    claims = {
        "1 scaling": (
            "undivided products saturate the softmax and starve the gradient, the more the wider",
            _scaling(run) + scaling,
        ),
        "2 order": ("without positions attention is blind to the order of words", _order(run) + order),
        "3 depth": ("deep encoders train only with residuals and layer normalisation", depth),
        "4 heads": ("heads specialise", _heads(run)),
        "5 MLP": ("the bend of the MLP makes it more than linear", mlp),
    }
    told = [(part, claim, "; ".join(found)) for part, (claim, found) in claims.items() if found]
    header = tuple(Cell(text) for text in ("part", "the lecture", "measured here"))
    rows = tuple(Row(tuple(Cell(text) for text in row)) for row in told)
    caption = (
        "Claims and figures. Division by √d also divides the gradient at queries and keys by √d. Softmax attention is itself not "
        "linear, and no more is layer normalisation: without a bend in its MLPs an encoder is not linear, either, even where its "
        "attention is uniform."
    )
    caption += unlike_rates(run, pairs)
    return Table("mechanics-claims", caption, header, rows, pd.DataFrame(told, columns=["part", "claim", "measured"]))


def unlike_rates(run: Run, pairs: pd.DataFrame) -> str:
    """Say, after a caption, that what was trained was trained at different learning rates; empty where it was not."""
    return " After training, encoders of different learning rates are compared." if own_rates(run, pairs) else ""


def _scaling(run: Run) -> list[str]:
    models, found = by_width(run), []
    measures = {"gradient at queries and keys": gradients(run, "queries and keys")}
    measures |= {"entropy": attention(run, "entropy"), "slope of the softmax": attention(run, "slope")}
    for stage, told in (("start", "before training"), ("trained", "after")):
        for name, frame in measures.items():
            mine = named(frame, kinds(models["kind"]), stage=stage)
            wide = mine.assign(x=mine["model"].map(models["x"])).pivot_table(index="x", columns="kind", values="value")
            if len(wide):
                ratios = wide["not divided"] / wide["divided by √d"]
                roots = np.sqrt(ratios.index.to_numpy(float))
                told_roots = [number(root, 0 if root.is_integer() else 2) for root in roots]
                said = ", ".join(f"{number(ratio, 2)} where √d is {root}" for root, ratio in zip(told_roots, ratios, strict=True))
                found.append(f"{name} {told}, not divided over divided: {said}")
    return found


def _order(run: Run) -> list[str]:
    mine = named(order_changes(run), kinds(sweep(run, "positions")["positions"]), stage="trained", order="words shuffled")
    said = [f"{row['kind']} {number(row['value'])} ({interval(row['low'], row['high'])})" for row in mine.to_dict("records")]
    return [f"relative change of the last layer, words shuffled: {', '.join(said)}"] if said else []


def _losses(pairs: pd.DataFrame) -> list[str]:
    """Say what each change costs, with what training gains as its scale."""
    if pairs.empty:
        return []
    said = [
        f"{row['change']}{' at ' + row['at'] if row['at'] else ''} {signed(row['difference'])}"
        f" ({interval(row['low'], row['high'])}{'; ' + row['remark'] if row['remark'] else ''})"
        for row in pairs.to_dict("records")
    ]
    least, most = (signed(found) for found in (pairs["scale"].min(), pairs["scale"].max()))
    gained = f"training gains it {least}" if least == most else f"training gains it {least} to {most}"
    return [f"loss minus that of the full encoder ({gained}), nats per hidden word: {', '.join(said)}"]


def _heads(run: Run) -> list[str]:
    frame, found = head_accuracy(run), []
    for question, part in frame.groupby("question", sort=False):
        said = []
        for stage, told in (("trained", ""), ("start", "before training ")):
            mine = part[(part["stage"] == stage) & ~part["shuffled"]].sort_values("value").to_dict("records")
            if mine:
                ends = [f"{number(head['value'])} ({head['block']:.0f}.{head['head']:.0f})" for head in (mine[0], mine[-1])]
                said.append(f"{told}{ends[0]} to {ends[1]}")
        floor = part.loc[part["shuffled"], "value"].max()
        asked = f"probes of single heads (block.head, first training) on the class of frequency of {question}"
        found.append(f"{asked}: {', '.join(said)}, shuffled at most {number(floor)}")
    return found
