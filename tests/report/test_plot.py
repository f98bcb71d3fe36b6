import math

import numpy as np
import pandas as pd
import pytest

from study.report import comparison, plot
from study.report.run import Run


@pytest.fixture
def run(make_run):
    return Run.read(make_run())


def test_every_model_has_its_own_look_and_controls_are_grey():
    found = plot.looks(["random", "cbow", "skipgram", "untrained"])
    assert list(found) == ["cbow", "skipgram", "untrained", "random"]
    assert len(set(found.values())) == 4
    assert found["untrained"].colour == plot.GREYS["untrained"]


def test_panels_are_as_many_as_asked():
    figure, axes = plot.panels(4, width=3, height=2, columns=3)
    assert len(axes) == len(figure.axes) == 4


@pytest.mark.parametrize(("view", "layer"), [("input", 0), ("layer-3", 3), ("averaged-12", 12)])
def test_depth_of_views(view, layer):
    assert plot.depth(view) == layer
    assert math.isnan(plot.depth("word+context"))
    assert math.isnan(plot.depth("averaged"))


def test_dots_have_a_panel_per_task_with_every_model_and_chance(run):
    scores = comparison.main_scores(run)
    heads = plot.headline_rows(scores[scores["family"] == "probing"])
    figure = plot.dots(heads, plot.looks([*run.trained, *run.controls]))
    assert [axis.get_title() for axis in figure.axes] == ["sentence length", "noun or verb"]
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == ["cbow", "transformer", "untrained", "random", "majority", "naive Bayes"]
    assert len(figure.axes[0].containers) == 6
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["chance"]


def test_layers_are_lines_and_other_models_rules(run):
    scores = comparison.main_scores(run)
    figure = plot.layers(scores[scores["family"] == "probing"], plot.looks([*run.trained, *run.controls]))
    lines = {line.get_label(): line for line in figure.axes[0].get_lines()}
    assert list(lines["transformer"].get_xdata()) == [0, 1, 2]
    assert list(lines["transformer"].get_ydata()) == pytest.approx([0.33, 0.34, 0.35])
    assert list(lines["cbow"].get_ydata()) == pytest.approx([0.31, 0.31])
    static = scores[scores["model"].isin(["cbow", "random"])]
    assert plot.layers(static, plot.looks(["cbow", "random"])) is None


def test_a_headline_view_of_no_layer_is_a_rule_beside_the_layers(run):
    scores = comparison.main_scores(run)
    figure = plot.layers(scores[scores["family"] == "similarity"], plot.looks([*run.trained, *run.controls]))
    lines = {line.get_label(): line for line in figure.axes[0].get_lines()}
    assert list(lines["transformer, averaged (headline)"].get_ydata()) == pytest.approx([0.10, 0.10])
    assert lines["transformer, averaged (headline)"].get_color() == lines["transformer"].get_color()
    assert "transformer, averaged by layer" in lines
    assert "cbow" in lines


def test_the_highlighted_word_stands_first_in_bold(run):
    accuracy = comparison.word_accuracy(run)
    figure = plot.words(accuracy[accuracy["headline"]], plot.looks([*run.trained, *run.controls]), "bank")
    labels = figure.axes[0].get_yticklabels()
    highest = max(labels, key=lambda label: label.get_position()[1])
    assert (highest.get_text(), highest.get_fontweight()) == ("bank", "bold")


def test_scores_without_an_interval_get_no_whisker():
    rows = pd.DataFrame({"value": [0.5, 0.5], "low": [0.4, None], "high": [0.7, None]}, dtype=float)
    assert plot.whiskers(rows) == pytest.approx(np.array([[0.1, 0.0], [0.2, 0.0]]))


def test_a_figure_is_saved_with_the_same_bytes_each_time(run, tmp_path):
    scores = plot.headline_rows(comparison.main_scores(run))
    for name in ("one", "two"):
        plot.save(plot.dots(scores, plot.looks(run.trained)), tmp_path / name, "figure")
    for ending in ("png", "svg"):
        assert (tmp_path / "one" / f"figure.{ending}").read_bytes() == (tmp_path / "two" / f"figure.{ending}").read_bytes()


def test_a_long_legend_makes_room_for_itself(tmp_path):
    heights = []
    for number in (3, 40):
        figure, axes = plot.panels(1, width=4, height=3, columns=1)
        for place in range(number):
            axes[0].plot([0, 1], [0, place], label=f"a model of some name {place}")
        plot.legend(figure, axes)
        plot.save(figure, tmp_path, f"legend-{number}")
        box = axes[0].get_window_extent()
        assert figure.legends[0].get_window_extent().y1 <= box.y0
        heights.append(box.height / figure.dpi)
    assert heights[1] > 0.8 * heights[0]
