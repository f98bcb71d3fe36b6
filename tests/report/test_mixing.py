import pandas as pd
import pytest

from study.report import mixing, plot
from study.report.run import Run


@pytest.fixture
def mixed_run(make_run):
    """A run of two seeds with probes on a learned mix of two layers."""
    folder = make_run(seeds=2)
    rows = [
        ("probing", "noun_or_verb", "transformer", seed, "mix", classifier, layer, weight + (0.1 if seed else -0.1) * sign)
        for seed in (0, 1)
        for classifier in ("linear", "mlp")
        for layer, weight, sign in (("layer-1", 0.3, 1), ("input", 0.7, -1))
    ]
    columns = ["family", "task", "model", "seed", "view", "classifier", "layer", "weight"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "mix_weights.csv", index=False)
    return Run.read(folder)


def test_weights_are_means_over_seeds_in_the_order_of_layers(mixed_run):
    table = mixing.weight_table(mixed_run, "probing")
    assert [cell.text for cell in table.header] == ["task", "model", "classifier", "input", "layer-1"]
    assert [[cell.text for cell in row.cells] for row in table.rows] == [
        ["noun or verb", "transformer", classifier, "0.700", "0.300"] for classifier in ("linear", "mlp")
    ]


def test_the_figure_has_a_line_per_classifier_and_one_for_even_weights(mixed_run):
    figure = mixing.draw(mixing.weights(mixed_run, "probing"), plot.looks(mixed_run.trained))
    (axis,) = figure.axes
    lines = {line.get_label(): list(line.get_ydata()) for line in axis.lines}
    assert lines["transformer, linear"] == pytest.approx([0.7, 0.3])
    assert lines["all layers alike"] == [0.5, 0.5]


def test_without_weights_there_is_no_figure(mixed_run):
    assert mixing.draw(mixing.weights(mixed_run, "polysemy"), {}) is None
