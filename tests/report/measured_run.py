"""A run's folder whose encoders were measured by instruments: one reference, and others that differ in what their names say."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd

from study.report.run import Run

FULL = {
    "width": "64",
    "heads": "4",
    "blocks": "2",
    "scaling": "true",
    "positions": "rotary",
    "residual": "true",
    "norm": "layer",
    "attention": "softmax",
    "activation": "gelu",
}
CHANGES: dict[str, dict[str, str]] = {
    "reference": {},
    **{
        f"width_{width}{'' if scaling == 'true' else '_unscaled'}": {"width": width, "heads": "1", "scaling": scaling}
        for width, scaling in itertools.product(("16", "256"), ("true", "false"))
    },
    "no_positions": {"positions": "none"},
    "learned": {"positions": "learned"},
    "shallow_no_residual": {"residual": "false"},
    "shallow_batch": {"norm": "batch"},
    "deep": {"blocks": "8"},
    "deep_no_residual": {"blocks": "8", "residual": "false"},
    "deep_batch": {"blocks": "8", "norm": "batch"},
    "linear": {"activation": "linear"},
    "uniform": {"attention": "uniform"},
}
COSTS = {"deep_no_residual": 0.4, "no_positions": 0.1, "linear": 0.003}
"""What a change adds to the loss of 5.5 nats after training; before training all lose 6.6."""


def tables(seeds: int = 1, rows: int = 60, gain: float = 1.1) -> dict[str, pd.DataFrame]:
    """Return ``settings`` and what all instruments would measure."""
    random = np.random.default_rng(0)
    text = random.normal(0, 0.3, rows)  # what a row is harder than others, for every model
    found: dict[str, list] = {
        name: [] for name in ("settings", "losses", "gradients", "attention_spread", "order", "head_probes")
    }
    for model, changed in CHANGES.items():
        own = FULL | changed
        found["settings"] += [(model, setting, value) for setting, value in own.items()]
        for seed, stage in itertools.product(range(seeds), ("start", "trained")):
            who = (model, seed, stage)
            mean = 6.6 if stage == "start" else 6.6 - gain + COSTS.get(model, 0.0)
            noise = random.normal(0, 0.01, rows)
            found["losses"] += [(*who, row, 9, 9 * (mean + text[row] + noise[row])) for row in range(rows)]
            blocks, width = range(1, int(own["blocks"]) + 1), float(own["width"])
            for block in blocks:
                scale = width**0.5 if own["scaling"] == "false" else 1.0
                parts = {"queries and keys": scale, "values and answers": 1.0, "vectors that reach it": 0.5**block}
                found["gradients"] += [(*who, block, part, value, value / 50, 15) for part, value in parts.items()]
                for head in range(1, int(own["heads"]) + 1):
                    peaked = {"entropy": 3.0 / scale, "ceiling": 4.0, "slope": 0.9 / scale}
                    found["attention_spread"] += [(*who, block, head, name, v, 0.01, 15) for name, v in peaked.items()]
                    for question, shuffled in itertools.product(("the word before", "the word itself"), (False, True)):
                        value = 0.25 if shuffled else 0.3 + 0.05 * head
                        found["head_probes"].append((*who, block, head, question, shuffled, value, 0.01, 900))
                for order in ("words shuffled", "neighbours swapped"):
                    value = {"none": 0.0, "learned": 0.8}.get(own["positions"], 0.3) * block / max(blocks)
                    found["order"].append((*who, order, block, value, 0.01 * (value > 0), 200))
    who = ["model", "seed", "stage"]
    told = ["value", "error", "n"]
    columns = {
        "settings": ["model", "setting", "value"],
        "losses": [*who, "row", "asked", "loss"],
        "gradients": [*who, "block", "part", *told],
        "attention_spread": [*who, "block", "head", "measure", *told],
        "order": [*who, "order", "layer", *told],
        "head_probes": [*who, "block", "head", "question", "shuffled", *told],
    }
    return {name: pd.DataFrame(found[name], columns=columns[name]) for name in columns}


def measured_run(make_run, without=(), **settings) -> Run:
    """Write such a run, but for some of its tables, and read it."""
    name = f"measured-{'-'.join(map(str, (*without, *settings.values())))}"
    folder = make_run(name, seeds=settings.get("seeds", 1), models=dict.fromkeys(CHANGES, 0.1), families=("similarity",))
    for title, table in tables(**settings).items():
        if title not in without:
            table.to_csv(folder / f"{title}.csv", index=False)
    return Run.read(folder)


def with_rates(run: Run, rates: dict[str, str]) -> Run:
    """Return the run as if its models had learning rates, 0.002 where none is named."""
    own = [(model, "rate", rates.get(model, "0.002")) for model in CHANGES]
    return replace(run, settings=pd.concat([run.settings, pd.DataFrame(own, columns=run.settings.columns)], ignore_index=True))
