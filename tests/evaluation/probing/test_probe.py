import numpy as np
import pandas as pd
import pytest
import yaml

from study import paths
from study.contracts import ITEM_COLUMNS, HasBaselines, Questions, StudyError
from study.evaluation import LabelProbe, Probe
from tests.evaluation.listed_corpus import ListedCorpus, assert_recomputable, one, random_vectors, regimen

VERBS = [f"w{letter}" for letter in "abcdefghijklmnopqrst"]


def probe(folder, lines, **settings) -> Probe:
    path = folder / "probe.tsv"
    path.write_text("\n".join(lines))
    return Probe(data=str(path), description="", source="https://here", regimen=regimen(**settings))


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


def test_the_regimen_is_plain_settings_and_the_rest_resources():
    resources = {name for name, field in Probe.__dataclass_fields__.items() if field.metadata.get("resource")}
    assert resources == {"data", "description", "source"}


def test_on_the_studys_own_words_a_static_vector_scores_exactly_half():
    settings = yaml.safe_load((paths.tasks() / "probing" / "noun_or_verb.yaml").read_text())
    del settings["_target_"]
    task = Probe(**{**settings, "data": str(paths.tasks() / settings["data"]), "regimen": regimen()})
    questions = task.questions(ListedCorpus())
    assert questions.dropped == {}
    words, codes = np.unique(questions.items["group"], return_inverse=True)
    assert len(words) >= 24
    vectors = np.random.default_rng(0).normal(size=(len(words), 100)).astype(np.float32)
    score = one(task.score(questions, {"word": vectors[codes]}), "accuracy")
    assert (score.value, score.low, score.high) == (0.5, 0.5, 0.5)


SPLIT = np.array(["training"] * 240 + ["development"] * 60 + ["test"] * 100)
EVERYTHING = {
    "mix": True,
    "control": True,
    "description_length": True,
    "classifiers": ("linear", "mlp"),
    "epochs": 12,
    "hidden": 16,
}


def asked(types=40, classes=3, seed=0) -> Questions:
    """Make one target each of 400 sentences of three words; the words repeat."""
    rng = np.random.default_rng(seed)
    sentences = [["a", f"w{word}", "b"] for word in rng.integers(0, types, 400)]
    items = pd.DataFrame({"item": [f"i{n:03d}" for n in range(400)], "group": [f"g{n % 50}" for n in range(400)]})
    items = items.assign(split=SPLIT, gold=rng.choice([f"c{n}" for n in range(classes)], 400), place=np.arange(400))
    return Questions("target", sentences, np.array([(n, 1, 2) for n in range(400)]), items)


def label_probe(**settings) -> LabelProbe:
    return LabelProbe(description="", source="", regimen=regimen(**settings))


def knowing(questions: Questions, apart=3.0) -> np.ndarray:
    codes = pd.factorize(questions.items["gold"], sort=True)[0]
    return (random_vectors(questions) + apart * np.eye(3, 16)[codes]).astype(np.float32)


def test_everything_at_once_is_recomputable_and_tells_what_it_should():
    questions = asked()
    views = {"input": random_vectors(questions), "layer-1": knowing(questions), "layer-2": random_vectors(questions, seed=2)}
    result = label_probe(**EVERYTHING).score(questions, views)
    assert tuple(result.items.columns) == ITEM_COLUMNS
    assert_recomputable(result)
    assert {score.view for score in result.scores} == {"input", "layer-1", "layer-2", "mix"}
    for end in ("", ", mlp"):
        known, noise, mix = (
            one(result, "accuracy", view=view, question=f"label{end}").value for view in ("layer-1", "input", "mix")
        )
        assert min(known, mix) > 0.8 > 0.5 > noise
        assert one(result, "selectivity", view="layer-1", question=f"selectivity{end}").value > 0.4
        short, long = (one(result, "codelength", view=view, question=f"description length{end}") for view in ("layer-1", "input"))
        assert short.value < 1.0 < 1.4 < long.value
        assert short.chance == pytest.approx(np.log2(3))
        assert (short.n, short.split) == (240, "test")
    weights = result.tables["mix_weights"]
    assert set(weights.columns) == {"view", "classifier", "layer", "weight"}
    assert weights[weights["classifier"] == "linear"].set_index("layer")["weight"].idxmax() == "layer-1"


def test_an_input_that_is_narrower_than_the_layers_takes_no_part_in_the_mix():
    questions = asked()
    views = {"input": random_vectors(questions)[:, :8], "layer-1": knowing(questions), "layer-2": random_vectors(questions)}
    result = label_probe(mix=True, epochs=2).score(questions, views)
    assert {score.view for score in result.scores} == {"input", "layer-1", "layer-2", "mix"}
    assert set(result.tables["mix_weights"]["layer"]) == {"layer-1", "layer-2"}


def test_the_same_seed_gives_the_same_answers_and_another_one_other_control_labels():
    questions = asked()
    views = {"layer-1": knowing(questions, 1.0), "layer-2": random_vectors(questions)}
    first, again, other = (label_probe(**{**EVERYTHING, "epochs": 3, "seed": seed}).score(questions, views) for seed in (0, 0, 1))
    assert first.items.equals(again.items)
    gold = [result.items.query("question == 'control'")["gold"].tolist() for result in (first, other)]
    assert gold[0] != gold[1]


def test_vectors_that_name_the_word_are_not_selective():
    """Each word has a label for good: a vector of the word alone reads both labels by heart."""
    questions = asked(types=30)
    number = pd.factorize(pd.Series([sentence[1] for sentence in questions.sentences]))[0]
    questions.items["gold"] = np.array(["c0", "c1", "c2"])[np.random.default_rng(1).integers(0, 3, 30)[number]]
    by_heart = (5 * np.eye(30)[number] + 0.01 * random_vectors(questions, 30)).astype(np.float32)
    result = label_probe(control=True).score(questions, {"word": by_heart})
    assert one(result, "accuracy", question="label").value > 0.95
    assert one(result, "accuracy", question="control").value > 0.95
    assert abs(one(result, "selectivity").value) < 0.05


def test_test_labels_influence_no_fit():
    questions = asked()
    changed = Questions(questions.level, questions.sentences, questions.places, questions.items.copy())
    changed.items["gold"] = np.where(SPLIT == "test", questions.items["gold"].to_numpy()[::-1], questions.items["gold"])
    views = {"layer-1": knowing(questions, 1.0), "layer-2": random_vectors(questions)}
    first, second = (label_probe(**{**EVERYTHING, "epochs": 3}).score(each, views).items for each in (questions, changed))
    for question in ("label", "label, mlp", "control", "control, mlp"):
        answers = [items[items["question"] == question]["predicted"].tolist() for items in (first, second)]
        assert answers[0] == answers[1]
    coded = [items[items["question"] == "description length"]["predicted_value"].tolist() for items in (first, second)]
    assert coded[0] == coded[1]


def test_whether_two_places_agree_is_read_from_their_product():
    rng = np.random.default_rng(0)
    signs = rng.choice([-1, 1], size=(2, 400))
    sentences = [["a", "b", "c"] for _ in range(400)]
    places = np.array([(n, at, at + 1) for at in (0, 2) for n in range(400)])
    items = pd.DataFrame({"item": [f"i{n:03d}" for n in range(400)], "group": np.arange(400).astype(str), "split": SPLIT})
    items = items.assign(
        gold=np.where(signs[0] == signs[1], "same", "different"), place=np.arange(400), other=400 + np.arange(400)
    )
    vectors = (signs.reshape(800, 1) + 0.3 * rng.normal(size=(800, 4))).astype(np.float32)
    vectors[[0, 799]] = np.nan
    questions = Questions("target", sentences, places, items)
    result = label_probe(control=True).score(questions, {"word": vectors})
    assert one(result, "accuracy", question="label").value > 0.95
    assert one(result, "accuracy", question="label").coverage == 0.99
    for floor in label_probe().baselines(questions).values():
        assert one(floor, "accuracy", view="baseline").n == 100


def test_without_training_items_test_items_are_coded_and_words_alone_have_no_control(tmp_path):
    lines = [f"x{chr(97 + i // 26)}{chr(97 + i % 26)}\t{'ab'[i % 2]}" for i in range(120)]
    task = probe(tmp_path, ["word\tlabel", *lines], control=True, description_length=True)
    questions = task.questions(ListedCorpus())
    assert questions.level == "word"
    knows = random_vectors(questions) + 4 * (questions.items["gold"] == "a").to_numpy()[:, None].astype(np.float32)
    result = task.score(questions, {"word": knows})
    assert {score.question for score in result.scores} == {"label", "description length"}
    assert one(result, "codelength").n == (questions.items["split"] == "test").sum()
    assert one(result, "codelength").value < 0.6
    assert one(task.baselines(questions)["majority"], "codelength", view="baseline").value > 0.95


def test_a_classifier_that_there_is_not_is_refused():
    for classifiers in (("mlp",), ("linear", "forest")):
        with pytest.raises(StudyError, match="expected \\[linear\\] or \\[linear, mlp\\]"):
            label_probe(classifiers=classifiers).score(asked(), {})


@pytest.mark.parametrize("setting", [{"penalties": ()}, {"epochs": 0}, {"hidden": 0}])
def test_a_regimen_that_fits_nothing_is_refused(setting):
    with pytest.raises(StudyError, match="numbers from 1"):
        label_probe(**setting).score(asked(), {})
