import pandas as pd

from study.report.guesses import guesses_table
from study.report.run import Run
from tests.report.run_folder import NASTY


def guessed_run(make_run):
    folder = make_run()
    scores = pd.read_csv(folder / "scores.csv")
    hidden = scores[(scores["family"] == "similarity") & (scores["view"] != "baseline")].assign(
        task="cloze", level="hidden", main=True
    )
    ways = {"cbow": ("output", "output+frequency"), "transformer": ("masked",)}
    parts = [
        hidden[hidden["model"] == model].iloc[:1].assign(view=view, headline=place == 0)
        for model, views in ways.items()
        for place, view in enumerate(views)
    ]
    pd.concat([scores, *parts]).to_csv(folder / "scores.csv", index=False)
    rows = [
        ("similarity", "cloze", model, seed, view, "cloze-1", f"He ____ {NASTY}", "sat", 2, -3.1, f"{view} stood {NASTY}")
        for model, views in ways.items()
        for view in views
        for seed in (0, 1)
    ]
    columns = ["family", "task", "model", "seed", "view", "item", "sentence", "word", "rank", "log_probability", "guesses"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "guesses.csv", index=False)
    return Run.read(folder)


def test_a_sentence_is_one_row_with_a_cell_per_model_by_its_headline_view(make_run):
    table = guesses_table(guessed_run(make_run))
    assert [cell.text for cell in table.header] == ["sentence", "hidden word", "cbow", "transformer"]
    (row,) = table.rows
    assert row.cells[2].text.startswith("output stood")
    assert row.cells[2].note == "rank 2"
    assert row.cells[3].text.startswith("masked")
