"""A run's folder made of plausible numbers and nasty text."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

NASTY = "<script>alert('x')</script> & $x_1$ | `code`"
MODELS = {"cbow": 0.06, "transformer": 0.10, "untrained": 0.01, "random": 0.0}
STATIC = {"cbow", "skipgram", "random"}
TASKS = {
    "similarity": [("simlex", "word", "pair", "spearman", 0.0)],
    "polysemy": [("bank", "target", "sense", "word_accuracy", 0.5)],
    "probing": [("sentence_length", "sentence", "label", "accuracy", 0.25), ("noun_or_verb", "target", "label", "accuracy", 0.5)],
}
JUDGED = {"seeds": 3, "spread": 0.0, "p_holm": 0.001}
"""A run that gives verdicts: each model was trained three times, with the same scores."""
PARTS = {"training": (80, 2100), "development": (5, 120), "test": (15, 300)}


def views(model: str, level: str) -> list[str]:
    """The first of them is the headline."""
    if model in STATIC:
        return ["word"] if level in ("word", "sentence") else ["context", "word"]
    return ["averaged", "averaged-1", "layer-1", "input"] if level == "word" else ["layer-2", "layer-1", "input"]


def scores_table(families: list[str], models: dict[str, float], seeds: int, spread: float) -> pd.DataFrame:
    rows = []
    rng = np.random.default_rng(0)

    def add(model, view, headline, family, task, level, question, metric, chance, value, seed):
        where = {"family": family, "task": task, "level": level, "question": question, "metric": metric, "chance": chance}
        ends = {"value": value, "low": value - 0.04, "high": value + 0.05, "n": 120, "coverage": 0.9}
        cost = {"seed": seed, "words_seen": 2_000_000, "seconds": 30.0, "done": True, "main": True, "headline": headline}
        rows.append({"run": "trial", "corpus": "toy", "model": model, "view": view, "split": "test", **where, **ends, **cost})

    for family in families:
        for task, level, question, metric, chance in TASKS[family]:
            for model, skill in models.items():
                for place, view in enumerate(views(model, level)):
                    for seed in range(seeds):
                        value = chance + skill - 0.01 * place + spread * (seed + rng.random()) * (seeds > 1)
                        add(model, view, place == 0, family, task, level, question, metric, chance, value, seed)
            if family != "similarity":
                for name in ("majority", "naive Bayes"):
                    add(name, "baseline", True, family, task, level, question, metric, chance, chance, None)
    return pd.DataFrame(rows).astype({"seed": "Int64"})


def comparisons_table(scores: pd.DataFrame, seeds: int, p_holm: float) -> pd.DataFrame:
    rows = []
    heads = scores[scores["headline"] & (scores["view"] != "baseline") & (scores["seed"] == 0)]
    for (family, task, question, metric), part in heads.groupby(["family", "task", "question", "metric"], sort=False):
        records = part.to_dict("records")
        for place, a in enumerate(records):
            for b in records[place + 1 :]:
                difference = a["value"] - b["value"]
                where = {"family": family, "task": task, "question": question, "metric": metric}
                pair = {"model_a": a["model"], "view_a": a["view"], "model_b": b["model"], "view_b": b["view"]}
                found = {
                    "difference": difference,
                    "low": difference - 0.03,
                    "high": difference + 0.03,
                    "p": 0.04,
                    "p_holm": p_holm,
                }
                rows.append(
                    {**where, **pair, **found, "n": 110, "seeds": seeds, "verdict": "", "minimum_detectable_effect": 0.05}
                )
    return pd.DataFrame(rows)


def items_table(models: dict[str, float], right: dict[str, float]) -> pd.DataFrame:
    """Items of the word 'bank' and of another: of ``bank``'s sentences ``right[model]`` get the right sense in context."""
    rows = []
    for model in models:
        for view in views(model, "target"):
            for word in ("bank", NASTY):
                for number in range(20):
                    gold = ("money", "river")[number % 2]
                    share = right.get(model, 0.5) if view in ("context", "layer-2") else 0.5
                    predicted = gold if number < 20 * share else "other"
                    where = {"family": "polysemy", "task": "bank", "question": "sense", "split": "test", "group": word}
                    answer = {"item": f"{word[:4]}-{number}/00", "gold": gold, "predicted": predicted, "known": True}
                    rows.append({"run": "trial", "model": model, "view": view, "seed": 0, **where, **answer})
    return pd.DataFrame(rows).assign(gold_value=np.nan, predicted_value=np.nan)


def plane_table(models: dict[str, float]) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    rows = []
    for model in models:
        for view, static in (("word" if model in STATIC else "input", True), (views(model, "target")[0], False)):
            for number in range(12):
                x, y = (0.0, 0.0) if static else rng.normal(size=2)
                text = {"word": "bank", "item": str(number), "sense": ("money", NASTY)[number % 2], "sentence": NASTY}
                rows.append(
                    {"model": model, "view": view, **text, "x": x, "y": y, "share_x": 0.4, "share_y": 0.2, "static": static}
                )
    return pd.DataFrame(rows)


def facts(seeds: int, overrides: dict[str, str], corpus: str) -> dict:
    parts = {
        name: {"documents": documents, "sentences": words // 20, "words": words * 1000, "types": 900, "coverage": 0.93}
        | {"sentence_length": {"50": 20.0}}
        for name, (documents, words) in PARTS.items()
    }
    source = {"name": corpus, "description": NASTY, "source": "https://example.org/text", "licence": "CC0", "notes": [NASTY]}
    return {
        "name": f"trial {NASTY}",
        "command": "python -m study 'name=<b>'",
        "overrides": overrides,
        "started": "2026-01-01T00:00:00+00:00",
        "seconds": 300.0,
        "seeds": seeds,
        "versions": {"python": "3.11"},
        "machine": {"cores": 2},
        "corpus": {
            "name": corpus,
            "vocabulary": 9000,
            "most_frequent": [[NASTY, 7], ["nan", 5]],
            "parts": parts,
            "source": source,
        },
        "report": {"plane": "bank", "neighbours": ["bank", NASTY], "nearest": 3},
    }


def write_run(
    folder: Path,
    *,
    seeds: int = 1,
    families: tuple[str, ...] = ("similarity", "polysemy", "probing"),
    models: dict[str, float] | None = None,
    right: dict[str, float] | None = None,
    counts: dict[str, int] | None = None,
    overrides: dict[str, str] | None = None,
    corpus: str = "toy",
    size: str | None = None,
    spread: float = 0.01,
    p_holm: float = 0.2,
) -> Path:
    """Write what a run leaves behind; ``spread`` is what a seed adds to a score where there are several."""
    models = MODELS if models is None else models
    folder.mkdir(parents=True)
    scores = scores_table(list(families), models, seeds, spread).assign(corpus=corpus)
    tables = {"scores": scores, "comparisons": comparisons_table(scores, seeds, p_holm)}
    heads = scores[scores["headline"] & (scores["seed"] == 0)]
    tables["common"] = heads.assign(value_common=heads["value"] - 0.01, n_common=100, value_own=heads["value"], n_own=120)[
        ["model", "view", "family", "task", "question", "metric", "value_common", "n_common", "value_own", "n_own"]
    ]
    cost = {"parameters": 100_000, "words_seen": 2e6, "words_per_second": 5e4, "training_seconds": 40.0, "embedding_seconds": 2.0}
    cost |= {"start": "", "start_words": 0, "start_seconds": 0.0}
    cost["operations_per_word"] = 5e6
    shares = {"transformer": 0.4}  # of the machine's peak
    how = {"reused": False, "reproducible": True, "threads": 2, "device": "cpu", "validation_loss": 5.0, "masked_accuracy": 0.2}
    tables["models"] = pd.DataFrame(
        [
            {"model": m, "seed": s, "kind": "Toy", "share_of_peak": shares.get(m), **cost, **how}
            | {"precision": "bfloat16" if m in shares else ""}
            for m in models
            for s in range(seeds)
        ]
    )
    tables["stages"] = pd.DataFrame(
        [{"stage": "text", "seconds": 1.5, "reused": True}, {"stage": "train cbow", "seconds": 40, "reused": False}]
    )
    moments = [{"model": "transformer", "seed": s, "words_seen": w, "seconds": w / 5e4} for s in range(seeds) for w in (1e6, 2e6)]
    curves = pd.DataFrame(moments if "transformer" in models else [], columns=["model", "seed", "words_seen", "seconds"])
    tables["curves"] = curves.assign(loss=6.0, validation_loss=5.5, masked_accuracy=0.1)
    counts = {"bank": 44, NASTY: 0} if counts is None else counts
    tables["targets"] = pd.DataFrame(
        [
            {"family": "polysemy", "task": "bank", "target": word, "training_count": n, "in_vocabulary": n >= 2}
            for word, n in counts.items()
        ],
        columns=["family", "task", "target", "training_count", "in_vocabulary"],
    )
    near = [
        (m, "word", w, r, n, 0.9 - r / 9)
        for m in models
        for w in ("bank", NASTY)
        for r, n in enumerate(("nan", "null", NASTY), 1)
    ]
    tables["neighbours"] = pd.DataFrame(near, columns=["model", "view", "word", "rank", "neighbour", "cosine"])
    tables["tasks"] = pd.DataFrame(
        [
            {
                "family": family,
                "task": task,
                "level": level,
                "description": NASTY,
                "source": "https://example.org",
                "items_test": 120,
            }
            | {"items_development": 0, "dropped": "", "note": ""}
            for family in families
            for task, level, *_ in TASKS[family]
        ]
        + [{"family": "probing", "task": "word_content", "dropped": "", "note": "left out: too few words"}]
        + [{"family": "probing", "task": "length", "dropped": "", "note": "40 words to be told apart"}]
    )
    if "polysemy" in families:
        items_table(models, right or {"cbow": 0.6, "transformer": 0.8}).to_parquet(folder / "items.parquet", index=False)
        tables["plane"] = plane_table(models)
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    (folder / "run.json").write_text(json.dumps(facts(seeds, overrides or {}, corpus) | {"size": size}), encoding="utf-8")
    (folder / "config.yaml").write_text(f"name: {NASTY}\n", encoding="utf-8")
    return folder
