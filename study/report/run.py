"""A finished run as its folder tells it: tables of text and numbers, nothing pickled, nothing computed anew."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pandas as pd

from study.contracts import CONTROLS, StudyError

BASELINE = "baseline"
STATIC_VIEWS = ("word", "context", "word+context")
"""The views of a model that has one vector per word; a model with any other view is an encoder."""
FROM_FILES = ("Vectors", "HuggingFace", "Saved")
"""Kinds of models that were trained elsewhere and are read from files: every seed gives the same."""

# file -> its columns: t text, f number (empty: not a number), b true or false
COLUMNS = {
    "scores": (
        "run:t corpus:t model:t view:t headline:b family:t task:t split:t level:t question:t metric:t main:b "
        "value:f chance:f low:f high:f n:f coverage:f seed:f words_seen:f seconds:f done:b"
    ),
    "common": "model:t view:t family:t task:t question:t metric:t value_common:f n_common:f value_own:f n_own:f",
    "comparisons": (
        "family:t task:t question:t metric:t model_a:t view_a:t model_b:t view_b:t difference:f low:f high:f p:f p_holm:f n:f "
        "seeds:f verdict:t minimum_detectable_effect:f"
    ),
    "models": (
        "model:t seed:f kind:t parameters:f words_seen:f words_per_second:f share_of_peak:f precision:t "
        "training_seconds:f embedding_seconds:f reused:b reproducible:b threads:f device:t start:t start_words:f start_seconds:f "
        "operations_per_word:f validation_loss:f masked_accuracy:f"
    ),
    "stages": "stage:t seconds:f reused:b",
    "curves": "model:t seed:f words_seen:f seconds:f loss:f validation_loss:f masked_accuracy:f",
    "targets": "family:t task:t target:t training_count:f in_vocabulary:b",
    "plane": "model:t view:t word:t item:t sense:t sentence:t x:f y:f share_x:f share_y:f static:b",
    "neighbours": "model:t view:t word:t rank:f neighbour:t cosine:f",
    "guesses": "family:t task:t model:t seed:f view:t item:t sentence:t word:t rank:f log_probability:f guesses:t",
    "clusters": (
        "family:t task:t model:t seed:f view:t k:f silhouette:f null:f level:f cluster:f size:f example:f item:t sentence:t"
    ),
    "points": "family:t task:t model:t seed:f view:t item:t part:t cluster:f sentence:t x:f y:f share_x:f share_y:f",
    "mix_weights": "family:t task:t model:t seed:f view:t classifier:t layer:t weight:f",
    "views": "first:t second:t measure:t value:f n:f",
    "attention": (
        "model:t seed:f sentence:f sentence_words:f kind:t layer:f head:f query_position:f query_word:t key_position:f "
        "key_word:t symbol:b target:b weight:f"
    ),
    "attention_heads": "model:t seed:f kind:t layer:f head:f measure:t value:f low:f high:f uniform:f sentences:f words:f",
    "variance": "model:t family:t task:t question:t metric:t component:t variance:f share:f",
    "detectable": "family:t task:t question:t metric:t n:f pairs:f smallest:f median:f largest:f assumes:t",
    "settings": "model:t setting:t value:t",
    "losses": "model:t seed:f stage:t row:f asked:f loss:f",
    "gradients": "model:t seed:f stage:t block:f part:t value:f error:f n:f",
    "attention_spread": "model:t seed:f stage:t block:f head:f measure:t value:f error:f n:f",
    "order": "model:t seed:f stage:t order:t layer:f value:f error:f n:f",
    "head_probes": "model:t seed:f stage:t block:f head:f question:t shuffled:b value:f error:f n:f",
    "reconstruction": (
        "model:t seed:f shortest:f longest:f sentences:f words:f frequent:f frequent_low:f frequent_high:f "
        "forced:f forced_low:f forced_high:f generated:f generated_low:f generated_high:f"
    ),
    "tasks": "family:t task:t level:t description:t source:t items_test:f items_development:f dropped:t note:t",
}
ITEM_COLUMNS = ("family", "task", "model", "view", "seed", "question", "item", "group", "split", "gold", "predicted", "known")


def _columns(name: str) -> dict[str, str]:
    return dict(column.split(":") for column in COLUMNS[name].split())


def read_table(path: Path) -> pd.DataFrame:
    """Read one of the run's CSV files; an absent or empty one is a table without rows.

    The words "nan", "null" and "None" stay words: only an empty field is a missing number.

    Parameters
    ----------
    path : Path
        A file named as in ``COLUMNS``, such as ``scores.csv``.

    Raises
    ------
    StudyError
        Where a column is missing or a field is not the number it should be.
    """
    kinds = _columns(path.stem)
    if not path.is_file() or path.stat().st_size < 3:  # a table that was written without rows may hold a line end alone
        return pd.DataFrame({name: pd.Series(dtype={"t": object, "f": float, "b": bool}[kind]) for name, kind in kinds.items()})
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    missing = [name for name in kinds if name not in frame.columns]
    if missing:
        raise StudyError(f"{path}: expected a column {missing[0]!r}, found {', '.join(frame.columns)}; run the study again")
    for name, kind in kinds.items():
        if kind == "b":
            frame[name] = frame[name].str.lower().isin(["true", "1", "1.0"])
        elif kind == "f":
            try:
                frame[name] = frame[name].replace("", "nan").astype(float)
            except ValueError as error:
                raise StudyError(f"{path}: column {name!r} holds something that is not a number: {error}") from error
        else:
            frame[name] = frame[name].astype(object)
    return frame[list(kinds)]


def _labels(items: pd.DataFrame) -> dict[str, str]:
    """Name the tasks on several words that would else be taken for the one word they are called after."""
    asked = items[(items["family"] == "polysemy") & (items["split"] == "test")]
    words = {str(task): set(groups) for task, groups in asked.groupby("task")["group"]}
    return {task: f"{task} and others ({len(mine)} words)" for task, mine in words.items() if task in mine and len(mine) > 1}


@dataclass(frozen=True)
class Run:
    """Everything that one run left behind.

    Attributes
    ----------
    folder : Path
    facts : mapping
        ``run.json``: name, command, versions, machine, seeds, corpus, failed, overrides and so on.
    configuration : str
        ``config.yaml`` as text.
    labels : mapping of str to str
        The tasks whose name is one of the several words they ask about, and how the tables name them instead: ``bank`` as
        "bank and others (9 words)".
    scores, items, common, comparisons, models, stages, curves, targets, plane, neighbours, guesses, clusters, points,
    mix_weights, views, attention, attention_heads, variance, detectable, settings, losses, gradients, attention_spread, order,
    head_probes, reconstruction, tasks : DataFrame
        The tables, tidy; a table that the run did not write has no rows. All scores are those of finished models.
    growth : DataFrame
        Scores of the models that were asked while they learned, as ``scores``: at their moments, and at the end (``done``).
    """

    folder: Path
    facts: Mapping[str, Any]
    configuration: str
    labels: Mapping[str, str]
    scores: pd.DataFrame
    growth: pd.DataFrame
    items: pd.DataFrame
    common: pd.DataFrame
    comparisons: pd.DataFrame
    models: pd.DataFrame
    stages: pd.DataFrame
    curves: pd.DataFrame
    targets: pd.DataFrame
    plane: pd.DataFrame
    neighbours: pd.DataFrame
    guesses: pd.DataFrame
    clusters: pd.DataFrame
    points: pd.DataFrame
    mix_weights: pd.DataFrame
    views: pd.DataFrame
    attention: pd.DataFrame
    attention_heads: pd.DataFrame
    variance: pd.DataFrame
    detectable: pd.DataFrame
    settings: pd.DataFrame
    losses: pd.DataFrame
    gradients: pd.DataFrame
    attention_spread: pd.DataFrame
    order: pd.DataFrame
    head_probes: pd.DataFrame
    reconstruction: pd.DataFrame
    tasks: pd.DataFrame

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read a run's folder.

        Raises
        ------
        StudyError
            Where ``run.json`` or ``scores.csv`` is missing or a file is damaged.
        """
        for name in ("run.json", "scores.csv"):
            if not (folder / name).is_file():
                raise StudyError(
                    f"{folder} is not the folder of a finished run: it holds no {name}; name a folder under reports/"
                )
        try:
            facts = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        except json.JSONDecodeError as error:
            raise StudyError(f"{folder / 'run.json'}: expected JSON: {error}; run the study again") from error
        configuration = folder / "config.yaml"
        path = folder / "items.parquet"
        items = pd.read_parquet(path) if path.is_file() else pd.DataFrame(columns=list(ITEM_COLUMNS))
        tables = {name: read_table(folder / f"{name}.csv") for name in COLUMNS}
        labels = _labels(items)
        items = items.assign(task=items["task"].replace(labels))
        tables |= {name: table.replace({"task": labels}) for name, table in tables.items() if "task" in table and labels}
        scores = tables["scores"]
        tables["growth"] = scores[scores["model"].isin(scores.loc[~scores["done"], "model"])]
        tables["scores"] = scores[scores["done"]]
        return cls(
            folder=folder,
            facts=facts,
            configuration=configuration.read_text(encoding="utf-8") if configuration.is_file() else "",
            labels=labels,
            items=items,
            **tables,
        )

    @property
    def seeds(self) -> int:
        """How many times each model was trained."""
        return int(self.facts.get("seeds", 1))

    @property
    def demonstration(self) -> bool:
        """Whether this is the quick size of an experiment: it shows how a question is put and gives no verdict."""
        return self.facts.get("size") == "quick"

    @property
    def verdicts(self) -> bool:
        """Whether p-values decide: not in a demonstration, nor after one training of each model."""
        return self.seeds > 1 and not self.demonstration

    @property
    def trained(self) -> list[str]:
        """The models under study, in their order, without the controls."""
        return [name for name in self._names() if name not in CONTROLS]

    @property
    def controls(self) -> list[str]:
        """The controls of this run: untrained, random."""
        return [name for name in CONTROLS if name in self._names()]

    @property
    def encoders(self) -> list[str]:
        """The models under study that have other views than those of a model with one vector per word."""
        asked = self.scores[self.scores["level"] != "hidden"]  # where views are ways of guessing, which static models have too
        layered = set(asked.loc[~asked["view"].isin([*STATIC_VIEWS, BASELINE]), "model"])
        return [name for name in self.trained if name in layered]

    @property
    def families(self) -> list[str]:
        """The families of tasks that have a score, in the order of the scores."""
        return list(self.scores["family"].unique())

    @property
    def compared(self) -> pd.DataFrame:
        """What models are compared by: ``family, task, question, metric`` of every task that does more than describe."""
        return self.scores.loc[self.scores["main"], ["family", "task", "question", "metric"]].drop_duplicates()

    @property
    def from_files(self) -> list[str]:
        """The models that were trained elsewhere and are read from files."""
        return list(dict.fromkeys(self.models.loc[self.models["kind"].isin(FROM_FILES), "model"]))

    @property
    def wide_settings(self) -> pd.DataFrame:
        """The settings, a row each, of the models, a column each, as text."""
        return self.settings.pivot(index="setting", columns="model", values="value")

    def settings_apart(self, one: str, other: str) -> pd.DataFrame:
        """Return the settings that two models have both, but not alike: a row each, the models' values in two columns."""
        both = self.wide_settings.reindex(columns=[one, other]).dropna()
        return both[both[one] != both[other]]

    def in_order(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return a table's rows in the order of the models."""
        order = {model: place for place, model in enumerate([*self.trained, *self.controls])}
        return frame.sort_values("model", key=lambda models: models.map(order), kind="stable")

    def _names(self) -> list[str]:
        models = self.scores.loc[self.scores["view"] != BASELINE, "model"]
        return list(dict.fromkeys([*self.models["model"], *models]))
