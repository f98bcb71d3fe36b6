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
    assert (distances["head"] == distances["no head"]).all()
    score = DependencyArc(treebank=toy_treebank(tmp_path), **SIZES, **SETTINGS)
    assert_recomputable(score.score(questions, {"word": random_vectors(questions)}))


def test_a_pair_without_an_arc_has_the_same_parts_of_speech_order_and_distance(tmp_path):
    sentence = align(
        tree(tmp_path, "old/ADJ/4/amod stone/NOUN/4/compound big/ADJ/4/amod houses/NOUN/0/root stand/VERB/4/acl"), ListedCorpus()
    )
    task = DependencyArc(treebank=None, **SIZES | {"per_sentence": 8}, **SETTINGS)
    assert task.ask(sentence, np.random.default_rng(0)) == [("head", 2, 3), ("no head", 0, 1)]


@pytest.mark.data
@needs_data
def test_arcs_of_the_english_web_treebank_give_nothing_away_by_distance():
    questions = DependencyArc(treebank=english_web_treebank(), **LARGE, **SETTINGS).questions(ListedCorpus())
    assert questions.items.groupby("split")["gold"].value_counts().to_dict() == {
        (split, label): LARGE[split] // 2 for split in ("training", "development", "test") for label in ("head", "no head")
    }
    found = pairs(questions)
    distances = np.array([distance for *_, distance in found])
    arcs = np.array([label == "head" for *_, label, _ in found])
    known = sum(max((arcs & here).sum(), (~arcs & here).sum()) for here in (distances == one for one in np.unique(distances)))
    assert known / len(arcs) < 0.52
    labels = DependencyArcLabel(treebank=english_web_treebank(), subtypes=False, **LARGE, **SETTINGS | {"fewest": 20})
    questions = labels.questions(ListedCorpus())
    assert {label for _, two, label, _ in pairs(questions) if two == "the"} == {"det"}
    assert questions.items["gold"].value_counts(normalize=True).iloc[0] < 0.15
