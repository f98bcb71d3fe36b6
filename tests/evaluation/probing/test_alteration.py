from collections import Counter

import numpy as np
import pytest

from study.evaluation import CoordinationInversion, OddWord, TreebankBigramShift
from study.evaluation.probing.alteration import conjunction, inverted
from study.evaluation.probing.treebank import align
from tests.evaluation.listed_corpus import ListedCorpus, assert_recomputable, one, random_vectors, regimen
from tests.evaluation.toy_treebank import english_web_treebank, needs_data, toy_corpus, toy_treebank, tree

SETTINGS = {"regimen": regimen(), "description": "", "source": "", "shortest": 4, "longest": 40}
SIZES = {"training": 200, "development": 40, "test": 40}
LARGE = {"training": 3000, "development": 1000, "test": 1500}
KINDS = [(TreebankBigramShift, {}), (CoordinationInversion, {}), (OddWord, {"tried": 5})]


@pytest.fixture(scope="module")
def treebank(tmp_path_factory):
    return toy_treebank(tmp_path_factory.mktemp("treebank"))


@pytest.fixture(scope="module")
def originals(treebank):
    plain = ListedCorpus()
    texts = [tree.text for split in treebank.files for tree in treebank.trees(split)]
    return {tuple(token.word for token in plain.words(text)) for text in texts}


@pytest.mark.parametrize(("kind", "settings"), KINDS)
def test_half_are_changed_and_the_others_as_written(kind, settings, treebank, originals):
    task = kind(treebank=treebank, **settings, **SIZES, **SETTINGS)
    questions = task.questions(toy_corpus(treebank))
    for words, label in zip(questions.sentences, questions.items["gold"], strict=True):
        assert (tuple(words) in originals) == (label == "as written"), words
    counts = questions.items.groupby("split")["gold"].value_counts().unstack()
    assert (counts.nunique(axis=1) == 1).all()
    assert counts.min(axis=None) >= 8
    assert task.questions(toy_corpus(treebank)).sentences == questions.sentences
    assert_recomputable(task.score(questions, {"word": random_vectors(questions)}))


@pytest.mark.parametrize(
    ("sentence", "wanted"),
    [
        (
            "I/PRON/2/nsubj ran/VERB/0/root ,/PUNCT/5/punct and/CCONJ/6/cc nobody/PRON/6/nsubj came/VERB/2/conj ./PUNCT/2/punct",
            "Nobody came and I ran",
        ),
        (
            "Rain/NOUN/2/nsubj fell/VERB/0/root but/CCONJ/5/cc Mary/PROPN/5/nsubj stayed/VERB/2/conj there/ADV/5/advmod",
            "Mary stayed there but rain fell",
        ),
        ("paul/PROPN/2/nsubj ran/VERB/0/root and/CCONJ/5/cc we/PRON/5/nsubj saw/VERB/2/conj", "we saw and paul ran"),
        ("NASA/PROPN/2/nsubj ran/VERB/0/root and/CCONJ/5/cc we/PRON/5/nsubj saw/VERB/2/conj", "We saw and NASA ran"),
        ("I/PRON/2/nsubj came/VERB/0/root and/CCONJ/4/cc saw/VERB/2/conj", None),  # the second has no subject of its own
        ("He/PRON/3/nsubj and/CCONJ/3/cc I/PRON/4/nsubj ran/VERB/0/root", None),
        ("I/PRON/2/nsubj ran/VERB/0/root and/CCONJ/5/cc he/PRON/5/nsubj fell/VERB/2/conj then/ADV/2/advmod", None),
    ],
)
def test_clauses_change_places_around_their_conjunction(sentence, wanted, tmp_path):
    found = inverted(align(tree(tmp_path, sentence), ListedCorpus()))
    assert (found and " ".join(found)) == wanted


def test_the_longer_clause_stands_first_equally_often_in_both_classes(treebank):
    questions = CoordinationInversion(treebank=treebank, **SIZES, **SETTINGS).questions(ListedCorpus())
    counts = Counter()
    for words, label in zip(questions.sentences, questions.items["gold"], strict=True):
        border = words.index("and")
        counts[label, int(np.sign(border - (len(words) - border - 1)))] += 1
    assert {counts["changed", sign] - counts["as written", sign] for sign in (-1, 0, 1)} == {0}
    assert counts["changed", -1] > 0


def test_capitals_do_not_give_the_exchange_of_clauses_away(treebank):
    questions = CoordinationInversion(treebank=treebank, **SIZES, **SETTINGS).questions(ListedCorpus())
    for words in questions.sentences:
        assert words[0] == "The"
        assert all(word == word.lower() for word in words[1:])


def test_an_odd_word_has_the_inflection_and_frequency_of_the_one_it_replaces(treebank, originals):
    corpus = toy_corpus(treebank)
    questions = OddWord(treebank=treebank, tried=5, **SIZES, **SETTINGS).questions(corpus)
    changed = [words for words, label in zip(questions.sentences, questions.items["gold"], strict=True) if label == "changed"]
    assert changed
    for words in changed:
        near = [one for one in originals if len(one) == len(words) and sum(a != b for a, b in zip(one, words, strict=True)) == 1]
        assert len(near) == 1
        ((old, new),) = [(a, b) for a, b in zip(near[0], words, strict=True) if a != b]
        assert old[0] == new[0]
        assert old.endswith("s") == new.endswith("s")
        assert 0.5 < corpus.vocabulary.count(new) / corpus.vocabulary.count(old) < 2


@pytest.mark.data
@needs_data
def test_the_alterations_of_the_english_web_treebank_leave_no_trace_in_the_words():
    treebank = english_web_treebank()
    corpus, settings = toy_corpus(treebank), LARGE | SETTINGS | {"shortest": 5, "longest": 30}
    sizes = {"TreebankBigramShift": 1300, "OddWord": 1100, "CoordinationInversion": 80}
    found = {}
    for kind, more in KINDS:
        task = kind(treebank=treebank, **more, **settings)
        questions = task.questions(corpus)
        counts = questions.items.groupby("split")["gold"].value_counts().unstack()
        assert (counts.nunique(axis=1) == 1).all()
        assert counts.loc["test"].sum() >= sizes[kind.__name__]
        score = one(task.baselines(questions)["naive Bayes"], "accuracy", view="baseline", question="label")
        assert score.low < 0.5 < score.high + 0.05, kind
        found[kind.__name__] = {
            " ".join(words): label for words, label in zip(questions.sentences, questions.items["gold"], strict=True)
        }
    assert found["CoordinationInversion"]["The owner is very very rude and the place smells"] == "changed"
    assert found["TreebankBigramShift"]["economy be should good here"] == "changed"


@pytest.mark.data
@needs_data
def test_one_sentence_in_thirty_of_the_english_web_treebank_can_be_inverted():
    corpus, trees = ListedCorpus(), english_web_treebank().trees("test")
    assert 90 <= sum(conjunction(align(tree, corpus)) is not None for tree in trees) <= 160
