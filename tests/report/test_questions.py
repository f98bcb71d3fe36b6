import pandas as pd
import pytest

from study.report.questions import group_tables, part_table, question_tables
from study.report.run import Run
from tests.report.run_folder import NASTY


def texts(table) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for row in table.rows]


@pytest.fixture
def asked_run(make_run):
    """A run whose tasks ask more than their main question."""
    folder = make_run()
    scores = pd.read_csv(folder / "scores.csv")
    models = scores[scores["view"] != "baseline"].assign(main=False)

    def more(task, question, metric, value, chance):
        return models[models["task"] == task].assign(question=question, metric=metric, value=value, chance=chance)

    extra = [
        more("noun_or_verb", "description length", "codelength", 0.75, 1.0),
        more("noun_or_verb", "label", "macro_f1", 0.44, 0.5),
        more("noun_or_verb", "label, mlp", "accuracy", 0.81, 0.5),
        more("noun_or_verb", "control", "accuracy", 0.52, 0.5),
        more("bank", f"sense: {NASTY}", "word_accuracy", 0.61, 0.5),
        more("bank", f"sense: {NASTY}", "word_macro_f1", 0.62, 0.5),
        more("bank", "words shuffled", "word_accuracy", 0.57, 0.5),
        more("simlex", "pair, mean removed", "spearman", 0.33, 0.0),
        more("simlex", f"noun {NASTY}", "spearman", 0.22, 0.0),
        models[models["task"] == "noun_or_verb"].assign(family="geometry", task="shape", question="anisotropy", metric="mean"),
    ]
    pd.concat([scores, *extra]).to_csv(folder / "scores.csv", index=False)
    return Run.read(folder)


def test_controls_stand_beside_their_main_question(asked_run):
    (table,) = question_tables(asked_run, "probing")
    heads = [f"{cell.text} ({cell.note})" for cell in table.header[2:]]
    assert heads == [
        "label (accuracy)",
        "label (macro-F1)",
        "label, mlp (accuracy)",
        "description length (bits per item, lower is better)",
        "control (accuracy)",
    ]
    rows = texts(table)
    assert {row[0] for row in rows} == {"noun or verb"}
    assert [row[1] for row in rows] == ["cbow", "transformer", "untrained", "random", "majority", "naive Bayes", "chance"]
    assert rows[1][2:] == ["0.600", "0.440", "0.810", "0.750", "0.520"]
    assert rows[4][2:] == ["0.500", "–", "–", "–", "–"]
    assert rows[-1][2:] == ["0.500", "0.500", "0.500", "1.000", "0.500"]


def test_main_questions_of_trained_models_are_bold_and_full_figures_are_kept(asked_run):
    (table,) = question_tables(asked_run, "probing")
    strong = {(row.cells[1].text, place) for row in table.rows for place, cell in enumerate(row.cells) if cell.strong}
    assert strong == {(model, place) for model in ("cbow", "transformer") for place in (2, 3)}
    assert table.frame.loc[0, "label, mlp (accuracy) n"] == 120
    assert table.rows[0].cells[1].note == "context"


def test_words_have_a_table_of_their_own_by_the_main_metric(asked_run):
    (table,) = group_tables(asked_run, "polysemy")
    assert texts(table) == [[NASTY, "0.610", "0.610", "0.610", "0.610"]]
    assert "accuracy word by word" in table.caption
    assert not any(NASTY in cell.text for made in question_tables(asked_run, "polysemy") for cell in made.header)


def test_parts_stand_below_the_whole_and_corrections_beside_it(asked_run):
    rows = part_table(asked_run, "similarity").rows
    assert [row.cells[0].note for row in rows] == ["pair · Spearman’s ρ", f"noun {NASTY.replace('_', ' ')} · Spearman’s ρ"]
    (table,) = question_tables(asked_run, "similarity")
    assert [cell.text for cell in table.header[2:]] == ["pair", "pair, mean removed"]


def test_describing_tasks_have_none_of_these(asked_run):
    assert question_tables(asked_run, "geometry") == []
    assert group_tables(asked_run, "geometry") == []
    assert part_table(asked_run, "geometry") is None
