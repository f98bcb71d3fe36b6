import warnings
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy import sparse

from study.contracts import StudyError
from study.model import Count, count
from tests.model.toy_language import ToldCorpus, cosine, sides, synonyms, twin_accuracy

CONF = Path(__file__).parents[2] / "conf" / "model" / "count.yaml"
TOLD = [["a", "b", "c", "b"], ["x?", "a", "x?", "c"], ["d"], ["b", "b", "d", "a", "x?", "c", "a"], ["x?"], ["d", "a"]]


def settings(**changed):
    knobs = yaml.safe_load(CONF.read_text(encoding="utf-8"))
    del knobs["_target_"]
    return {**knobs, "context_smoothing": 1e-3, "size": 10, **changed}


def fit(corpus, folder, observe=lambda moment: None, **changed):
    folder.mkdir(exist_ok=True)
    return Count(**settings(**changed)).fit(corpus, folder=folder, observe=observe)


def counted_by_hand(sentences, corpus, window, decay):
    counts = np.zeros((len(corpus.vocabulary),) * 2)
    weigh = {"none": lambda j: 1, "linear": lambda j: (window - j + 1) / window, "harmonic": lambda j: 1 / j}[decay]
    for sentence in sentences:
        known = [word for word in sentence if not word.endswith("?")]
        for (i, word), (j, context) in product(enumerate(known), repeat=2):
            if i != j and abs(i - j) <= window:
                counts[corpus.vocabulary.index(word), corpus.vocabulary.index(context)] += weigh(abs(i - j))
    return counts


@pytest.mark.parametrize("decay", ["none", "linear", "harmonic"])
@pytest.mark.parametrize("chunk", [1, 3, 1000])
def test_counts_are_those_counted_by_hand(tmp_path, monkeypatch, decay, chunk):
    monkeypatch.setattr(count, "CHUNK", chunk)
    corpus = ToldCorpus(TOLD, tmp_path)
    seen = []
    found = count.cooccurrences(corpus, 2, decay, seen.append).toarray()
    assert found == pytest.approx(counted_by_hand(TOLD, corpus, 2, decay), abs=1e-12)
    assert seen[-1].words_seen == seen[-1].total_words == corpus.size("training")


def test_ppmi_has_the_values_of_a_computation_by_hand():
    # Two words that stand together 3 times, one with itself 2 times: of 8 in all, the first has 5 and the second 3.
    counts = sparse.csr_array(np.array([[2.0, 3.0], [3.0, 0.0]]))
    assert count.ppmi(counts, 1.0, 1.0).toarray() == pytest.approx(np.array([[0, np.log(8 / 5)], [np.log(8 / 5), 0]]))
    first, second = 5**0.75 / (5**0.75 + 3**0.75), 3**0.75 / (5**0.75 + 3**0.75)
    wanted = [[0, np.log(3 / 8 / (5 / 8 * second))], [np.log(3 / 8 / (3 / 8 * first)), 0]]
    assert count.ppmi(counts, 0.75, 1.0).toarray() == pytest.approx(np.array(wanted))
    assert count.ppmi(counts, 1.0, 1.5).toarray() == pytest.approx(np.array([[0, np.log(8 / 7.5)], [np.log(8 / 7.5), 0]]))
    assert count.ppmi(counts, 1.0, 5.0).nnz == 0
    assert counts.toarray().tolist() == [[2, 3], [3, 0]], "the counts are left as they are"


def test_ppmi_is_that_of_the_dense_formula():
    random = np.random.default_rng(0)
    dense = random.poisson(0.7, (30, 30)).astype(float)
    dense += dense.T
    together = dense / dense.sum()
    contexts = dense.sum(axis=0) ** 0.75 / (dense.sum(axis=0) ** 0.75).sum()
    with np.errstate(divide="ignore"):
        wanted = np.maximum(np.log(together / np.outer(together.sum(axis=1), contexts)) - np.log(2), 0)
    assert count.ppmi(sparse.csr_array(dense), 0.75, 2.0).toarray() == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("size", [5, 29, 30, 50])
def test_factors_are_those_of_the_exact_decomposition_up_to_sign(size):
    random = np.random.default_rng(1)
    dense = np.maximum(random.standard_normal((30, 30)), 0)
    words, values, contexts = count.factors(sparse.csr_array(dense), size, seed=0)
    left, scale, right = np.linalg.svd(dense)
    kept = min(size, 30)
    assert values == pytest.approx(scale[:kept])
    sign = np.sign((words * left[:, :kept]).sum(axis=0))
    assert words * sign == pytest.approx(left[:, :kept], abs=1e-6)
    assert contexts * sign == pytest.approx(right[:kept].T, abs=1e-6), "one sign for both"


def test_the_exponent_divides_the_matrix_between_words_and_contexts():
    dense = np.maximum(np.random.default_rng(2).standard_normal((12, 12)), 0)
    matrix = sparse.csr_array(dense)
    vectors = {p: Count(**settings(size=12, singular_exponent=p))._vectors(matrix) for p in (0, 0.5, 1)}
    assert vectors[0].T @ vectors[0] == pytest.approx(np.eye(12), abs=1e-5)
    assert vectors[1] @ vectors[1].T == pytest.approx(dense @ dense.T, abs=1e-5), "cosines are those of the rows of PPMI"
    root = np.abs(vectors[0].T @ vectors[0.5]).sum(axis=0)
    assert root**2 == pytest.approx(np.linalg.svd(dense)[1], abs=1e-4)


def test_words_and_contexts_are_added_with_equal_length():
    dense = np.maximum(np.random.default_rng(2).standard_normal((12, 12)), 0)
    words, values, contexts = count.factors(sparse.csr_array(dense), 4, 0)
    words, contexts = (side * values / np.linalg.norm(side * values, axis=1, keepdims=True) for side in (words, contexts))
    found = Count(**settings(size=4, singular_exponent=1, add_contexts=True))._vectors(sparse.csr_array(dense))
    assert found == pytest.approx(words + contexts, abs=1e-6)


@pytest.mark.parametrize(
    "changed", [{}, {"singular_exponent": 0}, {"singular_exponent": 1, "decay": "harmonic"}, {"add_contexts": True}]
)
def test_words_in_equal_contexts_become_neighbours(tmp_path, changed):
    model = fit(ToldCorpus(synonyms(), tmp_path), tmp_path / "c", size=16, **changed)
    assert twin_accuracy(model) > 0.8, "chance is one in fifteen"


def test_contexts_drawn_by_lot_make_no_neighbours(tmp_path):
    told = synonyms()
    words = np.random.default_rng(3).permutation([word for sentence in told for word in sentence]).tolist()
    shuffled = [words[start : start + 5] for start in range(0, len(words), 5)]
    assert twin_accuracy(fit(ToldCorpus(shuffled, tmp_path), tmp_path / "c", size=16)) < 0.4


def test_it_cannot_tell_the_order_of_words(tmp_path):
    model = fit(ToldCorpus(sides(), tmp_path), tmp_path / "c")
    assert cosine(model, "left", "right") == pytest.approx(1, abs=1e-5)
    assert cosine(model, "left", "n3") < 0.9
    sentences = [["m1", "left", "n2"], ["n2", "left", "m1"]]
    first, second = model.embed(sentences, np.array([(0, 0, 3), (1, 0, 3)]), ["word"])["word"]
    assert first == pytest.approx(second, abs=1e-6)


def test_pairs_below_the_minimum_count_nothing(tmp_path):
    told = [*synonyms(300), ["aquoa", "bquob"]]
    corpus = ToldCorpus(told, tmp_path)
    plain, strict = (fit(corpus, tmp_path / str(minimum), size=99, minimum=minimum) for minimum in (0, 1.5))
    assert cosine(plain, "aquoa", "bquob") != pytest.approx(cosine(strict, "aquoa", "bquob"), abs=1e-3)
    assert cosine(strict, "aquoa", "bquob") == pytest.approx(0, abs=1e-5), "nothing is left that they share"


def test_it_gives_the_same_bits_again_and_another_seed_the_same_cosines(tmp_path):
    corpus = ToldCorpus(synonyms(), tmp_path)
    first, again, other = (fit(corpus, tmp_path / name, seed=seed) for name, seed in [("a", 0), ("b", 0), ("c", 1)])
    assert (first.vectors == again.vectors).all()
    assert first.vectors @ first.vectors.T == pytest.approx(other.vectors @ other.vectors.T, abs=1e-4)


def test_finished_counts_are_not_counted_again(tmp_path, monkeypatch):
    corpus = ToldCorpus(synonyms(), tmp_path)
    whole = fit(corpus, tmp_path / "whole")
    with monkeypatch.context() as broken:
        broken.setattr(count, "factors", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            fit(corpus, tmp_path / "cut")
    monkeypatch.setattr(count, "cooccurrences", None)
    resumed = fit(corpus, tmp_path / "cut")
    assert (resumed.vectors == whole.vectors).all()
    assert resumed.history[-1].words_seen == resumed.history[-1].total_words == corpus.size("training")


def test_damaged_counts_are_reported_and_counted_afresh(tmp_path):
    corpus = ToldCorpus(synonyms(), tmp_path)
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "counts.npz").write_bytes(b"PK\x03\x04 not an archive")
    with pytest.warns(UserWarning, match="starts afresh"):
        fit(corpus, tmp_path / "c")


def test_what_is_saved_loads_again(tmp_path):
    corpus = ToldCorpus(synonyms(), tmp_path)
    model = fit(corpus, tmp_path / "c")
    model.save(tmp_path)
    loaded = Count(**settings()).load(tmp_path, corpus)
    assert (loaded.vectors == model.vectors).all()
    assert loaded.vectors.dtype == np.float32
    assert loaded.history == model.history
    assert loaded.parameters == 10 * len(corpus.vocabulary)
    corpus.vocabulary.words = corpus.vocabulary.words[:-1]
    with pytest.raises(StudyError, match="64 vectors, the vocabulary 63 words"):
        Count(**settings()).load(tmp_path, corpus)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"decay": "square"}, "none, linear or harmonic"),
        ({"size": 0}, "size must be at least 1"),
        ({"window": 0}, "window must be at least 1"),
        ({"shift": 0}, "must be above 0"),
        ({"singular_exponent": -1}, "singular_exponent must be at least 0"),
        ({"minimum": 1e9}, "No two words stand together"),
    ],
)
def test_settings_that_make_no_sense_are_refused(tmp_path, changed, message):
    with pytest.raises(StudyError, match=message):
        fit(ToldCorpus(TOLD, tmp_path), tmp_path / "c", **changed)


def test_no_warning_is_raised_in_an_ordinary_training(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(ToldCorpus(TOLD, tmp_path), tmp_path / "c")
