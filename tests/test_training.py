from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from study.contracts import Lexicon, Moment, Questions, StudyError
from study.ledger import Ledger
from study.model import NotFiniteError, places
from study.store import Store
from study.training import Training, check_models
from tests.model.small_corpus import SmallCorpus


@dataclass(kw_only=True)
class Counting:
    """A model whose vectors are its seed, or one more than those it started from."""

    seed: int
    start: str | None = None
    wordless: bool = False
    version = 1
    vectors: np.ndarray = field(init=False, repr=False, compare=False)
    history: list = field(init=False, repr=False, compare=False, default_factory=list)

    def take(self, lexicon):
        self.vectors = np.asarray(lexicon.vectors) + 1

    def fit(self, corpus, *, folder, observe):
        if self.start is None:
            self.vectors = np.full((len(corpus.vocabulary), 3), self.seed, np.float32)
        return self

    def save(self, folder):
        np.save(folder / "vectors.npy", self.vectors)

    def load(self, folder, corpus):
        self.vectors = np.load(folder / "vectors.npy")
        return self

    def views(self, level):
        return ("word",)

    def embed(self, sentences, asked, views):
        return {"word": self.vectors[: len(asked)]}

    def lexicons(self):
        return {} if self.wordless else {"word": Lexicon([], self.vectors)}


@dataclass(kw_only=True)
class FromFile(Counting):
    path: object = field(default=None, metadata={"resource": True})

    def files(self):
        if not self.path.exists():
            raise StudyError(f"path: no such file, {self.path}")
        return {"vectors": self.path}


@dataclass(kw_only=True)
class Failing(Counting):
    """Its loss is not finite with one of its seeds."""

    fails_with: int

    def fit(self, corpus, *, folder, observe):
        if self.seed == self.fails_with:
            raise NotFiniteError("The loss is inf.", [Moment(3, 9, 0.1)])
        return super().fit(corpus, folder=folder, observe=observe)


def training(root, seeds=1):
    asked = Questions("word", [["a1"], ["b1"]], np.array([[0, 0, 1], [1, 0, 1]]), None)
    joined = places.join({"similarity/some": asked})
    return Training(corpus=SmallCorpus(20), joined=joined, seeds=seeds, numbers="float32", store=Store(root), ledger=Ledger())


def test_every_model_is_trained_with_every_seed_in_the_order_of_the_study(tmp_path):
    trained = training(tmp_path, seeds=2).all({"b": Counting(seed=5), "a": Counting(seed=1)})
    assert [(one.name, one.seed) for one in trained] == [("b", 5), ("b", 6), ("a", 1), ("a", 2)]


def test_a_model_starts_from_another_of_the_same_seed_number_whatever_their_order(tmp_path):
    models = {"last": Counting(seed=0, start="middle"), "middle": Counting(seed=0, start="first"), "first": Counting(seed=4)}
    trained = {(one.name, one.seed): one for one in training(tmp_path, seeds=2).all(models)}
    assert (trained["last", 0].model.vectors == 6).all()
    assert (trained["last", 1].model.vectors == 7).all()


def test_what_was_started_from_another_result_is_trained_again(tmp_path):
    models = {"first": Counting(seed=4), "second": Counting(seed=0, start="first")}
    training(tmp_path).all(models)
    again = training(tmp_path).all(models)
    assert all(one.artefact.reused for one in again)
    other = training(tmp_path).all(models | {"first": Counting(seed=9)})
    assert [one.artefact.reused for one in other] == [False, False]
    assert (other[1].model.vectors == 10).all()


@pytest.mark.parametrize("start", ["missing", "itself"])
def test_a_start_that_is_not_there_or_goes_in_a_circle_is_refused_before_any_model_is_trained(tmp_path, start):
    models = {"first": Counting(seed=4), "itself": Counting(seed=0, start=start)}
    with pytest.raises(StudyError, match=rf"models\.itself\.start={start}: expected another model of this study \(first\)"):
        training(tmp_path).all(models)
    assert not list(tmp_path.rglob("vectors.npy"))


def test_a_circle_of_several_starts_is_refused():
    circle = {"a": Counting(seed=0, start="b"), "b": Counting(seed=0, start="c"), "c": Counting(seed=0, start="b")}
    with pytest.raises(StudyError, match=r"models\.c\.start=b: expected another model of this study \(none is here\)"):
        check_models(circle)


def test_a_missing_file_is_told_with_the_models_name_before_any_model_is_trained(tmp_path):
    models = {"first": Counting(seed=4), "mine": FromFile(seed=0, path=tmp_path / "absent.txt")}
    with pytest.raises(StudyError, match=r"^models\.mine: path: no such file, .*absent\.txt$"):
        training(tmp_path).all(models)
    assert not list(tmp_path.rglob("vectors.npy"))


def test_a_model_without_word_vectors_gives_no_start(tmp_path):
    models = {"first": Counting(seed=0, wordless=True), "second": Counting(seed=0, start="first")}
    with pytest.raises(StudyError, match="no vector per word"):
        training(tmp_path).all(models)


def test_a_changed_file_makes_another_model(tmp_path):
    path = tmp_path / "vectors.txt"
    path.write_text("1")
    models = {"mine": FromFile(seed=0, path=path)}
    root = tmp_path / "store"
    assert [one.artefact.reused for one in training(root).all(models) + training(root).all(models)] == [False, True]
    path.write_text("2")
    assert not training(root).all(models)[0].artefact.reused
    moved = replace(models["mine"], path=path.rename(tmp_path / "elsewhere.txt"))
    assert training(root).all({"mine": moved})[0].artefact.reused


@dataclass(kw_only=True)
class Growing(Counting):
    """A model that is kept at its moments, with one more than before in each; it ends where it would end unseen."""

    moments: list = field(init=False, repr=False, compare=False, default=())
    fitted: list = field(init=False, repr=False, compare=False, default_factory=list)

    def fit(self, corpus, *, folder, observe):
        for words in self.moments[:2]:
            kept = folder / "moments" / str(words)
            kept.mkdir(parents=True)
            self.vectors = np.full((len(corpus.vocabulary), 3), words, np.float32)
            self.save(kept)
        self.history = [Moment(100, 100, 7.0)]
        return super().fit(corpus, folder=folder, observe=observe)

    def load(self, folder, corpus):
        self.history = [Moment(100, 100, 7.0)]
        return super().load(folder, corpus)


def test_a_model_that_was_kept_while_it_learned_is_loaded_at_its_moments(tmp_path):
    asked = replace(training(tmp_path), moments=(0, 10, 20))
    ((one, control),) = [asked.all({"growing": Growing(seed=5), "control": Counting(seed=5)})]
    found = asked.grown(one, asked.joined)
    assert [grown.model.vectors[0, 0] for grown in found] == [0, 10]
    assert [grown.done for grown in (one, *found)] == [True, False, False]
    assert not (one.artefact.folder / "checkpoints").exists()
    vectors = [np.load(grown.vectors.folder / "word.npy")[0, 0] for grown in (*found, one)]
    assert vectors == [0, 10, 5]
    assert asked.grown(control, asked.joined) == []
    assert all(grown.vectors.reused for grown in asked.grown(one, asked.joined))


def test_being_seen_names_another_training_but_nothing_that_is_made_of_it(tmp_path):
    plain = training(tmp_path)
    seen = replace(plain, moments=(0, 10, 20))
    models = {"growing": Growing(seed=5)}
    (one,), (other,) = plain.all(models), seen.all(models)
    assert (one.artefact.folder, other.artefact.reused) != (other.artefact.folder, True)
    assert one.artefact.digest == other.artefact.digest
    assert other.vectors.reused
    assert plain.all(models)[0].artefact.reused
    assert not replace(plain, moments=(0, 10, 30)).all(models)[0].artefact.reused


def test_what_a_model_started_from_is_told_with_it(tmp_path):
    models = {"first": Growing(seed=4), "second": Counting(seed=0, start="first")}
    first, second = training(tmp_path).all(models)
    assert second.start is first
    assert second.spent == (100, 7.0)


@pytest.mark.filterwarnings("ignore:heir failed and is left out")
def test_a_model_that_fails_is_left_out_with_all_its_seeds_and_what_starts_from_it_too(tmp_path):
    models = {
        "heir": Counting(seed=0, start="bad"),
        "bad": Failing(seed=0, fails_with=1),
        "good": Failing(seed=0, fails_with=9),
    }
    study = training(tmp_path, seeds=2)
    with pytest.warns(UserWarning, match=r"bad failed and is left out: The loss is inf\."):
        trained = study.all(models)
    assert [(one.name, one.seed) for one in trained] == [("good", 0), ("good", 1)]
    assert study.failed == {"bad": "The loss is inf.", "heir": "bad failed: The loss is inf."}
    assert study.broken_off == {("bad", 1): [Moment(3, 9, 0.1)]}


@pytest.mark.filterwarnings("ignore:.* failed and is left out")
def test_a_study_of_which_every_model_fails_stops(tmp_path):
    with pytest.raises(StudyError, match=r"bad: The loss is inf\."):
        training(tmp_path).all({"bad": Failing(seed=0, fails_with=0)})
