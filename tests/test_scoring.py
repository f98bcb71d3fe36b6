from types import SimpleNamespace

import numpy as np
import pandas as pd

from study import scoring
from study.contracts import ITEM_COLUMNS, Questions, Result, Score
from study.ledger import Ledger
from study.store import Store


def score(view, split, value):
    return Score(view, split, "label", "accuracy", value, 0.5, 10, 1.0, value - 0.1, value + 0.1)


def result(*scores):
    row = dict.fromkeys(ITEM_COLUMNS, "x") | {"gold_value": np.nan, "predicted_value": 0.5, "known": True}
    return Result(list(scores), pd.DataFrame([row | {"view": one.view} for one in scores]))


def test_results_are_read_as_they_were_written(tmp_path):
    written = {"cbow": result(score("word", "test", 0.25)), "skipgram": result(score("word", "test", 0.75))}
    scoring.write_results(tmp_path, written)
    read = scoring.read_results(tmp_path)
    assert list(read) == list(written)
    for name, one in written.items():
        assert read[name].scores == one.scores
        pd.testing.assert_frame_equal(read[name].items, one.items, check_dtype=False)


def test_a_task_without_baselines_has_none(tmp_path):
    scoring.write_results(tmp_path, {})
    assert scoring.read_results(tmp_path) == {}


class Constant:
    """A task whose score is the mean of the vectors."""

    version = 1

    def score(self, questions, vectors):
        return result(score("word", "test", float(vectors["word"].mean())))

    def baselines(self, questions):
        return {"majority": result(score("baseline", "test", 0.5))}


def trained(value, *, done=True):
    return SimpleNamespace(
        **{"name": "cbow", "seed": 0, "done": done, "spent": (int(10 * value), value)},
        vectors=SimpleNamespace(digest=str(value)),
        answers=lambda level: True,
        vectors_of=lambda key, asked, joined: {"word": np.full((2, 3), value)},
    )


def test_chosen_tasks_are_asked_at_every_moment_and_the_baselines_once(tmp_path):
    items = pd.DataFrame({"item": ["1"]})
    asked = Questions("word", [["a"]], np.array([[0, 0, 1]]), items)
    questions = {"similarity/a": asked, "polysemy/b": asked}
    tasks = {"similarity": {"a": Constant()}, "polysemy": {"b": Constant()}}
    moments = {"cbow": [trained(0.25, done=False), trained(0.5, done=False)]}
    training = SimpleNamespace(
        moments=(0, 10), store=Store(tmp_path), ledger=Ledger(), grown=lambda one, joined: moments[one.name]
    )
    end = trained(0.75)
    answers = scoring.score(tasks, [end], questions, None, training.store, Ledger())
    grown = scoring.grow(tasks, ["similarity/a", "polysemy/left_out"], [end], questions, training)
    assert [(one.task, one.model, one.done, one.spent) for one in grown] == [
        ("similarity/a", "cbow", False, (2, 0.25)),
        ("similarity/a", "cbow", False, (5, 0.5)),
    ]
    assert [one.result.scores[0].value for one in grown] == [0.25, 0.5]
    assert [(one.task, one.model, one.done, one.spent[1]) for one in answers] == [
        ("similarity/a", "majority", True, 0.0),
        ("similarity/a", "cbow", True, 0.75),
        ("polysemy/b", "majority", True, 0.0),
        ("polysemy/b", "cbow", True, 0.75),
    ]
    training.moments = ()
    assert scoring.grow(tasks, ["similarity/a"], [end], questions, training) == []
