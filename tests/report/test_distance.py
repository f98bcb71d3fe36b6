import numpy as np
import pandas as pd
import pytest

from study.report import distance, plot, questions
from study.report.album import Album, Section
from study.report.run import Run
from study.report.section import sections

AT = (1, 5, 30)


@pytest.fixture
def run(make_run):
    """A run whose polysemy task is asked by distance, over two seeds, with one model read in a narrow way too."""
    folder = make_run(seeds=2, families=("polysemy",))
    scores = pd.read_csv(folder / "scores.csv")
    bank = scores[(scores["task"] == "bank") & (scores["view"] != "baseline")]
    near = bank[bank["model"] == "cbow"].assign(model="cbow_near")
    asked = pd.concat([bank, near]).assign(task="telling_word", question="distance")
    parts = [asked.assign(question=f"distance: {at}", main=False, value=asked["value"] - at / 1000) for at in AT]
    parts.append(asked.assign(question="cue alone", main=False))
    window = [bank.assign(task="bank_window", question=f"within: {at}", main=False) for at in AT]
    window.append(bank.assign(task="bank_window", question="within"))
    pd.concat([scores, asked, *parts, *window]).to_csv(folder / "scores.csv", index=False)
    return Run.read(folder)


def test_headline_views_are_averaged_over_seeds_at_each_distance(run):
    frame = distance.by_distance(run)
    assert set(zip(frame["task"], frame["stem"], strict=True)) == {("telling_word", "distance"), ("bank_window", "within")}
    mine = frame[(frame["task"] == "telling_word") & (frame["model"] == "cbow")]
    assert mine["at"].tolist() == list(AT)
    assert set(mine["view"]) == {"context"}
    assert set(mine["seeds"]) == {2}
    assert np.allclose(np.diff(mine["value"]), [-0.004, -0.025])


def test_the_figure_has_a_panel_per_task_a_line_per_model_and_its_distances_as_ticks(run):
    look = plot.looks([*run.trained, *run.controls])
    figure = distance.draw(distance.by_distance(run), look)
    made, cut = figure.axes
    assert (made.get_xlabel(), cut.get_xlabel()) == tuple(distance.AXES.values())
    assert [label.get_text() for label in made.get_xticklabels()] == ["1", "5", "30"]
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "chance" in names
    assert {"cbow, context", "cbow_near, context", "transformer, layer-2", "random, context"} <= set(names)
    lines = {container.get_label(): container.lines[0] for container in made.containers}
    assert lines["cbow_near, context"].get_linestyle() == "--"
    assert lines["cbow, context"].get_linestyle() == "-"
    assert lines["cbow_near, context"].get_color() == lines["cbow, context"].get_color()
    assert len({line.get_xdata()[0] for line in lines.values()}) == len(lines), "marks of one distance stand side by side"


def test_the_tables_have_a_row_per_model_and_a_column_per_distance_and_question(run, tmp_path):
    section = distance.section(run, plot.looks([*run.trained, *run.controls]), Album(tmp_path))
    made, cut = section.folded
    assert [cell.text for cell in made.header[1:]] == ["1", "5", "30", "cue alone"]
    assert [cell.text for cell in cut.header[1:]] == ["1", "5", "30"]
    assert [row.cells[0].text for row in cut.rows] == ["cbow", "transformer", "untrained", "random"]
    assert not any(cell.text == "–" for row in made.rows for cell in row.cells)
    assert (tmp_path / "distance.png").is_file()


def test_distances_are_not_listed_among_the_words_one_by_one(run):
    assert not [table for table in questions.group_tables(run, "polysemy") if "distance" in table.caption]


def test_a_run_without_distances_has_no_such_section(make_run, tmp_path):
    run = Run.read(make_run("plain"))
    assert distance.section(run, {}, Album(tmp_path)) == Section(distance.TITLE)


def test_the_section_stands_in_the_report(run, tmp_path):
    assert distance.TITLE in [section.title for section in sections(run, Album(tmp_path))]
