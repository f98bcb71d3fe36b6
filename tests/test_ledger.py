import pandas as pd

from study.ledger import Ledger
from study.store import Artefact


def test_an_artefact_is_entered_with_its_cost_and_handed_on(tmp_path):
    ledger, artefact = Ledger(), Artefact(tmp_path, "digest", {"seconds": 2.5}, True)
    assert ledger.enter("train cbow", artefact) is artefact
    assert ledger.rows == [{"stage": "train cbow", "seconds": 2.5, "reused": True}]


def test_a_stage_without_an_artefact_is_timed():
    ledger = Ledger()
    with ledger.timed("questions"):
        sum(range(10_000))
    (row,) = ledger.rows
    assert row["stage"] == "questions"
    assert not row["reused"]
    assert pd.notna(row["seconds"])
    assert row["seconds"] >= 0
