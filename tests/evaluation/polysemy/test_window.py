import json

import numpy as np
import pytest

from study.contracts import ITEM_COLUMNS, NotAskableError, StudyError
from study.evaluation import SensesInWindow
from tests.evaluation.listed_corpus import ListedCorpus, assert_recomputable, one, random_vectors

SENSES = ("money", "river")


def written(folder, counts=(6, 6), splits=("test", "development")):
    """Write sentences whose only telling words stand three words before their target and four after it."""
    lines = [
        f"one two {sense} four the [{word}] five six number{i} {sense} seven\t{sense}\t{split}\t{word}"
        for word, split in zip(("bank", "letter"), splits, strict=True)
        for sense, count in zip(SENSES, counts, strict=True)
        for i in range(count)
    ]
    path = folder / "senses.tsv"
    path.write_text("sentence\tlabel\tsplit\tgroup\n" + "\n".join(lines), encoding="utf-8")
    return path


def window(data, **settings) -> SensesInWindow:
    given = {"data": str(data), "needed": True, "distances": (1, 3, 30), "sentences": 10, "fewest": 3, "repeats": 2, "seed": 0}
    return SensesInWindow(**{**given, "description": "", "source": "https://here", **settings})


def test_each_sentence_is_cut_to_the_words_near_its_target(tmp_path):
    questions = window(written(tmp_path)).questions(ListedCorpus())
    assert len(questions.places) == 3 * len(questions.items)
    item = questions.items[questions.items["gold"] == "river"].iloc[0]
    cut = []
    for distance in (1, 3, 30):
        number, start, stop = questions.places[item[f"within {distance}"]]
        assert questions.sentences[number][start:stop] == [item["group"]]
        cut.append(" ".join(questions.sentences[number]))
    assert item["place"] == item["within 30"], "what a task is looked over by"
    assert cut[0] == "the bank five"
    assert cut[1].startswith("river four the bank five six number")
    assert cut[2].startswith("one two river four the bank")
    assert cut[2].endswith("river seven")


def reader(questions):
    """Give each cut sentence the sense that it names, and nothing where it names none."""
    named = [[float(sense in words) for sense in SENSES] for words in questions.sentences]
    return np.array([[1.0, *named[number]] for number, _, _ in questions.places], np.float32)


def test_a_reader_of_telling_words_is_right_as_soon_as_one_is_in_sight(tmp_path):
    task = window(written(tmp_path))
    questions = task.questions(ListedCorpus())
    result = task.score(questions, {"context": reader(questions), "word": np.full((len(questions.places), 4), 0.1, np.float32)})
    assert tuple(result.items.columns) == ITEM_COLUMNS
    assert_recomputable(result)
    seen = [one(result, "word_accuracy", view="context", question=f"within: {distance}").value for distance in (1, 3, 30)]
    assert seen == [0.5, 1.0, 1.0]
    flat = [one(result, "word_accuracy", question=f"within: {distance}") for distance in (1, 3, 30)]
    assert {(score.value, score.chance, score.n) for score in flat} == {(0.5, 0.5, 12)}
    assert one(result, "word_accuracy", "development", "context").value == pytest.approx(2.5 / 3)
    assert one(result, "word_accuracy", view="context", question="within").value == pytest.approx(2.5 / 3)


def test_vectors_without_meaning_score_about_chance(tmp_path):
    task = window(written(tmp_path, counts=(10, 10)))
    questions = task.questions(ListedCorpus())
    found = [
        one(task.score(questions, {"word": random_vectors(questions, seed=s)}), "word_accuracy", question="within")
        for s in range(8)
    ]
    assert 0.4 < np.mean([score.value for score in found]) < 0.6


def test_all_senses_of_a_word_have_equally_many_sentences_drawn_by_the_seed(tmp_path):
    path = written(tmp_path, counts=(9, 5))
    drawn = [window(path, **settings).questions(ListedCorpus()) for settings in ({}, {}, {"seed": 1}, {"sentences": 4})]
    assert drawn[0].items.groupby(["group", "gold"]).size().unique().tolist() == [5]
    assert drawn[3].items.groupby(["group", "gold"]).size().unique().tolist() == [4]
    assert drawn[0].sentences == drawn[1].sentences != drawn[2].sentences


def test_a_sentence_without_a_vector_at_one_distance_is_asked_and_teaches_at_none(tmp_path):
    task = window(written(tmp_path))
    questions = task.questions(ListedCorpus())
    array = reader(questions)
    array[questions.items["within 1"].to_numpy()[0]] = np.nan
    result = task.score(questions, {"word": array, "context": reader(questions)})
    found = {at: one(result, "word_accuracy", view="word", question=f"within: {at}") for at in (1, 3, 30)}
    assert [(score.coverage, score.n) for score in found.values()] == [(pytest.approx(11 / 12), 11)] * 3
    assert found[30].value == 1.0
    known = result.items[(result.items["view"] == "word") & result.items["known"]]
    asked = [set(part["item"].str.replace(r"-\d\d$", "", regex=True)) for _, part in known.groupby("question")]
    assert asked[0] == asked[1] == asked[2], "the same occurrences at every distance"
    assert one(result, "word_accuracy", view="context", question="within: 1").coverage == 1.0, "each view by itself"


def coarse(folder, counts):
    (folder / "bank").mkdir()
    (folder / "bank" / "classes_map.txt").write_text(json.dumps({str(n): f"sense{n}" for n in range(len(counts))}))
    for part in ("train", "test"):
        gold = [str(sense) for sense, count in enumerate(counts) for _ in range(count)]
        (folder / "bank" / f"{part}.data.txt").write_text("\n".join(f"2\tnear the bank {part} {n}" for n in range(len(gold))))
        (folder / "bank" / f"{part}.gold.txt").write_text("\n".join(gold))
    return folder


def test_a_folder_of_coarse_senses_gives_test_items_without_rare_senses(tmp_path):
    questions = window(coarse(tmp_path, (4, 3, 1))).questions(ListedCorpus())
    assert set(questions.items["split"]) == {"test"}
    assert questions.items["gold"].value_counts().to_dict() == {"sense0": 6, "sense1": 6}


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"distances": ()}, "distances"),
        ({"distances": (0,)}, "distances"),
        ({"fewest": 1}, "fewest"),
        ({"repeats": 0}, "repeats"),
    ],
)
def test_wrong_settings_are_told(tmp_path, settings, told):
    with pytest.raises(StudyError, match=told):
        window(written(tmp_path), **settings).questions(ListedCorpus())


def test_words_with_too_few_sentences_or_in_two_splits_are_told(tmp_path):
    with pytest.raises(StudyError, match="two senses of 'bank' with 3 usable sentences"):
        window(written(tmp_path, counts=(6, 2))).questions(ListedCorpus())
    path = written(tmp_path)
    path.write_text(path.read_text().replace("number0 money seven\tmoney\ttest", "number0 money seven\tmoney\tdevelopment"))
    with pytest.raises(StudyError, match="all in one split"):
        window(path).questions(ListedCorpus())
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(StudyError, match="one folder per word"):
        window(empty).questions(ListedCorpus())


def test_missing_data_stop_the_study_only_where_they_are_needed(tmp_path):
    with pytest.raises(StudyError, match="no such file") as fault:
        window(tmp_path / "none").questions(ListedCorpus())
    assert not isinstance(fault.value, NotAskableError)
    with pytest.raises(NotAskableError, match="no such file"):
        window(tmp_path / "none", needed=False).questions(ListedCorpus())
