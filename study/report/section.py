"""The sections of a run's report: which tables and figures stand together, and what is said of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from study.report import (
    ablation,
    attention,
    bottleneck,
    clusters,
    comparison,
    curve,
    distance,
    emergence,
    geometry,
    material,
    mechanics,
    mixing,
    plane,
    plot,
    questions,
)
from study.report.album import Album, Drawn, Section
from study.report.guesses import guesses_table
from study.report.plot import Look
from study.report.precision import detectable_table, variance_table
from study.report.run import BASELINE, Run
from study.report.summary import plane_word
from study.report.table import Table, spell

MOST_PANELS = 12
"""Tasks whose costs still stand in one figure; with more each family has one."""
CLOSE = ("items", "scores", "models", "curves", "plane", "neighbours", "attention", "attention_heads")
"""The tables whose figures go into detail, too much for an experiment that takes many parts out of one model."""
MOST_MODELS = 12
"""Trained models that such figures still hold: of more, they show the first, and costs are in their table alone."""
LONGEST_LIST = 60
"""Target words of one task that are still listed on the page; longer lists are in ``tables/targets.csv``."""


def sections(run: Run, album: Album) -> list[Section]:
    """Return the sections of a run's report that have something to show, their figures saved to the album.

    The section that ``report.opening`` names comes first: its first figure answers what the run was made for.
    """
    look, close = plot.looks([*run.trained, *run.controls]), _close(run)
    found = [_family(run, close, family, look, album) for family in run.families]
    found += [
        ablation.section(run, look, album),
        bottleneck.section(run, look, album),
        emergence.section(run, look, album),
        distance.section(run, look, album),
        mechanics.section(run, album),
        _precision(run),
        _views(close, _few(album, run, close, "scores")),
        _neighbours(close, _few(album, run, close, "neighbours")),
        attention.section(close, look, _few(album, run, close, "attention")),
        _costs(run, close, look, album),
        _material(run),
        _tasks(run),
    ]
    found = [section for section in found if section.figures or section.tables or section.folded]
    opening = run.facts.get("report", {}).get("opening")
    return sorted(found, key=lambda section: section.title != opening)


def _close(run: Run) -> Run:
    """Return the run as figures that go into detail show it: of many models, or where one is the reference, it and controls."""
    reference = run.facts.get("report", {}).get("reference")
    if reference is None and len(run.trained) <= MOST_MODELS:
        return run
    names = [reference or run.trained[0], *run.controls]
    tables = {name: getattr(run, name) for name in CLOSE}
    kept = {name: table[table["model"].isin(names) | (table.get("view") == BASELINE)] for name, table in tables.items()}
    sides = [run.views[side].str.split(" ").str[0].isin(names) for side in ("first", "second")]
    return replace(run, **kept, views=run.views[sides[0] & sides[1]])


def _few(album: Album, run: Run, close: Run, name: str) -> Album:
    """Return the album for figures of a table: it says whom they show where the run has more models in it."""
    every, shown = ({*getattr(of, name)["model"]}.intersection([*run.trained, *run.controls]) for of in (run, close))
    names = [spell(model) for model in (*run.trained, *run.controls) if model in shown]
    return album.remarking(f"Of all models these are shown: {', '.join(names)}.") if shown < every else album


def _family(run: Run, close: Run, family: str, look: Mapping[str, Look], album: Album) -> Section:
    compared = comparison.main_scores(run)
    compared = compared[compared["family"] == family]
    scores = compared[compared["value"].notna()]
    name, heads = spell(family).capitalize(), plot.headline_rows(scores)
    shown = {*close.scores["model"]}
    figures: list[Drawn] = []
    if len(heads):
        figures += album.add(family, f"{name}: headline views with 95 % intervals; dotted: chance.", plot.dots(heads, look))
        caption = (
            f"{name} by layer, with 95 % bands; rules: headline views that belong to no one layer, and baselines; dotted: chance."
        )
        figures += _few(album, run, close, "scores").add(
            f"{family}-layers", caption, plot.layers(scores[scores["model"].isin(shown)], look)
        )
    if family == "polysemy":
        figures += _words(run, close, look, album)
    tables, folded = _compared(run, family) if len(compared) else ([], [])
    found = [_clusters(run, album, *asked) for asked in clusters.words(run) if asked[0] == family]
    for drawn, best, everything in found:
        figures += drawn
        tables.append(best)
        folded.append(everything)
    if (run.mix_weights["family"] == family).any():
        caption = f"{name}: how much each layer weighs in a probe on a learned mix of all layers."
        figures += album.add(f"{family}-mix", caption, mixing.draw(mixing.weights(run, family), look))
        folded.append(mixing.weight_table(run, family))
    if len(geometry.described(run, family)):
        caption = f"{name} by layer, with 95 % bands; rules: models with one vector per word. It describes: no view is better."
        figures += album.add(f"{family}-described", caption, geometry.by_layer(run, family, look))
        (folded if tables else tables).append(geometry.description_table(run, family))
    if (run.guesses["family"] == family).any():
        folded.append(guesses_table(run))
    return Section(name, figures, tables, folded)


def _compared(run: Run, family: str) -> tuple[list[Table], list[Table]]:
    """Return the tables of what models are compared by: those in sight, and those folded away."""
    tables = [comparison.score_table(run, family)]
    beside, parts = questions.question_tables(run, family), questions.part_table(run, family)
    folded = [comparison.view_table(run, family)]
    (tables if family in questions.WITH_CONTROLS else folded).extend(beside)
    folded += [*([parts] if parts else []), *questions.group_tables(run, family)]
    folded += [table for table in (comparison.common_table(run, family), comparison.paired_table(run, family)) if table.rows]
    return tables, folded


def _clusters(run: Run, album: Album, family: str, task: str, word: str) -> tuple[list[Drawn], Table, Table]:
    caption = (
        f"The occurrences of ‘{word}’ on the two directions in which their vectors vary most: {clusters.RULE}. Each panel "
        "numbers clusters of its own."
    )
    drawn = album.add(f"{family}-{task}-clusters", caption, clusters.figure(run, family, task))
    return drawn, *clusters.tables(run, family, task, word)


def _precision(run: Run) -> Section:
    tables = [detectable_table(run)] if len(run.detectable) else []
    return Section("What could have been shown", tables=tables, folded=[variance_table(run)] if len(run.variance) else [])


def _views(run: Run, album: Album) -> Section:
    figures: list[Drawn] = []
    for measure in run.views["measure"].unique():
        caption = f"How alike every two views are ({spell(measure)}), over the same places of the tasks."
        figures += album.add(f"views-{measure}", caption, geometry.matrix(run.views, measure, [*run.trained, *run.controls]))
    return Section("Views against each other", figures, folded=[geometry.matrix_table(run)] if len(run.views) else [])


def _words(run: Run, close: Run, look: Mapping[str, Look], album: Album) -> list[Drawn]:
    accuracy = comparison.word_accuracy(close)
    accuracy = accuracy[accuracy["headline"] & accuracy["model"].isin(list(look))]
    figures: list[Drawn] = []
    if len(accuracy):
        caption = "Each word of the test part by headline view; the bar is chance, one over the word’s senses."
        figures += _few(album, run, close, "items").add("polysemy-words", caption, plot.words(accuracy, look, plane_word(close)))
    if len(close.plane):
        caption = (
            f"‘{close.plane['word'].iloc[0]}’ in the plane: the same sentences in each panel, on the two directions in which "
            "their vectors vary most. A type vector is one point, whatever the sense."
        )
        figures += _few(album, run, close, "plane").add("plane", caption, plane.plane(close.in_order(close.plane)))
    return figures


def _neighbours(run: Run, album: Album) -> Section:
    if run.neighbours.empty:
        return Section("Neighbours")
    frame = run.in_order(run.neighbours)
    caption = "Nearest neighbours by cosine among the vocabulary; darker is nearer."
    return Section(
        "Neighbours", album.add("neighbours", caption, plane.neighbours(frame)), folded=comparison.neighbour_tables(run)
    )


def _costs(run: Run, close: Run, look: Mapping[str, Look], album: Album) -> Section:
    scores = comparison.main_scores(run)
    shown = [model for model in look if model not in run.from_files]
    scores = scores[scores["headline"] & scores["model"].isin(shown) & scores["value"].notna()]
    means = run.models.assign(all=run.models["training_seconds"] + run.models["start_seconds"]).groupby("model")["all"].mean()
    seconds = {str(model): float(mean) for model, mean in means.items() if model in run.trained and np.isfinite(mean)}
    figures: list[Drawn] = []
    if len(scores) and seconds and len(run.trained) <= MOST_MODELS:
        caption = "Score against seconds of training (of one seed)"
        caption += ", those of the model it starts from included" if (run.models["start"] != "").any() else ""
        caption += "; models without training stand at the left end"
        caption += ", models trained elsewhere are left out." if run.from_files else "."
        tasks = len(scores[["family", "task"]].drop_duplicates())
        parts = [(f"costs-{family}", part) for family, part in scores.groupby("family", sort=False)]
        for name, part in parts if tasks > MOST_PANELS else [("costs", scores)]:
            figures += album.add(name, caption, curve.costs(part, seconds, look))
    unigram = run.facts.get("corpus", {}).get("unigram_loss")
    figures += _few(album, run, close, "curves").add(
        "curves", curve.curves_caption(close), curve.curves(close.curves, curve.asked(close), look, unigram)
    )
    return Section("What it cost", figures, [comparison.cost_table(run)], [comparison.stage_table(run)])


def _material(run: Run) -> Section:
    tables = [material.origin_table(run), material.corpus_table(run)]
    return Section("The corpus in figures", tables=tables, folded=[material.frequency_table(run), material.machine_table(run)])


def _tasks(run: Run) -> Section:
    targets = comparison.target_table(run, LONGEST_LIST)
    return Section("The tasks", tables=[comparison.task_table(run)], folded=[targets] if targets.rows else [])
