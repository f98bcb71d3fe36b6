from types import SimpleNamespace

import gensim
import numpy as np
import pytest

from study.contracts import Lexicon, StudyError
from study.corpus import Vocabulary
from study.model import Random, export_static
from study.model.export import write_keyed, write_text
from study.model.rows import text_rows
from tests.model.test_vectors import Corpus, fitted, vectors

EDGES = [0.1, 1 / 3, -0.0, 1, 1e-45, 1.1754944e-38, 3.4028235e38, 16777216, 8388608.5, 0.30000001, 5e-8, -2.5e20]
"""Numbers that are hard to write so that the same float32 is read again."""


@pytest.fixture
def model(tmp_path):
    model = Random(size=50, context_words=1, context_smoothing=1e-3, seed=0).fit(Corpus, folder=tmp_path, observe=print)
    model.vectors[0, : len(EDGES)] = EDGES
    return model


def test_the_text_is_read_again_bit_for_bit_by_the_study_and_by_gensim(model, tmp_path):
    text, _ = export_static(model, tmp_path / "a new" / "folder")
    again = fitted(text, tmp_path / "m")
    assert again.vocabulary.words == model.vocabulary.words
    assert (again.vectors.view(np.uint32) == model.vectors.view(np.uint32)).all()
    theirs = gensim.models.KeyedVectors.load_word2vec_format(text)
    assert theirs.index_to_key == model.vocabulary.words
    assert (theirs.vectors.view(np.uint32) == model.vectors.view(np.uint32)).all()


def test_many_random_numbers_of_all_magnitudes_are_read_again_bit_for_bit(tmp_path):
    bits = np.random.default_rng(0).integers(0, 2**32, 120_000, np.uint32).view(np.float32)
    numbers = bits[np.isfinite(bits)][:100_000].reshape(10_000, 10)
    write_text(Lexicon([str(row) for row in range(10_000)], numbers), tmp_path / "v.txt")
    again = np.concatenate([rows.vectors for rows in text_rows(tmp_path / "v.txt", headed=True)])
    assert (again.view(np.uint32) == numbers.view(np.uint32)).all()
    theirs = gensim.models.KeyedVectors.load_word2vec_format(tmp_path / "v.txt")
    assert (theirs.vectors.view(np.uint32) == numbers.view(np.uint32)).all()


def test_numbers_are_written_short(tmp_path):
    write_text(Lexicon(["a"], np.array([[0.418, 0.25, -1]], np.float32)), tmp_path / "v.txt")
    word, *numbers = (tmp_path / "v.txt").read_text().splitlines()[1].split()
    assert (word, max(map(len, numbers))) == ("a", 5)


def test_gensim_loads_keyed_vectors_with_their_counts_and_the_study_refuses_them(model, tmp_path):
    _, keyed = export_static(model, tmp_path)
    theirs = gensim.models.KeyedVectors.load(str(keyed))
    assert theirs.index_to_key == model.vocabulary.words
    assert (theirs.vectors == model.vectors).all()
    assert [theirs.get_vecattr(word, "count") for word in theirs.index_to_key] == [60, 30, 10]
    assert theirs.similarity("the", "the") == pytest.approx(1)
    with pytest.raises(StudyError, match="a pickle, as gensim's"):
        vectors(keyed).files()


def test_keyed_vectors_of_many_words_come_with_arrays_beside_them(tmp_path):
    words = [f"w{number}" for number in range(11_000)]
    array = np.random.default_rng(0).random((11_000, 1000), np.float32)
    write_keyed(Lexicon(words, array), np.arange(11_000), tmp_path / "v.kv")
    assert [path.name for path in tmp_path.glob("*.npy")] == ["v.kv.vectors.npy"]
    theirs = gensim.models.KeyedVectors.load(str(tmp_path / "v.kv"), mmap="r")
    assert (theirs["w10999"] == array[-1]).all()


def test_words_that_text_cannot_hold_are_left_out_of_it_and_told(tmp_path):
    words = ["the", "New York", "tab\there", "line\nbreak", "", "a\xa0b", "\u2028", "nul\0", "😀", "del\x7f"]
    array = np.random.default_rng(0).standard_normal((len(words), 3)).astype(np.float32)
    model = SimpleNamespace(
        vocabulary=Vocabulary(words, np.ones(len(words), int), "keep"), lexicons=lambda: {"word": Lexicon(words, array)}
    )
    with pytest.warns(UserWarning, match=r"vectors\.txt: 6 words with a space or control character, such as 'New York'"):
        text, keyed = export_static(model, tmp_path)
    kept = [0, 5, 6, 8]
    theirs = gensim.models.KeyedVectors.load_word2vec_format(text)
    ours = fitted(text, tmp_path / "m")
    assert theirs.index_to_key == ours.vocabulary.words == [words[row] for row in kept]
    assert (theirs.vectors == array[kept]).all()
    assert (ours.vectors == array[kept]).all()
    assert gensim.models.KeyedVectors.load(str(keyed)).index_to_key == words


def test_a_model_without_static_vectors_is_refused():
    with pytest.raises(StudyError, match="SimpleNamespace has no static vectors of words to export"):
        export_static(SimpleNamespace(lexicons=lambda: {"input": None}), None)
