"""The first paragraph of a report: what the run can and cannot say, in words that follow from its numbers alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from study.report.comparison import HARDLY_SEEN, main_scores, word_accuracy
from study.report.run import BASELINE, CONTROLS, Run
from study.report.table import count, interval, number, spell

FEW_SEEDS = 3
"""Below so many seeds the spread between trainings is hardly known."""


@dataclass(frozen=True)
class Summary:
    """What a reader should know first: a paragraph, then one finding per point."""

    paragraph: str
    findings: tuple[str, ...]


def summarise(run: Run) -> Summary:
    """Say what a run found and what it cannot say."""
    scores = main_scores(run)
    scores = scores[scores["headline"] | (scores["view"] == BASELINE)]
    paragraph = " ".join([_material(run), _seeds(run), _failures(run)]).strip()
    findings = []
    for family in run.families:
        members = scores[scores["family"] == family]
        findings += [_family(run, family, members), *_floors(run, family, members)]
    findings += [_senses(run), *_hardly_seen(run), *_left_out(run)]
    return Summary(paragraph, tuple(finding for finding in findings if finding))


def join(words: Sequence[str]) -> str:
    """Join words as English does: a; a and b; a, b and c."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def plural(number_of: int, noun: str) -> str:
    """Write a count with its noun: 1 seed, 3 seeds."""
    return f"{count(number_of)} {noun}{'' if number_of == 1 else 's'}"


def millions(words: float) -> str:
    """Write a number of words: exactly below 100,000, else in millions."""
    return f"{count(words)} words" if words < 1e5 else f"{words / 1e6:,.2f} million words"


def _material(run: Run) -> str:
    corpus = run.facts.get("corpus", {})
    words = {part: facts["words"] for part, facts in corpus.get("parts", {}).items()}
    total, training = sum(words.values()), words.get("training", 0)
    text = f"This run compares {join(run.trained) or 'no trained model'} on the corpus {corpus.get('name', 'without a name')}"
    parts = [f"{millions(total)} in all"] if total else []
    parts += [f"{millions(training)} for training"] if training else []
    parts += [f"a vocabulary of {plural(corpus['vocabulary'], 'word')}"] if corpus.get("vocabulary") else []
    text += f" ({', '.join(parts)})." if parts else "."
    seen = run.models.groupby("model", sort=False)["words_seen"].mean()
    seen = [f"{model} saw {millions(seen[model])}" for model in run.trained if seen.get(model, 0) > 0]
    return f"{text} In training, {join(seen)}." if seen else text


def _seeds(run: Run) -> str:
    if run.seeds == 1:
        return (
            "It trained each model with one seed: differences between items only, no verdict. An interval says how far a score "
            "depends on the items that happened to be asked, not on the training that happened to be run."
        )
    text = f"It trained each model with {plural(run.seeds, 'seed')}; intervals hold the spread of items and of seeds."
    return text if run.seeds >= FEW_SEEDS else f"{text} So few seeds say little about that spread."


def _failures(run: Run) -> str:
    failed = run.facts.get("failed") or {}
    return " ".join(f"{name} failed and is missing below: {message.rstrip('.')}." for name, message in failed.items())


def _family(run: Run, family: str, scores: pd.DataFrame) -> str:
    """Say for each task of a family which model leads, by how much, and whether the difference excludes zero."""
    trained = scores[scores["model"].isin(run.trained)].dropna(subset="value")
    if trained.empty:
        return f"{spell(family).capitalize()}: no trained model has a score."
    groups = list(trained.groupby(["task", "question", "metric"], sort=False))
    leaders = [group.loc[group["value"].idxmax(), "model"] for _, group in groups]
    names = _names(trained)
    shares = {model: leaders.count(model) for model in dict.fromkeys(leaders)}
    if trained["model"].nunique() == 1:
        lead = f"{leaders[0]} is the only trained model"
    elif len(shares) > 1:
        lead = f"no model leads on all {len(groups)} tasks: {join([f'{model} leads on {times}' for model, times in shares.items()])}"
    else:
        lead = f"{leaders[0]} leads{_on_all(len(groups))}"
    details = [_lead(run, family, names[key], group) for key, group in groups]
    return f"{spell(family).capitalize()}: {lead}. {' '.join(details)}"


def _on_all(tasks: int) -> str:
    return {1: "", 2: " on both tasks"}.get(tasks, f" on all {tasks} tasks")


def _names(scores: pd.DataFrame) -> dict[tuple[str, str, str], str]:
    """Name each task of a family, with the question where the task has several."""
    keys = list(dict.fromkeys(zip(scores["task"], scores["question"], scores["metric"], strict=True)))
    tasks = [task for task, _, _ in keys]
    return {key: spell(key[0]) if tasks.count(key[0]) == 1 else f"{spell(key[0])} ({spell(key[1])})" for key in keys}


def _lead(run: Run, family: str, name: str, group: pd.DataFrame) -> str:
    ranked = group.sort_values("value", ascending=False, kind="stable")
    best = ranked.iloc[0]
    text = f"On {name}, {best['model']} ({best['view']}) reaches {number(best['value'])}{_bracket(best['low'], best['high'])}"
    if len(ranked) == 1:
        return f"{text} in {spell(best['metric'])}."
    second = ranked.iloc[1]
    if best["value"] == second["value"]:
        return f"{text} in {spell(best['metric'])}, and so does {second['model']} ({second['view']})."
    text += f" in {spell(best['metric'])}, {second['model']} ({second['view']}) {number(second['value'])}"
    pair = paired(run, family, best["task"], best["model"], second["model"])
    if pair is None:
        return f"{text}; no paired test was made."
    difference, low, high = pair
    excludes = "excludes" if low > 0 or high < 0 else "does not exclude"
    over = " over items" if run.seeds == 1 else ""
    return f"{text}; the interval of their difference{over}, {number(difference)}{_bracket(low, high)}, {excludes} zero."


def _bracket(low: float, high: float) -> str:
    text = interval(low, high)
    return f" ({text})" if text else ""


def paired(run: Run, family: str, task: str, first: str, second: str) -> tuple[float, float, float] | None:
    """Return the paired difference ``first - second`` on a task with its interval; None where none was computed."""
    rows = run.comparisons[(run.comparisons["family"] == family) & (run.comparisons["task"] == task)]
    for model_a, model_b, sign in ((first, second, 1), (second, first, -1)):
        found = rows[(rows["model_a"] == model_a) & (rows["model_b"] == model_b)].dropna(subset=["difference", "low", "high"])
        if len(found):
            row = found.iloc[0]
            ends = sorted((sign * row["low"], sign * row["high"]))
            return sign * row["difference"], ends[0], ends[1]
    return None


def _floors(run: Run, family: str, scores: pd.DataFrame) -> list[str]:
    """Name the tasks on which no trained model rises above chance, and those on which none beats the untrained encoder."""
    below_chance, below_untrained = [], []
    names = _names(scores)
    for (task, question, metric), group in scores.groupby(["task", "question", "metric"], sort=False):
        name = names[(task, question, metric)]
        trained = group[group["model"].isin(run.trained)].dropna(subset="value")
        if trained.empty:
            continue
        bounds = trained["low"].fillna(trained["value"])
        if not (bounds > trained["chance"]).any():
            below_chance.append(name)
        floor = group[group["model"] == CONTROLS[0]].dropna(subset="value")
        if len(floor) and not any(_beats(run, family, task, row, floor.iloc[0]) for _, row in trained.iterrows()):
            below_untrained.append(name)
    texts = []
    if below_chance:
        texts.append(f"No model is above chance on {join(below_chance)}: the interval of every trained model reaches down to it.")
    if below_untrained:
        texts.append(f"No trained model is shown to be better than the untrained encoder on {join(below_untrained)}.")
    return texts


def _beats(run: Run, family: str, task: str, row: pd.Series, floor: pd.Series) -> bool:
    pair = paired(run, family, task, row["model"], floor["model"])
    return pair[1] > 0 if pair else bool(row["low"] > floor["value"])


def _senses(run: Run) -> str:
    """Say whether an encoder tells the senses of the chosen word better than the words around it, read statically, do."""
    word = run.facts.get("report", {}).get("plane", "bank")
    shares = word_accuracy(run)
    shares = shares[shares["word"] == word]
    heads = shares[shares["headline"] & shares["model"].isin(run.trained)]
    encoders = heads[heads["model"].isin(run.encoders)]
    static = shares[(shares["view"] == "context") & shares["model"].isin(run.trained)]
    if encoders.empty or static.empty:
        return ""
    encoder, other = (frame.loc[frame["accuracy"].idxmax()] for frame in (encoders, static))
    seen = run.targets.loc[run.targets["target"] == word, "training_count"]
    met = f", {plural(int(seen.max()), 'occurrence')} in training" if len(seen) else ""
    text = (
        f"‘{word}’ ({plural(int(encoder['n']), 'sentence')}, {plural(int(encoder['senses']), 'sense')}{met}; chance "
        f"{number(encoder['chance'])}): {encoder['model']} ({encoder['view']}) gives {number(encoder['accuracy'])} of the sentences "
        f"the right sense, the static context view of {other['model']} {number(other['accuracy'])}. "
    )
    if encoder["accuracy"] > other["accuracy"]:
        return text + "The encoder does better here, as is usually claimed; one word is an example and not a test."
    verb = "does no better than" if encoder["accuracy"] == other["accuracy"] else "does not beat"
    return text + f"Against the usual claim, the encoder {verb} the static context view on this word."


def _hardly_seen(run: Run) -> list[str]:
    texts = []
    for family, rows in run.targets.groupby("family", sort=False):
        rows = rows.groupby("target", sort=False)["training_count"].max()
        rare = rows[rows < HARDLY_SEEN].sort_values()
        if rare.empty:
            continue
        shown = [f"{word} ({count(times)})" for word, times in rare.head(8).items()]
        more = len(rare) - len(shown)
        listed = join([*shown, f"{count(more)} more"]) if more else join(shown)
        texts.append(
            f"Hardly seen in training (fewer than {HARDLY_SEEN} times), {spell(family)}: {listed}; of {plural(len(rows), 'target word')}."
        )
    return texts


def _left_out(run: Run) -> list[str]:
    tasks = run.tasks[run.tasks["note"].str.startswith("left out")]
    return [f"{spell(row.task).capitalize()} was {row.note.rstrip('.')}." for row in tasks.itertuples()]
