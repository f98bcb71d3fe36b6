import warnings
from itertools import pairwise
from pathlib import Path

import gensim
import numpy as np
import pytest
import yaml

from study.contracts import StudyError
from study.model import Word2Vec
from tests.model.small_corpus import PAIRS, SmallCorpus

CONF = Path(__file__).parents[2] / "conf" / "model"


def settings(option="cbow", **changed):
    knobs = yaml.safe_load((CONF / f"{option}.yaml").read_text(encoding="utf-8"))
    del knobs["_target_"]
    numbers = {name: float(knobs[name]) for name in ("subsample", "rate", "final_rate", "context_smoothing")}
    return {**knobs, **numbers, "size": 16, "epochs": 4, "deterministic": True, "checkpoint_seconds": 0.0, **changed}


class TextCorpus(SmallCorpus):
    """The small corpus with the token file that gensim reads."""

    def __init__(self, folder):
        super().__init__()
        words = [*self.vocabulary.words, "unknown"]
        offsets = self.sentence_offsets("training")
        lines = [" ".join(words[i] for i in self.tokens("training")[a:b]) for a, b in pairwise(offsets)]
        self.training_text = folder / "training.txt"
        self.training_text.write_text("\n".join(lines) + "\n")
        self.training_text_words = self.size("training")


@pytest.fixture
def corpus(tmp_path):
    return TextCorpus(tmp_path)


def fit(corpus, folder, observe=lambda moment: None, **changed):
    folder.mkdir(exist_ok=True)
    return Word2Vec(**settings(**changed)).fit(corpus, folder=folder, observe=observe)


@pytest.mark.parametrize("architecture", ["cbow", "skipgram"])
def test_it_learns_which_words_stand_together(corpus, tmp_path, architecture):
    model = fit(corpus, tmp_path / "c", architecture=architecture, epochs=30, subsample=0.0)
    predicted = (model.vectors @ model.output_vectors.T - 1e9 * np.eye(2 * PAIRS)).argmax(axis=1)
    partner = np.arange(2 * PAIRS) ^ 1
    assert (predicted == partner)[:20].mean() > 0.5, "chance is one in thirty-nine"


def test_rows_are_in_the_vocabularys_order_and_only_known_words_have_one(corpus, tmp_path):
    model = fit(corpus, tmp_path / "c")
    assert model.vectors.shape == (len(corpus.vocabulary), 16)
    assert model.output_vectors.shape == (len(corpus.vocabulary), 16)
    assert model.lexicons()["word"].words == corpus.vocabulary.words


def test_it_gives_what_plain_gensim_gives(corpus, tmp_path):
    ours = fit(corpus, tmp_path / "c", architecture="skipgram", rate=0.025)
    knobs = settings("skipgram")
    plain = gensim.models.Word2Vec(
        sg=1, vector_size=16, window=knobs["window"], sample=knobs["subsample"], alpha=0.025, min_alpha=1e-4, workers=1, seed=0,
        min_count=1, sorted_vocab=0,
    )  # fmt: skip
    counts = dict(zip(corpus.vocabulary.words, map(int, corpus.vocabulary.counts), strict=True))
    plain.build_vocab_from_freq(counts)
    plain.train(
        corpus_file=str(corpus.training_text), total_words=corpus.training_text_words, epochs=4, start_alpha=0.025, end_alpha=1e-4
    )
    assert np.abs(ours.vectors - plain.wv.vectors).max() < 1e-5


def test_one_worker_gives_the_same_bits_and_another_seed_gives_others(corpus, tmp_path):
    first, again, other = (fit(corpus, tmp_path / name, seed=seed) for name, seed in [("a", 0), ("b", 0), ("c", 1)])
    assert (first.vectors == again.vectors).all()
    assert (first.vectors != other.vectors).any()


@pytest.mark.parametrize("hierarchical", [False, True])
def test_an_interrupted_training_resumes_to_the_same_bits(corpus, tmp_path, hierarchical):
    changed = {"hierarchical_softmax": hierarchical, "negative": 0 if hierarchical else 5}
    whole = fit(corpus, tmp_path / "whole", **changed)

    def interrupt(moment):
        if moment.words_seen >= 2 * corpus.training_text_words:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(corpus, tmp_path / "cut", interrupt, **changed)
    seen = []
    resumed = fit(corpus, tmp_path / "cut", seen.append, **changed)
    assert len(seen) == 2, "two of four epochs were left"
    assert (resumed.vectors == whole.vectors).all()
    assert [moment.words_seen for moment in resumed.history] == [moment.words_seen for moment in whole.history]
    assert all(a.seconds < b.seconds for a, b in pairwise(resumed.history))


def test_a_damaged_checkpoint_is_reported_and_training_starts_afresh(corpus, tmp_path):
    folder = tmp_path / "c"
    folder.mkdir()
    (folder / "checkpoint.npz").write_bytes(b"PK\x03\x04 not an archive")
    with pytest.warns(UserWarning, match="starts afresh"):
        model = fit(corpus, folder)
    assert len(model.history) == 4


def test_a_checkpoint_that_lacks_an_array_leaves_no_trace(corpus, tmp_path):
    whole = fit(corpus, tmp_path / "whole")
    with np.load(tmp_path / "whole" / "checkpoint.npz", allow_pickle=False) as archive:
        kept = {name: archive[name] for name in archive.files if name != "syn1neg"}
    (tmp_path / "cut").mkdir()
    np.savez(tmp_path / "cut" / "checkpoint.npz", **kept)
    with pytest.warns(UserWarning, match="starts afresh"):
        again = fit(corpus, tmp_path / "cut")
    assert (again.vectors == whole.vectors).all()


def test_what_is_saved_loads_again(corpus, tmp_path):
    model = fit(corpus, tmp_path / "c")
    model.save(tmp_path)
    loaded = Word2Vec(**settings()).load(tmp_path, corpus)
    assert (loaded.vectors == model.vectors).all()
    assert loaded.history == model.history
    assert loaded.parameters == 2 * 16 * len(corpus.vocabulary)
    corpus.vocabulary.words = corpus.vocabulary.words[:-1]
    with pytest.raises(StudyError, match="40 vectors, the vocabulary 39 words"):
        Word2Vec(**settings()).load(tmp_path, corpus)


def test_one_worker_is_the_rule_up_to_five_million_words(corpus, tmp_path):
    model = fit(corpus, tmp_path / "c", deterministic=None)
    assert model.reproducible
    assert not Word2Vec(**settings(deterministic=None))._one_worker(5_000_001)
    assert not fit(corpus, tmp_path / "d", deterministic=False).reproducible


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"architecture": "glove"}, "cbow or skipgram"),
        ({"negative": 0}, "negative > 0 or hierarchical_softmax"),
        ({"size": 0}, "size must be at least 1"),
        ({"final_rate": 1.0}, "falls from rate"),
    ],
)
def test_settings_that_make_no_sense_are_refused(corpus, tmp_path, changed, message):
    with pytest.raises(StudyError, match=message):
        fit(corpus, tmp_path / "c", **changed)


def test_no_warning_is_raised_in_an_ordinary_training(corpus, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(corpus, tmp_path / "c")
