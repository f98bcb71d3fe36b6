import numpy as np
import pandas as pd
import pytest
from scipy import stats

from study.report import comparison
from study.report.run import Run


@pytest.mark.parametrize("seeds", [1, 3])
def test_score_tables_are_pivots_of_the_scores(make_run, seeds):
    folder = make_run(seeds=seeds)
    run = Run.read(folder)
    scores = pd.read_csv(folder / "scores.csv")
    for family in run.families:
        heads = scores[(scores["family"] == family) & scores["headline"]]
        expected = heads.pivot_table(index="model", columns="task", values="value", aggfunc="mean")
        found = comparison.score_table(run, family).frame.set_index("model")
        for task in expected.columns:
            label = run.labels.get(task, task.replace("_", " "))
            column = next(name for name in found.columns if name.startswith(f"{label} (") and name.endswith(")"))
            for model in expected.index:
                assert found.loc[model, column] == pytest.approx(expected.loc[model, task])


def test_the_table_holds_controls_baselines_and_chance_below_the_models(make_run):
    table = comparison.score_table(Run.read(make_run()), "probing")
    names = [row.cells[0].text for row in table.rows]
    assert names == ["cbow", "transformer", "untrained", "random", "majority", "naive Bayes", "chance"]
    assert [row.quiet for row in table.rows] == [False, False, True, True, True, True, True]
    cbow = table.rows[0]
    assert all(cell.strong for cell in cbow.cells[1:])
    assert [cell.note.splitlines()[-1] for cell in cbow.cells[1:]] == ["word", "context"]  # its headline view differs by level


def test_a_dash_stands_where_a_view_does_not_apply(make_run):
    table = comparison.view_table(Run.read(make_run()), "probing")
    row = next(row for row in table.rows if (row.cells[0].text, row.cells[0].note) == ("cbow", "context"))
    assert [cell.text for cell in row.cells[1:]] == ["–", "0.560"]


def test_only_the_test_split_is_in_the_tables(make_run):
    folder = make_run()
    scores = pd.read_csv(folder / "scores.csv")
    pd.concat([scores.assign(split="development", value=9.0), scores]).to_csv(folder / "scores.csv", index=False)
    assert comparison.main_scores(Run.read(folder))["value"].max() < 1


def test_only_the_main_question_is_in_the_score_table(make_run):
    folder = make_run(families=("similarity",))
    scores = pd.read_csv(folder / "scores.csv")
    pd.concat([scores, scores.assign(question="noun", value=0.7, main=False)]).to_csv(folder / "scores.csv", index=False)
    run = Run.read(folder)
    assert set(comparison.main_scores(run)["question"]) == {"pair"}
    assert [cell.text for cell in comparison.score_table(run, "similarity").header] == ["model", "simlex"]


def test_the_spread_of_seeds_widens_the_interval(make_run):
    folder = make_run(seeds=3)
    scores = pd.read_csv(folder / "scores.csv")
    mine = scores[(scores["model"] == "cbow") & (scores["task"] == "simlex")]
    found = comparison.main_scores(Run.read(folder))
    found = found[(found["model"] == "cbow") & (found["task"] == "simlex")].iloc[0]
    half = stats.t.ppf(0.975, 2) * mine["value"].std(ddof=1) / np.sqrt(3)
    assert found["low"] == pytest.approx(mine["value"].mean() - np.hypot(0.04, half))
    assert found["high"] == pytest.approx(mine["value"].mean() + np.hypot(0.05, half))
    assert found["seeds"] == 3


def test_word_accuracy_counts_sentences_given_the_right_sense(make_run):
    shares = comparison.word_accuracy(Run.read(make_run(right={"cbow": 0.6, "transformer": 0.8}))).set_index(
        ["model", "view", "word"]
    )
    row = shares.loc[("transformer", "layer-2", "bank")]
    assert (row["accuracy"], row["n"], row["senses"], row["chance"], row["headline"]) == (0.8, 20, 2, 0.5, True)
    assert not shares.loc[("transformer", "input", "bank"), "headline"]


def test_hardly_seen_targets_come_first_and_are_marked(make_run):
    table = comparison.target_table(Run.read(make_run(counts={"seen": 20, "rare": 19})), 60)
    assert [(row.cells[2].text, row.cells[5].text) for row in table.rows] == [("rare", "hardly seen"), ("seen", "")]
    assert [row.cells[4].text for row in table.rows] == ["yes", "yes"]


def test_notes_on_tasks_are_shown_whether_or_not_they_are_left_out(make_run):
    table = comparison.task_table(Run.read(make_run()))
    notes = {row.cells[1].text: row.cells[-1].text for row in table.rows}
    assert notes["length"] == "40 words to be told apart"
    assert notes["word content"] == "left out: too few words"


def test_a_task_called_after_one_of_its_words_is_not_taken_for_it(make_run):
    run = Run.read(make_run())
    for table in (comparison.score_table(run, "polysemy"), comparison.view_table(run, "polysemy")):
        assert table.header[1].text == "bank and others (2 words)"
    for table in (comparison.paired_table(run, "polysemy"), comparison.target_table(run, 60), comparison.task_table(run)):
        assert "bank and others (2 words)" in {cell.text for row in table.rows for cell in row.cells}


def test_neighbours_stand_by_rank_and_model(make_run):
    table = comparison.neighbour_tables(Run.read(make_run()))[0]
    assert [cell.text for cell in table.header] == [
        "rank",
        "cbow · word",
        "transformer · word",
        "untrained · word",
        "random · word",
    ]
    assert table.rows[0].cells[1].text == "nan 0.79"


def test_costs_are_means_over_seeds_with_the_seconds_of_scoring(make_run):
    folder = make_run(seeds=2)
    stages = [("score probing/noun_or_verb of cbow", 3.0), ("score polysemy/bank of cbow", 1.0), ("train cbow", 9.0)]
    pd.DataFrame(stages, columns=["stage", "seconds"]).assign(reused=False).to_csv(folder / "stages.csv", index=False)
    costs = comparison.cost_table(Run.read(folder)).frame.set_index("model")
    assert list(costs.index) == ["cbow", "transformer", "untrained", "random"]
    assert costs.loc["cbow", ["training_seconds", "scoring_seconds"]].to_list() == [40.0, 2.0]


def test_the_share_of_the_peak_stands_where_a_network_was_trained(make_run):
    table = comparison.cost_table(Run.read(make_run()))
    place = [cell.text for cell in table.header].index("share of peak")
    told = {row.cells[0].text: [cell.text for cell in row.cells[place - 1 : place + 1]] for row in table.rows}
    assert [cell.text for cell in table.header][place - 1] == "precision"
    assert told["transformer"] == ["bfloat16", "0.40"]
    assert told["cbow"] == ["–", "–"]


def test_many_tasks_are_rows_of_the_score_table(make_run):
    folder = make_run(families=("probing",))
    scores = pd.read_csv(folder / "scores.csv")
    more = [scores.assign(task=scores["task"] + str(number)) for number in range(5)]
    pd.concat(more).to_csv(folder / "scores.csv", index=False)
    table = comparison.score_table(Run.read(folder), "probing")
    assert [cell.text for cell in table.header[:3]] == ["task", "cbow", "transformer"]
    assert len(table.rows) == 10
    strong = {
        cell.text for cell, head in zip(table.rows[0].cells, table.header, strict=True) if cell.strong or head.text == "cbow"
    }
    assert strong == {"0.310", "0.350"}


def test_what_training_elsewhere_cost_is_not_known(make_run):
    folder = make_run(families=("similarity",))
    models = pd.read_csv(folder / "models.csv")
    models.loc[models["model"] == "cbow", ["kind", "parameters", "words_seen"]] = ["Vectors", 0, 0]
    models.loc[models["model"] == "random", ["parameters", "words_seen"]] = 0
    models.to_csv(folder / "models.csv", index=False)
    run = Run.read(folder)
    assert run.from_files == ["cbow"]
    table = comparison.cost_table(run)
    names = [cell.text for cell in table.header]
    told = {row.cells[0].text: dict(zip(names, [cell.text for cell in row.cells], strict=True)) for row in table.rows}
    assert [told[model]["training"] for model in ("cbow", "random", "transformer")] == ["elsewhere", "none", "in this run"]
    assert [told["cbow"][name] for name in ("parameters", "words seen", "words per second", "training seconds")] == ["–"] * 4
    assert told["transformer"]["words seen"] == "2,000,000"
