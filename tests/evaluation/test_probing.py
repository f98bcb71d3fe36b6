import numpy as np
import pytest
import yaml

from study import paths
from study.contracts import ITEM_COLUMNS, HasBaselines, StudyError
from study.evaluation import Probe

from .listed_corpus import ListedCorpus, assert_recomputable, one, random_vectors

VERBS = [f"w{letter}" for letter in "abcdefghijklmnopqrst"]


def probe(folder, lines, **settings) -> Probe:
    path = folder / "probe.tsv"
    path.write_text("\n".join(lines))
    return Probe(data=str(path), description="", source="https://here", **settings)


def noun_or_verb(folder) -> Probe:
    lines = [
        f"They {'may' if kind == 'verb' else 'the'} x{i} [{word}] it.\t{kind}\t{word}"
        for word in VERBS
        for kind in ("noun", "verb")
        for i in range(4)
    ]
    return probe(folder, ["sentence\tlabel\tgroup", *lines])


@pytest.mark.parametrize("scale", [1.0, 1e3])
def test_a_static_vector_scores_exactly_half(tmp_path, scale):
    """Each word is both classes equally often, and is held out with all its sentences."""
    task = noun_or_verb(tmp_path)
    questions = task.questions(ListedCorpus())
    vector = dict(zip(VERBS, np.random.default_rng(0).normal(size=(20, 64)) * scale, strict=True))
    static = np.stack([vector[word] for word in questions.items["group"]]).astype(np.float32)
    result = task.score(questions, {"word": static, "random": random_vectors(questions)})
    for split in ("development", "test"):
        score = one(result, "accuracy", split)
        assert (score.value, score.low, score.high, score.coverage) == (0.5, 0.5, 0.5, 1.0)
    assert one(result, "accuracy", view="random").value != 0.5


def test_a_view_that_knows_the_class_is_read(tmp_path):
    task = noun_or_verb(tmp_path)
    questions = task.questions(ListedCorpus())
    assert questions.items.groupby("group")["split"].nunique().eq(1).all()
    assert set(questions.items["split"]) == {"development", "test"}
    knows = random_vectors(questions) + 4 * (questions.items["gold"] == "verb").to_numpy()[:, None].astype(np.float32)
    result = task.score(questions, {"word": knows})
    assert tuple(result.items.columns) == ITEM_COLUMNS
    assert len(result.items) == 160
    assert_recomputable(result)
    assert one(result, "accuracy").value > 0.95
    assert one(result, "macro_f1").chance == 0.5


def test_unknown_vectors_lower_the_coverage_and_teach_nothing(tmp_path):
    task = noun_or_verb(tmp_path)
    questions = task.questions(ListedCorpus())
    vectors = random_vectors(questions)
    vectors[questions.items["group"].isin(VERBS[:10])] = np.nan
    result = task.score(questions, {"word": vectors, "nothing": np.full_like(vectors, np.nan)})
    hidden = questions.items["group"].isin(VERBS[:10]) & (questions.items["split"] == "test")
    assert one(result, "accuracy").coverage == pytest.approx(1 - hidden.sum() / (questions.items["split"] == "test").sum())
    assert one(result, "accuracy", view="nothing").n == 0
    assert_recomputable(result)


def test_baselines_are_majority_and_naive_bayes_on_the_other_words(tmp_path):
    task = noun_or_verb(tmp_path)
    assert isinstance(task, HasBaselines)
    baselines = task.baselines(task.questions(ListedCorpus()))
    assert one(baselines["majority"], "accuracy", view="baseline").value == 0.5
    assert one(baselines["naive Bayes"], "accuracy", view="baseline").value == 1.0


def test_the_files_own_splits_are_used_and_training_items_not_scored(tmp_path):
    lines = [f"It x{i} is.\t{'ab'[i % 2]}\t{('training', 'training', 'development', 'test')[i % 8 // 2]}" for i in range(80)]
    task = probe(tmp_path, ["sentence\tlabel\tsplit", *lines])
    questions = task.questions(ListedCorpus())
    assert questions.level == "sentence"
    result = task.score(questions, {"word": random_vectors(questions)})
    assert result.items["split"].value_counts().to_dict() == {"development": 20, "test": 20}


def test_training_items_lend_development_items_where_the_file_has_none(tmp_path):
    lines = [f"It x{i} is.\t{'ab'[i % 2]}\t{'test' if i % 4 > 1 else 'training'}" for i in range(80)]
    items = probe(tmp_path, ["sentence\tlabel\tsplit", *lines]).questions(ListedCorpus()).items
    assert items["split"].value_counts().to_dict() == {"test": 40, "training": 30, "development": 10}


def test_two_columns_are_enough(tmp_path):
    lines = [f"It x{i} [is] so.\t{'ab'[i % 2]}" for i in range(40)]
    task = probe(tmp_path, lines)
    questions = task.questions(ListedCorpus())
    assert questions.items["split"].value_counts().to_dict() == {"test": 30, "development": 10}
    knows = random_vectors(questions) + 4 * (questions.items["gold"] == "a").to_numpy()[:, None].astype(np.float32)
    assert one(task.score(questions, {"word": knows}), "accuracy").value > 0.9


@pytest.mark.parametrize(
    ("lines", "settings", "said"),
    [
        (["sentence\tlabel\tsplit", "It [is].\ta\ttest", "It [is].\tb\ttest"], {}, "names no training items"),
        (["It [is].\ta", "It [was].\tb"], {}, "at least four groups"),
        ([f"It x{i} [is].\t{'ab'[i % 2]}" for i in range(40)], {"folds": 1}, "two folds or more"),
        (["It re[is]t x.\ta", "It re[is]t y.\tb"], {}, "none of the 2 lines is left"),
    ],
)
def test_what_cannot_be_probed_is_refused(tmp_path, lines, settings, said):
    with pytest.raises(StudyError, match=said):
        probe(tmp_path, lines, **settings).questions(ListedCorpus())


def test_the_regimen_is_plain_settings_and_the_rest_resources():
    resources = {name for name, field in Probe.__dataclass_fields__.items() if field.metadata.get("resource")}
    assert resources == {"data", "description", "source"}


def test_on_the_studys_own_words_a_static_vector_scores_exactly_half():
    settings = yaml.safe_load((paths.tasks() / "probing" / "noun_or_verb.yaml").read_text())
    del settings["_target_"]
    task = Probe(**{**settings, "data": str(paths.tasks() / settings["data"])})
    questions = task.questions(ListedCorpus())
    assert questions.dropped == {}
    words, codes = np.unique(questions.items["group"], return_inverse=True)
    assert len(words) >= 24
    vectors = np.random.default_rng(0).normal(size=(len(words), 100)).astype(np.float32)
    score = one(task.score(questions, {"word": vectors[codes]}), "accuracy")
    assert (score.value, score.low, score.high) == (0.5, 0.5, 0.5)
