"""A learning curve on disk: ``history.json``, a list of objects with the fields of ``study.contracts.Moment``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from study.contracts import Moment


def write_history(folder: Path, history: list[Moment]) -> None:
    """Write a learning curve, oldest moment first."""
    (folder / "history.json").write_text(json.dumps([asdict(moment) for moment in history]), encoding="utf-8")


def read_history(folder: Path) -> list[Moment]:
    """Read what ``write_history`` wrote."""
    return [Moment(**moment) for moment in json.loads((folder / "history.json").read_text(encoding="utf-8"))]
