import gensim
import numpy as np
import pytest
from scipy import special

from study.contracts import Predicts
from study.model import Random
from study.model.output import DotProducts, Output, Tree, log_kept, log_noise
from tests.model.small_corpus import PAIRS
from tests.model.test_word2vec import TextCorpus, fit

WORDS = list("abcdef")
COUNTS = np.array([400, 200, 100, 50, 30, 20])
SHARES = COUNTS / COUNTS.sum()
ARCHITECTURES = pytest.mark.parametrize("architecture", ["cbow", "skipgram"])


@pytest.fixture
def corpus(tmp_path):
    return TextCorpus(tmp_path)


def output(evidence, **changed):
    """Make an output layer whose word vectors are the unit vectors, so that the evidence of a word is a row of its own."""
    offset = log_noise(COUNTS, 0.75) - log_kept(COUNTS, 0.05)
    knobs = {"skipgram": False, "mean": True, "window": 2, "offset": offset, "prior": np.log(SHARES), **changed}
    return Output(vectors=np.eye(6, dtype=np.float32), evidence=DotProducts(evidence.T.astype(np.float32)), **knobs)


def conditional(seed=0):
    """Return an artificial P(w | c), shape (c, w), and the dot products at which negative sampling's loss is least for it."""
    joint = SHARES[:, None] * SHARES * np.exp(np.random.default_rng(seed).normal(size=(6, 6)))
    probability = joint / joint.sum(axis=1, keepdims=True)
    subsampled = probability * np.exp(log_kept(COUNTS, 0.05))
    subsampled /= subsampled.sum(axis=1, keepdims=True)
    return probability, np.log(subsampled) - np.log(5) - log_noise(COUNTS, 0.75)


def distribution(model, way, context):
    """Return the probability of every word in the middle of a context of two words, unknown ones given as -1."""
    before, after = context
    sentences = [np.array([before, word, after]) for word in range(6)]
    places = np.array([(row, 1, 2) for row in range(6)])
    return np.exp(model.guess(sentences, places, WORDS, 1)[way].log_probability)


@pytest.mark.parametrize("skipgram", [False, True])
def test_frequency_turns_what_negative_sampling_learns_into_the_true_distribution(skipgram):
    probability, dots = conditional()
    found = distribution(output(dots, skipgram=skipgram), "output+frequency", (3, -1))
    assert found == pytest.approx(probability[3], rel=1e-5)
    assert np.abs(distribution(output(dots, skipgram=skipgram), "output", (3, -1)) - probability[3]).max() > 0.05


def test_skipgram_joins_the_words_of_a_window_by_geometric_mean_or_naive_bayes():
    probability, dots = conditional()
    model = output(dots, skipgram=True)
    mean = np.sqrt(probability[1] * probability[4])
    assert distribution(model, "output+frequency", (1, 4)) == pytest.approx(mean / mean.sum(), rel=1e-5)
    bayes = probability[1] * probability[4] / SHARES
    assert distribution(model, "naive-bayes", (1, 4)) == pytest.approx(bayes / bayes.sum(), rel=1e-5)


def test_cbow_averages_or_sums_its_window():
    _, dots = conditional()
    for mean in (True, False):
        h = np.eye(6)[[1, 4]].sum(axis=0) / (2 if mean else 1)
        assert distribution(output(dots, mean=mean), "output", (1, 4)) == pytest.approx(special.softmax(h @ dots), rel=1e-5)


def test_a_window_holds_the_nearest_known_words_of_both_sides_and_never_the_hidden_one():
    around = output(np.eye(6))._around
    assert around(np.array([0, 1, -1, 2, 5, -1, 3, 4, 0]), 4).tolist() == [1, 2, 3, 4]
    assert around(np.array([5, 1]), 0).tolist() == [1]


@pytest.mark.parametrize("changed", [{"skipgram": True}, {"mean": True}, {"mean": False}])
def test_there_is_no_guess_where_no_word_of_the_window_is_known(changed):
    for guesses in output(np.eye(6), **changed).guess([np.array([-1, 2, -1])], np.array([[0, 1, 2]]), WORDS, 3).values():
        assert guesses.rank.tolist() == [0]
        assert np.isnan(guesses.log_probability).all()
        assert guesses.best == [[]]


def plain(corpus, **changed):
    """Return gensim's model with the corpus's vocabulary."""
    model = gensim.models.Word2Vec(vector_size=16, min_count=1, sorted_vocab=0, **changed)
    words = corpus.vocabulary
    model.build_vocab_from_freq({word: int(count) for word, count in zip(words.words, words.counts, strict=True)})
    return model


def test_noise_and_subsampling_are_gensims(corpus):
    model = plain(corpus, sample=1e-2, ns_exponent=0.6)
    noise = np.diff(model.cum_table.astype(float), prepend=0) / float(model.cum_table[-1])
    assert np.exp(log_noise(corpus.vocabulary.counts, 0.6)) == pytest.approx(noise, abs=1e-6)
    kept = [model.wv.get_vecattr(word, "sample_int") / (2**32 - 1) for word in corpus.vocabulary.words]
    assert min(kept) < 0.9
    assert np.exp(log_kept(corpus.vocabulary.counts, 1e-2)) == pytest.approx(kept, abs=1e-6)
    assert (log_kept(corpus.vocabulary.counts, 0.0) == 0).all()


def test_cbows_output_is_gensims_prediction(corpus, tmp_path):
    ours = fit(corpus, tmp_path / "c")
    model = plain(corpus)
    model.wv.vectors[:], model.syn1neg[:] = ours.vectors, ours.output_vectors
    found = ours.guess([["a1", "B1", "what", "a2", "b2"]], np.array([[0, 1, 2]]), 3)["output"]
    wanted = model.predict_output_word(["a1", "a2", "b2"], topn=40)
    assert found.best[0] == [word for word, _ in wanted[:3]]
    assert np.exp(found.log_probability[0]) == pytest.approx(dict(wanted)["b1"], rel=1e-4)


def test_the_tree_is_gensims_and_its_probabilities_sum_to_one(corpus):
    tree = Tree.of(np.random.default_rng(0).normal(size=(40, 16)).astype(np.float32), corpus.vocabulary)
    x = np.random.default_rng(1).normal(size=(3, 16)).astype(np.float32)
    found = tree(x)
    assert found.shape == (3, 40)
    assert np.exp(found).sum(axis=1) == pytest.approx(np.ones(3), abs=1e-5)
    wv = plain(corpus, hs=1, negative=0).wv
    for word in (0, 7, 39):
        signs = 1.0 - 2.0 * wv.get_vecattr(word, "code")
        by_hand = special.log_expit(signs * (tree.nodes[wv.get_vecattr(word, "point")] @ x[0])).sum()
        assert found[0, word] == pytest.approx(by_hand, abs=1e-4)


@ARCHITECTURES
@pytest.mark.parametrize("negative", [5, 0])
def test_a_trained_model_guesses_the_partner_from_its_window(corpus, tmp_path, architecture, negative):
    model = fit(
        corpus, tmp_path / "c", architecture=architecture, negative=negative, hierarchical_softmax=not negative, epochs=20,
        subsample=0.0, rate=0.05, window=1,
    )  # fmt: skip
    sentences = [[f"a{pair}", f"b{pair}"] for pair in range(10)]
    found = model.guess(sentences, np.array([(row, 1, 2) for row in range(10)]), 5)
    assert isinstance(model, Predicts)
    ways = ["output", "output+frequency", *(["naive-bayes"] if architecture == "skipgram" else [])]
    assert list(found) == ways
    for way in ways:
        assert (found[way].rank == 1).mean() >= 0.8, f"{way}: chance is one in {2 * PAIRS}"


@ARCHITECTURES
def test_guesses_are_the_same_after_loading_and_whatever_else_is_asked(corpus, tmp_path, architecture):
    model = fit(corpus, tmp_path / "c", architecture=architecture)
    model.save(tmp_path)
    loaded = fit(corpus, tmp_path / "d", architecture=architecture, epochs=1).load(tmp_path, corpus)
    sentences = [["a1", "b1", "a2", "b2"], ["a3", "b3", "a4"], ["x", "a1", "y"]]
    places = np.array([[0, 1, 2], [1, 2, 3], [2, 1, 2]])
    whole, again = model.guess(sentences, places, 2), loaded.guess(sentences, places, 2)
    for way, guesses in whole.items():
        assert guesses.log_probability == pytest.approx(again[way].log_probability, abs=1e-6, nan_ok=True)
        alone = [model.guess(sentences, places[[row]], 2)[way].log_probability[0] for row in range(3)]
        assert guesses.log_probability == pytest.approx(alone, abs=1e-5, nan_ok=True)
        assert np.isnan(guesses.log_probability).tolist() == [False, False, True]


def test_random_vectors_have_no_output_and_are_not_asked():
    assert not issubclass(Random, Predicts)
