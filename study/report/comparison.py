"""The tables of one run, each a pivot of its tidy scores."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
from scipy import stats

from study.report.run import BASELINE, CONTROLS, Run
from study.report.table import (
    DASH,
    Corner,
    Heading,
    Table,
    count,
    duration,
    grid,
    interval,
    listing,
    number,
    probability,
    spell,
)

HARDLY_SEEN = 20
"""A target with fewer occurrences than this in the training part is marked: its vector rests on next to nothing."""

WIDEST = 8
"""Tasks that are still columns of a table of scores; more of them are its rows."""

_SCORE_KEYS = ["corpus", "model", "view", "family", "task", "split", "level", "question", "metric", "main"]


def over_seeds(scores: pd.DataFrame) -> pd.DataFrame:
    """Average the scores of a model's seeds; their spread widens the interval.

    With k > 1 seeds each half of the interval is ``sqrt(h² + (t s / √k)²)``: h the mean half of the items' own interval, s the
    standard deviation between seeds, t the 97.5 % point of Student's distribution with k - 1 degrees of freedom.

    Parameters
    ----------
    scores : DataFrame
        Rows of ``scores.csv``.

    Returns
    -------
    DataFrame
        One row per model, view, task, question and metric, in the order of first appearance, with a column ``seeds``.
    """
    frame = scores.assign(below=scores["value"] - scores["low"], above=scores["high"] - scores["value"])
    groups = frame.groupby(_SCORE_KEYS, sort=False, dropna=False)
    kept = groups[["value", "chance", "n", "coverage", "words_seen", "seconds", "below", "above"]].mean()
    kept["headline"] = groups["headline"].any()
    kept["seeds"] = groups["value"].count()
    return widened(kept, groups["value"].std(ddof=1), kept["seeds"]).reset_index()


def widened(kept: pd.DataFrame, spread: pd.Series, seeds: pd.Series) -> pd.DataFrame:
    """Return means over seeds with ``low`` and ``high`` for ``below`` and ``above``, the half-widths over items.

    Parameters
    ----------
    kept : DataFrame
        ``value, below, above`` and others.
    spread : Series
        The values' standard deviation over seeds, not a number with one.
    seeds : Series
        How many.
    """
    seed_half = stats.t.ppf(0.975, (seeds - 1).clip(lower=1)) * spread.fillna(0.0) / np.sqrt(seeds.clip(lower=1))
    low, high = (kept["value"] + sign * np.hypot(kept[side], seed_half) for sign, side in ((-1, "below"), (1, "above")))
    return kept.drop(columns=["below", "above"]).assign(low=low, high=high)


def main_scores(run: Run) -> pd.DataFrame:
    """Return the main metric of every model, view and task on the test split, averaged over seeds."""
    return over_seeds(run.scores[run.scores["main"] & (run.scores["split"] == "test")])


def word_answers(run: Run) -> pd.DataFrame:
    """Return the answers on the words of the polysemy tasks' test part: which sense each sentence was given.

    Returns
    -------
    DataFrame
        The items of models, with ``sentence``, ``right`` (the sense is the right one) and ``headline`` (of the view).
    """
    items = run.items
    items = items[(items["family"] == "polysemy") & (items["question"] == "sense") & (items["split"] == "test")]
    items = items[items["known"].astype(bool) & (items["view"] != BASELINE)]
    items = items.assign(right=items["gold"] == items["predicted"], sentence=items["item"].str.split("/").str[0])
    scores = run.scores[(run.scores["family"] == "polysemy") & run.scores["headline"]]
    keys = ["task", "model", "view"]
    heads = scores[keys].drop_duplicates().assign(headline=True)
    found = items.merge(heads, on=keys, how="left")
    return found.assign(headline=found["headline"].notna())


def word_accuracy(run: Run) -> pd.DataFrame:
    """Return, for every model, view and word of the polysemy tasks' test part, the share of sentences given the right sense.

    Returns
    -------
    DataFrame
        ``model, view, word, accuracy, chance, n`` (sentences), ``senses, headline``.
    """
    groups = word_answers(run).groupby(["model", "view", "group"], sort=False)
    frame = groups.agg(
        accuracy=("right", "mean"), n=("sentence", "nunique"), senses=("gold", "nunique"), headline=("headline", "first")
    ).reset_index()
    return frame.assign(chance=1 / frame["senses"]).rename(columns={"group": "word"})


def task_keys(scores: pd.DataFrame) -> list[dict[str, str]]:
    """Return the tasks of scores, each with its questions and metrics, in the order of first appearance."""
    keys = scores[["task", "question", "metric"]].drop_duplicates()
    return [dict(zip(keys.columns, row, strict=True)) for row in keys.itertuples(index=False)]


def task_headings(scores: pd.DataFrame) -> list[Heading]:
    """Return one heading per task and question: the task's name (with the question where it has several) above its metric."""
    several = scores.groupby("task")["question"].nunique()
    return [
        Heading(
            key,
            f"{spell(key['task'])}, {spell(key['question'])}" if several[key["task"]] > 1 else spell(key["task"]),
            spell(key["metric"]),
        )
        for key in task_keys(scores)
    ]


def score_table(run: Run, family: str) -> Table:
    """Return a family's table of headline views, with controls, baselines and chance below the models."""
    scores = main_scores(run)
    scores = scores[scores["family"] == family]
    baselines = scores[scores["view"] == BASELINE]
    heads = scores[scores["headline"] & (scores["view"] != BASELINE)]
    columns = task_headings(scores)
    remarks = [view if heads.loc[heads["model"] == model, "view"].nunique() > 1 else "" for model, view in _pairs(heads)]
    chance = scores.drop_duplicates(["task", "question", "metric"])
    chance = chance.assign(
        model="chance", view=BASELINE, value=chance["chance"], low=np.nan, high=np.nan, n=np.nan, coverage=np.nan, headline=False
    )
    rows = []
    for model in [*run.trained, *run.controls]:
        views = list(heads.loc[heads["model"] == model, "view"].unique())
        rows.append(Heading({"model": model}, model, views[0] if len(views) == 1 else "", quiet=model in CONTROLS))
    floors = [*baselines["model"].unique(), "chance"]
    rows += [Heading({"model": floor, "view": BASELINE}, floor, quiet=True) for floor in floors]
    caption = f"{spell(family).capitalize()}: each model by its headline view, on test items, with 95 % intervals."
    frame = pd.concat([heads.assign(remark=remarks), baselines.assign(remark=""), chance.assign(remark="")], ignore_index=True)
    if len(columns) > WIDEST:
        return grid(family, caption, frame, columns, rows, corner=Corner("task", "metric"))
    return grid(family, caption, frame, rows, columns, corner=Corner("model", "view"))


def _pairs(frame: pd.DataFrame) -> list[tuple[str, str]]:
    return list(zip(frame["model"], frame["view"], strict=True))


def view_table(run: Run, family: str) -> Table:
    """Return a family's table of all views of all models."""
    scores = main_scores(run)
    scores = scores[(scores["family"] == family) & (scores["view"] != BASELINE)]
    pairs = dict.fromkeys(_pairs(scores))
    models = [*run.trained, *run.controls]
    rows = [
        Heading({"model": model, "view": view}, model, view, quiet=model in CONTROLS)
        for model, view in sorted(pairs, key=lambda pair: models.index(pair[0]))
    ]
    caption = f"{spell(family).capitalize()}: all views of all models; headline views in bold."
    return grid(f"{family}-views", caption, scores, rows, task_headings(scores), corner=Corner("model", "view"))


def common_table(run: Run, family: str) -> Table:
    """Return the scores on the items that all compared models know, beside those on each model's own items."""
    frame = run.common[run.common["family"] == family].drop(columns="family")
    frame = frame.assign(task=frame["task"].map(spell), metric=frame["metric"].map(spell), question=frame["question"].map(spell))
    caption = f"{spell(family).capitalize()}: on the items that every compared model knows, and on each model’s own items."
    formats = {"value_common": number, "n_common": count, "value_own": number, "n_own": count}
    return listing(f"{family}-common", caption, frame, formats)


def paired_table(run: Run, family: str) -> Table:
    """Return the paired differences between models on the items both know, Holm-corrected within the family."""
    pairs = run.comparisons[run.comparisons["family"] == family]
    frame = pd.DataFrame(
        {
            "task": pairs["task"].map(spell),
            "question": pairs["question"].map(spell),
            "metric": pairs["metric"].map(spell),
            "model": pairs["model_a"] + " (" + pairs["view_a"] + ")",
            "against": pairs["model_b"] + " (" + pairs["view_b"] + ")",
            "difference": pairs["difference"],
            "95 % interval": [interval(low, high) for low, high in zip(pairs["low"], pairs["high"], strict=True)],
            "p": pairs["p"],
            "p (Holm)": pairs["p_holm"],
            "n": pairs["n"],
            "seeds": pairs["seeds"],
            "detectable": pairs["minimum_detectable_effect"],
            "verdict": pairs["verdict"],
        }
    )
    caption = (
        f"{spell(family).capitalize()}: differences between headline views on the items both know; ‘detectable’ is the smallest "
        "difference that this test would find."
    )
    formats = {"difference": number, "p": probability, "p (Holm)": probability, "n": count, "seeds": count, "detectable": number}
    return listing(f"{family}-paired", caption, frame, formats)


def cost_table(run: Run) -> Table:
    """Return what each model cost: parameters, words seen, speed, precision, and seconds by stage (means over seeds).

    What a model read from files cost, this run does not know: a dash.
    """
    numbers = ["parameters", "words_seen", "words_per_second", "share_of_peak"]
    numbers += ["training_seconds", "embedding_seconds", "threads"]
    groups = run.in_order(run.models).groupby("model", sort=False)
    frame = groups[numbers].mean().reset_index()
    frame.insert(1, "kind", groups["kind"].first().to_numpy())
    scoring = [run.stages.loc[run.stages["stage"].str.endswith(f" of {model}"), "seconds"].sum() for model in frame["model"]]
    frame.insert(8, "scoring_seconds", np.array(scoring) / groups.size().to_numpy())
    if (run.models["start"] != "").any():
        frame.insert(7, "seconds_of_what_it_starts_from", groups["start_seconds"].mean().replace(0, np.nan).to_numpy())
    frame.insert(5, "precision", groups["precision"].first().replace("", DASH).to_numpy())
    frame["device"] = groups["device"].first().to_numpy()
    elsewhere = frame["model"].isin(run.from_files)
    none = ~elsewhere & (frame["words_seen"] == 0)
    made = np.where(groups["reused"].all(), "reused from an earlier run", "in this run")
    frame["training"] = np.select([elsewhere, none], ["elsewhere", "none"], made)
    frame["repeats bit for bit"] = np.where(groups["reproducible"].all(), "yes", "no")
    unknown = ["parameters", "words_seen", "words_per_second", "training_seconds"]
    frame[unknown] = frame[unknown].mask(frame[unknown] == 0)
    frame.loc[elsewhere, ["words_per_second", "share_of_peak", "training_seconds"]] = np.nan  # those of reading the files
    formats = dict.fromkeys(["parameters", "words_seen", "words_per_second", "threads"], count)
    caption = (
        "What each model cost, per seed. Parameters are trained numbers: vectors kept as they were given are none. The share of "
        "peak is that of the machine's fastest product of matrices, in the same precision, which a network's own products "
        "reached. Seconds of a reused model are those of the run that made it; what training elsewhere cost is not known here."
    )
    formats |= {"share_of_peak": partial(number, digits=2)}
    seconds = ["training_seconds", "seconds_of_what_it_starts_from", "embedding_seconds", "scoring_seconds"]
    return listing("costs", caption, frame, formats | dict.fromkeys(seconds, duration))


def stage_table(run: Run) -> Table:
    """Return the seconds of each stage of the run."""
    frame = run.stages.assign(reused=np.where(run.stages["reused"], "reused", "computed"))
    return listing("stages", "Seconds by stage, in order.", frame.rename(columns={"reused": "how"}), {"seconds": duration})


def target_table(run: Run, longest: int) -> Table:
    """Return how often each target word occurs in the training part, the rarest first; tasks of more targets are left out."""
    sizes = run.targets.groupby(["family", "task"])["target"].transform("size")
    frame = run.targets[sizes <= longest].sort_values("training_count", kind="stable")
    known = np.where(frame["in_vocabulary"], "yes", "no")
    frame = frame.assign(task=frame["task"].map(spell), in_vocabulary=known)
    frame["remark"] = np.where(frame["training_count"] < HARDLY_SEEN, "hardly seen", "")
    caption = f"Target words of tasks with up to {longest} of them, and their occurrences in training (targets.csv has all)."
    return listing("targets", caption, frame, {"training_count": count})


def task_table(run: Run) -> Table:
    """Return what was asked: each task, its items and its source."""
    frame = run.tasks.assign(task=run.tasks["task"].map(spell))
    return listing("tasks", "The tasks and where they come from.", frame, {"items_test": count, "items_development": count})


def neighbour_tables(run: Run) -> list[Table]:
    """Return one table per chosen word: its nearest neighbours by rank (rows) and model (columns)."""
    tables = []
    for place, (word, frame) in enumerate(run.in_order(run.neighbours).groupby("word", sort=False), start=1):
        frame = frame.assign(column=frame["model"] + " · " + frame["view"], rank=frame["rank"].astype(int))
        written = frame["neighbour"] + " " + frame["cosine"].map(lambda value: number(value, 2))
        wide = frame.assign(written=written).pivot(index="rank", columns="column", values="written").fillna("")
        wide = wide[list(frame["column"].unique())].reset_index()
        wide["rank"] = wide["rank"].astype(str)
        wide.columns.name = None
        tables.append(listing(f"neighbours-{place}", f"Nearest neighbours of ‘{word}’ with their cosines.", wide, {}))
    return tables
