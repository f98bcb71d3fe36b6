import json

import pytest

from study.contracts import StudyError
from study.report import sweep


@pytest.fixture
def points(make_run, tmp_path):
    for number, window in enumerate(("2", "10", "5")):
        make_run(
            f"sweep/{number}", overrides={"models.cbow.window": window, "name": "same"}, models={"cbow": 0.01 * float(window)}
        )
    failed = tmp_path / "sweep" / "10"
    failed.mkdir()
    (failed / "failed.json").write_text(json.dumps({"message": "no such <window>", "overrides": {"models.cbow.window": "0"}}))
    return tmp_path / "sweep"


def test_points_are_found_in_order_and_other_folders_are_left(points):
    (points / "comparison").mkdir()
    assert [path.name for path in sweep.find_points([points])] == ["0", "1", "2", "10"]
    with pytest.raises(StudyError, match="comparison: expected the folder of a run"):
        sweep.find_points([points / "comparison"])


def test_swept_keys_tell_the_points_apart_and_failures_are_named(points):
    found = sweep.gather(sweep.find_points([points]))
    assert found.keys == ("models.cbow.window",)
    assert list(found.points["models.cbow.window"]) == ["2", "10", "5"]
    assert [(failure.name, failure.overrides, failure.message) for failure in found.failures] == [
        ("10", "models.cbow.window=0", "no such <window>")
    ]


def test_tables_pivot_the_scores_over_the_points(points):
    found = sweep.gather(sweep.find_points([points]))
    tables = {table.name: table for table in sweep.sweep_tables(found)}
    simlex = tables["similarity-simlex"]
    assert [(row.cells[0].text, row.cells[1].text) for row in simlex.rows] == [("2", "0.020"), ("10", "0.100"), ("5", "0.050")]


def test_corpora_and_seeds_are_told_apart(make_run):
    folders = [make_run("a", corpus="one"), make_run("b", corpus="two"), make_run("c", corpus="two", seeds=2)]
    assert sweep.gather(folders).keys == ("corpus", "seeds")


def test_runs_that_differ_in_nothing_are_told_apart_by_their_folders(make_run):
    assert sweep.gather([make_run("a"), make_run("b")]).keys == ("point",)


def test_a_key_named_as_a_column_of_the_scores_does_not_replace_it(make_run):
    folders = [make_run(name, overrides={"model": f"[{name}]"}, models={name: 0.1}) for name in ("cbow", "transformer")]
    tidy = sweep.tidy(sweep.gather(folders))
    assert set(tidy["model_set"]) == {"[cbow]", "[transformer]"}
    assert {"cbow", "transformer"} <= set(tidy["model"])


def test_no_result_at_all_is_an_error_with_every_message(points):
    with pytest.raises(StudyError, match="no such <window>"):
        sweep.gather([points / "10"])


def test_a_comparison_keeps_the_identifier_of_a_task_whose_label_differs(make_run):
    folders = [make_run(f"points/{n}", overrides={"seed": str(n)}) for n in range(2)]
    found = sweep.gather(folders)
    assert {"bank"} == set(sweep.tidy(found).query("family == 'polysemy'")["task"])
    table = next(table for table in sweep.sweep_tables(found) if table.name == "polysemy-bank")
    assert "bank and others (2 words)" in table.caption
