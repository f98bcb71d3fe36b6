import numpy as np
import pandas as pd
import pytest

from study.report import distance, plot, questions
from study.report.album import Album, Section
from study.report.run import Run
from study.report.section import sections

AT = (1, 5, 30)


@pytest.fixture
def run(make_run):
    """A run whose polysemy task is asked by distance, over two seeds, with one model read in a narrow way too."""
    folder = make_run(seeds=2, families=("polysemy",))
    scores = pd.read_csv(folder / "scores.csv")
    bank = scores[(scores["task"] == "bank") & (scores["view"] != "baseline")]
    near = bank[bank["model"] == "cbow"].assign(model="cbow_near")
    asked = pd.concat([bank, near]).assign(task="telling_word", question="distance")
    parts = [asked.assign(question=f"distance: {at}", main=False, value=asked["value"] - at / 1000) for at in AT]
    parts.append(asked.assign(question="cue alone", main=False))
    window = [bank.assign(task="bank_window", question=f"within: {at}", main=False) for at in AT]
    window.append(bank.assign(task="bank_window", question="within"))
    pd.concat([scores, asked, *parts, *window]).to_csv(folder / "scores.csv", index=False)
    models = pd.read_csv(folder / "models.csv")
    models.loc[models["model"].isin(["untrained", "random"]), "words_seen"] = 0
    models.loc[models["model"] == "cbow", "words_seen"] = 19_825_730
    pd.concat([models, models[models["model"] == "cbow"].assign(model="cbow_near")]).to_csv(folder / "models.csv", index=False)
    write_settings(
        folder, cbow={"size": 8, "context_words": 30}, cbow_near={"size": 8, "context_words": 2}, transformer={"width": 8}
    )
    return Run.read(folder)


def write_settings(folder, **models):
    rows = [(model, setting, value) for model, settings in models.items() for setting, value in settings.items()]
    pd.DataFrame(rows, columns=["model", "setting", "value"]).to_csv(folder / "settings.csv", index=False)


def test_headline_views_are_averaged_over_seeds_at_each_distance(run):
    frame = distance.by_distance(run)
    assert set(zip(frame["task"], frame["stem"], strict=True)) == {("telling_word", "distance"), ("bank_window", "within")}
    mine = frame[(frame["task"] == "telling_word") & (frame["model"] == "cbow")]
    assert mine["at"].tolist() == list(AT)
    assert set(mine["view"]) == {"context"}
    assert set(mine["seeds"]) == {2}
    assert np.allclose(np.diff(mine["value"]), [-0.004, -0.025])


def test_the_figure_has_a_panel_per_task_a_line_per_model_and_its_distances_as_ticks(run):
    look = plot.looks([*run.trained, *run.controls])
    figure = distance.draw(distance.by_distance(run), look, distance.readings(run))
    made, cut = figure.axes
    assert (made.get_xlabel(), cut.get_xlabel()) == tuple(distance.AXES.values())
    assert [label.get_text() for label in made.get_xticklabels()] == ["1", "5", "30"]
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "chance" in names
    assert {"cbow, context", "cbow_near, context", "transformer, layer-2", "random, context"} <= set(names)
    lines = {container.get_label(): container.lines[0] for container in made.containers}
    assert lines["cbow_near, context"].get_linestyle() == "--"
    assert lines["cbow, context"].get_linestyle() == "-"
    assert lines["cbow_near, context"].get_color() == lines["cbow, context"].get_color()
    assert len({line.get_xdata()[0] for line in lines.values()}) == len(lines), "marks of one distance stand side by side"


def test_the_tables_have_a_row_per_model_and_a_column_per_distance_and_question(run, tmp_path):
    section = distance.section(run, plot.looks([*run.trained, *run.controls]), Album(tmp_path))
    made, cut = section.folded
    assert [cell.text for cell in made.header[1:]] == ["1", "5", "30", "cue alone"]
    assert [cell.text for cell in cut.header[1:]] == ["1", "5", "30"]
    assert [row.cells[0].text for row in cut.rows] == ["cbow", "transformer", "untrained", "random"]
    assert "n 120 · coverage 0.90" in made.rows[0].cells[1].note
    assert not any(cell.text == "–" for row in made.rows for cell in row.cells)
    assert (tmp_path / "distance.png").is_file()


def test_the_caption_says_what_is_by_construction_and_what_each_model_has_seen(run, tmp_path):
    (figure,) = distance.section(run, plot.looks([*run.trained, *run.controls]), Album(tmp_path)).figures
    assert "flat up to its width and at chance beyond (telling word) and level beyond its width (window)" in figure.caption
    assert "Width on each side: 2 words for cbow_near; 30 words for cbow." in figure.caption
    assert "19.83 million words for cbow and cbow_near; 2.00 million words for transformer." in figure.caption
    assert figure.caption.endswith("The budgets are not equal.")


@pytest.mark.parametrize("at_hand", [True, False])
def test_the_caption_says_whose_sentences_are_cut_and_which_were_left_out(run, tmp_path, at_hand):
    if at_hand:
        scores = pd.read_csv(run.folder / "scores.csv")
        pd.concat([scores, scores[scores["task"] == "bank_window"].assign(task="coarse_senses_window")]).to_csv(
            run.folder / "scores.csv", index=False
        )
    else:
        tasks = pd.read_csv(run.folder / "tasks.csv")
        absent = tasks.tail(1).assign(task="coarse_senses_window", note="left out: no such folder")
        pd.concat([tasks, absent]).to_csv(run.folder / "tasks.csv", index=False)
    run = Run.read(run.folder)
    (figure,) = distance.section(run, plot.looks([*run.trained, *run.controls]), Album(tmp_path)).figures
    bank, both = "written for this study (bank)", "written for this study (bank) or from Wikipedia (CoarseWSD-20)"
    assert f"Window: whole sentences, {both if at_hand else bank}, cut that near the target." in figure.caption
    assert ("Those from Wikipedia (CoarseWSD-20) were left out: their data were not at hand." in figure.caption) != at_hand
    assert "real sentences" not in figure.caption


def test_a_model_called_after_another_is_dashed_only_where_it_is_the_same_training(run):
    assert distance.readings(run) == {"cbow_near": "cbow"}
    write_settings(run.folder, cbow={"size": 8, "context_words": 30}, cbow_near={"size": 9, "context_words": 2})
    assert distance.readings(Run.read(run.folder)) == {}, "another size is another training"
    write_settings(run.folder, cbow={"attention": "false"}, cbow_near={"attention": "true"})
    other = Run.read(run.folder)
    assert distance.readings(other) == {}, "as reconstruction_rnn_attention beside reconstruction_rnn"
    look = plot.looks([*other.trained, *other.controls])
    made = distance.draw(distance.by_distance(other), look, distance.readings(other)).axes[0]
    assert {container.lines[0].get_linestyle() for container in made.containers} == {"-"}


def test_distances_are_not_listed_among_the_words_one_by_one(run):
    assert not [table for table in questions.group_tables(run, "polysemy") if "distance" in table.caption]


def test_a_run_without_distances_has_no_such_section(make_run, tmp_path):
    run = Run.read(make_run("plain"))
    assert distance.section(run, {}, Album(tmp_path)) == Section(distance.TITLE)


def test_the_section_stands_in_the_report(run, tmp_path):
    assert distance.TITLE in [section.title for section in sections(run, Album(tmp_path))]


def test_the_answer_is_how_well_senses_are_told_at_both_ends_and_who_is_a_bag_of_words(run):
    scores = distance.by_distance(run)
    answer, ends = distance.answer(run, scores), scores.set_index(["task", "model", "at"])["value"]
    found = {model: [f"{ends['telling_word', model, at]:.2f}" for at in (1, 30)] for model in ("cbow", "transformer")}
    assert found["cbow"][0] != found["cbow"][1]
    assert answer.startswith(
        f"Telling word (accuracy, mean over words, chance 0.50), 1 and 30 {distance.AXES['distance']}: transformer"
    )
    assert f"transformer {' and '.join(found['transformer'])} (0." in answer
    assert f"; bags of words, whose width makes their ends, cbow {' and '.join(found['cbow'])}. " in answer
    assert "random" not in answer
    assert "near" not in answer, "the same training, read in another way"


def test_an_answer_needs_two_distances(run):
    scores = distance.by_distance(run)
    assert distance.answer(run, scores.head(0)) == ""
    assert distance.answer(run, scores[scores["at"] == 5]) == ""
    without = distance.answer(run, scores.assign(value=scores["value"].where(scores["at"] < 30)))
    assert "1 and 5 words" in without
