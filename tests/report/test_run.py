import pandas as pd
import pytest

from study.contracts import StudyError
from study.report.run import Run, read_table


def test_words_that_look_like_missing_numbers_stay_words(make_run):
    run = Run.read(make_run())
    assert {"nan", "null"} <= set(run.neighbours["neighbour"])
    assert run.scores["value"].dtype == float


def test_absent_and_empty_tables_have_no_rows_and_all_columns(tmp_path):
    (tmp_path / "curves.csv").write_text("\n")
    for name in ("plane.csv", "curves.csv"):
        table = read_table(tmp_path / name)
        assert table.empty
        assert "model" in table.columns


def test_models_controls_and_encoders_are_told_apart(make_run):
    run = Run.read(make_run())
    assert (run.trained, run.controls, run.encoders) == (["cbow", "transformer"], ["untrained", "random"], ["transformer"])
    assert list(run.in_order(pd.DataFrame({"model": ["random", "cbow"]}))["model"]) == ["cbow", "random"]


@pytest.mark.parametrize("name", ["run.json", "scores.csv"])
def test_a_folder_that_is_no_run_is_named(make_run, name):
    folder = make_run()
    (folder / name).unlink()
    with pytest.raises(StudyError, match=f"{folder}.*holds no {name}"):
        Run.read(folder)


def test_a_missing_column_and_a_word_for_a_number_are_named(make_run):
    folder = make_run()
    scores = pd.read_csv(folder / "scores.csv")
    scores.drop(columns="chance").to_csv(folder / "scores.csv", index=False)
    with pytest.raises(StudyError, match=r"scores.csv: expected a column 'chance'"):
        Run.read(folder)
    scores.astype({"value": object}).assign(value="high").to_csv(folder / "scores.csv", index=False)
    with pytest.raises(StudyError, match=r"scores.csv: column 'value'.*high"):
        Run.read(folder)


def test_settings_apart_are_those_that_both_have_and_not_alike(make_run):
    told = [("a", "width", "64"), ("b", "width", "128"), ("a", "norm", "rms"), ("b", "norm", "rms"), ("b", "depth", "2")]
    run = Run.read(make_run())
    run = Run(**{**run.__dict__, "settings": pd.DataFrame(told, columns=["model", "setting", "value"])})
    assert list(run.settings_apart("a", "b").itertuples(name=None)) == [("width", "64", "128")]
    assert run.settings_apart("a", "c").empty
