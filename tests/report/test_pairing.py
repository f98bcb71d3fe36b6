import numpy as np
import pandas as pd
import pytest

from study.report.pairing import (
    AHEAD,
    BEHIND,
    OPEN,
    UNSHOWN,
    UNTESTED,
    WITHHELD,
    Difference,
    contest_table,
    contests,
    word_difference,
)
from study.report.run import Run
from tests.report.run_folder import JUDGED


def answers(right: dict[str, list[int]]) -> pd.DataFrame:
    rows = [(model, str(number), bool(one)) for model, mine in right.items() for number, one in enumerate(mine)]
    return pd.DataFrame(rows, columns=["model", "sentence", "right"])


@pytest.mark.parametrize(("low", "high", "sign"), [(0.1, 0.3, 1), (-0.3, -0.1, -1), (-0.1, 0.3, 0), (0.0, 0.0, 0)])
def test_the_sign_follows_the_interval(low, high, sign):
    assert Difference((low + high) / 2, low, high, 0.01).sign == sign


def test_contests_take_the_best_of_either_kind_by_headline_view(make_run):
    run = Run.read(make_run(models={"cbow": 0.1, "skipgram": 0.12, "transformer": 0.11}))
    simlex = contests(run)[0]
    assert (simlex.encoder["model"], simlex.encoder["view"]) == ("transformer", "averaged")
    assert (simlex.static["model"], simlex.static["view"]) == ("skipgram", "word")
    assert simlex.difference.value == pytest.approx(-0.01)


def test_a_contest_without_a_paired_test_is_told_so(make_run):
    folder = make_run()
    (folder / "comparisons.csv").unlink()
    run = Run.read(folder)
    found = contests(run)
    assert {contest.verdict for contest in found} == {UNTESTED}
    assert contest_table(found, run).rows[0].cells[3].text == "–"


@pytest.mark.parametrize(
    ("seeds", "size", "verdict"),
    [(1, "full", WITHHELD), (1, None, WITHHELD), (3, None, UNSHOWN), (1, "quick", WITHHELD), (3, "quick", WITHHELD)],
)
def test_a_demonstration_and_one_seed_show_differences_and_say_nobody_ahead(make_run, seeds, size, verdict):
    run = Run.read(make_run(models={"cbow": 0.06, "transformer": 0.3}, seeds=seeds, size=size))
    found = contests(run)
    assert {contest.verdict for contest in found} == {verdict}
    table = contest_table(found, run)
    difference = table.rows[0].cells[3]
    assert difference.text.startswith("+0.2")
    assert difference.note.startswith("0.2")
    assert ("Holm" in difference.note, "Holm" in table.caption) == (verdict == UNSHOWN, verdict == UNSHOWN)
    assert ("who is ahead" in [cell.text for cell in table.header]) == (verdict == UNSHOWN)
    assert ("demonstration" in table.caption) == (size == "quick")
    assert set(table.frame["verdict"]) == {verdict}
    assert len(table.rows[0].cells) == len(table.header)


@pytest.mark.parametrize(("transformer", "verdict"), [(0.3, AHEAD), (0.01, BEHIND), (0.12, OPEN)])
def test_three_seeds_say_who_is_ahead_by_interval_and_corrected_p(make_run, transformer, verdict):
    run = Run.read(make_run(models={"cbow": 0.11, "transformer": transformer}, **JUDGED))
    assert {contest.verdict for contest in contests(run)} == {verdict}


def test_one_kind_alone_has_no_contest(make_run):
    assert contests(Run.read(make_run("static", models={"cbow": 0.1}))) == []
    assert contests(Run.read(make_run("encoder", models={"transformer": 0.1}))) == []


def test_a_word_s_difference_is_paired_over_its_sentences():
    same = word_difference(answers({"a": [1, 0] * 10, "b": [1, 0] * 10}), "a", "b", seed=0)
    assert (same.value, same.low, same.high) == (0, 0, 0)
    gaps = np.array([1] * 10 + [0] * 10)
    found = word_difference(answers({"a": [1] * 20, "b": list(1 - gaps)}), "a", "b", seed=0)
    half = 1.96 * gaps.std() / np.sqrt(20)
    assert found.value == 0.5
    assert (found.low, found.high) == pytest.approx((0.5 - half, 0.5 + half), abs=0.05)
    assert word_difference(answers({"a": [1]}), "a", "b", seed=0) is None
