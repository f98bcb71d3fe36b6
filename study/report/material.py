"""What a run was made of, as tables: the corpus in figures, the machine and the versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from study.report.run import Run
from study.report.table import Table, count, listing


def corpus_table(run: Run) -> Table:
    """Return the parts of the corpus: documents, sentences, words, types, coverage, lengths of sentences."""
    records = []
    for part, facts in run.facts.get("corpus", {}).get("parts", {}).items():
        lengths = facts.get("sentence_length") or {}
        records.append(
            {
                "part": part,
                "documents": facts.get("documents", np.nan),
                "sentences": facts.get("sentences", np.nan),
                "words": facts.get("words", np.nan),
                "types": facts.get("types", np.nan),
                "coverage": np.nan if facts.get("coverage") is None else facts["coverage"],
                "words per sentence": " · ".join(
                    f"{share}\N{NO-BREAK SPACE}%:\N{NO-BREAK SPACE}{length:g}" for share, length in lengths.items()
                ),
            }
        )
    caption = (
        "The corpus in its parts, divided by document. Coverage: share of the running words that the vocabulary knows; words per "
        "sentence: so many or fewer in that share of the sentences."
    )
    formats = dict.fromkeys(("documents", "sentences", "words", "types"), count) | {"coverage": lambda value: f"{value:.3f}"}
    return listing("corpus", caption, pd.DataFrame(records), formats if records else {})


def frequency_table(run: Run) -> Table:
    """Return the most frequent words of the training part."""
    frame = pd.DataFrame(run.facts.get("corpus", {}).get("most_frequent", []), columns=["word", "occurrences"])
    return listing("frequencies", "The most frequent words of the training part.", frame, {"occurrences": count})


def origin_table(run: Run) -> Table:
    """Return where the text comes from, under which licence, and how large the vocabulary is."""
    corpus = run.facts.get("corpus", {})
    origin = corpus.get("source")
    origin = origin if isinstance(origin, Mapping) else corpus
    wanted = ("name", "description", "source", "licence", "files", "bytes", "undecodable_bytes")
    facts = {key: origin[key] for key in wanted if origin.get(key) not in (None, "")}
    facts |= {"vocabulary": corpus["vocabulary"]} if "vocabulary" in corpus else {}
    facts |= {f"note {number}": note for number, note in enumerate(origin.get("notes", []), 1)}
    return _pairs("origin", "Where the text comes from.", facts)


def machine_table(run: Run) -> Table:
    """Return the machine that the run was made on, and the versions of what it used."""
    facts = {"started": run.facts.get("started", ""), "seconds": run.facts.get("seconds", "")}
    return _pairs("machine", "Machine and versions.", {**facts, **run.facts.get("machine", {}), **run.facts.get("versions", {})})


def _pairs(name: str, caption: str, facts: Mapping[str, Any]) -> Table:
    rows = [(key.replace("_", " "), _written(value)) for key, value in facts.items()]
    return listing(name, caption, pd.DataFrame(rows, columns=["what", "value"]), {})


def _written(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
