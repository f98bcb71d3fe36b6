from itertools import pairwise
from pathlib import Path

import gensim
import numpy as np
import pytest
import yaml

from study.contracts import StudyError
from study.model import FastText
from tests.model.toy_language import ToldCorpus, cosine, sides, synonyms, twin_accuracy

CONF = Path(__file__).parents[2] / "conf" / "model" / "fasttext.yaml"


def settings(**changed):
    knobs = yaml.safe_load(CONF.read_text(encoding="utf-8"))
    del knobs["_target_"]
    numbers = {name: float(knobs[name]) for name in ("subsample", "rate", "final_rate", "context_smoothing")}
    small = {"size": 16, "epochs": 4, "bucket": 500, "subsample": 0.0, "deterministic": True, "checkpoint_seconds": 0.0}
    return {**knobs, **numbers, **small, **changed}


def fit(corpus, folder, observe=lambda moment: None, **changed):
    folder.mkdir(exist_ok=True)
    return FastText(**settings(**changed)).fit(corpus, folder=folder, observe=observe)


@pytest.fixture
def corpus(tmp_path):
    return ToldCorpus(synonyms(), tmp_path)


@pytest.mark.parametrize("architecture", ["cbow", "skipgram"])
def test_words_in_equal_contexts_become_neighbours(corpus, tmp_path, architecture):
    model = fit(corpus, tmp_path / "c", architecture=architecture, epochs=10, rate=0.1)
    assert twin_accuracy(model) > 0.8, "chance is one in fifteen"


def test_words_of_equal_parts_share_what_they_learn(tmp_path):
    # The rare word stands alone in its sentences: only its parts can say that it belongs to the frequent one.
    corpus = ToldCorpus([*synonyms(), *[["aquoas"]] * 5, *[["zzyyxx"]] * 5], tmp_path)
    model = fit(corpus, tmp_path / "c", epochs=10, rate=0.1)
    assert cosine(model, "aquoas", "aquoa") > 0.7
    assert abs(cosine(model, "zzyyxx", "aquoa")) < 0.6


def test_it_cannot_tell_the_order_of_words(tmp_path):
    model = fit(ToldCorpus(sides(repeats=40), tmp_path), tmp_path / "c", epochs=20, rate=0.1)
    assert cosine(model, "left", "right") > 0.9
    first, second = model.embed([["m1", "left", "n2"], ["n2", "left", "m1"]], np.array([(0, 0, 3), (1, 0, 3)]), ["word"])["word"]
    assert first == pytest.approx(second, abs=1e-6)


@pytest.mark.parametrize(("epochs", "close"), [(1, 0), (4, 1e-3)])  # by epochs the rate falls as in one go, but for rounding
def test_it_gives_what_plain_gensim_gives(corpus, tmp_path, epochs, close):
    ours = fit(corpus, tmp_path / "c", epochs=epochs)
    plain = gensim.models.FastText(
        sg=1, vector_size=16, window=5, sample=0.0, alpha=0.025, min_alpha=1e-4, workers=1, seed=0, min_n=3, max_n=6, bucket=500,
        min_count=1, sorted_vocab=0,
    )  # fmt: skip
    plain.build_vocab_from_freq(dict(zip(corpus.vocabulary.words, map(int, corpus.vocabulary.counts), strict=True)))
    plain.train(
        corpus_file=str(corpus.training_text),
        total_words=corpus.training_text_words,
        epochs=epochs,
        start_alpha=0.025,
        end_alpha=1e-4,
    )
    assert np.abs(ours.vectors - plain.wv.vectors).max() <= close


def test_one_worker_gives_the_same_bits_and_another_seed_gives_others(corpus, tmp_path):
    first, again, other = (fit(corpus, tmp_path / name, seed=seed) for name, seed in [("a", 0), ("b", 0), ("c", 1)])
    assert (first.vectors == again.vectors).all()
    assert (first.vectors != other.vectors).any()


@pytest.mark.parametrize("epochs_done", [2, 4])
@pytest.mark.parametrize("hierarchical", [False, True])
def test_an_interrupted_training_resumes_to_the_same_bits(corpus, tmp_path, hierarchical, epochs_done):
    changed = {"hierarchical_softmax": hierarchical, "negative": 0 if hierarchical else 5}
    whole = fit(corpus, tmp_path / "whole", **changed)

    def interrupt(moment):
        if moment.words_seen >= epochs_done * corpus.training_text_words:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(corpus, tmp_path / "cut", interrupt, **changed)
    seen = []
    resumed = fit(corpus, tmp_path / "cut", seen.append, **changed)
    assert len(seen) == 4 - epochs_done
    assert (resumed.vectors == whole.vectors).all()
    assert (resumed.output_vectors == whole.output_vectors).all()
    assert all(a.seconds < b.seconds for a, b in pairwise(resumed.history))


def test_what_is_saved_loads_again_and_unknown_words_stay_unknown(corpus, tmp_path):
    model = fit(corpus, tmp_path / "c")
    model.save(tmp_path)
    loaded = FastText(**settings()).load(tmp_path, corpus)
    assert (loaded.vectors == model.vectors).all()
    assert loaded.history == model.history
    assert loaded.parameters == model.parameters == (2 * len(corpus.vocabulary) + 500) * 16
    places = np.array([(0, 0, 1), (1, 0, 1)])
    known, unknown = loaded.embed([["aquoa"], ["aquoan"]], places, ["word"])["word"]
    assert (known == model.vectors[corpus.vocabulary.index("aquoa")]).all()
    assert np.isnan(unknown).all(), "although it has n-grams that are known"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"min_n": 0}, "1 <= min_n <= max_n"),
        ({"max_n": 2}, "3 to 2 characters"),
        ({"bucket": 0}, "bucket"),
        ({"size": 0}, "size"),
    ],
)
def test_settings_that_make_no_sense_are_refused(corpus, tmp_path, changed, message):
    with pytest.raises(StudyError, match=message):
        fit(corpus, tmp_path / "c", **changed)
