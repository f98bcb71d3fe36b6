import dataclasses

import numpy as np
import pandas as pd
import pytest

from study import results
from study.contracts import ITEM_COLUMNS, Moment, Questions, Result, Score
from study.results import Answer


def score(view, split, value, metric="accuracy", question="label"):
    return Score(view, split, question, metric, value, 0.5, 10, 1.0, value - 0.1, value + 0.1)


def items(view):
    row = dict.fromkeys(ITEM_COLUMNS, "x") | {"view": view, "gold_value": np.nan, "predicted_value": 0.5, "known": True}
    return pd.DataFrame([row])


def result(*scores):
    return Result(list(scores), pd.concat([items(one.view) for one in scores], ignore_index=True))


class Model:
    seed = 0
    history = (Moment(1000, 1000, 2.0),)


class Artefact:
    seconds = 1.0


class Reused(Artefact):
    reused = True


@pytest.fixture
def trained():
    return [results.Trained("encoder", Model(), Artefact(), Artefact())]


@pytest.fixture
def answers():
    good = [score("layer-1", "development", 0.6), score("layer-2", "development", 0.8)]
    return [
        Answer("probing/a", "target", "majority", None, result(score("baseline", "test", 0.5)), "1"),
        Answer(
            *("probing/a", "target", "encoder", 0),
            *(result(*good, score("layer-1", "test", 0.9), score("layer-2", "test", 0.7)), "2", (1000, 2.0)),
        ),
    ]


def test_the_headline_is_chosen_on_development_items_and_every_row_tells_its_cost(answers):
    table = results.scores_table("run", "corpus", answers, {"probing/a": ("label", "accuracy")})
    assert set(table.loc[table["headline"] & (table["model"] == "encoder"), "view"]) == {"layer-2"}
    assert table.loc[table["model"] == "majority", "headline"].all()
    assert table["main"].all()
    encoder = table[table["model"] == "encoder"]
    assert (encoder["words_seen"] == 1000).all()
    assert (encoder["seconds"] == 2.0).all()
    assert table.loc[table["model"] == "majority", "seed"].isna().all()


def test_what_a_model_was_while_it_learned_chooses_no_headline_and_has_that_of_its_end(answers):
    early = [score("layer-1", "development", 1.0), score("layer-2", "development", 0.1)]
    while_learning = Answer("probing/a", "target", "encoder", 0, result(*early), "3", (100, 0.5), done=False)
    table = results.scores_table("run", "corpus", [while_learning, *answers], {"probing/a": ("label", "accuracy")})
    assert table["done"].tolist() == [False] * 2 + [True] * 5
    assert table.loc[table["headline"] & ~table["done"], ["view", "words_seen", "seconds"]].values.tolist() == [
        ["layer-2", 100, 0.5]
    ]


def test_what_a_model_started_from_counts_in_what_it_cost(trained):
    second = results.Trained("second", Model(), Artefact(), Artefact(), trained[0])
    assert second.spent == (2000, 4.0)
    assert results.Trained("third", Model(), Artefact(), Artefact(), second).spent == (3000, 6.0)


@pytest.mark.parametrize(
    ("effort", "share"), [({}, None), ({"operations_per_word": 40, "peak": 80_000, "precision": "bfloat16"}, 0.25)]
)
def test_a_network_tells_its_share_of_the_machines_peak_and_others_none(trained, effort, share):
    model = trained[0].model
    model.parameters, model.reproducible, model.resources = 7, True, {"device": "cpu", "threads": 1, **effort}
    row = results.models_table([results.Trained("encoder", model, Reused(), Reused())]).iloc[0]
    assert row["words_per_second"] == 500
    assert row["share_of_peak"] == share
    assert row["precision"] == effort.get("precision")


def test_items_carry_model_seed_family_and_task(answers):
    table = results.items_table("run", answers)
    assert set(table["task"]) == {"a"}
    assert set(table["family"]) == {"probing"}
    assert set(table["model"]) == {"majority", "encoder"}


def test_targets_are_counted_as_the_vocabulary_folds_them():
    class Vocabulary(dict):
        fold = staticmethod(str.lower)
        count = dict.get

    class Corpus:
        vocabulary = Vocabulary(bank=7)

    asked = Questions("target", [("The", "Bank", "is", "shut")], np.array([(0, 1, 2)]), pd.DataFrame())
    whole = Questions("sentence", [("The", "Bank")], np.array([(0, 0, 2)]), pd.DataFrame())
    table = results.targets_table({"polysemy/bank": asked, "probing/length": whole}, Corpus())
    assert table.to_dict("records") == [
        {"family": "polysemy", "task": "bank", "target": "bank", "training_count": 7, "in_vocabulary": True}
    ]


@dataclasses.dataclass(kw_only=True)
class Settled:
    width: int
    scaling: bool
    start: str | None
    objective: dict
    seed: int
    threads: int = dataclasses.field(metadata={"resource": True})


def test_a_model_without_a_seed_among_its_settings_has_settings_too():
    @dataclasses.dataclass(kw_only=True)
    class Read:
        path: str
        seed: int = dataclasses.field(init=False, default=0)

    table = results.settings_table([results.Trained("glove", Read(path="glove.txt"), Artefact(), Artefact())])
    assert table.to_dict("records") == [{"model": "glove", "setting": "path", "value": "glove.txt"}]


def test_settings_are_texts_by_model_without_seeds_and_resources():
    settings = {"scaling": True, "start": None, "objective": {"masked": 0.5}, "threads": 2}
    models = [("a", 16, 0), ("a", 16, 1), ("b", 32, 0)]
    trained = [
        results.Trained(name, Settled(width=width, seed=seed, **settings), Artefact(), Artefact()) for name, width, seed in models
    ]
    table = results.settings_table(trained)
    assert list(table.columns) == ["model", "setting", "value"]
    assert table.groupby("model").apply(lambda part: dict(zip(part["setting"], part["value"], strict=True))).to_dict() == {
        "a": {"width": "16", "scaling": "true", "start": "null", "objective.masked": "0.5"},
        "b": {"width": "32", "scaling": "true", "start": "null", "objective.masked": "0.5"},
    }
