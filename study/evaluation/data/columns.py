"""Reading a delimited text file whose columns are declared: by the names in its header, or by number from 1 where it has none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from study.contracts import StudyError
from study.evaluation.data import table

Separator = Literal["tab", "space", "comma"]
SEPARATORS: Mapping[Separator, str] = {"tab": "\t", "space": " ", "comma": ","}

Columns = Mapping[str, str | int]
"""What a column is for -> its name in the header line, or its number from 1 in a file without one."""


@dataclass(frozen=True)
class Row:
    """One line of a file: its cells, stripped, by what their columns are for; ``where`` is ``file:line``."""

    where: str
    line: int
    cells: Mapping[str, str]


def read(path: Path, columns: Columns, separator: Separator) -> list[Row]:
    """Read the declared columns of a file; blank lines and lines that begin with ``#`` are left out.

    Parameters
    ----------
    path : Path
    columns : mapping of str to str or int
        All names, and the first line is a header; or all numbers, and there is none.
    separator : {"tab", "space", "comma"}

    Raises
    ------
    StudyError
        Where the header lacks a column, a line is too short, or names and numbers are mixed.
    """
    numbered = [(number, line) for number, line in table.lines(path) if not line.startswith("#")]
    between = SEPARATORS[separator]
    if all(isinstance(column, int) for column in columns.values()):
        at = {role: int(column) - 1 for role, column in columns.items()}
    elif all(isinstance(column, str) for column in columns.values()) and numbered:
        (number, header), *numbered = numbered
        names = [name.strip() for name in header.split(between)]
        for column in columns.values():
            if column not in names:
                raise StudyError(f"{path}:{number}: expected a header with the column '{column}', found {names}")
        at = {role: names.index(str(column)) for role, column in columns.items()}
    else:
        raise StudyError(
            f"{path}: expected columns all named or all numbered from 1, and a file that is not empty: {dict(columns)}"
        )
    rows, needed = [], max(at.values()) + 1
    for number, line in numbered:
        cells = [cell.strip() for cell in line.split(between)]
        if len(cells) < needed:
            raise StudyError(f"{path}:{number}: expected at least {needed} columns set apart by {separator}s, found: {line}")
        rows.append(Row(f"{path}:{number}", number, {role: cells[column] for role, column in at.items()}))
    return rows
