"""What a study spent, stage by stage."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from study.store import Artefact


@dataclass
class Ledger:
    """What the study spent: one row per stage, and whether it was found made."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    def enter(self, stage: str, artefact: Artefact) -> Artefact:
        """Note the cost of an artefact and hand it on."""
        self.rows.append({"stage": stage, "seconds": artefact.seconds, "reused": artefact.reused})
        return artefact

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Note the time that a stage without an artefact takes."""
        start = time.perf_counter()
        yield
        self.rows.append({"stage": stage, "seconds": round(time.perf_counter() - start, 3), "reused": False})
