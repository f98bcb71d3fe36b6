import numpy as np
import pytest

from study.evaluation import DependencyArc, DependencyArcLabel
from study.evaluation.probing.treebank import align
from tests.evaluation.listed_corpus import ListedCorpus, assert_recomputable, random_vectors, regimen
from tests.evaluation.toy_treebank import english_web_treebank, needs_data, toy_treebank, tree

SETTINGS = {"regimen": regimen(), "description": "", "source": "", "fewest": 1}
SIZES = {"training": 120, "development": 40, "test": 40, "per_sentence": 4}
LARGE = {"training": 3000, "development": 1000, "test": 1500, "per_sentence": 4}


def pairs(questions) -> list[tuple[str, str, str, int]]:
    """Return first word, second word, label and signed distance of each question."""
    found = []
    for place, other, label in questions.items[["place", "other", "gold"]].itertuples(index=False):
        (sentence, one, _), (same, two, _) = questions.places[place], questions.places[other]
        assert sentence == same
        words = questions.sentences[sentence]
        found.append((words[one].lower(), words[two].lower(), label, two - one))
    return found


def test_the_head_comes_first_and_the_dependent_second(tmp_path):
    questions = DependencyArcLabel(treebank=toy_treebank(tmp_path), subtypes=False, **SIZES, **SETTINGS).questions(ListedCorpus())
    found = pairs(questions)
    assert {(one[0], two) for one, two, label, _ in found if label == "det"} == {("n", "the")}
    assert {one[0] for one, _, label, _ in found if label in ("nsubj", "obj")} == {"v"}
    assert {(one[0], two) for one, two, label, _ in found if label == "case"} == {("n", "of")}
    assert "punct" not in {label for *_, label, _ in found}


def test_pairs_without_an_arc_are_of_the_same_sentence_direction_and_distance(tmp_path):
    questions = DependencyArc(treebank=toy_treebank(tmp_path), **SIZES, **SETTINGS).questions(ListedCorpus())
    for _, part in questions.items.groupby("split"):
        assert (part["gold"] == "head").sum() == (part["gold"] == "no head").sum()
    found = pairs(questions)
    distances = {label: np.array([distance for *_, one, distance in found if one == label]) for label in ("head", "no head")}
    assert (np.sign(distances["head"]) == np.sign(distances["no head"])).all()
    assert np.mean(distances["head"] == distances["no head"]) > 0.8
    assert {two[0] for one, two, label, _ in found if label == "head" and one == "the"} == {"n"}
    score = DependencyArc(treebank=toy_treebank(tmp_path), **SIZES, **SETTINGS)
    assert_recomputable(score.score(questions, {"word": random_vectors(questions)}))


def test_no_pair_without_an_arc_has_one(tmp_path):
    sentence = align(
        tree(tmp_path, "The/DET/2/det cat/NOUN/3/nsubj sees/VERB/0/root the/DET/5/det dog/NOUN/3/obj ./PUNCT/3/punct"),
        ListedCorpus(),
    )
    task = DependencyArc(treebank=None, **SIZES | {"per_sentence": 8}, **SETTINGS)
    asked = task.ask(sentence, np.random.default_rng(0))
    arcs = {(0, 1), (1, 2), (3, 4), (4, 2)}
    assert {(one, two) for label, one, two in asked if label == "head"} == arcs
    assert not {(one, two) for label, one, two in asked if label == "no head"} & arcs
    assert len({(one, two) for _, one, two in asked}) == len(asked) == 8


@pytest.mark.data
@needs_data
def test_arcs_of_the_english_web_treebank_give_nothing_away_by_distance():
    questions = DependencyArc(treebank=english_web_treebank(), **LARGE, **SETTINGS).questions(ListedCorpus())
    assert questions.items.groupby("split")["gold"].value_counts().to_dict() == {
        (split, label): LARGE[split] // 2 for split in ("training", "development", "test") for label in ("head", "no head")
    }
    found = pairs(questions)
    means = [np.mean([abs(distance) for *_, one, distance in found if one == label]) for label in ("head", "no head")]
    assert abs(means[0] - means[1]) < 0.1
    labels = DependencyArcLabel(treebank=english_web_treebank(), subtypes=False, **LARGE, **SETTINGS | {"fewest": 20})
    questions = labels.questions(ListedCorpus())
    assert {label for _, two, label, _ in pairs(questions) if two == "the"} == {"det"}
    assert questions.items["gold"].value_counts(normalize=True).iloc[0] < 0.15
