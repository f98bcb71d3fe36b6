import numpy as np
import pandas as pd
import pytest

from study.contracts import Questions
from study.evaluation import inspection
from study.evaluation.data import table

from .listed_corpus import ListedCorpus

KNOWN = ListedCorpus([(0, ["the", "ship", "left", "a", "harbour", "it", "rained", "again", "here"])])


def asked(*rows: tuple[str, str, str, str]) -> Questions:
    """Make questions of rows sentence with [target], label, split, group."""
    return table.questions(
        [table._row("file:1", number, "\t".join(row), table.COLUMNS) for number, row in enumerate(rows, 1)], KNOWN, name="x"
    )


FINE = [
    ("The [ship] left.", "noun", "training", "ga"),
    ("The [ship] left again.", "noun", "training", "gb"),
    ("It [rained].", "verb", "training", "gc"),
    ("It [rained] here.", "verb", "test", "gd"),
    ("The [harbour] left.", "noun", "test", "ge"),
]


def said(questions: Questions, level: str) -> str:
    return "\n".join(finding.text for finding in inspection.inspect(questions, KNOWN).findings if finding.level == level)


def test_counts_and_labels_are_of_each_split():
    found = inspection.inspect(asked(*FINE), KNOWN)
    assert found.counts.set_index("split")["items"].to_dict() == {"training": 3, "test": 2}
    assert found.counts["groups"].tolist() == [3, 2]
    labels = found.labels.set_index(["split", "label"])
    assert labels.loc[("training", "noun"), "items"] == 2
    assert labels.groupby("split")["share"].sum().tolist() == [1, 1]
    assert said(asked(*FINE), "error") == ""


def test_the_gravest_comes_first():
    levels = [finding.level for finding in inspection.inspect(asked(*FINE, FINE[0]), KNOWN).findings]
    assert levels == sorted(levels, key=["error", "warning", "note"].index)
    assert "warning" in levels
    assert "note" in levels


def test_coverage_counts_targets_and_all_words():
    questions = asked(*FINE, ("The [zebra] left.", "noun", "test", "gf"))
    table_ = inspection.coverage(questions, KNOWN).set_index("words")
    assert table_.loc["targets", ["running", "known"]].tolist() == [6, 5]
    assert table_.loc["all words", "running"] - table_.loc["all words", "known"] == 1
    assert "1 of 6 words of targets are not in the vocabulary: zebra" in said(questions, "warning")


def test_the_same_text_and_target_is_a_repeat_and_with_another_label_a_conflict():
    assert "asked more than once: ga-0001 = gz-0006" in said(asked(*FINE, (*FINE[0][:3], "gz")), "warning")
    conflict = asked(*FINE, ("the [SHIP] left.", "verb", "training", "gz"))
    assert "different labels: ga-0001 = gz-0006" in said(conflict, "error")
    assert "asked" not in said(asked(*FINE, ("[The] ship left.", "det", "training", "gz")), "error")


def test_a_sentence_on_both_sides_is_a_leak_whatever_its_target():
    assert "sentence that teaches" in said(asked(*FINE, ("[The] ship left.", "det", "test", "gz")), "error")


def test_a_group_on_both_sides_is_warned_of():
    assert "1 groups have items both in test and outside it: ga" in said(
        asked(*FINE, ("It [left].", "verb", "test", "ga")), "warning"
    )


def test_without_training_items_a_sentence_in_two_groups_leaks():
    rows = [(text, label, "test", group) for text, label, _, group in FINE]
    assert "two groups" not in said(asked(*rows), "error")
    assert "1 sentences stand in two groups, such as: the ship left" in said(
        asked(*rows, ("[The] ship left.", "x", "test", "z")), "error"
    )


def test_what_can_be_answered_by_heart_is_counted():
    (finding,) = inspection.memory(asked(*FINE))
    assert finding.text.startswith("1 of 2 test items (0.50) have a target that was taught with one label only; by heart, 1")
    both = asked(*FINE, ("They [rained] it.", "noun", "training", "gz"))
    assert list(inspection.memory(both)) == []
    alone = [(text, label, "test", text.split("[")[1].split("]")[0]) for text, label, _, _ in FINE]
    assert list(inspection.memory(asked(*alone))) == []  # grouped by word: nothing can be learnt by heart


def test_labels_that_are_uneven_or_never_taught_are_told():
    rows = [(f"The ship [left] x{i}.", "verb", "training", f"g{i}") for i in range(9)]
    questions = asked(*rows, ("It [rained].", "noun", "test", "z"))
    assert "1.00 of the training items are 'verb'" in said(questions, "warning")
    assert "1 labels of test items are never taught: noun" in said(questions, "warning")
    assert "fewer than 20 training items: verb" in said(questions, "note")


@pytest.mark.parametrize("level", ["vocabulary", "word"])
def test_questions_with_numbers_for_answers_can_be_inspected(level):
    items = pd.DataFrame({"item": ["a", "b"], "group": ["a", "b"], "split": "test", "gold_value": [1.0, 2.0]})
    found = inspection.inspect(Questions(level, [["ship"], ["zebra"]], np.array([(0, 0, 1), (1, 0, 1)]), items), KNOWN)
    assert found.labels.empty
    assert found.counts["labels"].tolist() == [0]


def test_dropped_questions_are_told():
    assert "1 questions left out: target does not align" in said(asked(*FINE, ("The sh[ip] left.", "noun", "test", "z")), "note")
