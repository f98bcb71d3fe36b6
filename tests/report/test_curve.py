import pandas as pd
import pytest

from study.report import comparison, curve, plot
from study.report.run import Run


def test_curves_have_a_panel_per_measure_and_the_unigram_rule(make_run):
    run = Run.read(make_run())
    figure = curve.curves(run.curves, plot.looks(run.trained), unigram_loss=7.0)
    assert len(figure.axes) == 2
    assert figure.axes[0].get_title() == "loss (nats per masked word)"
    lines = {line.get_label(): line for line in figure.axes[0].get_lines()}
    assert list(lines["transformer, validation"].get_xdata()) == [1, 2]
    assert set(lines["word frequencies alone"].get_ydata()) == {7.0}


def test_models_without_validation_have_no_figure(make_run):
    run = Run.read(make_run(models={"cbow": 0.1}))
    assert curve.curves(run.curves, plot.looks(run.trained)) is None


def test_costs_place_models_without_training_at_none(make_run):
    run = Run.read(make_run())
    heads = plot.headline_rows(comparison.main_scores(run))
    figure = curve.costs(heads, {"cbow": 40.0, "transformer": 400.0}, plot.looks([*run.trained, *run.controls]))
    assert len(figure.axes) == 4
    axis = figure.axes[0]
    assert sorted({float(container[0].get_xdata()[0]) for container in axis.containers}) == [curve.SHORTEST, 40.0, 400.0]
    assert axis.xaxis.get_major_formatter()(curve.SHORTEST, None) == "none"


def test_numbers_or_none():
    assert curve.numbers(["2", "1e-3"]) == [2.0, 0.001]
    assert curve.numbers(["2", "fold"]) is None


@pytest.mark.parametrize(("values", "lines"), [(["2", "5"], True), (["fold", "keep"], False)])
def test_a_swept_number_gives_lines_and_a_name_gives_dots(values, lines):
    rows = [(point, "cbow", "word", "simlex", "pair", "spearman", 0.1, 0.0, 0.2, 0.0) for point in ("0", "1")]
    columns = ["point", "model", "view", "task", "question", "metric", "value", "low", "high", "chance"]
    scores = pd.DataFrame(rows, columns=columns)
    figure = curve.sweep(scores, dict(zip("01", values, strict=True)), {"0": "", "1": ""}, "key", plot.looks(["cbow"]))
    (axis,) = figure.axes
    assert [label.get_text() for label in axis.get_xticklabels()] == values
    assert (len(axis.containers) == 0) == lines


def test_a_second_key_gives_panels():
    rows = [(str(n), "cbow", "word", "simlex", "pair", "spearman", 0.1, 0.0, 0.2, 0.0) for n in range(4)]
    columns = ["point", "model", "view", "task", "question", "metric", "value", "low", "high", "chance"]
    x = {"0": "2", "1": "5", "2": "2", "3": "5"}
    others = {"0": "seed=1", "1": "seed=1", "2": "seed=2", "3": "seed=2"}
    figure = curve.sweep(pd.DataFrame(rows, columns=columns), x, others, "window", plot.looks(["cbow"]))
    assert [axis.get_title() for axis in figure.axes] == ["simlex\nseed=1", "simlex\nseed=2"]
