import os
from pathlib import Path

import numpy as np
import pytest

from study.contracts import ITEM_COLUMNS, StudyError
from study.evaluation import WordInContext
from study.evaluation.polysemy.shuffling import ANOTHER, SHUFFLED
from study.evaluation.polysemy.word_in_context import REGRESSION, THRESHOLD, threshold
from tests.evaluation.listed_corpus import ListedCorpus, assert_recomputable, one, random_vectors

TOPICS = ("boat shore", "loan money")
COUNTS = {"train": 24, "dev": 8, "test": 12}


@pytest.fixture
def folder(tmp_path) -> Path:
    """Write balanced pairs: in each sentence the word before the target tells its sense; every other second form is a plural."""
    for part, count in COUNTS.items():
        (tmp_path / part).mkdir()
        data, gold = [], []
        for at in range(count):
            same = at % 4 < 2
            first, second = TOPICS[at % 2], TOPICS[at % 2 if same else 1 - at % 2]
            form = "banks" if at % 4 in (1, 2) else "bank"
            data.append(f"bank\tN\t3-2\tThe {first} Bank {part}{at} .\t{second} {form} 's x{part}{at}")
            gold.append("T" if same else "F")
        (tmp_path / part / f"{part}.data.txt").write_text("\n".join(data) + "\n")
        (tmp_path / part / f"{part}.gold.txt").write_text("\n".join(gold) + "\n")
    return tmp_path


def task(folder, **changed) -> WordInContext:
    settings = {
        "data": str(folder),
        "target": "form",
        "methods": [THRESHOLD, REGRESSION],
        "penalties": [0.1, 0.01],
        "iterations": 100,
        "shuffle": True,
        "seed": 0,
        "description": "",
        "source": "https://here",
    }
    return WordInContext(**{**settings, **changed})


def by_topic(questions) -> np.ndarray:
    """Give each place a vector that tells the topic of its sentence, with a little noise."""
    topic = np.array([int("loan" in questions.sentences[number]) for number in questions.places[:, 0]])
    return (np.eye(4)[topic] + 0.05 * random_vectors(questions, width=4)).astype(np.float32)


def by_word(questions, corpus) -> np.ndarray:
    """Give each form, as the vocabulary folds it, one vector."""
    words = [corpus.vocabulary.fold(questions.sentences[number][start]) for number, start, _ in questions.places]
    forms, codes = np.unique(words, return_inverse=True)
    return np.random.default_rng(0).normal(size=(len(forms), 16))[codes].astype(np.float32)


def test_both_targets_are_the_tokens_that_the_file_numbers(folder):
    questions = task(folder).questions(ListedCorpus())
    items = questions.items
    targets = [questions.sentences[number][start:stop] for number, start, stop in questions.places]
    assert all(targets[place] == ["Bank"] for place in items["place"])
    assert {targets[place][0] for place in items["other"]} == {"bank", "banks"}
    assert items["split"].value_counts().to_dict() == {"training": 24, "development": 8, "test": 12}
    assert len(questions.places) == 2 * 44 + 2 * 12


def test_the_lemma_takes_the_place_of_the_form(folder):
    questions = task(folder, target="lemma").questions(ListedCorpus())
    assert {questions.sentences[number][start] for number, start, _ in questions.places} == {"bank"}
    assert questions.sentences[0] == ["The", "boat", "shore", "bank", "train0"]


def test_meanings_that_lie_apart_are_told_apart(folder):
    mine = task(folder)
    questions = mine.questions(ListedCorpus())
    result = mine.score(questions, {"word": random_vectors(questions), "layer-1": by_topic(questions)})
    assert tuple(result.items.columns) == ITEM_COLUMNS
    assert_recomputable(result)
    for question in (THRESHOLD, REGRESSION):
        for split, n in (("development", 8), ("test", 12)):
            score = one(result, "accuracy", split, "layer-1", question)
            assert (score.value, score.n, score.chance) == (1, n, 0.5)
    assert one(result, "accuracy", view="layer-1", question=SHUFFLED).value == 1  # the topic does not hang on the order
    assert one(result, "accuracy", view="layer-1", question=ANOTHER).value < 1
    assert "training" not in set(result.items["split"])


@pytest.mark.parametrize("split", ["development", "test"])
def test_one_vector_per_lemma_scores_exactly_one_half(folder, split):
    mine, corpus = task(folder, target="lemma"), ListedCorpus()
    questions = mine.questions(corpus)
    result = mine.score(questions, {"word": by_word(questions, corpus)})
    assert one(result, "accuracy", split, question=THRESHOLD).value == 0.5


def test_one_vector_per_form_knows_what_the_baseline_of_forms_knows(folder):
    """Here the threshold can do no better than to tell equal forms from others, or to call all pairs one."""
    mine, corpus = task(folder), ListedCorpus()
    questions = mine.questions(corpus)
    same_form = one(mine.baselines(questions)["same form"], "accuracy", view="baseline").value
    assert same_form == 0.5
    assert one(mine.baselines(questions)["majority"], "accuracy", view="baseline").value == 0.5
    assert one(mine.score(questions, {"word": by_word(questions, corpus)}), "accuracy", question=THRESHOLD).value == 0.5


def test_another_ones_context_is_that_of_the_same_form_in_another_sentence(folder):
    path = folder / "test" / "test.data.txt"
    path.write_text(path.read_text() + "crane\tN\t1-1\tA crane flew .\tA crane stood .\n")
    (folder / "test" / "test.gold.txt").write_text((folder / "test" / "test.gold.txt").read_text() + "F\n")
    questions = task(folder).questions(ListedCorpus())
    items, test = questions.items, questions.items["split"] == "test"
    assert (items.loc[~test, "another_place"] == -1).all()
    assert items.loc[items["group"] == "crane", "another_place"].tolist() == [-1]  # no other pair asks for a crane
    for own in items[test & (items["group"] == "bank")].itertuples():
        changed = [(own.place, own.another_place), (own.other, own.another_other)]
        ((old, new),) = ((before, after) for before, after in changed if before != after)
        (first, at, _), (second, there, _) = questions.places[[old, new]]
        assert questions.sentences[first][at].lower() == questions.sentences[second][there].lower()
        assert questions.sentences[first] != questions.sentences[second]


def test_the_threshold_is_right_most_often_and_of_equal_ones_the_lowest():
    cosine = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    assert threshold(cosine, np.array([0, 0, 1, 0, 1, 1], bool)) == pytest.approx(0.25)  # as right as 0.45
    assert threshold(cosine, np.ones(6, bool)) == -np.inf
    assert threshold(cosine, np.zeros(6, bool)) == np.inf
    assert threshold(np.ones(4) + 1e-8 * np.arange(4), np.array([0, 1, 0, 1], bool)) == -np.inf  # cosines that do not differ
    rng = np.random.default_rng(0)
    cosine, same = rng.normal(size=200), rng.random(200) < 0.5
    best = max(((cosine >= cut) == same).mean() for cut in np.append(np.sort(cosine), np.inf))
    assert ((cosine >= threshold(cosine, same)) == same).mean() == best


def test_pairs_without_a_vector_are_asked_but_not_counted(folder):
    mine = task(folder)
    questions = mine.questions(ListedCorpus())
    vectors = by_topic(questions)
    vectors[questions.items["other"][questions.items["split"] == "test"].iloc[:3]] = np.nan
    result = mine.score(questions, {"layer-1": vectors})
    for question in (THRESHOLD, REGRESSION):
        score = one(result, "accuracy", view="layer-1", question=question)
        assert (score.n, score.coverage) == (9, 0.75)


def test_a_target_that_is_no_word_of_the_corpus_is_counted_and_left_out(folder):
    path = folder / "dev" / "dev.data.txt"
    path.write_text(path.read_text().replace("3-2", "3-3", 1).replace("'s xdev0", "'s- xdev0"))
    questions = task(folder).questions(ListedCorpus())
    assert questions.dropped == {"target does not align with the corpus's words": 1}
    assert len(questions.items) == 43


@pytest.mark.parametrize(
    ("part", "kind", "text", "said"),
    [
        ("dev", "data", "bank\tN\t1-1\tA bank .\n", "dev.data.txt:1: expected lemma TAB"),
        ("dev", "data", "bank\tN\t1-9\tA bank .\tA bank .\n", "dev.data.txt:1: expected the number of one of the 3 tokens"),
        ("test", "gold", "T\n", "expected an answer for 12 lines, found 1"),
        ("dev", "gold", "X\n", "T or F"),
    ],
)
def test_bad_files_are_refused_with_their_line(folder, part, kind, text, said):
    (folder / part / f"{part}.{kind}.txt").write_text(text)
    if part == "dev":
        other = folder / part / f"{part}.{'gold' if kind == 'data' else 'data'}.txt"
        other.write_text("T\n" if kind == "data" else "bank\tN\t1-1\tA bank .\tA bank .\n")
    with pytest.raises(StudyError, match=said):
        task(folder).questions(ListedCorpus())


@pytest.mark.parametrize("methods", [[REGRESSION], [THRESHOLD, "svm"]])
def test_methods_that_are_not_known_are_refused(folder, methods):
    with pytest.raises(StudyError, match="expected 'cosine threshold' and at most"):
        task(folder, methods=methods).questions(ListedCorpus())


@pytest.mark.data
def test_on_the_published_set_the_floors_are_the_published_ones():
    if "STUDY_DATA" not in os.environ:
        pytest.skip("STUDY_DATA is not set")
    mine, corpus = task("polysemy/WiC", target="lemma"), ListedCorpus()
    questions = mine.questions(corpus)
    assert questions.dropped == {}
    assert questions.items["split"].value_counts().to_dict() == {"training": 5428, "test": 1400, "development": 638}
    assert round(one(mine.baselines(questions)["same form"], "accuracy", view="baseline").value, 3) == 0.516
    result = mine.score(questions, {"word": by_word(questions, corpus)})
    for split in ("development", "test"):
        score = one(result, "accuracy", split, question=THRESHOLD)
        assert (score.value, score.coverage) == (0.5, 1)
