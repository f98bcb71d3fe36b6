"""Models kept while they learn: the training is what it would be, and each moment is a model of its own."""

import itertools
from collections import Counter
from dataclasses import fields, replace
from pathlib import Path

import gensim
import numpy as np
import pytest
import torch

from study.contracts import StudyError
from study.model import FastText, Recurrent, Word2Vec
from study.model.encoder import Untrained
from study.model.moments import Moments, kept, shards
from tests.model import test_encoder, test_fasttext, test_word2vec
from tests.model.small_corpus import SmallCorpus
from tests.model.small_reconstruction import CORPUS as SENTENCES
from tests.model.small_reconstruction import MODELS
from tests.model.small_recurrent import PARTS, SCHEDULE
from tests.model.test_word2vec import TextCorpus
from tests.model.toy_language import TWINS, ToldCorpus, synonyms

ASKED = (0, 300, 600, 1_200, 5_000)
CORPUS = SmallCorpus(200)
ENCODER = replace(test_encoder.SETTINGS, dropout=0.1, norm="batch", validate_every=500, checkpoint_seconds=0.0)
KINDS = {
    "transformer": (ENCODER, CORPUS),
    "detection": (replace(ENCODER, objective={"detection": 1.0}), CORPUS),
    "recurrent": (Recurrent(**PARTS, **SCHEDULE, asked=1.0), CORPUS),
    "reconstruction": (MODELS["transformer"], SENTENCES),
}


class KilledError(Exception):
    pass


def fit(model, corpus, folder, moments=(), observe=lambda moment: None):
    model, model.moments = replace(model), moments
    folder.mkdir(exist_ok=True)
    return model.fit(corpus, folder=folder, observe=observe)


def grown(model, corpus, folder):
    """Load what a model was at its moments."""
    return {int(path.name): replace(model).load(path, corpus) for path in kept(folder)}


def same(one, other):
    weights, others = one.encoder.state_dict(), other.encoder.state_dict()
    return all(torch.equal(weights[name], others[name]) for name in weights)


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_that_is_seen_while_it_learns_learns_the_same(tmp_path, kind):
    model, corpus = KINDS[kind]
    unseen, seen = fit(model, corpus, tmp_path / "unseen"), fit(model, corpus, tmp_path / "seen", ASKED)
    assert same(unseen, seen)
    assert [moment.loss for moment in unseen.history] == [moment.loss for moment in seen.history]
    assert not kept(tmp_path / "unseen")
    moments = grown(model, corpus, tmp_path / "seen")
    assert list(moments) == [0, 300, 600, 1_200], "what lies beyond the budget of 2,000 words is no moment"
    spent = [moments[words].history[-1].words_seen for words in moments]
    assert all(asked <= words < asked + 2 * model.batch for asked, words in zip(moments, spent, strict=True))
    assert not any(same(one, other) for one, other in itertools.pairwise([*moments.values(), seen]))
    assert moments[0].history[-1].seconds < moments[300].history[-1].seconds < seen.history[-1].seconds


def test_the_first_moment_is_the_untrained_encoder(tmp_path):
    fit(ENCODER, CORPUS, tmp_path, ASKED)
    settings = {one.name: getattr(ENCODER, one.name) for one in fields(Untrained) if one.init}
    untrained = Untrained(**settings).fit(CORPUS, folder=tmp_path, observe=lambda moment: None)
    assert same(grown(ENCODER, CORPUS, tmp_path)[0], untrained)


def test_moments_that_one_step_passes_are_one(tmp_path):
    fit(ENCODER, CORPUS, tmp_path, (0, 10, 20, 40))
    (first, second) = kept(tmp_path)
    assert (first.name, second.name) == ("0", "40")


@pytest.mark.parametrize("killed_at", [1, 900])
def test_a_resumed_training_keeps_the_moments_before_its_checkpoint(tmp_path, killed_at):
    def kill(moment):
        if moment.words_seen >= killed_at:
            raise KilledError

    whole = fit(ENCODER, CORPUS, tmp_path / "whole", ASKED)
    with pytest.raises(KilledError):
        fit(ENCODER, CORPUS, tmp_path / "cut", ASKED, kill)
    before = {path.name: path.stat().st_ino for path in kept(tmp_path / "cut")}
    (tmp_path / "cut" / "moments" / "1200.partial").mkdir()  # it was killed while writing
    resumed = fit(ENCODER, CORPUS, tmp_path / "cut", ASKED)
    after = {path.name: path.stat().st_ino for path in kept(tmp_path / "cut")}
    assert list(after) == ["0", "300", "600", "1200"]
    assert {name: after[name] for name in before} == before
    assert same(whole, resumed)
    moments, others = grown(ENCODER, CORPUS, tmp_path / "whole"), grown(ENCODER, CORPUS, tmp_path / "cut")
    assert all(same(moments[words], others[words]) for words in moments)


def test_a_training_that_starts_afresh_keeps_nothing_of_an_earlier_one(tmp_path):
    for name in ("0", "300", "900.partial"):
        (tmp_path / "moments" / name).mkdir(parents=True)
    Moments(ASKED, tmp_path, total=2_000, seen=None)
    assert kept(tmp_path) == []


@pytest.mark.parametrize("seen", [None, 700])
def test_the_end_is_no_moment(tmp_path, seen):
    moments = Moments((0, 500, 990), tmp_path, total=1_000, seen=seen)
    assert moments.due(0) == (seen is None)
    assert moments.due(999)
    assert not moments.due(1_000)


@pytest.mark.parametrize("kind", ["transformer", "reconstruction"])
def test_a_training_of_no_words_has_no_moments(tmp_path, kind):
    model, corpus = KINDS[kind]
    untrained = fit(replace(model, words=0), corpus, tmp_path, ASKED)
    assert [moment.words_seen for moment in untrained.history] == [0]
    assert kept(tmp_path) == []


@pytest.mark.parametrize("model", [ENCODER, Word2Vec(**test_word2vec.settings())])
def test_moments_beyond_the_end_are_refused(tmp_path, model):
    with pytest.raises(StudyError, match=r"emergence\.first: .* after 1000000 words, but a training ends after"):
        fit(model, TextCorpus(tmp_path), tmp_path, (0, 1_000_000))


def test_shards_hold_every_sentence_once_and_end_at_the_counts(tmp_path):
    corpus = TextCorpus(tmp_path)
    found = shards(corpus.training_text, tmp_path / "shards", (100, 200, 400, 800), seed=0)
    lines = [path.read_text().splitlines() for path, _ in found]
    assert Counter(itertools.chain(*lines)) == Counter(corpus.training_text.read_text().splitlines())
    words = [sum(len(line.split()) for line in shard) for shard in lines]
    assert words == [number for _, number in found]
    assert sum(words) == corpus.training_text_words
    ends = np.cumsum(words)[:-1]
    assert all(count <= end < count + 17 for count, end in zip((100, 200, 400, 800), ends, strict=True)), "sentences are whole"
    first = corpus.training_text.read_text().splitlines()[: len(lines[0])]
    assert lines[0] != first, "a sample of the text, not its first sentences"
    again = shards(corpus.training_text, tmp_path / "again", (100, 200, 400, 800), seed=0)
    assert [path.read_text() for path, _ in again] == [path.read_text() for path, _ in found]
    other = shards(corpus.training_text, tmp_path / "other", (100, 200, 400, 800), seed=1)
    assert other[0][0].read_text() != found[0][0].read_text()


def test_one_sentence_that_passes_several_counts_is_one_shard(tmp_path):
    text = tmp_path / "text"
    text.write_text("a b c d e f\n")
    ((path, words),) = shards(text, tmp_path / "shards", (1, 2, 3), seed=0)
    assert (path.read_text(), words) == ("a b c d e f\n", 6)


@pytest.fixture
def calls(monkeypatch):
    """What gensim is asked to train on: text, words, rate at the start and at the end."""
    found, train = [], gensim.models.Word2Vec.train

    def spy(self, **settings):
        text = Path(settings["corpus_file"]).read_text()
        found.append((text, settings["total_words"], settings["start_alpha"], settings["end_alpha"]))
        return train(self, **settings)

    monkeypatch.setattr(gensim.models.Word2Vec, "train", spy)
    return found


def test_word2vec_reads_its_first_epoch_in_shards_at_a_rate_that_falls_in_one_line(tmp_path, calls):
    corpus, model = TextCorpus(tmp_path), Word2Vec(**test_word2vec.settings(epochs=3))
    trained = fit(model, corpus, tmp_path / "c", (0, 100, 1_000, 6_000, 14_000))
    words = corpus.training_text_words
    assert [number for _, number, _, _ in calls[3:]] == [words, words], "then by epochs"
    assert Counter("".join(text for text, _, _, _ in calls[:3]).splitlines()) == Counter(calls[-1][0].splitlines())
    assert [start for _, _, start, _ in calls[1:]] == [end for _, _, _, end in calls[:-1]]
    seen = np.cumsum([number for _, number, _, _ in calls])
    straight = model.rate - (model.rate - model.final_rate) * seen / (3 * words)
    assert [end for _, _, _, end in calls] == pytest.approx(straight.tolist())
    assert [moment.words_seen for moment in trained.history] == seen.tolist()
    moments = grown(model, corpus, tmp_path / "c")
    at = {asked: moment.history[-1].words_seen for asked, moment in moments.items()}
    assert 5_000 < words < 6_000 < 2 * words < 14_000 < 3 * words
    assert at == {0: 0, 100: seen[0], 1_000: seen[1], 6_000: 2 * words}, "the third epoch's end is the end"


def test_word2vec_starts_from_the_vectors_that_gensim_draws_and_grows(tmp_path):
    corpus, model = TextCorpus(tmp_path), Word2Vec(**test_word2vec.settings(subsample=0.0))
    trained = fit(model, corpus, tmp_path / "c", (0, 100, 1_000))
    moments = [*grown(model, corpus, tmp_path / "c").values(), trained]
    drawn = model._untrained(corpus, workers=1).wv.vectors
    assert (moments[0].vectors == drawn).all()
    moved = [np.abs(one.vectors - drawn).mean() for one in moments]
    assert 0 == moved[0] < moved[1] < moved[2] < moved[3]
    assert (moments[0].output_vectors == 0).all()


def test_word2vec_without_moments_is_what_it_was(tmp_path, calls):
    corpus, model = TextCorpus(tmp_path), Word2Vec(**test_word2vec.settings())
    fit(model, corpus, tmp_path / "c")
    assert [text for text, *_ in calls] == [corpus.training_text.read_text()] * 4
    exact = [model.rate - (model.rate - model.final_rate) * epoch / 4 for epoch in range(5)]
    assert [start for _, _, start, _ in calls] == exact[:4]


@pytest.mark.parametrize("cut", [1, 1_500, 7_000])
def test_an_interrupted_word2vec_goes_on_in_its_shard(tmp_path, cut):
    corpus, model = TextCorpus(tmp_path), Word2Vec(**test_word2vec.settings())
    asked = (0, 100, 1_000, 3_000, 7_000)

    def kill(moment):
        if moment.words_seen >= cut:
            raise KilledError

    whole = fit(model, corpus, tmp_path / "whole", asked)
    with pytest.raises(KilledError):
        fit(model, corpus, tmp_path / "cut", asked, kill)
    resumed = fit(model, corpus, tmp_path / "cut", asked)
    assert (resumed.vectors == whole.vectors).all()
    moments, others = grown(model, corpus, tmp_path / "whole"), grown(model, corpus, tmp_path / "cut")
    assert list(moments) == list(others) == [0, 100, 1_000, 3_000, 7_000]
    assert all((moments[words].vectors == others[words].vectors).all() for words in moments)


def likeness_of_twins(model):
    """Return how much more alike twins of the toy language are than other words of it: a mean cosine minus a mean cosine."""
    rows = model.vectors[[model.vocabulary.index(word) for pair in TWINS for word in pair]]
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    cosines, number = rows @ rows.T, len(rows)
    twins = cosines[np.arange(number), np.arange(number) ^ 1]
    return float(twins.mean() - (cosines.sum() - number - twins.sum()) / (number * (number - 2)))


@pytest.mark.parametrize(("architecture", "rate"), [("cbow", 0.1), ("skipgram", 0.05)])
def test_word2vec_seen_while_it_learns_ends_where_a_plain_training_does(tmp_path, architecture, rate):
    """Between eight trainings of each kind lie at most three standard errors; a training of one epoch less lies ten away.

    The rate is constant: gensim lets it fall once in 10,000 words, so that in so small a text a falling one is another one in
    shards. The epochs are few, so that what is not learned shows.
    """
    corpus = ToldCorpus(synonyms(200), tmp_path)
    model = Word2Vec(**test_word2vec.settings(architecture, epochs=2, rate=rate, final_rate=rate, subsample=0.0))

    def ends(kind, moments=(), **changed):
        trained = [fit(replace(model, seed=s, **changed), corpus, tmp_path / f"{kind}{s}", moments) for s in range(8)]
        assert {one.history[-1].words_seen for one in trained} == {trained[0].epochs * corpus.training_text_words}
        found = np.array([likeness_of_twins(one) for one in trained])
        return found.mean(), found.var(ddof=1) / len(found)

    (plain, error), (seen, other), (shorter, _) = ends("plain"), ends("seen", (0, 100, 300)), ends("shorter", epochs=1)
    assert abs(seen - plain) <= 3 * (error + other) ** 0.5
    assert abs(shorter - plain) > 10 * (error + other) ** 0.5


def test_several_workers_read_small_shards_too(tmp_path):
    corpus, model = TextCorpus(tmp_path), Word2Vec(**test_word2vec.settings(deterministic=False))
    fit(model, corpus, tmp_path / "c", (0, 30, 100))
    moments = grown(model, corpus, tmp_path / "c")
    assert (moments[30].vectors != moments[0].vectors).any()
    assert (moments[100].vectors != moments[30].vectors).any()


def test_fasttext_is_kept_with_the_composed_vectors(tmp_path):
    corpus, model = TextCorpus(tmp_path), FastText(**test_fasttext.settings())
    fit(model, corpus, tmp_path / "c", (0, 100, 1_000))
    moments = list(grown(model, corpus, tmp_path / "c").values())
    assert len(moments) == 3
    assert all((one.vectors != other.vectors).any() for one, other in itertools.pairwise(moments))
