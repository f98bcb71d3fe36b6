"""Instruments measure the models that they fit, once; their tables say which model and seed they are of."""

from dataclasses import dataclass, field, make_dataclass
from types import SimpleNamespace
from typing import ClassVar

import pandas as pd

from study import measurements
from study.ledger import Ledger
from study.store import Store


@dataclass(frozen=True, kw_only=True)
class Ruler:
    """Measures a model's length, and counts how often it was asked."""

    unit: str
    version: ClassVar[int] = 1
    asked: ClassVar[list[str]] = []

    def fits(self, model):
        return hasattr(model, "length")

    def measure(self, model, corpus, observe):
        self.asked.append(self.unit)
        return {"lengths": pd.DataFrame({"unit": [self.unit], "length": [model.length]})}


def trained(name, seed, **model):
    fields = [(name, object, field(metadata={"view": True})) for name in model]
    model = make_dataclass("Model", fields)(**model)
    return SimpleNamespace(name=name, seed=seed, model=model, artefact=SimpleNamespace(digest=f"{name}{seed}"))


def test_each_fitting_model_is_measured_once_and_named(tmp_path):
    Ruler.asked.clear()
    models = [trained("a", 0, length=3), trained("a", 1, length=4), trained("flat", 0)]
    corpus, store = SimpleNamespace(digest="c"), Store(tmp_path)
    for _ in range(2):  # the second time everything is found made
        ledger = Ledger()
        tables = measurements.measured({"ruler": Ruler(unit="cm")}, models, corpus, store, ledger)
    assert tables["lengths"].to_dict("list") == {"model": ["a", "a"], "seed": [0, 1], "unit": ["cm", "cm"], "length": [3, 4]}
    assert Ruler.asked == ["cm", "cm"]
    assert [row["reused"] for row in ledger.rows] == [True, True]


def test_another_setting_is_another_measurement(tmp_path):
    Ruler.asked.clear()
    models, corpus, store = [trained("a", 0, length=3)], SimpleNamespace(digest="c"), Store(tmp_path)
    for unit in ("cm", "inch"):
        measurements.measured({"ruler": Ruler(unit=unit)}, models, corpus, store, Ledger())
    assert Ruler.asked == ["cm", "inch"]


def test_a_model_read_out_in_another_way_is_measured_again(tmp_path):
    store, corpus = Store(tmp_path), SimpleNamespace(digest="c")
    found = [
        measurements.measured({"ruler": Ruler(unit="cm")}, [trained("a", 0, length=length)], corpus, store, Ledger())["lengths"]
        for length in (3, 8)
    ]
    assert [table["length"].item() for table in found] == [3, 8]


def test_tables_that_models_made_while_training_are_collected():
    many = [trained(name, 7, tables={"fidelity": pd.DataFrame({"length": [5, 10]})}) for name in ("a", "b")]
    (table,) = measurements.of_models([*many, trained("plain", 0)]).values()
    assert table.to_dict("list") == {"model": ["a", "a", "b", "b"], "seed": [7] * 4, "length": [5, 10, 5, 10]}
    assert measurements.of_models([trained("plain", 0)]) == {}
