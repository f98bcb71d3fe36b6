from collections import Counter

import numpy as np
import pytest

from study.contracts import NotAskableError
from study.evaluation import ArgumentNumber, MainTense, TopConstituents, TreeDepth
from study.evaluation.probing.grammar import Candidate, balanced
from study.evaluation.probing.treebank import align
from tests.evaluation.listed_corpus import ListedCorpus, assert_recomputable, one, random_vectors, regimen
from tests.evaluation.toy_treebank import english_web_treebank, needs_data, toy_treebank, tree

SETTINGS = {"regimen": regimen(), "description": "", "source": "", "shortest": 4, "longest": 40}
SIZES = {"training": 200, "development": 60, "test": 60}
LARGE = {"training": 3000, "development": 1000, "test": 1500}
SUBJECT, ORDER = ("nsubj", "nsubj:pass"), ("nsubj", "aux", "obj", "xcomp")
SENTENCE = (
    "The/DET/2/det dogs/NOUN/4/nsubj/Number=Plur have/AUX/4/aux chased/VERB/0/root/Tense=Past|VerbForm=Fin "
    "a/DET/6/det cat/NOUN/4/obj/Number=Sing of/ADP/9/case the/DET/9/det neighbours/NOUN/6/nmod/Number=Plur ./PUNCT/4/punct"
)


def made(kind, treebank, sizes=SIZES, **settings):
    return kind(treebank=treebank, **{**SETTINGS, **sizes, **settings})


@pytest.mark.parametrize(
    ("kind", "settings", "label", "target"),
    [
        (MainTense, {}, "Past", "chased"),
        (ArgumentNumber, {"relations": SUBJECT}, "Plur", "dogs"),
        (ArgumentNumber, {"relations": ("obj",)}, "Sing", "cat"),
        (TreeDepth, {"depths": (2, 3)}, "depth 3", ""),
        (TreeDepth, {"depths": (4,)}, None, None),
        (ArgumentNumber, {"relations": ("iobj",)}, None, None),
    ],
)
def test_a_sentence_looked_over_by_hand(kind, settings, label, target, tmp_path):
    found = made(kind, None, **settings).candidate(align(tree(tmp_path, SENTENCE), ListedCorpus()))
    assert (None, None) if found is None else (found.label, found.target) == (label, target)
    assert (found is None) == (label is None)


def test_the_order_of_the_root_and_its_dependents_is_named(tmp_path):
    sentence = align(tree(tmp_path, SENTENCE), ListedCorpus())
    drawn = {"training": [sentence], "development": [sentence], "test": []}
    task = made(TopConstituents, None, relations=ORDER, classes=2)
    assert [one.label for one in task.ask(drawn, ListedCorpus(), np.random.default_rng(0))["development"]] == [
        "nsubj aux root obj"
    ]
    drawn["training"] = [align(tree(tmp_path, "Go/VERB/0/root home/ADV/1/advmod"), ListedCorpus())] * 2
    assert task.ask(drawn, ListedCorpus(), np.random.default_rng(0))["development"][0].label == "other"


def test_classes_are_equally_frequent_in_each_stratum():
    rng = np.random.default_rng(0)
    candidates = [
        Candidate(["w"], "d", label, stratum=int(stratum))
        for label, stratum in zip(rng.choice(["a", "b", "c"], 300, p=[0.6, 0.3, 0.1]), rng.integers(4, size=300), strict=True)
    ]
    chosen = balanced(candidates, ["a", "b"], 60)
    assert Counter(one.label for one in chosen) == {"a": 30, "b": 30}
    assert len({Counter(one.label for one in chosen if one.stratum == stratum)["a"] for stratum in range(4)}) > 1
    for stratum in range(4):
        counts = Counter(one.label for one in chosen if one.stratum == stratum)
        assert counts["a"] == counts["b"]
    assert len(balanced(candidates, ["a", "b"], 10**6)) == 2 * sum(
        min(Counter((one.label, one.stratum) for one in candidates)[label, stratum] for label in "ab") for stratum in range(4)
    )


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (MainTense, {}),
        (ArgumentNumber, {"relations": SUBJECT}),
        (TreeDepth, {"depths": (2, 3)}),
        (TopConstituents, {"relations": ("nsubj", "conj"), "classes": 2}),
    ],
)
def test_questions_are_balanced_distinct_and_disjoint_in_documents(kind, settings, tmp_path):
    task = made(kind, toy_treebank(tmp_path), **settings)
    questions = task.questions(ListedCorpus())
    assert questions.level == "sentence"
    counts = questions.items.groupby("split")["gold"].value_counts().unstack()
    assert (counts.nunique(axis=1) == 1).all()
    assert (counts.sum(axis=1) <= [SIZES[split] for split in counts.index]).all()
    assert counts.min(axis=None) >= 2
    assert questions.items.groupby("group")["split"].nunique().max() == 1
    assert len({tuple(words) for words in questions.sentences}) == len(questions.items)
    result = task.score(questions, {"word": random_vectors(questions)})
    assert_recomputable(result)


def test_no_target_of_development_or_test_stands_in_training(tmp_path):
    questions = made(MainTense, toy_treebank(tmp_path)).questions(ListedCorpus())
    targets = {split: set() for split in SIZES}
    for words, split in zip(questions.sentences, questions.items["split"], strict=True):
        targets[split].add(words[2].lower())
    assert all(word.startswith("v") for found in targets.values() for word in found)
    assert not targets["training"] & (targets["development"] | targets["test"])


def test_depth_cannot_be_read_from_length(tmp_path):
    questions = made(TreeDepth, toy_treebank(tmp_path), depths=(2, 3)).questions(ListedCorpus())
    lengths = np.array([len(words) for words in questions.sentences])
    for _, part in questions.items.groupby("split"):
        found = [sorted(lengths[part.index[part["gold"] == label]]) for label in ("depth 2", "depth 3")]
        assert found[0] == found[1]


def test_a_treebank_without_the_classes_is_refused_with_what_it_has(tmp_path):
    with pytest.raises(NotAskableError, match=r"two classes or more in each split, found .*depth 3"):
        made(TreeDepth, toy_treebank(tmp_path), depths=(3,)).questions(ListedCorpus())


LOOKED_UP = {  # read in the treebank and judged by hand
    "tree depth": {
        "They specialize in financial institutions medical and retail projects": "depth 5",
        "I am in love with the giant plate of nachos": "depth 3",
    },
    "top constituents": {
        "I'll post highlights from the opinion and dissents when I'm finished": "nsubj aux root obj",
        "From the outside Ichiban looks like it will be terrible": "nsubj root",
    },
    "tense": {
        "People love to buy these cute cuddly little animals for gifts and collectables": "Pres",
        "never response the phone call": "Past",
    },
    "subject number": {"Universities will take you whatever age you are": "Plur", "economy should be good here": "Sing"},
    "object number": {"I would highly recommend her services": "Plur", "Does a pacman absolutely need a uv lamp": "Sing"},
}
REAL = {
    "tree depth": (TreeDepth, {"depths": (3, 4, 5)}, 3, 280),
    "top constituents": (
        TopConstituents,
        {"relations": ("nsubj", "csubj", "expl", "obj", "iobj", "ccomp", "xcomp", "aux", "cop"), "classes": 10},
        10,
        460,
    ),
    "tense": (MainTense, {}, 2, 280),
    "subject number": (ArgumentNumber, {"relations": SUBJECT}, 2, 150),
    "object number": (ArgumentNumber, {"relations": ("obj",)}, 2, 150),
}


@pytest.mark.data
@needs_data
@pytest.mark.parametrize("name", REAL)
def test_the_english_web_treebank_gives_balanced_classes(name):
    kind, settings, classes, at_least = REAL[name]
    task = made(kind, english_web_treebank(), LARGE, shortest=5, longest=30, **settings)
    questions = task.questions(ListedCorpus())
    counts = questions.items.groupby("split")["gold"].value_counts().unstack()
    assert counts.shape == (3, classes)
    assert (counts.nunique(axis=1) == 1).all()
    assert counts.loc["test"].sum() >= at_least
    assert counts.loc["training"].sum() >= 750
    floors = task.baselines(questions)
    assert one(floors["majority"], "accuracy", view="baseline", question="label").value == pytest.approx(1 / classes)
    label_of = {" ".join(words): label for words, label in zip(questions.sentences, questions.items["gold"], strict=True)}
    looked_up = LOOKED_UP[name]
    assert {text: label_of[text] for text in looked_up} == looked_up
