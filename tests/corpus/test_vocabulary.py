import numpy as np
import pytest

from study.contracts import StudyError
from study.corpus import Vocabulary, VocabularySettings


def settings(minimum_count=1, maximum_size=100, case="fold"):
    return VocabularySettings(minimum_count=minimum_count, maximum_size=maximum_size, case=case)


def test_words_are_ranked_by_count_then_alphabet_and_cut():
    forms, counts = ["b", "a", "rare", "c", "d"], np.array([5, 5, 1, 9, 2])
    vocabulary = Vocabulary.from_counts(forms, counts, settings(minimum_count=2))
    assert list(vocabulary.words) == ["c", "a", "b", "d"]
    assert vocabulary.counts.tolist() == [9, 5, 5, 2]
    assert list(Vocabulary.from_counts(forms, counts, settings(maximum_size=2)).words) == ["c", "a"]


def test_words_that_are_left_out_are_counted_nonetheless(tmp_path):
    forms, counts = ["often", "rare", "elsewhere", "seldom"], np.array([9, 1, 0, 3])
    made = Vocabulary.from_counts(forms, counts, settings(minimum_count=2, maximum_size=1))
    made.write(tmp_path / "vocabulary.tsv")
    assert (tmp_path / "rare.tsv").read_text(encoding="utf-8") == "seldom\t3\nrare\t1\n"
    for vocabulary in (made, Vocabulary.read(tmp_path / "vocabulary.tsv", "fold")):
        assert [vocabulary.count(word) for word in ("often", "Seldom", "RARE", "elsewhere", "nowhere")] == [9, 3, 1, 0, 0]
        assert [word in vocabulary for word in forms] == [True, False, False, False]
        assert (vocabulary.index("seldom"), len(vocabulary)) == (None, 1)


def test_rare_words_are_read_when_they_are_needed_and_once(tmp_path):
    Vocabulary.from_counts(["a", "b"], np.array([5, 1]), settings(minimum_count=2)).write(tmp_path / "v.tsv")
    (tmp_path / "rare.tsv").rename(tmp_path / "away.tsv")
    vocabulary = Vocabulary.read(tmp_path / "v.tsv", "fold")
    assert vocabulary.count("a") == 5
    (tmp_path / "away.tsv").rename(tmp_path / "rare.tsv")
    assert vocabulary.count("b") == 1
    (tmp_path / "rare.tsv").unlink()
    assert (vocabulary.count("b"), vocabulary.count("c")) == (1, 0)


def test_words_are_found_as_they_are_written():
    folding = Vocabulary(["don't", "café", "bank"], np.array([3, 2, 1]), "fold")
    assert [folding.index(word) for word in ("DON’T", "Cafe\u0301", "BANK", "river")] == [0, 1, 2, None]
    assert ("Bank" in folding, "river" in folding, 5 in folding, len(folding)) == (True, False, False, 3)
    assert (folding.count("Bank"), folding.count("river"), folding.fold("BANK")) == (1, 0, "bank")
    keeping = Vocabulary(["Bank"], np.array([1]), "keep")
    assert (keeping.index("bank"), keeping.index("Bank")) == (None, 0)


def test_what_is_written_is_read(tmp_path):
    vocabulary = Vocabulary(["naïve", "a"], np.array([3, 2]), "keep")
    vocabulary.write(tmp_path / "v.tsv")
    assert (tmp_path / "v.tsv").read_text(encoding="utf-8") == "naïve\t3\na\t2\n"
    read = Vocabulary.read(tmp_path / "v.tsv", "keep")
    assert (read.words, read.counts.tolist()) == (["naïve", "a"], [3, 2])


def test_a_vocabulary_of_nothing_says_what_to_turn():
    with pytest.raises(StudyError, match=r"'bank', occurs 4 times and vocabulary.minimum_count is 5; lower it"):
        Vocabulary.from_counts(["a", "bank"], np.array([1, 4]), settings(minimum_count=5))


@pytest.mark.parametrize(("name", "value"), [("minimum_count", 0), ("maximum_size", 0), ("case", "lower")])
def test_settings_out_of_range_are_named(name, value):
    with pytest.raises(StudyError, match=rf"vocabulary.{name}: expected .*found '?{value}"):
        settings(**{name: value}).check()
