import re
from collections import Counter

import numpy as np
import pytest
from scipy import stats

from study.contracts import ITEM_COLUMNS, NotAskableError, StudyError
from study.evaluation import TellingWord
from study.evaluation.polysemy.telling_word import ALONE, told_by_others
from tests.evaluation.listed_corpus import ListedCorpus, assert_recomputable, one, random_vectors
from tests.evaluation.option import TASKS, option

CUES = {
    "bank": ("test", {"money": "loan debt cash gold", "river": "shore boat fish flood"}),
    "spring": ("test", {"season": "summer rain", "water": "hot well", "coil": "steel wire"}),
    "letter": ("development", {"mail": "wrote sent reply", "sign": "vowel greek spell"}),
}
FILLERS = ("and so it was", "as they had said", "then we went on", "but nobody knew", "when all was over", "it may be")
KNOWN = ["bank", "spring", "letter", *(cue for _, senses in CUES.values() for cues in senses.values() for cue in cues.split())]
CORPUS = ListedCorpus([(0, KNOWN)])


def telling_word(folder, **settings) -> TellingWord:
    lines = [f"{word}\t{split}\t{sense}\t{cues}" for word, (split, senses) in CUES.items() for sense, cues in senses.items()]
    path = folder / "telling.tsv"
    path.write_text("\n".join(["word\tsplit\tsense\tcues", *lines]), encoding="utf-8")
    given = {"data": str(path), "distances": (1, 2, 5, 8), "frames": 2, "fillers": FILLERS, "article": "the", "cues": 8}
    return TellingWord(**{**given, "cue_count": 1, "seed": 0, "description": "", "source": "", **settings})


@pytest.fixture
def task(tmp_path):
    return telling_word(tmp_path)


@pytest.fixture
def questions(task):
    return task.questions(CORPUS)


def rows(questions):
    """Yield each item with the words of its sentence and the place of its target."""
    for item in questions.items.itertuples():
        number, start, stop = questions.places[item.place]
        assert stop == start + 1
        yield item, list(questions.sentences[number]), start


def test_each_sentence_holds_exactly_one_telling_word_at_the_right_distance_and_side(questions):
    telling = set(KNOWN) - set(CUES)
    for item, words, start in rows(questions):
        assert words[start] == item.group
        assert Counter(words)[item.group] == 1
        assert [word for word in words if word in telling] == [item.cue]
        away = words.index(item.cue) - start
        assert away == (-1 if item.side == "before" else 1) * (item.distance or 1)
        assert (len(words), start) == (17, 8) or (item.distance == 0 and len(words) == 2)


def test_only_the_place_of_the_cue_changes_with_the_distance_and_only_the_cue_with_the_sense(questions):
    frames = {}
    for item, words, _ in rows(questions):
        if item.distance:
            words.remove(item.cue)
            frame = re.sub("^.*-", "", item.item)
            frames.setdefault((item.group, frame, item.side), set()).add(tuple(words))
            fillers = sorted(word for word in words if word != item.group)
            frames.setdefault((item.group, frame), set()).add(tuple(fillers))
            before = words[: words.index(item.group)]
            assert before[-1] == "the" if before else item.side == "before"
    assert {len(found) for found in frames.values()} == {1}
    bank = {found for key, kind in frames.items() if key[0] == "bank" and len(key) == 2 for found in kind}
    assert len(bank) == 2


def test_the_seed_alone_decides_and_a_word_more_changes_no_other(tmp_path, questions):
    assert telling_word(tmp_path).questions(CORPUS).sentences == questions.sentences
    assert telling_word(tmp_path, seed=1).questions(CORPUS).sentences != questions.sentences
    fewer = telling_word(tmp_path).questions(ListedCorpus([(0, [word for word in KNOWN if word != "spring"])]))
    assert fewer.sentences == [
        s for s, group in zip(questions.sentences, questions.items["group"], strict=True) if group != "spring"
    ]


def test_what_is_asked_is_balanced(questions):
    counts = questions.items.groupby(["group", "distance", "side", "gold"]).size().unstack("gold")
    for word, part in counts.groupby("group"):
        part = part.dropna(axis=1)
        assert part.nunique(axis=1).eq(1).all(), word
    assert questions.items["item"].is_unique
    assert set(questions.items.loc[questions.items["group"] == "letter", "split"]) == {"development"}


def oracle(questions, reach, noise=0.0):
    """Give each sentence the direction of its sense where the cue is in reach, and of its word alone where it is not."""
    rng = np.random.default_rng(0)
    senses = {sense: number for number, sense in enumerate(sorted(set(questions.items["gold"])))}
    array = np.full((len(questions.items), 12), 3.0)
    near = (questions.items["distance"] <= reach).to_numpy()
    array[near, questions.items["gold"].map(senses).to_numpy()[near]] += 1.0
    return (array + noise * rng.normal(size=array.shape)).astype(np.float32)


def test_an_oracle_of_short_sight_is_right_within_it_and_at_chance_beyond(task, questions):
    result = task.score(questions, {"layer-1": oracle(questions, reach=2), "word": oracle(questions, reach=0)})
    assert tuple(result.items.columns) == ITEM_COLUMNS
    assert_recomputable(result)
    chance = (1 / 2 + 1 / 3) / 2
    for distance, value in ((1, 1.0), (2, 1.0), (5, chance), (8, chance)):
        score = one(result, "word_accuracy", view="layer-1", question=f"distance: {distance}")
        assert (score.value, score.chance) == (pytest.approx(value), pytest.approx(chance))
        assert one(result, "word_accuracy", view="word", question=f"distance: {distance}").value == pytest.approx(chance)
    assert one(result, "word_accuracy", view="layer-1", question="distance").value == pytest.approx((1 + chance) / 2)
    assert one(result, "word_accuracy", view="layer-1", question=ALONE).value == 1.0
    assert one(result, "word_accuracy", "development", "layer-1").value == 0.75
    assert one(result, "word_accuracy", view="layer-1", question="distance: 1").n == 14


def test_identical_vectors_and_those_that_tell_fillers_alone_score_exactly_chance(task, questions):
    frames = questions.items["item"].str.extract(r"/(.*)$")[0].factorize()[0]
    fillers = np.random.default_rng(0).normal(size=(frames.max() + 1, 12))[frames]
    result = task.score(questions, {"word": np.full((len(fillers), 12), 0.1, np.float32), "context": fillers.astype(np.float32)})
    test = [score for score in result.scores if score.split == "test"]
    assert {score.value for score in test} == {(1 / 2 + 1 / 3) / 2}
    assert {(score.low, score.high) for score in result.scores if score.split == "development"} == {(0.5, 0.5)}


def test_a_cue_is_never_told_by_itself(task, questions):
    """Vectors that know each cue by heart, and no likeness between cues, are worth no more than guessing."""
    hits = []
    for seed in range(40):
        cue = np.random.default_rng(seed).normal(size=(100, 24))[questions.items["cue"].factorize()[0]]
        answers = task._answers(questions, cue.astype(np.float32))
        mine = answers[(answers["group"] == "bank") & (answers["question"] == "distance: 1")]
        hits.append((mine["gold"] == mine["predicted"]).mean())
    low, high = stats.binom.interval(0.999, 40 * 8, 0.5)
    assert low <= sum(hits) * 8 <= high


def test_vectors_without_meaning_score_as_guessing_does(task, questions):
    hits = []
    for seed in range(40):
        answers = task._answers(questions, random_vectors(questions, seed=seed, mean=5.0))
        mine = answers[(answers["group"] == "bank") & (answers["question"] == "distance: 5")]
        hits.append((mine["gold"] == mine["predicted"]).mean())
    low, high = stats.binom.interval(0.999, 40 * 32, 0.5)
    assert low <= sum(hits) * 32 <= high


def test_the_centroids_are_those_of_the_other_cues():
    """One cue lies with the other sense: it is given that sense, and draws the answers on its own side with it."""
    vectors = np.zeros((2, 3, 1, 2))
    vectors[0, :, 0] = [[1.0, 0.1], [1.0, -0.1], [-1.0, 0.0]]
    vectors[1, :, 0] = [[-1.0, 0.1], [-1.0, -0.1], [-1.0, 0.0]]
    folds = np.array([[0, 1, 2], [2, 0, 1]])
    assert told_by_others(vectors, folds)[:, :, 0].tolist() == [[0, 0, 1], [1, 1, 1]]


def test_a_word_without_vectors_is_not_known(task, questions):
    array = oracle(questions, reach=8)
    array[np.flatnonzero(questions.items["group"] == "bank")[0]] = np.nan
    result = task.score(questions, {"word": array})
    assert one(result, "word_accuracy", question=ALONE).coverage < 1.0
    assert one(result, "word_accuracy", question="distance: 8").coverage == 1.0


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"distances": ()}, "distances"),
        ({"distances": (0, 1)}, "distances"),
        ({"frames": 0}, "frames"),
        ({"cues": 1}, "cues"),
        ({"distances": (30,)}, "expected phrases of 58 words"),
        ({"fillers": (*FILLERS, "he took the boat")}, "boat is a target or a telling word"),
        ({"article": "Bank"}, "Bank is a target"),
    ],
)
def test_wrong_settings_are_told(tmp_path, settings, told):
    with pytest.raises(StudyError, match=told):
        telling_word(tmp_path, **settings).questions(CORPUS)


def test_a_corpus_that_lacks_the_words_is_not_asked(task):
    with pytest.raises(NotAskableError, match="knows too few"):
        task.questions(ListedCorpus([(0, ["bank", "loan", "debt"])]))


def test_the_task_of_the_study_makes_sentences_of_its_own_words():
    """Its fillers suffice, and none of them is a telling word."""
    data = TASKS / option("polysemy/telling_word").data
    cells = [line.split("\t") for line in data.read_text(encoding="utf-8").splitlines()[1:]]
    corpus = ListedCorpus([(0, [word for row in cells for word in f"{row[0]} {row[3]}".split()])])
    questions = option("polysemy/telling_word", data=str(data), cue_count=1).questions(corpus)
    assert questions.items["group"].nunique() == 27
    assert {len(words) for words in questions.sentences} == {2, 61}
