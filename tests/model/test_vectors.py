import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import gensim
import numpy as np
import pytest
import yaml
from gensim.test.utils import datapath
from scipy import stats

from study.contracts import HasFiles, StudyError
from study.corpus import Vocabulary
from study.model import Vectors
from study.store import settings_of
from tests.model.test_formats import WHEEL, installed
from tests.model.test_rows import VECTORS, WORDS, binary, text, written

CONF = Path(__file__).parents[2] / "conf" / "model"


class Corpus:
    """All that such a model asks of a corpus."""

    vocabulary = Vocabulary(["the", "new", "king"], np.array([60, 30, 10]), "fold", {"naïve": 1})


def vectors(path, **changed):
    knobs = yaml.safe_load((CONF / "vectors.yaml").read_text(encoding="utf-8"))
    del knobs["_target_"]
    return Vectors(**{**knobs, "path": str(path), "context_smoothing": 1e-3, **changed})


def fitted(path, folder, observe=lambda moment: None, **changed):
    """Fit, save and load as a study does, so that what is left is only what was saved."""
    checkpoints = folder / "checkpoints"
    checkpoints.mkdir(parents=True, exist_ok=True)
    vectors(path, **changed).fit(Corpus, folder=checkpoints, observe=observe).save(folder)
    (checkpoints / "vectors.npy").unlink()
    return vectors("nowhere", **changed).load(folder, Corpus)


def embed(model, *words):
    places = np.array([(number, 0, 1) for number in range(len(words))])
    return model.embed([[word] for word in words], places, ["word"])["word"]


def test_every_format_gives_the_same_model(tmp_path):
    np.save(tmp_path / "v.npy", VECTORS)
    written(tmp_path, "\n".join(WORDS), "words.txt")
    contents = {"a.txt": "5 3\n" + text(), "b.txt": text(), "c.bin": binary(), "d.vec": "5 3\n" + text(end=" \n")}
    for name in [*(written(tmp_path, content, name).name for name, content in contents.items()), "v.npy"]:
        model = fitted(tmp_path / name, tmp_path / f"{name} imported")
        assert model.vocabulary.words == WORDS, name
        assert (model.vectors == VECTORS).all(), name
        assert model.vectors.dtype == np.float32
        lexicon = model.lexicons()["word"]
        assert (lexicon.words, lexicon.vectors.shape) == (WORDS, (5, 3))


def test_it_is_a_model_made_of_files_that_trains_nothing(tmp_path):
    path = written(tmp_path, text())
    model = fitted(path, tmp_path / "m")
    assert isinstance(model, HasFiles)
    assert vectors(path).files() == {"vectors": path}
    assert (model.parameters, model.history, model.reproducible) == (0, [], True)
    assert model.views("target") == ("word", "context", "word+context")


def test_another_process_loads_it_mapped_into_memory_without_the_file_it_came_from(tmp_path):
    path = written(tmp_path, text())
    fitted(path, tmp_path / "m")
    path.unlink()
    code = (
        "import sys, numpy as np; from tests.model.test_vectors import Corpus, vectors; from pathlib import Path;"
        "m = vectors('gone').load(Path(sys.argv[1]), Corpus); print(isinstance(m.vectors.base, np.memmap), m.vectors[0].tolist())"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "m"], cwd=root, text=True, capture_output=True, check=True)
    assert done.stdout.strip() == f"True {VECTORS[0].tolist()}"


def test_its_place_and_its_seed_do_not_name_what_is_made_of_it_but_its_format_and_size_do():
    model = vectors("here.txt")
    for changed in (replace(model, path="there.txt"), replace(model, seed=7)):
        assert settings_of(changed) == settings_of(model)
    for changed in (replace(model, format="glove"), replace(model, maximum_words=3)):
        assert settings_of(changed, without=("resource", "view")) != settings_of(model, without=("resource", "view"))
    for changed in (replace(model, case="lower"), replace(model, context_words=3)):
        assert settings_of(changed, without=("resource", "view")) == settings_of(model, without=("resource", "view"))
        assert settings_of(changed) != settings_of(model)


@pytest.mark.parametrize(
    ("case", "known"),
    [
        ("either", {"Paris": 0, "paris": None, "The": 1, "the": 1, "US": 2, "us": 3, "Us": 3}),
        ("written", {"Paris": 0, "paris": None, "The": None, "the": 1, "US": 2, "us": 3, "Us": None}),
        ("lower", {"Paris": None, "paris": None, "The": 1, "the": 1, "US": 3, "us": 3, "Us": 3}),
    ],
)
def test_words_are_looked_up_by_the_case_that_is_asked_for(tmp_path, case, known):
    array = np.eye(4, dtype=np.float32)
    model = fitted(written(tmp_path, text(array, ["Paris", "the", "US", "us"])), tmp_path / "m", case=case)
    assert {word: model.vocabulary.index(word) for word in known} == known
    assert [word in model.vocabulary for word in known] == [row is not None for row in known.values()]
    for word, vector in zip(known, embed(model, *known), strict=True):
        assert np.isnan(vector).all() if known[word] is None else (vector == array[known[word]]).all()


def test_counts_are_the_corpus_own_and_weigh_the_context(tmp_path):
    model = fitted(written(tmp_path, text()), tmp_path / "m", context_smoothing=0.1)
    assert model.vocabulary.counts.tolist() == [60, 30, 1, 0, 0]
    assert [model.vocabulary.count(word) for word in ("the", "😀", "king")] == [60, 0, 0]
    weight = {row: 0.1 / (0.1 + count / 91) for row, count in enumerate([60, 30, 1])}
    context = model.embed([["the", "1990", "naïve"]], np.array([(0, 1, 2)]), ["context"])["context"][0]
    assert context == pytest.approx((weight[0] * VECTORS[0] + weight[2] * VECTORS[2]) / (weight[0] + weight[2]))


def test_files_of_which_the_corpus_has_no_word_are_refused(tmp_path):
    with pytest.raises(StudyError, match=r"none of its 2 words, such as 'roi', 'reine', is in the corpus"):
        fitted(written(tmp_path, "roi 1 2\nreine 3 4\n"), tmp_path / "m")


def test_the_first_words_can_be_taken_alone(tmp_path):
    model = fitted(written(tmp_path, "5 3\n" + text()), tmp_path / "m", maximum_words=2)
    assert model.vocabulary.words == WORDS[:2]
    assert (model.vectors == VECTORS[:2]).all()
    with pytest.raises(StudyError, match="maximum_words: expected 1 or more, or null for all, found 0"):
        fitted(written(tmp_path, text()), tmp_path / "m", maximum_words=0)


def test_of_a_word_that_stands_there_again_the_first_vector_counts_and_the_number_is_told(tmp_path):
    path = written(tmp_path, "the 1 2\nnew 3 4\nthe 5 6\nthe 7 8\nking 9 9\n")
    with pytest.warns(UserWarning, match=r"vectors\.txt: 2 words stand there again; the first vector"):
        model = fitted(path, tmp_path / "m")
    assert model.vocabulary.words == ["the", "new", "king"]
    assert model.vectors.tolist() == [[1, 2], [3, 4], [9, 9]]


def test_words_that_are_not_utf8_are_read_and_their_number_is_told(tmp_path):
    path = written(tmp_path, b"the 1 2\nna\xefve 3 4\n\xef\xbf\xbd 5 6\n")
    with pytest.warns(UserWarning, match=r"1 words are not UTF-8"):
        assert fitted(path, tmp_path / "m").vocabulary.words == ["the", "na�ve", "�"]


@pytest.mark.parametrize("number", ["nan", "inf", "-1e39"])
def test_numbers_that_are_not_finite_are_refused_with_their_line(tmp_path, number):
    path = written(tmp_path, f"the 1 2\nking 3 {number}\n")
    with pytest.raises(
        StudyError, match=r"vectors\.txt:2: expected finite numbers, found NaN or infinity in the vector of 'king'"
    ):
        fitted(path, tmp_path / "m")


def test_numbers_that_are_not_finite_are_refused_in_arrays_with_their_word(tmp_path):
    np.save(tmp_path / "v.npy", np.array([[1.0], [np.nan]]))
    written(tmp_path, "the\nking\n", "words.txt")
    with pytest.raises(StudyError, match=r"v\.npy: word 2: expected finite numbers"):
        fitted(tmp_path, tmp_path / "m")


def test_words_with_odd_characters_survive(tmp_path):
    words = ["the", ". . .", "a\xa0b", "c\x85d", "e\u2028f", "g\x1ch", '"quoted"', "\u200b"]
    model = fitted(written(tmp_path, text(np.ones((8, 2)), words)), tmp_path / "m")
    assert model.vocabulary.words == words


def test_artefacts_that_do_not_fit_together_are_refused(tmp_path):
    fitted(written(tmp_path, text()), tmp_path / "m")
    written(tmp_path / "m", "the\nking", "words.txt")
    with pytest.raises(StudyError, match="holds 2 words, 5 counts and 5 vectors"):
        vectors("nowhere").load(tmp_path / "m", Corpus)


def test_progress_ends_at_the_number_of_words(tmp_path):
    moments = []
    fitted(written(tmp_path, text(np.ones((3000, 2)), ["the", *map(str, range(2999))])), tmp_path / "m", moments.append)
    seen = [moment.words_seen for moment in moments]
    assert seen == sorted(seen)
    assert (moments[-1].words_seen, moments[-1].total_words) == (3000, 3000)
    assert all(moment.words_seen <= moment.total_words < 5000 for moment in moments)


@pytest.fixture(scope="module")
def glove(tmp_path_factory):
    if not installed(WHEEL):
        pytest.skip(f"the package {WHEEL} is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # 400,000 distinct words, all UTF-8
        return fitted(WHEEL, tmp_path_factory.mktemp("glove"))


def test_the_wheel_of_glove_is_read_whole_and_its_neighbours_make_sense(glove):
    assert glove.vectors.shape == (400_000, 50)
    assert glove.vectors[0, :3] == pytest.approx([0.418, 0.24968, -0.41242])
    unit = glove.vectors / np.linalg.norm(glove.vectors, axis=1, keepdims=True)
    nearest = np.argsort(-unit @ unit[glove.vocabulary.index("King")])[:10]
    assert {"king", "prince", "queen", "emperor"} <= {glove.vocabulary.words[row] for row in nearest}


def test_the_wheel_of_glove_scores_on_wordsim_what_gensim_gives_it(glove):
    path = datapath("wordsim353.tsv")
    pairs = [line.split("\t") for line in Path(path).read_text().splitlines() if not line.startswith("#")]
    first, second = (embed(glove, *(pair[side] for pair in pairs)).astype(float) for side in (0, 1))
    cosine = (first * second).sum(1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)
    assert np.isfinite(cosine).all(), "all 353 pairs are known, capitals or not"
    ours = stats.spearmanr(cosine, [float(pair[2]) for pair in pairs]).statistic
    keyed = gensim.models.KeyedVectors(50)
    keyed.add_vectors(glove.vocabulary.words, glove.vectors)
    _, theirs, unknown = keyed.evaluate_word_pairs(path, restrict_vocab=400_000)
    assert unknown == 0
    assert ours == pytest.approx(theirs.statistic, abs=1e-5)
    assert ours == pytest.approx(0.503, abs=0.001)
