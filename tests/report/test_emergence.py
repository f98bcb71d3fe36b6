"""Scores of models that were asked while they learned have a section of their own, and reach no other part of a report."""

import numpy as np
import pandas as pd
import pytest

from study.report import comparison, emergence, landmarks, plot, starts
from study.report.album import Album
from study.report.page import write
from study.report.run import Run
from study.report.section import sections
from tests.report.run_folder import JUDGED

WORDS = (0, 10_000, 100_000)
SHARES = (0.0, 0.25, 0.75)
"""Of the way from chance to the end that is done at each moment."""


@pytest.fixture
def make_grown(make_run):
    """Return a function that writes a run whose models were asked while they learned: scores rise from chance to the end."""

    def make(*, seeds=1, starts=None, **settings):
        folder = make_run(seeds=seeds, **settings)
        scores, models = pd.read_csv(folder / "scores.csv"), pd.read_csv(folder / "models.csv")
        models["start"] = models["start"].astype(object).fillna("")
        grown = scores[scores["model"].isin(["cbow", "transformer"])]
        moments = []
        for words, share in zip(WORDS, SHARES, strict=True):
            value = grown["chance"] + share * (grown["value"] - grown["chance"])
            few = words + grown["seed"] * (words > 0)  # a seed's batches end elsewhere
            moments.append(
                grown.assign(value=value, low=value - 0.02, high=value + 0.02, words_seen=few, seconds=words / 1e4, done=False)
            )
        for model, (start, before) in (starts or {}).items():
            mine = models["model"] == model
            models.loc[mine, ["start", "start_words", "start_seconds"]] = [start, before, 7.0]
            for table in (scores, *moments):
                table.loc[table["model"] == model, "words_seen"] += before
                table.loc[table["model"] == model, "seconds"] += 7.0
        pd.concat([scores, *moments]).to_csv(folder / "scores.csv", index=False)
        models.to_csv(folder / "models.csv", index=False)
        return folder

    return make


def test_all_other_parts_of_a_report_are_those_of_a_run_without_moments(make_run, make_grown):
    grown, plain = Run.read(make_grown(name="grown")), Run.read(make_run("plain"))
    pd.testing.assert_frame_equal(grown.scores, plain.scores)
    assert len(grown.growth) > len(grown.scores[grown.scores["model"].isin(["cbow", "transformer"])])
    assert plain.growth.empty
    assert (grown.trained, grown.encoders, grown.families) == (plain.trained, plain.encoders, plain.families)
    pd.testing.assert_frame_equal(comparison.main_scores(grown), comparison.main_scores(plain))


def test_a_run_without_moments_has_no_such_section(make_run, tmp_path):
    run = Run.read(make_run())
    section = emergence.section(run, plot.looks(run.trained), Album(tmp_path / "album"))
    assert [*section.figures, *section.tables, *section.folded] == []
    assert emergence.TITLE not in [section.title for section in sections(run, Album(tmp_path / "album"))]


def test_curves_are_means_over_seeds_moment_by_moment_and_end_with_the_plain_scores(make_grown):
    run = Run.read(make_grown(seeds=3))
    curves = emergence.growth(run)
    one = curves[(curves["model"] == "cbow") & (curves["task"] == "noun_or_verb") & curves["headline"]].sort_values("moment")
    assert one["own_words"].tolist() == [0, 10_001, 100_001, 2_000_000]
    assert one["done"].tolist() == [False, False, False, True]
    assert (one["seeds"] == 3).all()
    plain = comparison.main_scores(run)
    end = plain[(plain["model"] == "cbow") & (plain["task"] == "noun_or_verb") & plain["headline"]].iloc[0]
    assert one.iloc[-1][["value", "low", "high"]].tolist() == end[["value", "low", "high"]].tolist()
    assert one["value"].is_monotonic_increasing


def drawn(run, x):
    look = plot.looks([*run.trained, *run.controls])
    curves = emergence.growth(run)
    floors = comparison.main_scores(run)
    return emergence.figure(curves[curves["headline"]], floors[floors["model"].isin(["random", "untrained"])], look, x)


def test_a_panel_shows_the_curve_its_end_the_floors_and_says_that_it_is_not_annealed(make_grown):
    figure = drawn(Run.read(make_grown()), "own_words")
    axis = {axis.get_title(): axis for axis in figure.axes}["noun or verb"]
    lines = {line.get_label(): line for line in axis.get_lines()}
    assert axis.get_xscale() == "log"
    assert "not annealed before the end" in axis.get_xlabel()
    assert list(lines["cbow"].get_xdata()) == [2_500, 10_000, 100_000], "the moment before training stands at the left"
    assert axis.get_xticklabels()[0].get_text() == "0"
    assert axis.get_xticks()[0] == 2_500
    assert {"random", "untrained", "chance"} <= set(lines)
    ends = [line for line in axis.get_lines() if line.get_markersize() == 8 and len(line.get_xdata())]
    assert {float(line.get_xdata()[0]) for line in ends} == {2_000_000}
    assert len(ends) == 2


def test_an_axis_on_which_a_curve_begins_late_is_not_logarithmic(make_grown):
    run = Run.read(make_grown(starts={"transformer": ("cbow", 5_000_000)}))
    words, seconds = drawn(run, "own_words"), drawn(run, "seconds")
    assert [axis.get_xscale() for axis in words.axes] == ["log"] * 4
    assert [axis.get_xscale() for axis in seconds.axes] == ["linear"] * 4
    (line,) = [line for line in seconds.axes[0].get_lines() if line.get_label() == "transformer"]
    assert list(line.get_xdata()) == [7, 8, 17]


def test_what_a_model_starts_from_counts_in_its_seconds_but_not_in_the_words_it_has_read(make_grown):
    run = Run.read(make_grown(starts={"transformer": ("cbow", 5_000_000)}))
    curves = emergence.growth(run)
    one = curves[(curves["model"] == "transformer") & (curves["task"] == "noun_or_verb") & curves["headline"]].sort_values(
        "moment"
    )
    assert one["own_words"].tolist() == [0, 10_000, 100_000, 2_000_000]
    assert one["words_seen"].tolist() == [5_000_000, 5_010_000, 5_100_000, 7_000_000]
    assert one["seconds"].tolist() == [7.0, 8.0, 17.0, 37.0]
    (table,) = [table for table in (comparison.cost_table(run),) if "seconds_of_what_it_starts_from" in table.frame]
    assert table.frame.set_index("model")["seconds_of_what_it_starts_from"].to_dict()["transformer"] == 7.0
    plain = comparison.cost_table(Run.read(make_grown(name="plain")))
    assert "seconds_of_what_it_starts_from" not in plain.frame


def test_landmarks_say_when_a_curve_is_above_chance_for_good_and_half_its_way(make_grown):
    table = landmarks.landmark_table(emergence.growth(Run.read(make_grown())))
    frame = table.frame.set_index(["task", "model", "view"])
    found = frame.loc["noun or verb", "transformer", "layer-2"]  # 0.10 above chance at the end, bands of 0.02
    assert found["above chance from"] == "10,000 words"
    assert found["half of the way after"] == "100,000 words"
    assert found["in"] == "10.0 s"
    flat = frame.loc["simlex", "cbow", "word"]  # 0.06 above at the end, but a band of 0.04 there
    assert flat["above chance from"] == "100,000 words"
    assert flat["half of the way after"] == "–"


def test_above_chance_for_good_means_to_the_end():
    assert landmarks.for_good(pd.Series([True, False, True, True])) == 2
    assert landmarks.for_good(pd.Series([True, False])) is None
    assert landmarks.for_good(pd.Series([True, True])) == 0


def table_of(run):
    return starts.meeting_table(starts.meetings(run, emergence.growth(run)), "", verdicts=run.verdicts)


def test_starts_are_compared_with_the_same_kind_from_random_vectors(make_grown):
    run = Run.read(make_grown(starts={"transformer": ("skipgram", 100)}))
    table = table_of(run)
    row = table.frame.set_index("task").loc["noun or verb"]
    assert (row["start"], row["against"]) == ("skipgram, transformer", "cbow")  # both are of kind Toy here
    assert row["ahead before training"] == "0.000"
    assert row["within their bands"].startswith("from 2,000,000 words"), "not after 100,000: there it is 0.030 ahead, bands 0.028"
    assert row["ahead at the end"] == "+0.040 (0.010–0.070)", "the paired difference"
    assert row["which took"] == "equal words, less time"
    assert row["seconds"] == "37 and 30"
    again = meeting_of(run, run.growth.assign(low=run.growth["value"] - 1e-6, high=run.growth["value"] + 1e-6))
    assert again["within their bands"] == "–"


def meeting_of(run, growth):
    object.__setattr__(run, "growth", growth)
    return table_of(run).frame.set_index("task").loc["noun or verb"]


def test_bands_that_never_part_do_not_hide_a_paired_difference_at_the_end(make_grown):
    run = Run.read(make_grown(**JUDGED, starts={"transformer": ("skipgram", 100)}))
    wide = run.growth.assign(low=run.growth["value"] - 1, high=run.growth["value"] + 1)
    assert meeting_of(run, wide)["within their bands"] == "throughout; paired, apart at the end"
    object.__setattr__(run, "comparisons", run.comparisons.assign(low=-0.1, high=0.1))
    assert meeting_of(run, wide)["within their bands"] == "throughout"


def test_a_demonstration_compares_starts_without_a_verdict(make_grown):
    run = Run.read(make_grown(starts={"transformer": ("skipgram", 100)}))
    run.facts["size"] = "quick"
    row = meeting_of(run, run.growth.assign(low=run.growth["value"] - 1, high=run.growth["value"] + 1))
    assert (row["within their bands"], row["p (Holm)"]) == ("throughout", "–")
    assert row["ahead at the end"] == "+0.040 (0.010–0.070)"


def test_a_start_is_compared_with_one_that_took_as_much_time_at_its_end_only(make_grown):
    run = Run.read(make_grown(starts={"transformer": ("skipgram", 100)}))
    longer = (run.growth["model"] == "cbow") & run.growth["done"]
    object.__setattr__(run, "growth", run.growth.assign(words_seen=run.growth["words_seen"].mask(longer, 4_000_000)))
    row = meeting_of(run, run.growth.assign(seconds=run.growth["seconds"].mask(longer, 40.0)))
    assert row["which took"] == "at least the time"
    assert row["within their bands"] == "–"
    assert row["million words"] == "2.00 and 4.00"
    assert row["ahead at the end"] == "+0.040 (0.010–0.070)"


def test_what_two_starts_differ_in_beside_start_and_budget_is_told(make_grown):
    run = Run.read(make_grown(starts={"transformer": ("skipgram", 100)}))
    assert meeting_of(run, run.growth)["and has"] == "settings unknown"
    settings = [("transformer", "tied", "true"), ("transformer", "start", "skipgram"), ("transformer", "words", "9")]
    settings += [("cbow", "tied", "false"), ("cbow", "start", "null"), ("cbow", "words", "10")]
    object.__setattr__(run, "settings", pd.DataFrame(settings, columns=["model", "setting", "value"]))
    assert meeting_of(run, run.growth)["and has"] == "tied=false"


def test_a_task_that_was_not_asked_while_learning_has_no_curve(make_grown):
    run = Run.read(make_grown())
    asked = run.growth[run.growth["done"] | (run.growth["task"] != "simlex")]
    object.__setattr__(run, "growth", asked)
    curves = emergence.growth(run)
    assert "simlex" not in set(curves["task"])
    assert "noun_or_verb" in set(curves["task"])
    assert "simlex" not in set(landmarks.landmark_table(curves).frame["task"])


def test_captions_name_the_threads_of_each_model_and_of_what_it_starts_from(make_grown):
    run = Run.read(
        make_grown(starts={"transformer": ("skipgram", 100)}, models={"cbow": 0.06, "skipgram": 0.0, "transformer": 0.1})
    )
    run.models["threads"] = run.models["model"].map({"cbow": 1.0, "skipgram": 1.0, "transformer": 2.0})
    curves = emergence.growth(run)
    assert emergence.threads(run, curves) == " Threads: 1 of cbow, skipgram; 2 of transformer."
    run.models["threads"] = np.nan
    assert emergence.threads(run, curves) == ""


def test_a_headline_that_is_the_same_in_every_sentence_is_told(make_grown):
    run = Run.read(make_grown())
    assert emergence.type_views(emergence.growth(run)) == ""
    mine = (run.growth["model"] == "transformer") & run.growth["task"].str.startswith("bank")
    headline = run.growth["headline"].mask(mine, run.growth["view"] == "input")
    object.__setattr__(run, "growth", run.growth.assign(headline=headline))
    assert "transformer on bank" in emergence.type_views(emergence.growth(run))
    assert "cbow" not in emergence.type_views(emergence.growth(run))


def test_the_section_has_two_figures_and_its_tables(make_grown):
    folder = make_grown(starts={"transformer": ("skipgram", 100)})
    page = write(folder).read_text(encoding="utf-8")
    assert emergence.TITLE in page
    assert {"emergence-words.png", "emergence-seconds.svg"} <= {path.name for path in (folder / "figures").iterdir()}
    names = {path.name for path in (folder / "tables").iterdir()}
    assert {"emergence.csv", "emergence-landmarks.md", "emergence-starts.md"} <= names
    every = pd.read_csv(folder / "tables" / "emergence.csv")
    assert set(every["training"]) == {"learning", "end"}
    assert np.isfinite(every["value"]).all()


@pytest.mark.parametrize(("value", "text"), [(0.1, "0.1"), (10, "10"), (1e4, "10 k"), (1e6, "1 M"), (1e9, "1 G")])
def test_ticks_are_short(value, text):
    assert emergence.short(value).replace("\N{NO-BREAK SPACE}", " ") == text


def test_with_starts_the_answer_is_what_they_are_worth_where_nothing_else_differs(make_grown):
    run = Run.read(make_grown(starts={"transformer": ("skipgram", 100)}))
    found = starts.meetings(run, emergence.growth(run)).assign(apart="")
    told = "noun or verb: transformer +0.040 (0.010–0.070{}) over cbow, which had equal words, less time."
    assert told.format("") in starts.worth(found, verdicts=False)
    assert told.format(", p 0.200") in starts.worth(found, verdicts=True)
    assert "+0.040 (not tested) over cbow" in starts.worth(found.assign(end=None), verdicts=True)
    assert starts.worth(found.assign(apart="tied=false"), verdicts=True) == ""


def test_where_nothing_begins_from_random_vectors_the_answer_is_the_way_of_each(make_grown, tmp_path):
    run = Run.read(make_grown(starts={"transformer": ("skipgram", 100), "cbow": ("skipgram", 100)}))
    section = emergence.section(run, plot.looks([*run.trained, *run.controls]), Album(tmp_path))
    assert section.answer.startswith("Between which moments half of the way")


def test_the_table_of_starts_shows_words_and_seconds_beside_the_names(make_grown):
    run = Run.read(make_grown(starts={"transformer": ("skipgram", 100)}))
    table = table_of(run)
    assert [cell.text for cell in table.rows[0].cells[1:3]] == ["skipgram, transformer: 2.00 M, 37 s", "cbow: 2.00 M, 30 s"]
    assert len(table.header) == len(table.rows[0].cells) == len(table.frame.columns) - 2
