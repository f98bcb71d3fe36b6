import pandas as pd
import pytest

from study.report.precision import detectable_table, variance_table
from study.report.run import Run
from tests.report.run_folder import NASTY


def told(table) -> list[dict[str, str]]:
    """Return a table's rows by its header."""
    names = [cell.text for cell in table.header]
    return [dict(zip(names, [cell.text for cell in row.cells], strict=True)) for row in table.rows]


@pytest.fixture
def measured_run(make_run):
    """A run that says what it could have shown, and what its scores hang on; ``cbow`` comes from a file."""
    folder = make_run()
    models = pd.read_csv(folder / "models.csv")
    models.loc[models["model"] == "cbow", "kind"] = "Vectors"
    models.to_csv(folder / "models.csv", index=False)
    where = ("probing", f"noun_or_verb {NASTY}", "label", "accuracy")
    effects = [(*where, 304, 6, 0.01, 0.0256, 1 / 30, NASTY)]
    columns = ["family", "task", "question", "metric", "n", "pairs", "smallest", "median", "largest", "assumes"]
    pd.DataFrame(effects, columns=columns).to_csv(folder / "detectable.csv", index=False)
    shares = [("seed", 0.0, 0.0), ("view", 0.0001, 0.25), ("items", 0.0003, 0.75)]
    rows = [(model, *where, *share) for model in ("transformer", "cbow") for share in shares]
    columns = ["model", "family", "task", "question", "metric", "component", "variance", "share"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "variance.csv", index=False)
    return Run.read(folder)


def test_the_smallest_differences_are_told_by_task(measured_run):
    (row,) = told(detectable_table(measured_run))
    assert (row["n"], row["smallest"], row["median"], row["largest"]) == ("304", "0.010", "0.026", "0.033")
    assert row["task"] == f"noun or verb {NASTY.replace('_', ' ')}"
    assert row["assumes"] == NASTY


def test_shares_of_the_variance_stand_side_by_side(measured_run):
    rows = {row["model"]: row for row in told(variance_table(measured_run))}
    assert list(rows) == ["cbow", "transformer"]
    assert [rows["transformer"][name] for name in ("share of the seed", "of the view", "of the items")] == [
        "0.000",
        "0.250",
        "0.750",
    ]
    assert rows["transformer"]["standard deviation"] == "0.020"


def test_a_model_from_a_file_has_no_share_of_the_seed(measured_run):
    table = variance_table(measured_run)
    rows = {row["model"]: row for row in told(table)}
    assert rows["cbow"]["share of the seed"] == "–"
    assert rows["cbow"]["of the items"] == "0.750"
    assert "read from files" in table.caption
