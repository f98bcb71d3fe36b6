"""The pages: ``report.html`` and ``report.md`` of one run, ``comparison.html`` and ``comparison.md`` of many."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.figure import Figure

from study.report import comparison, curve, geometry, material, plane, plot
from study.report import sweep as sweeps
from study.report.guesses import guesses_table
from study.report.pairing import contest_table, contests
from study.report.plot import Look
from study.report.precision import detectable_table, variance_table
from study.report.run import Run
from study.report.summary import join, plane_word, summarise
from study.report.table import Table, escape_markdown, listing, markdown, spell, write_table

TEMPLATES = Path(__file__).parent / "templates"
LONGEST_LIST = 60
"""Target words of one task that are still listed on the page; longer lists are in ``tables/targets.csv``."""


@dataclass(frozen=True)
class Drawn:
    """A figure on a page: its file's name, what it shows, and the SVG as an address that needs no request."""

    name: str
    caption: str
    address: str


@dataclass(frozen=True)
class Section:
    """A part of a page: figures and tables in sight, and tables folded away."""

    title: str
    figures: Sequence[Drawn] = ()
    tables: Sequence[Table] = ()
    folded: Sequence[Table] = ()


class Album:
    """Saves figures to a folder and hands them on for a page; a figure that is None is left out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, name: str, caption: str, figure: Figure | None) -> list[Drawn]:
        """Save a figure as PNG and SVG."""
        if figure is None:
            return []
        plot.save(figure, self.folder, name)
        svg = base64.b64encode((self.folder / f"{name}.svg").read_bytes()).decode("ascii")
        return [Drawn(name, caption, f"data:image/svg+xml;base64,{svg}")]


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
    look = plot.looks([*run.trained, *run.controls])
    album = Album(folder / "figures")
    sections = [_family(run, family, look, album) for family in run.families]
    sections += [
        _precision(run),
        _views(run, album),
        _neighbours(run, album),
        _costs(run, look, album),
        _material(run),
        _tasks(run),
    ]
    sections = [section for section in sections if section.figures or section.tables or section.folded]
    found = contests(run)
    opening = [contest_table(found, run.seeds)] if found else []
    for table in opening:
        write_table(table, folder / "tables")
    facts = {
        "title": run.facts.get("name", folder.name),
        "summary": summarise(run),
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


def _family(run: Run, family: str, look: Mapping[str, Look], album: Album) -> Section:
    compared = comparison.main_scores(run)
    compared = compared[compared["family"] == family]
    scores = compared[compared["value"].notna()]
    name, heads = spell(family).capitalize(), plot.headline_rows(scores)
    figures: list[Drawn] = []
    if len(heads):
        figures += album.add(family, f"{name}: headline views with 95 % intervals; dotted: chance.", plot.dots(heads, look))
        caption = (
            f"{name} by layer, with 95 % bands; rules: headline views that belong to no one layer, and baselines; dotted: chance."
        )
        figures += album.add(f"{family}-layers", caption, plot.layers(scores, look))
    if family == "polysemy":
        figures += _words(run, look, album)
    tables, folded = [], []
    if len(compared):
        tables = [comparison.score_table(run, family)]
        folded = [comparison.view_table(run, family), comparison.metric_table(run, family)]
        folded += [table for table in (comparison.common_table(run, family), comparison.paired_table(run, family)) if table.rows]
    if len(geometry.described(run, family)):
        caption = f"{name} by layer, with 95 % bands; rules: models with one vector per word. It describes: no view is better."
        figures += album.add(f"{family}-described", caption, geometry.by_layer(run, family, look))
        (folded if tables else tables).append(geometry.description_table(run, family))
    if (run.guesses["family"] == family).any():
        folded.append(guesses_table(run))
    return Section(name, figures, tables, folded)


def _precision(run: Run) -> Section:
    tables = [detectable_table(run)] if len(run.detectable) else []
    return Section("What could have been shown", tables=tables, folded=[variance_table(run)] if len(run.variance) else [])


def _views(run: Run, album: Album) -> Section:
    figures: list[Drawn] = []
    for measure in run.views["measure"].unique():
        caption = f"How alike every two views are ({spell(measure)}), over the same places of the tasks."
        figures += album.add(f"views-{measure}", caption, geometry.matrix(run.views, measure))
    return Section("Views against each other", figures, folded=[geometry.matrix_table(run)] if len(run.views) else [])


def _words(run: Run, look: Mapping[str, Look], album: Album) -> list[Drawn]:
    accuracy = comparison.word_accuracy(run)
    accuracy = accuracy[accuracy["headline"] & accuracy["model"].isin(list(look))]
    figures: list[Drawn] = []
    if len(accuracy):
        caption = "Each word of the test part by headline view; the bar is chance, one over the word’s senses."
        figures += album.add("polysemy-words", caption, plot.words(accuracy, look, plane_word(run)))
    if len(run.plane):
        caption = (
            f"‘{run.plane['word'].iloc[0]}’ in the plane: the same sentences in each panel, on the two directions in which "
            "their vectors vary most. A type vector is one point, whatever the sense."
        )
        figures += album.add("plane", caption, plane.plane(run.in_order(run.plane)))
    return figures


def _neighbours(run: Run, album: Album) -> Section:
    if run.neighbours.empty:
        return Section("Neighbours")
    frame = run.in_order(run.neighbours)
    caption = "Nearest neighbours by cosine among the vocabulary; darker is nearer."
    return Section(
        "Neighbours", album.add("neighbours", caption, plane.neighbours(frame)), folded=comparison.neighbour_tables(run)
    )


def _costs(run: Run, look: Mapping[str, Look], album: Album) -> Section:
    scores = comparison.main_scores(run)
    scores = scores[scores["headline"] & scores["model"].isin(list(look)) & scores["value"].notna()]
    means = run.models.groupby("model")["training_seconds"].mean()
    seconds = {str(model): float(mean) for model, mean in means.items() if model in run.trained and np.isfinite(mean)}
    figures: list[Drawn] = []
    if len(scores) and seconds:
        caption = "Score against seconds of training (of one seed); models without training stand at the left end."
        figures += album.add("costs", caption, curve.costs(scores, seconds, look))
    caption = (
        "Learning curves on masked words of the development part. The pale training loss is the candidate estimate at the "
        "training’s own mask rate, and counts partly unhidden words: it cannot be compared with the validation loss "
        "(full softmax, 15\N{NO-BREAK SPACE}% hidden)."
    )
    unigram = run.facts.get("corpus", {}).get("unigram_loss")
    figures += album.add("curves", caption, curve.curves(run.curves, look, unigram))
    return Section("What it cost", figures, [comparison.cost_table(run)], [comparison.stage_table(run)])


def _material(run: Run) -> Section:
    tables = [material.origin_table(run), material.corpus_table(run)]
    return Section("The corpus in figures", tables=tables, folded=[material.frequency_table(run), material.machine_table(run)])


def _tasks(run: Run) -> Section:
    targets = comparison.target_table(run, LONGEST_LIST)
    return Section("The tasks", tables=[comparison.task_table(run)], folded=[targets] if targets.rows else [])


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
