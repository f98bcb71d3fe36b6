"""The texts written for this project keep the rules that make them hard to solve without meaning."""

import csv
import re
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

import pytest
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

TASKS = Path(__file__).parents[1] / "tasks"
WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


def rows(name: str) -> list[dict[str, str]]:
    with (TASKS / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


TELLING = rows("polysemy/telling_word.tsv")
BANK, NOUN_OR_VERB = rows("polysemy/bank.tsv"), rows("probing/noun_or_verb.tsv")
both = pytest.mark.parametrize("data", [BANK, NOUN_OR_VERB], ids=["bank", "noun_or_verb"])


def words(row: dict[str, str]) -> list[str]:
    return [word.lower() for word in WORD.findall(row["sentence"])]


@both
def test_the_target_is_the_group_word_itself_and_stands_there_once(data):
    for row in data:
        assert re.findall(r"\[([^\[\]]*)\]", row["sentence"]) == [row["group"]], row
        assert words(row).count(row["group"]) == 1, row


@both
def test_no_two_sentences_share_five_words_in_a_row(data):
    seen: dict[tuple[str, ...], str] = {}
    for row in data:
        sentence = words(row)
        for run in {tuple(sentence[at : at + 5]) for at in range(len(sentence) - 4)}:
            assert run not in seen, (run, row["sentence"], seen[run])
            seen[run] = row["sentence"]


@both
def test_every_class_of_a_word_has_the_same_number_of_sentences(data):
    counts = Counter((row["group"], row["label"]) for row in data)
    for word in {row["group"] for row in data}:
        assert len({count for (group, _), count in counts.items() if group == word}) == 1, word


def test_the_bank_set_has_the_size_it_claims():
    counts = Counter((row["group"], row["label"]) for row in BANK)
    senses = Counter(word for word, _ in counts)
    assert len(senses) >= 16
    assert min(senses.values()) >= 2
    assert min(counts.values()) >= 12


def test_the_bank_set_is_split_by_word_with_bank_in_test():
    splits = defaultdict(set)
    for row in BANK:
        splits[row["group"]].add(row["split"])
    assert {len(found) for found in splits.values()} == {1}
    assert splits["bank"] == {"test"}
    assert {split for found in splits.values() for split in found} == {"development", "test"}


def test_no_content_word_gives_a_sense_away():
    sentences_with = defaultdict(Counter)
    for row in BANK:
        sentences_with[row["group"], row["label"]].update(set(words(row)) - ENGLISH_STOP_WORDS - {row["group"]})
    often = {(sense, word): n for sense, counts in sentences_with.items() for word, n in counts.items() if n > 2}
    assert often == {}


def test_the_sentences_of_a_sense_vary_in_length():
    lengths = defaultdict(list)
    for row in BANK:
        lengths[row["group"], row["label"]].append(len(words(row)))
    for sense, found in lengths.items():
        assert max(found) >= 2 * min(found), sense


def test_noun_or_verb_has_the_size_it_claims():
    counts = Counter((row["group"], row["label"]) for row in NOUN_OR_VERB)
    assert len({word for word, _ in counts}) >= 24
    assert min(counts.values()) >= 8
    assert {label for _, label in counts} == {"noun", "verb"}


def test_the_senses_of_the_bank_set_are_counted_in_the_corpus():
    counted = {(row["word"], row["sense"]): row for row in rows("polysemy/bank.senses.tsv")}
    assert set(counted) == {(row["group"], row["label"]) for row in BANK}
    for (word, _), row in counted.items():
        assert int(row["of_this_sense"]) > 0, row
        assert int(row["read"]) <= int(row["in_training"]), row
        assert int(row["in_training"]) >= 20 or word == "bank", row
    assert all(
        first["in_training"] == second["in_training"]
        for first, second in pairwise(counted.values())
        if first["word"] == second["word"]
    )


def test_words_with_telling_words_stand_in_the_split_of_the_bank_set_and_each_sense_has_as_many():
    bank = {row["group"]: row["split"] for row in BANK}
    assert set(bank) <= {row["word"] for row in TELLING}
    for row in TELLING:
        assert row["split"] == bank.get(row["word"], "test"), row
        assert len(set(row["cues"].split())) == 10, row
