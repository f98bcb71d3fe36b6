import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from study.contracts import HasFiles, Predicts, StudyError
from study.corpus import Vocabulary
from study.model.export import exported
from study.model.saved import Saved, export_encoder
from tests.model.small_corpus import SmallCorpus
from tests.model.small_spelled import SpelledSmall
from tests.model.test_encoder import SETTINGS

VIEWS = ("input", "layer-1", "layer-2")
SENTENCES = [["a1", "B1", "what", "a3", "b3"], ["a0"], [f"a{number}" for number in range(20)]]
PLACES = np.array([(0, 1, 2), (0, 0, 5), (0, 2, 3), (1, 0, 1), (2, 0, 20), (2, 9, 10)])


class TypedCorpus(SmallCorpus):
    """The small corpus with the vocabulary of real ones, and its surface types."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.types = [*(word.upper() for word in self.vocabulary.words), "?"]
        self.vocabulary = Vocabulary(self.vocabulary.words, self.vocabulary.counts, "fold")


class OtherCorpus(TypedCorpus):
    """The same words by other identifiers, the last three unknown."""

    def __init__(self, **settings):
        super().__init__(**settings)
        words = self.vocabulary.words[::-1]
        self.vocabulary = Vocabulary(words[3:], self.vocabulary.counts[::-1][3:], "fold")
        self.identifiers = np.array([self.vocabulary.ranks.get(word.lower(), 37) for word in self.types], np.int32)
        self.by_word = dict(zip(words, range(39, -1, -1), strict=True))

    def occurrences(self, words, at_most, seed):
        own = [self.by_word[self.vocabulary.words[word]] for word in words]
        found = super().occurrences(own, at_most, seed)
        return {word: found[one] for word, one in zip(words, own, strict=True)}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("training")
    return replace(SETTINGS, positions="learned").fit(TypedCorpus(sentences=200), folder=folder, observe=lambda moment: None)


@pytest.fixture
def folder(model, tmp_path):
    written = export_encoder(model, tmp_path / "exported")
    assert sorted(written) == sorted((tmp_path / "exported").iterdir())
    return tmp_path / "exported"


def saved(folder, corpus=None):
    settings = Saved(path=str(folder), occurrences=5, seed=0, device="cpu", threads=1)
    return settings.fit(corpus, folder=folder, observe=lambda moment: None)


def test_an_encoder_comes_back_to_the_bit_without_its_corpus(model, folder):
    again = saved(folder)
    mine, its = model.embed(SENTENCES, PLACES, VIEWS), again.embed(SENTENCES, PLACES, VIEWS)
    for view in VIEWS:
        assert np.array_equal(mine[view], its[view], equal_nan=True)
        assert np.isnan(mine[view]).any(axis=1).tolist() == [False, False, True, False, False, False]
    assert np.array_equal(model.lexicons()["input"].vectors, again.lexicons()["input"].vectors)
    assert list(again.lexicons()["input"].words) == list(model.vocabulary.words)
    assert again.parameters == model.parameters
    assert again.history == model.history
    assert again.views("word") == model.views("word")


def test_it_guesses_as_before(model, folder):
    again = saved(folder, TypedCorpus(sentences=200))
    assert isinstance(again, Predicts)
    places = np.array([(0, 0, 1), (0, 3, 4)])
    mine, its = (one.guess(SENTENCES, places, 3)["masked"] for one in (model, again))
    assert np.array_equal(mine.log_probability, its.log_probability)
    assert mine.best == its.best


def test_an_encoder_of_next_words_guesses_as_before_from_the_words_before(tmp_path):
    knobs = replace(SETTINGS, objective={"causal": 1.0}, mask="causal", words=500)
    before = knobs.fit(TypedCorpus(sentences=200), folder=tmp_path, observe=lambda moment: None)
    export_encoder(before, tmp_path / "exported")
    places = np.array([(0, 1, 2), (2, 19, 20)])
    mine, its = (
        one.guess(SENTENCES, places, 3)["before"] for one in (before, saved(tmp_path / "exported", TypedCorpus(sentences=200)))
    )
    assert np.array_equal(mine.log_probability, its.log_probability)
    assert mine.best == its.best


def test_it_guesses_nothing_where_the_corpus_has_other_words(folder):
    (guessed,) = saved(folder, OtherCorpus(sentences=200)).guess(SENTENCES, np.array([(0, 0, 1)]), 3).values()
    assert np.isnan(guessed.log_probability).all()
    assert guessed.rank.tolist() == [0]


def test_averaged_vectors_are_of_the_present_corpus(model, folder):
    words, places = [["a0"], ["b19"], ["b1"]], np.array([(0, 0, 1), (1, 0, 1), (2, 0, 1)])
    mine = model.embed(words, places, ["averaged-2", "averaged"])
    same = saved(folder, TypedCorpus(sentences=200)).embed(words, places, ["averaged-2", "averaged"])
    assert all(np.array_equal(mine[view], same[view], equal_nan=True) for view in mine)
    other = saved(folder, OtherCorpus(sentences=200)).embed(words, places, ["averaged-2", "averaged"])
    assert np.isnan(other["averaged"][1]).all(), "the present corpus does not know this word"
    assert other["averaged"][[0, 2]] == pytest.approx(mine["averaged"][[0, 2]], abs=1e-5)


def test_an_artefact_names_the_content_of_the_folder(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    again = saved(copy)
    assert isinstance(again, HasFiles)
    for name, source in (("one", folder), ("two", copy)):
        (tmp_path / name).mkdir()
        saved(source).save(tmp_path / name)
    assert (tmp_path / "one/encoder.json").read_bytes() == (tmp_path / "two/encoder.json").read_bytes()
    assert saved(copy).load(tmp_path / "one", None).parameters == again.parameters


def test_the_folder_says_what_it_holds(model, folder):
    settings = json.loads((folder / "settings.json").read_text())
    assert settings["class"] == "study.model.encoder.Transformer"
    assert settings["anatomy"]["width"] == 16
    assert settings["settings"]["mask_rate"] == model.mask_rate
    words = json.loads((folder / "words.json").read_text())
    assert words["counts"] == model.vocabulary.counts.tolist()


def change(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_what_is_not_such_a_folder_is_refused(folder, tmp_path):
    with pytest.raises(StudyError, match=r"has no weights\.safetensors, words\.json, settings\.json"):
        saved(tmp_path)
    change(folder / "settings.json", version=2)
    with pytest.raises(StudyError, match="version 1, found 'embedding-study encoder', version 2"):
        saved(folder)
    change(folder / "settings.json", version=1, anatomy={"width": 16})
    with pytest.raises(StudyError, match="anatomy: expected width, blocks"):
        saved(folder)
    (folder / "settings.json").write_text("[]")
    with pytest.raises(StudyError, match="an object with anatomy and case"):
        saved(folder)


def test_weights_of_other_words_are_refused(folder):
    change(folder / "words.json", words=["a", "b"], counts=[2, 1])
    with pytest.raises(StudyError, match=r"do not fit the settings(.|\n)*export it again"):
        saved(folder)


def test_an_encoder_of_sub_words_is_not_exported(tmp_path):
    pytest.importorskip("tokenizers", reason="the extra [subwords] is not installed")
    settings = replace(SETTINGS, units="bpe", subwords=36, words=0)
    model = settings.fit(SpelledSmall(), folder=tmp_path, observe=lambda moment: None)
    with pytest.raises(StudyError, match="units=bpe: only an encoder of words can be exported"):
        export_encoder(model, tmp_path / "exported")
    with pytest.warns(UserWarning, match="Transformer of bpe is left out"):
        assert exported(model, tmp_path / "exported") == []
    assert not (tmp_path / "exported").exists()


def test_loading_leaves_the_random_state_alone(folder):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    saved(folder)
    assert torch.equal(torch.rand(3), expected)
