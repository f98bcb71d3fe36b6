"""Reading JSON lines of edge probing: a text and labelled spans of its tokens, or pairs of spans.

    {"text": "The ship left the harbour .", "targets": [{"span1": [1, 2], "span2": [4, 5], "label": "arg"}]}

Spans are half-open and count the tokens between white space from 0. All targets of a file are single spans or all are pairs. A
line may name its ``split`` and its ``group`` (a document, say); other keys are left alone.

References
----------
Tenney et al. (2019), What do you learn from context? Probing for sentence structure in contextualized word representations,
arXiv:1905.06316.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from study.contracts import Span, StudyError
from study.evaluation.data import table
from study.evaluation.data.table import Row

TOKEN = re.compile(r"\S+")
EXPECTED = '{"text": …, "targets": [{"span1": [a, b], "label": …}, …]}'


def read(path: Path) -> list[Row]:
    """Read the targets of a file, one row each.

    Raises
    ------
    StudyError
        For a bad line, with file and line; for targets of which some are pairs and some are not.
    """
    rows = [row for number, line in table.lines(path) for row in _rows(f"{path}:{number}", number, line)]
    for row in rows:
        if len(row.targets) != len(rows[0].targets):
            expected = "a 'span2'" if rows[0].other else "no 'span2'"
            raise StudyError(f"{path}:{row.line}: expected {expected} of each target, as in the lines above")
    return rows


def _rows(where: str, number: int, line: str) -> Iterator[Row]:
    try:
        told = json.loads(line)
    except json.JSONDecodeError as fault:
        raise StudyError(f"{where}: expected a line of JSON {EXPECTED}, found: {fault}") from fault
    if not isinstance(told, dict) or not isinstance(told.get("text"), str) or not isinstance(told.get("targets"), list):
        raise StudyError(f"{where}: expected {EXPECTED}, found: {line[:80]}")
    tokens = [match.span() for match in TOKEN.finditer(told["text"])]
    for target in told["targets"]:
        if not isinstance(target, dict) or not isinstance(target.get("label"), str | int):
            raise StudyError(f"{where}: expected one 'label' of each target, a text or a whole number, found: {target}")
        first = _characters(where, "span1", target, tokens)
        other = _characters(where, "span2", target, tokens) if "span2" in target else None
        split, group = (None if told.get(key) is None else str(told[key]) for key in ("split", "group"))
        yield Row(number, told["text"], *first, str(target["label"]), split, group, other=other)


def _characters(where: str, key: str, target: dict[str, Any], tokens: list[Span]) -> Span:
    """Return the half-open characters of a span of tokens."""
    span = target.get(key)
    if not isinstance(span, list) or len(span) != 2 or not all(isinstance(at, int) for at in span):
        raise StudyError(f"{where}: expected '{key}' to be [first token, token after the last], found {span}")
    begin, end = span
    if not 0 <= begin < end <= len(tokens):
        raise StudyError(f"{where}: expected '{key}' within the {len(tokens)} tokens of the text, half-open from 0, found {span}")
    return tokens[begin][0], tokens[end - 1][1]
