"""What the models guess in the place of hidden words, sentence by sentence."""

from __future__ import annotations

import numpy as np
import pandas as pd

from study.report.run import Run
from study.report.table import Cell, Row, Table, count


def guesses_table(run: Run) -> Table:
    """Return the shown sentences: the hidden word, and each model's best guesses with the rank of the right word.

    A model that can guess in several ways is shown by the one chosen on development items, and by its first seed.
    """
    heads = run.scores.loc[(run.scores["level"] == "hidden") & run.scores["headline"], ["model", "view"]].drop_duplicates()
    shown = run.in_order(run.guesses.merge(heads, on=["model", "view"]))
    shown = shown[shown["seed"] == shown.groupby("model")["seed"].transform("min")]
    models = list(dict.fromkeys(shown["model"]))
    header = [Cell("sentence"), Cell("hidden word"), *(Cell(model, "rank of the word") for model in models)]
    rows, records = [], []
    for _, group in shown.groupby(["task", "item"], sort=False):
        first, cells = group.iloc[0], []
        for model in models:
            mine = group[group["model"] == model]
            cells.append(_cell(mine.iloc[0]) if len(mine) else Cell("–"))
        rows.append(Row((Cell(first["sentence"]), Cell(first["word"], strong=True), *cells)))
        told = {row["model"]: f"{row['guesses']} ({count(row['rank'])})" for row in group.to_dict("records")}
        records.append({"sentence": first["sentence"], "word": first["word"], **told})
    caption = "Some sentences of the test part with one word hidden: the five words that each model thinks most likely."
    return Table("guesses", caption, tuple(header), tuple(rows), pd.DataFrame(records))


def _cell(row: pd.Series) -> Cell:
    rank = f"rank {count(row['rank'])}" if np.isfinite(row["rank"]) and row["rank"] > 0 else "no guess"
    return Cell(str(row["guesses"]) or "–", rank)
