import pytest

from study.evaluation import TreebankLength, TreebankWordContent
from study.evaluation.probing.surface import _content_words
from tests.evaluation.listed_corpus import ListedCorpus, one, regimen
from tests.evaluation.toy_treebank import english_web_treebank, needs_data, toy_corpus, toy_treebank, tree

SETTINGS = {"regimen": regimen(), "description": "", "source": "", "shortest": 4, "longest": 40}
SIZES = {"training": 300, "development": 80, "test": 80}
LARGE = {"training": 3000, "development": 1000, "test": 1500}


def test_classes_of_length_hold_their_sentences(tmp_path):
    task = TreebankLength(treebank=toy_treebank(tmp_path), bins=3, **SIZES, **SETTINGS)
    questions = task.questions(ListedCorpus())
    for words, name in zip(questions.sentences, questions.items["gold"], strict=True):
        low, high = map(int, name.removesuffix(" words").split("-"))
        assert low <= len(words) <= high
    counts = questions.items.groupby("split")["gold"].value_counts().unstack()
    assert counts.shape[1] >= 2
    assert (counts.nunique(axis=1) == 1).all()


def test_only_words_that_are_content_words_nearly_everywhere_are_asked_for(tmp_path):
    one_tree = tree(tmp_path, "Cats/NOUN/2/nsubj like/VERB/0/root cats/NOUN/2/obj like/ADP/5/case dogs/NOUN/2/obl")
    assert _content_words([one_tree]) == ["cats", "dogs"]


def test_each_sentence_contains_exactly_one_of_the_words(tmp_path):
    treebank = toy_treebank(tmp_path)
    settings = {"words": 12, "most_frequent_left_out": 3, "sentences_per_word": (3, 1, 1)}
    task = TreebankWordContent(treebank=treebank, **settings, **SIZES, **SETTINGS)
    questions = task.questions(toy_corpus(treebank))
    asked = set(questions.items["gold"])
    assert 4 <= len(asked) <= 12
    assert not asked & {"the", "of", "and"}
    for words, gold in zip(questions.sentences, questions.items["gold"], strict=True):
        assert {word.lower() for word in words} & asked == {gold}
    counts = questions.items.groupby("split")["gold"].value_counts().unstack()
    assert (counts.nunique(axis=1) == 1).all()


@pytest.mark.data
@needs_data
def test_length_and_content_of_the_english_web_treebank():
    treebank = english_web_treebank()
    settings = SETTINGS | {"shortest": 5, "longest": 30}
    lengths = TreebankLength(treebank=treebank, bins=6, **LARGE, **settings).questions(ListedCorpus())
    assert lengths.items["split"].value_counts().to_dict() == {"training": 3000, "development": 888, "test": 858}
    named = {" ".join(words): label for words, label in zip(lengths.sentences, lengths.items["gold"], strict=True)}
    assert named["From the outside Ichiban looks like it will be terrible"] == "08-10 words"
    settings |= {"words": 40, "most_frequent_left_out": 50, "sentences_per_word": (20, 4, 4)}
    task = TreebankWordContent(treebank=treebank, **LARGE, **settings)
    contents = task.questions(toy_corpus(treebank))
    assert contents.items["gold"].nunique() >= 15
    named = {" ".join(words): label for words, label in zip(contents.sentences, contents.items["gold"], strict=True)}
    assert named["Decent place to stay I would stay there again"] == "again"
    assert one(task.baselines(contents)["naive Bayes"], "accuracy", view="baseline", question="label").value > 0.6
