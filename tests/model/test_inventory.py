import sys

import numpy as np
import pytest

from study.contracts import StudyError
from study.model.inventory import CONTINUES, KINDS, Inventory, learn

tokenizers = pytest.importorskip("tokenizers", reason="the extra [subwords] is not installed")
WORDS = ["sing", "singing", "singer", "ring", "ringing", "walk", "walking", "walker", "king"]
COUNTS = np.array([50, 40, 10, 30, 20, 60, 50, 10, 20])


def spelled(inventory, *words):
    """Return the sub-words of each word as text, without what marks those that continue one."""
    spellings = inventory.spell(words)
    names = [*inventory.subwords, "?"]
    parts = np.split(spellings.subwords, spellings.starts[1:-1])
    return [[names[number].removeprefix(CONTINUES) for number in part] for part in parts]


@pytest.mark.parametrize("kind", KINDS)
def test_words_are_spelled_in_frequent_parts_seen_before_or_not(kind):
    inventory = learn(kind, 45, WORDS, COUNTS)
    assert len(inventory.subwords) <= 45
    assert spelled(inventory, "walking") == [["walking"]] or spelled(inventory, "walking") == [["walk", "ing"]]
    unseen = spelled(inventory, "winking")[0]
    assert "".join(unseen) == "winking"
    assert "ing" in unseen[-1]
    assert [subword.startswith(" ") for subword in inventory.subwords] == inventory.continues.tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_every_word_of_known_characters_can_be_spelled_and_others_are_unknown_as_a_whole(kind):
    inventory = learn(kind, 40, WORDS, COUNTS)
    assert ["".join(parts) for parts in spelled(inventory, "gnis", "nkl")] == ["gnis", "nkl"]
    assert spelled(inventory, "sîng", "", "a b", "walk") == [["?"], ["?"], ["?"], ["walk"]]
    assert inventory.spell(["sîng"]).subwords.tolist() == [len(inventory.subwords)]


@pytest.mark.parametrize("kind", KINDS)
def test_marks_of_other_tokenizers_are_letters_like_others(kind):
    inventory = learn(kind, 40, ["##ing", "[UNK]", "▁ing", "##in"], np.array([9, 9, 9, 9]))
    assert ["".join(parts) for parts in spelled(inventory, "##ing", "[UNK]")] == ["##ing", "[UNK]"]
    spellings = inventory.spell(["##ing", "[UNK]", "▁ing"])
    begins = np.zeros(len(spellings.subwords), bool)
    begins[spellings.starts[:-1]] = True
    assert np.array_equal(~inventory.continues[spellings.subwords], begins)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_words_give_the_same_sub_words_each_time_and_in_any_order(kind):
    learned = {learn(kind, 30, WORDS, COUNTS).tokenizer.to_str() for _ in range(10)}  # the library's own are three or four
    assert learned == {learn(kind, 30, WORDS[::-1], COUNTS[::-1]).tokenizer.to_str()}


def test_a_word_without_occurrences_teaches_nothing():
    assert (
        learn("bpe", 40, [*WORDS, "zebra"], np.append(COUNTS, 0)).tokenizer.to_str()
        == learn("bpe", 40, WORDS, COUNTS).tokenizer.to_str()
    )


def test_characters_too_rare_are_not_learned():
    inventory = learn("wordpiece", 40, [*WORDS, "x"], np.append(COUNTS * 1000, 1))
    assert not any("x" in subword for subword in inventory.subwords)
    assert spelled(inventory, "x") == [["?"]]


def test_a_sequence_is_spelled_from_the_spellings_of_its_words():
    inventory = learn("wordpiece", 30, WORDS, COUNTS)
    spellings = inventory.spell(WORDS)
    subwords, begins = spellings.together(np.array([3, 0, 3, 8]))
    wanted = inventory.spell(["ring", "sing", "ring", "king"])
    assert np.array_equal(subwords, wanted.subwords)
    assert np.array_equal(begins, wanted.starts)
    assert [part.tolist() for part in spellings.together(np.zeros(0, np.int64))] == [[], [0]]


def test_what_is_written_is_read_again(tmp_path):
    for kind in KINDS:
        inventory = learn(kind, 30, WORDS, COUNTS)
        inventory.write(tmp_path)
        again = Inventory.read(tmp_path)
        assert again.subwords == inventory.subwords
        assert np.array_equal(again.spell(["wingking"]).subwords, inventory.spell(["wingking"]).subwords)


def test_faults_say_what_to_do(tmp_path, monkeypatch):
    with pytest.raises(StudyError, match=r"subwords: expected at least 20, .* 10 characters .* found 8"):
        learn("bpe", 8, WORDS, COUNTS)
    with pytest.raises(StudyError, match=r"tokenizer\.json: expected sub-words"):
        Inventory.read(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(StudyError, match="train the encoder again"):
        Inventory.read(tmp_path)
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(StudyError, match=r"pip install 'embedding-study\[subwords\]'"):
        learn("bpe", 30, WORDS, COUNTS)
