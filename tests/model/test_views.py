import numpy as np
import pytest

from study.model.views import StaticViews

WORDS = {"the": 60, "bank": 20, "river": 15, "money": 5}


class Vocabulary:
    words = tuple(WORDS)
    counts = np.array(list(WORDS.values()))

    def index(self, word):
        return self.words.index(word.lower()) if word.lower() in WORDS else None


class Static(StaticViews):
    vocabulary = Vocabulary()
    vectors = np.eye(4, dtype=np.float32) * np.array([[1], [2], [3], [4]], np.float32)
    context_words = 2
    context_smoothing = 0.1


def embed(sentence, span, views=("word", "context", "word+context")):
    return {view: array[0] for view, array in Static().embed([sentence.split()], np.array([(0, *span)]), views).items()}


def test_the_word_view_is_the_mean_over_the_known_words_of_the_span():
    assert embed("a bank river", (0, 3))["word"] == pytest.approx([0, 1, 1.5, 0])


def test_the_context_weighs_rare_words_more_by_the_formula():
    weights = {word: 0.1 / (0.1 + count / 100) for word, count in WORDS.items()}
    wanted = np.array([weights["the"] * 1, 0, weights["river"] * 3, 0]) / (weights["the"] + weights["river"])
    assert embed("the bank river", (1, 2))["context"] == pytest.approx(wanted)


def test_the_context_ends_after_so_many_words_on_each_side():
    assert embed("money the the bank the the money", (3, 4))["context"] == pytest.approx([1, 0, 0, 0])


def test_word_and_context_have_equal_weight_side_by_side():
    both = embed("the bank", (1, 2))["word+context"]
    assert both == pytest.approx([0, 1, 0, 0, 1, 0, 0, 0])


def test_an_unknown_target_has_no_vector_and_an_unknown_neighbour_is_skipped():
    assert np.isnan(embed("the plover", (1, 2))["context"]).all()
    assert embed("plover the bank", (2, 3))["context"] == pytest.approx([1, 0, 0, 0])
    assert np.isnan(embed("plover bank", (1, 2))["context"]).all()


def test_context_does_not_apply_to_bare_words_and_whole_sentences():
    for sentence, span in [("bank", (0, 1)), ("the bank", (0, 2))]:
        vectors = embed(sentence, span)
        assert np.isnan(vectors["context"]).all()
        assert np.isnan(vectors["word+context"]).all()
        assert np.isfinite(vectors["word"]).all()
