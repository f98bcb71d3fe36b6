"""What is measured of models beside their answers: by themselves while they are trained, and by instruments afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from study.contracts import HasTables, Instrument
from study.corpus import EncodedCorpus
from study.ledger import Ledger
from study.progress import bar
from study.results import Trained
from study.store import Store

Tables = dict[str, pd.DataFrame]


def measured(
    instruments: Mapping[str, Instrument], trained: Sequence[Trained], corpus: EncodedCorpus, store: Store, ledger: Ledger
) -> Tables:
    """Hold each instrument to every model that it fits, and return its tables by name with the columns ``model, seed`` first."""
    found: list[tuple[Trained, Tables]] = []
    for name, instrument in instruments.items():
        for one in trained:
            if not instrument.fits(one.model):
                continue
            inputs = {"model": one.artefact.digest, "corpus": corpus.digest}
            make = partial(_measure, instrument, one, corpus, f"measuring {name} of {one.name}")
            settings = {"instrument": instrument, "model": one.model}  # how a model is read out changes no artefact of its own
            artefact = store.artefact("instrument", settings, inputs, make)
            ledger.enter(f"measure {name} of {one.name}", artefact)
            found.append((one, {path.stem: pd.read_parquet(path) for path in sorted(artefact.folder.glob("*.parquet"))}))
    return _collected(found)


def of_models(trained: Sequence[Trained]) -> Tables:
    """Return the tables that models made while they were trained, by name with the columns ``model, seed`` first."""
    return _collected((one, dict(one.model.tables)) for one in trained if isinstance(one.model, HasTables))


def _measure(instrument: Instrument, one: Trained, corpus: EncodedCorpus, title: str, folder: Path) -> None:
    with bar(title) as observe:
        for name, table in instrument.measure(one.model, corpus, observe).items():
            table.to_parquet(folder / f"{name}.parquet", index=False)


def _collected(found: Iterable[tuple[Trained, Tables]]) -> Tables:
    parts: dict[str, list[pd.DataFrame]] = {}
    for one, tables in found:
        for title, table in tables.items():
            told = pd.DataFrame({"model": one.name, "seed": one.seed}, index=table.index)
            parts.setdefault(title, []).append(pd.concat([told, table], axis=1))
    return {title: pd.concat(tables, ignore_index=True) for title, tables in parts.items()}
