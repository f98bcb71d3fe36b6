"""The pages: ``report.html`` and ``report.md`` of one run, ``comparison.html`` and ``comparison.md`` of many."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from study.report import curve, plot
from study.report import sweep as sweeps
from study.report.album import Album, Drawn, Section
from study.report.pairing import contest_table, contests
from study.report.plot import Look
from study.report.run import Run
from study.report.section import sections as run_sections
from study.report.summary import Finding, join, summarise
from study.report.table import Table, escape_markdown, listing, markdown, spell, write_table

TEMPLATES = Path(__file__).parent / "templates"


def write(folder: Path) -> Path:
    """Write a run's report from its folder alone: pages, ``figures/`` and ``tables/``.

    Parameters
    ----------
    folder : Path
        A run's folder with ``run.json`` and its tables.

    Returns
    -------
    Path
        The page ``report.html``.

    Raises
    ------
    StudyError
        Where the folder is not that of a finished run.
    """
    run = Run.read(folder)
    sections, summary = run_sections(run, Album(folder / "figures")), summarise(run)
    answers = [Finding(section.title, section.answer) for section in sections]
    found = contests(run)
    opening = [contest_table(found, run)] if found else []
    for table in opening:
        write_table(table, folder / "tables")
    facts = {
        "title": run.facts.get("name", folder.name),
        "paragraph": summary.paragraph,
        "findings": [finding for finding in (*answers[:1], *summary.findings, *answers[1:]) if finding.text],
        "opening_tables": opening,
        "sections": sections,
        "command": run.facts.get("command", ""),
        "configuration": run.configuration,
    }
    return _write_pages(folder, "report", sections, facts)


def compare(points: Sequence[Path], target: Path) -> Path:
    """Write one comparison over many runs: pages, ``comparison.csv``, ``figures/`` and ``tables/``.

    Parameters
    ----------
    points : sequence of Path
        Folders of runs, or of multiruns that hold them; points that failed are named with their message.
    target : Path
        Where the comparison is written.

    Returns
    -------
    Path
        The page ``comparison.html``.

    Raises
    ------
    StudyError
        Where a folder is not that of a run, or no point has a result.
    """
    sweep = sweeps.gather(sweeps.find_points(points))
    target.mkdir(parents=True, exist_ok=True)
    sweeps.tidy(sweep).to_csv(target / "comparison.csv", index=False)
    look = plot.looks(list(sweep.scores.loc[sweep.scores["view"] != "baseline", "model"].unique()))
    album = Album(target / "figures")
    tables = sweeps.sweep_tables(sweep)
    sections = []
    for family in sweep.scores["family"].unique():
        name = spell(str(family)).capitalize()
        sections.append(Section(name, figures=_swept(sweep, str(family), look, album)))
        sections.append(Section(f"{name} in tables", tables=[t for t in tables if t.name.startswith(f"{family}-")]))
    listed = listing("points", "The points compared.", sweep.points, {})
    failures = pd.DataFrame([(f.name, f.overrides, f.message) for f in sweep.failures], columns=["point", "settings", "message"])
    failed = [listing("failures", "Points that failed.", failures, {})] if len(failures) else []
    sections = [Section("Points", tables=[listed, *failed]), *sections]
    facts = {"title": f"Comparison over {join(sweep.keys)}", "opening": _opening(sweep), "sections": sections}
    return _write_pages(target, "comparison", sections, facts)


def _opening(sweep: sweeps.Sweep) -> str:
    text = f"{len(sweep.points)} points, told apart by {join(sweep.keys)}. Scores are the main metric of each headline view."
    names = join([failure.name for failure in sweep.failures])
    return f"{text} Failed and therefore missing: {names}." if names else f"{text} No point failed."


def _swept(sweep: sweeps.Sweep, family: str, look: Mapping[str, Look], album: Album) -> list[Drawn]:
    """Draw a family over the swept keys: the first numeric key along the axis, the others as rows of panels."""
    points = sweep.points.set_index("point", drop=False)
    key = next((key for key in sweep.keys if curve.numbers(list(points[key]))), sweep.keys[0])
    others = [other for other in sweep.keys if other not in (key, "point")]
    x = {str(point): str(value) for point, value in points[key].items()}
    rows = {str(point): ", ".join(f"{other}={row[other]}" for other in others) for point, row in points.iterrows()}
    scores = sweep.scores[(sweep.scores["family"] == family) & sweep.scores["value"].notna()]
    if scores.empty:
        return []
    caption = f"{spell(family).capitalize()} against {key}: headline views with 95 % intervals; dotted: chance."
    return album.add(family, caption, curve.sweep(scores, x, rows, key, look))


def _all_tables(sections: Sequence[Section]) -> Iterator[Table]:
    for section in sections:
        yield from section.tables
        yield from section.folded


def fence(text: str) -> str:
    """Set a text as a block of code in Markdown, whatever backticks it holds."""
    longest = max((len(ticks) for ticks in re.findall("`+", text)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}\n{text.rstrip()}\n{ticks}"


def _write_pages(folder: Path, name: str, sections: Sequence[Section], facts: Mapping[str, Any]) -> Path:
    """Render both pages; every text is escaped, by jinja2 in HTML and by filters in Markdown."""
    for table in _all_tables(sections):
        write_table(table, folder / "tables")
    loader = FileSystemLoader(TEMPLATES)
    for ending in ("html", "md"):
        environment = Environment(
            loader=loader, autoescape=ending == "html", undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        environment.filters |= {"escaped": escape_markdown, "markdown": markdown, "fence": fence}
        page = environment.get_template(f"{name}.{ending}.j2").render(facts)
        (folder / f"{name}.{ending}").write_text(page, encoding="utf-8")
    return folder / f"{name}.html"
