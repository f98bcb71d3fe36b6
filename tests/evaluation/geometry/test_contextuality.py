import numpy as np
import pytest
import yaml

from study import paths
from study.contracts import NotAskableError
from study.evaluation.geometry import contextuality
from study.evaluation.geometry.contextuality import Contextuality
from study.evaluation.statistics.metric import METRICS
from tests.evaluation.listed_corpus import ListedCorpus, assert_recomputable, one, written_corpus

SETTINGS = {"read": 1000, "shortest": 4, "longest": 30, "words": 30, "bands": 3, "occurrences": 6, "sentences": 20, "pairs": 300}
TASK = Contextuality(**SETTINGS, draws=40, seed=0, description="", source="")


@pytest.fixture(scope="module")
def corpus():
    return written_corpus()


@pytest.fixture(scope="module")
def questions(corpus):
    return TASK.questions(corpus)


def spoken(questions):
    """Return the word of each place."""
    return [questions.sentences[number][start] for number, start, _ in questions.places]


def static(questions, seed=0, width=50):
    """Give every word type one vector, whatever its sentence."""
    rng = np.random.default_rng(seed)
    table = {word: rng.normal(size=width) for word in sorted(set(spoken(questions)))}
    return np.array([table[word] for word in spoken(questions)], np.float32)


def value(result, question, view="word"):
    return one(result, "mean", view=view, question=question).value


def test_words_come_from_all_bands_each_with_occurrences_in_sentences_of_their_own(corpus, questions):
    occurrences = questions.items[questions.items["kind"] == "occurrence"]
    assert occurrences.groupby("of").size().eq(TASK.occurrences).all()
    assert occurrences["of"].nunique() == TASK.words
    sentences = questions.places[occurrences["place"], 0]
    assert not occurrences.assign(sentence=sentences).duplicated(["of", "sentence"]).any()
    assert [spoken(questions)[place] for place in occurrences["place"]] == occurrences["of"].to_list()
    counts = np.log([corpus.vocabulary.count(word) for word in occurrences["of"].unique()])
    inner = np.linspace(counts.min(), counts.max(), 4)
    assert (np.histogram(counts, inner)[0] >= 4).all()
    members = questions.items[questions.items["kind"] == "member"]
    assert members["of"].nunique() == TASK.sentences
    assert members["group"].str.startswith("document-").all()


def test_a_static_view_says_the_same_of_every_occurrence(questions):
    result = TASK.score(questions, {"word": static(questions)})
    assert value(result, "self-similarity") == pytest.approx(1, abs=1e-12)
    assert value(result, "maximum explainable variance") == pytest.approx(1, abs=1e-12)
    assert abs(value(result, "anisotropy")) < 0.06
    assert value(result, "maximum explainable variance, corrected") == pytest.approx(
        1 - value(result, "maximum explainable variance of random words"), abs=1e-9
    )
    assert_recomputable(result)


def test_a_common_direction_is_anisotropy_and_the_corrections_take_it_away(questions):
    rng = np.random.default_rng(1)
    contextual = rng.normal(size=(len(questions.places), 50)).astype(np.float32)
    result = TASK.score(questions, {"plain": contextual, "cone": contextual + 5})
    assert abs(value(result, "anisotropy", "plain")) < 0.03
    assert value(result, "anisotropy", "cone") > 0.9
    for name in contextuality.CORRECTIONS:
        assert abs(value(result, f"anisotropy, {name}", "cone")) < 0.03
    for question in ("self-similarity", "intra-sentence similarity", "maximum explainable variance"):
        assert value(result, question, "cone") > 0.9
        assert abs(value(result, f"{question}, corrected", "cone")) < 0.07
        score = one(result, "mean", view="cone", question=f"{question}, corrected")
        assert score.low <= score.value <= score.high


def test_measures_are_those_of_the_plain_formulas():
    vectors = np.random.default_rng(0).normal(size=(7, 4)) + 0.5
    cosine = np.array([[a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a in vectors] for b in vectors])
    assert contextuality.self_similarity(vectors) == pytest.approx(cosine[np.triu_indices(7, 1)].mean())
    mean = vectors.mean(0)
    alike = [a @ mean / np.linalg.norm(a) / np.linalg.norm(mean) for a in vectors]
    assert contextuality.intra_sentence_similarity(vectors) == pytest.approx(np.mean(alike))
    assert contextuality.intra_sentence_similarity(np.vstack([vectors, np.full(4, np.nan)])) == pytest.approx(np.mean(alike))
    squares = np.linalg.svd(vectors, compute_uv=False) ** 2
    assert contextuality.explainable_variance(vectors) == pytest.approx(squares[0] / squares.sum())


def test_corrected_items_are_the_raw_ones_less_the_baseline(questions):
    result = TASK.score(questions, {"word": static(questions) + 1})
    items = result.items
    anisotropy = METRICS["mean"](items[items["question"] == "anisotropy"])
    raw, corrected = (items[items["question"] == name] for name in ("self-similarity", "self-similarity, corrected"))
    np.testing.assert_allclose(raw["predicted_value"].to_numpy() - corrected["predicted_value"].to_numpy(), anisotropy)
    assert raw["item"].tolist() == corrected["item"].tolist()


def test_words_without_a_vector_lower_the_coverage_alone(questions):
    array = static(questions)
    lost = set(questions.items["of"][:1])
    array[[word in lost for word in spoken(questions)]] = np.nan
    result = TASK.score(questions, {"word": array, "none": np.full_like(array, np.nan)})
    score = one(result, "mean", question="self-similarity")
    assert (score.n, score.coverage) == (TASK.words - 1, (TASK.words - 1) / TASK.words)
    assert score.value == pytest.approx(1)
    assert np.isfinite(value(result, "maximum explainable variance, corrected"))
    assert np.isnan(value(result, "self-similarity", "none"))


def test_every_view_is_asked_the_same(questions):
    result = TASK.score(questions, {"a": static(questions), "b": static(questions, 1)})
    names = [part[["question", "item", "group"]].reset_index(drop=True) for _, part in result.items.groupby("view")]
    assert names[0].equals(names[1])
    assert not result.items.duplicated(["view", "question", "item"]).any()


def test_a_small_corpus_cannot_be_asked():
    with pytest.raises(NotAskableError, match="needs 6 words with 6 sentences each"):
        TASK.questions(ListedCorpus([(0, ["one", "two", "three", "four"])]))


def test_the_option_names_every_setting():
    option = yaml.safe_load((paths.tasks() / "geometry" / "contextuality.yaml").read_text(encoding="utf-8"))
    assert option.pop("_target_") == "study.evaluation.Contextuality"
    Contextuality(**option)
