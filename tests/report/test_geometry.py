import numpy as np
import pandas as pd

from study.report import geometry, plot
from study.report.run import Run


def described_run(make_run):
    """A run whose folder also holds a describing task with two questions."""
    folder = make_run()
    scores = pd.read_csv(folder / "scores.csv")
    of = scores[scores["task"] == "noun_or_verb"].assign(family="geometry", task="contextuality", metric="mean", main=False)
    parts = [of.assign(question=question, headline=False) for question in ("anisotropy", "self-similarity")]
    pd.concat([scores, *parts]).to_csv(folder / "scores.csv", index=False)
    return Run.read(folder)


def test_a_describing_task_has_a_row_per_view_and_a_column_per_question_and_nothing_in_bold(make_run):
    run = described_run(make_run)
    table = geometry.description_table(run, "geometry")
    assert [cell.text for cell in table.header[1:]] == ["anisotropy", "self-similarity"]
    views = run.scores.loc[run.scores["family"] == "geometry", ["model", "view"]].drop_duplicates()
    assert len(table.rows) == len(views[views["view"] != "baseline"]) + len(views[views["view"] == "baseline"])
    assert not any(cell.strong for row in table.rows for cell in row.cells)


def test_families_that_compare_are_not_described(make_run):
    run = described_run(make_run)
    assert geometry.described(run, "probing").empty
    assert geometry.by_layer(run, "probing", {}) is None


def test_the_figure_has_a_panel_per_question_and_no_line_of_chance(make_run):
    run = described_run(make_run)
    figure = geometry.by_layer(run, "geometry", plot.looks([*run.trained, *run.controls]))
    assert [axis.get_title() for axis in figure.axes] == ["anisotropy", "self-similarity"]
    assert "chance" not in [text.get_text() for text in figure.legends[0].get_texts()]


def pairs():
    return pd.DataFrame(
        [
            ("a · word", "b · layer-1", "cka", 0.25, 90),
            ("a · word", "b · layer-2", "cka", 0.5, 90),
            ("b · layer-1", "b · layer-2", "cka", 0.9, 90),
        ],
        columns=["first", "second", "measure", "value", "n"],
    )


def test_the_matrix_is_symmetric_with_ones_on_its_diagonal():
    figure = geometry.matrix(pairs(), "cka")
    square = np.asarray(figure.axes[0].images[0].get_array())
    assert (square == square.T).all()
    assert (np.diag(square) == 1).all()
    assert square[0, 2] == 0.5


def test_a_measure_that_was_not_taken_has_no_matrix():
    assert geometry.matrix(pairs(), "rsa") is None


def test_corrections_stand_beside_what_they_correct():
    names = ("anisotropy", "variance", "anisotropy, mean removed", "variance of random words", "variances")
    scores = pd.DataFrame({"task": "shape", "question": names, "value": 0.5})
    rows = [[name for name, _ in row] for row in geometry.by_stem(scores)]
    assert rows == [["anisotropy", "anisotropy, mean removed"], ["variance", "variance of random words"], ["variances"]]


def test_the_matrix_stands_in_the_order_of_the_models():
    views = pd.DataFrame(
        [
            ("b layer-1", "a word", "cka", 0.25, 9),
            ("b layer-1", "b layer-2", "cka", 0.5, 9),
            ("a word", "b layer-2", "cka", 0.1, 9),
        ],
        columns=["first", "second", "measure", "value", "n"],
    )
    figure = geometry.matrix(views, "cka", ["a", "b"])
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["a word", "b layer-1", "b layer-2"]
    assert np.asarray(figure.axes[0].images[0].get_array())[0].tolist() == [1.0, 0.25, 0.1]
