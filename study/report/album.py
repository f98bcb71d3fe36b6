"""What a page is made of: sections, and an album that saves their figures and hands them on."""

from __future__ import annotations

import base64
import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from matplotlib.figure import Figure

from study.report import plot
from study.report.table import Table


@dataclass(frozen=True)
class Drawn:
    """A figure on a page: its file's name, what it shows, and the SVG as an address that needs no request."""

    name: str
    caption: str
    address: str


@dataclass(frozen=True)
class Section:
    """A part of a page: figures and tables in sight, tables folded away, and what it answers, which the page says first."""

    title: str
    figures: Sequence[Drawn] = ()
    tables: Sequence[Table] = ()
    folded: Sequence[Table] = ()
    answer: str = ""


class Album:
    """Saves figures to a folder and hands them on for a page; a figure that is None is left out."""

    remark = ""
    """What every caption ends with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def remarking(self, remark: str) -> Self:
        """Return the same album, in which every caption that is added ends with a remark."""
        album = copy.copy(self)
        album.remark = remark
        return album

    def add(self, name: str, caption: str, figure: Figure | None) -> list[Drawn]:
        """Save a figure as PNG and SVG."""
        if figure is None:
            return []
        plot.save(figure, self.folder, name)
        svg = base64.b64encode((self.folder / f"{name}.svg").read_bytes()).decode("ascii")
        return [Drawn(name, " ".join(filter(None, [caption, self.remark])), f"data:image/svg+xml;base64,{svg}")]
