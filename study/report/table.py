"""A table as people read it (cells of text) and as programs do (a frame in full precision): one object for both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

DASH = "–"
LINE = "\n"
METRICS = {
    "spearman": "Spearman’s ρ",
    "pearson": "Pearson’s r",
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "word_accuracy": "accuracy, mean over words",
    "word_macro_f1": "macro-F1, mean over words",
    "auc": "area under the curve",
    "silhouette": "silhouette",
    "mean": "mean",
    "codelength": "bits per item, lower is better",
    "reciprocal_rank": "mean reciprocal rank",
    "log_probability": "mean log-probability, nats",
}


@dataclass(frozen=True)
class Cell:
    """One cell: its text, a smaller note below it (of one line or more), and whether it is set in bold or aligned as a number."""

    text: str
    note: str = ""
    strong: bool = False
    number: bool = False


@dataclass(frozen=True)
class Row:
    """A row whose first cell is its heading; a quiet one (baseline, control, chance) is set in grey."""

    cells: tuple[Cell, ...]
    quiet: bool = False


@dataclass(frozen=True)
class Table:
    """A table with a file name, a caption, its cells, and the same figures in full precision."""

    name: str
    caption: str
    header: tuple[Cell, ...]
    rows: tuple[Row, ...]
    frame: pd.DataFrame


@dataclass(frozen=True)
class Heading:
    """A row or a column of a grid: which scores belong to it, and what is written at its head."""

    match: Mapping[str, Any]
    text: str
    note: str = ""
    quiet: bool = False


@dataclass(frozen=True)
class Corner:
    """What stands above the row headings of a grid: one word for the text and one for the note."""

    text: str
    note: str


def spell(name: str) -> str:
    """Write a task's or a metric's identifier as words."""
    return METRICS.get(name, name.replace("_", " "))


def number(value: float, digits: int = 3) -> str:
    """Write a number with a true minus sign; a dash where there is none."""
    if value is None or not np.isfinite(value):
        return DASH
    text = f"{value:,.{digits}f}"
    return text.lstrip("-") if float(text.replace(",", "")) == 0 else text.replace("-", "−")


def percent(share: float) -> str:
    """Write a share in whole per cent."""
    return f"{number(100 * share, 0)}\N{NO-BREAK SPACE}%"


def signed(value: float, digits: int = 3) -> str:
    """Write a difference with its sign, plus or minus."""
    text = number(value, digits)
    return f"+{text}" if value > 0 and text.strip("0.,") else text


def interval(low: float, high: float, digits: int = 3) -> str:
    """Write an interval; empty where there is none."""
    if not (np.isfinite(low) and np.isfinite(high)):
        return ""
    joint = "–" if low >= 0 else " to "
    return f"{number(low, digits)}{joint}{number(high, digits)}"


def probability(p: float) -> str:
    """Write a p-value, one below 0.001 as such; a dash where there is none."""
    return "< 0.001" if np.isfinite(p) and p < 0.001 else number(p)


def count(value: float) -> str:
    """Write a whole number with thousands separated; a dash where there is none."""
    return f"{int(value):,}" if value is not None and np.isfinite(value) else DASH


def duration(seconds: float) -> str:
    """Write a time in the unit that suits it."""
    if seconds is None or not np.isfinite(seconds):
        return DASH
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def score_cell(row: pd.Series, strong: bool) -> Cell:
    """Write a score as its value with interval, number of items and coverage below it."""
    if not np.isfinite(row["value"]):
        return Cell(DASH, number=True)
    lines = [interval(row["low"], row["high"])]
    known = [f"n {count(row['n'])}"] if np.isfinite(row["n"]) else []
    known += [f"coverage {row['coverage']:.2f}"] if np.isfinite(row["coverage"]) else []
    lines += [" · ".join(known), row.get("remark", "")]
    return Cell(number(row["value"]), LINE.join(line for line in lines if line), strong=strong, number=True)


def grid(
    name: str,
    caption: str,
    scores: pd.DataFrame,
    rows: Sequence[Heading],
    columns: Sequence[Heading],
    *,
    corner: Corner,
) -> Table:
    """Pivot tidy scores into a table, a dash wherever no score answers to both headings.

    Parameters
    ----------
    name, caption : str
    scores : DataFrame
        Columns ``value, low, high, n, coverage, headline``, those that the headings match, and optionally ``remark``, which
        is added to a cell's note. Headline scores of models are set in bold.
    rows, columns : sequence of Heading
    corner : Corner
    """
    lines, records = [], []
    for heading in rows:
        cells = [Cell(heading.text, heading.note)]
        record: dict[str, Any] = {corner.text: heading.text, corner.note: heading.note}
        for column in columns:
            found = scores[_matches(scores, {**heading.match, **column.match})]
            if len(found) == 0:
                cells.append(Cell(DASH, number=True))
                continue
            score = found.iloc[0]
            cells.append(score_cell(score, bool(score["headline"]) and not (heading.quiet or column.quiet)))
            label = column.text if not column.note else f"{column.text} ({column.note})"
            record |= {label: score["value"], **{f"{label} {part}": score[part] for part in ("low", "high", "n", "coverage")}}
        lines.append(Row(tuple(cells), heading.quiet))
        records.append(record)
    header = (Cell(corner.text, corner.note), *(Cell(column.text, column.note, number=True) for column in columns))
    return Table(name, caption, header, tuple(lines), pd.DataFrame(records))


def _matches(frame: pd.DataFrame, match: Mapping[str, Any]) -> np.ndarray:
    chosen = np.ones(len(frame), dtype=bool)
    for column, value in match.items():
        chosen &= (frame[column] == value).to_numpy()
    return chosen


def listing(name: str, caption: str, frame: pd.DataFrame, formats: Mapping[str, Any]) -> Table:
    """Set a frame row for row; ``formats`` maps a column of numbers to the function that writes it."""
    header = tuple(Cell(spell(column), number=column in formats) for column in frame.columns)
    rows = [
        Row(
            tuple(
                Cell(formats[c](v) if c in formats else str(v), number=c in formats)
                for c, v in zip(frame.columns, row, strict=True)
            )
        )
        for row in frame.itertuples(index=False, name=None)
    ]
    return Table(name, caption, header, tuple(rows), frame)


def escape_markdown(text: str) -> str:
    """Make any text safe inside a Markdown table: no markup of Markdown or HTML survives."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for mark in "\\`*_[]|~#$":
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())


def markdown(table: Table) -> str:
    """Write a table in GitHub's Markdown."""

    def written(cell: Cell) -> str:
        """Write a cell: strong ones bold, notes in brackets."""
        text = escape_markdown(cell.text)
        text = f"**{text}**" if cell.strong else text
        return f"{text} ({escape_markdown(cell.note.replace(LINE, ' · '))})" if cell.note else text

    rule = ["---:" if cell.number else ":---" for cell in table.header]
    lines = [[written(cell) for cell in table.header], rule, *([written(cell) for cell in row.cells] for row in table.rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def write_table(table: Table, folder: Path) -> None:
    """Write a table to ``folder`` as CSV in full precision and as Markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    table.frame.to_csv(folder / f"{table.name}.csv", index=False)
    (folder / f"{table.name}.md").write_text(f"{escape_markdown(table.caption)}\n\n{markdown(table)}", encoding="utf-8")
