"""The first paragraph of a report: what the run can and cannot say, in words that follow from its numbers alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from study.report.comparison import HARDLY_SEEN, main_scores, word_accuracy, word_answers
from study.report.pairing import (
    AHEAD,
    BEHIND,
    OPEN,
    UNSHOWN,
    UNTESTED,
    WITHHELD,
    Contest,
    by_task,
    contests,
    paired,
    word_difference,
)
from study.report.run import BASELINE, CONTROLS, Run
from study.report.table import count, interval, number, probability, signed, spell

FEW_SEEDS = 3
"""Below so many seeds the spread between trainings is hardly known."""

NAMED = 12
"""So many hardly seen words are named one by one."""

TOLD = 6
"""So many tasks of a family are told with their scores; more are only counted and named."""


@dataclass(frozen=True)
class Finding:
    """One thing a run says or cannot say, under its topic."""

    topic: str
    text: str


@dataclass(frozen=True)
class Summary:
    """What a reader should know first: a paragraph, then the findings."""

    paragraph: str
    findings: tuple[Finding, ...]


def summarise(run: Run) -> Summary:
    """Say what a run found and what it cannot say."""
    scores = main_scores(run)
    scores = scores[scores["headline"] | (scores["view"] == BASELINE)]
    paragraph = " ".join([_demonstration(run), _material(run), _seeds(run), _failures(run)]).strip()
    findings = []
    for family in run.compared["family"].unique():
        members, name = scores[scores["family"] == family], spell(family)
        findings.append(Finding(name.capitalize(), _family(run, family, members)))
        findings.append(Finding(f"What {name} does not show", _floors(run, family, members)))
    word = plane_word(run)
    findings.append(Finding(f"The word ‘{word}’", _senses(run, word)))
    findings += [Finding("Words hardly seen", _hardly_seen(run)), Finding("Left out", _left_out(run))]
    return Summary(paragraph, tuple(finding for finding in findings if finding.text))


def plane_word(run: Run) -> str:
    """Return the word whose occurrences the report draws in the plane."""
    return str(run.facts.get("report", {}).get("plane", "bank"))


def join(words: Sequence[str]) -> str:
    """Join words as English does: a; a and b; a, b and c."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def plural(number_of: int, noun: str) -> str:
    """Write a count with its noun: 1 seed, 3 seeds."""
    return f"{count(number_of)} {noun}{'' if number_of == 1 else 's'}"


def millions(words: float) -> str:
    """Write a number of words: exactly below 100,000, else in millions."""
    return f"{count(words)} words" if words < 1e5 else f"{words / 1e6:,.2f} million words"


def _demonstration(run: Run) -> str:
    return (
        "A demonstration, no verdict: little text and short training show how the question is put; size=full answers it."
        if run.demonstration
        else ""
    )


def _material(run: Run) -> str:
    corpus = run.facts.get("corpus", {})
    words = {part: facts["words"] for part, facts in corpus.get("parts", {}).items()}
    total, training = sum(words.values()), words.get("training", 0)
    verb = "compares" if len(run.trained) > 1 else "studies"
    models = join(run.trained) or "no trained model"
    text = f"This run {verb} {models} on the corpus {corpus.get('name', 'without a name')}"
    parts = [f"{millions(total)} in all"] if total else []
    parts += [f"{millions(training)} for training"] if training else []
    parts += [f"a vocabulary of {plural(corpus['vocabulary'], 'word')}"] if corpus.get("vocabulary") else []
    text += f" ({', '.join(parts)})." if parts else "."
    means = {str(model): float(mean) for model, mean in run.models.groupby("model")["words_seen"].mean().items()}
    seen = {model: millions(means[model]) for model in run.trained if means.get(model, 0) > 0}
    if len(seen) > 2 and len(seen) == len(run.trained) and len(set(seen.values())) == 1:
        return f"{text} In training, each saw {next(iter(seen.values()))}."
    return f"{text} In training, {join([f'{model} saw {words}' for model, words in seen.items()])}." if seen else text


def _seeds(run: Run) -> str:
    if run.trained and set(run.trained) <= set(run.from_files):
        return (
            "All models under study were read from files and not trained here: differences between items only, no verdict. An "
            "interval says how far a score depends on the items that happened to be asked, not on the training that once was run."
        )
    if run.seeds == 1:
        return (
            "Each model was trained with one seed: differences between items only, no verdict. An interval says how far a score "
            "depends on the items that happened to be asked, not on the training that happened to be run."
        )
    text = f"Each model was trained with {plural(run.seeds, 'seed')}; intervals hold the spread of items and of seeds."
    text += "" if run.seeds >= FEW_SEEDS else " So few seeds say little about that spread."
    same = f"{text} Read from files and not trained, so the same with every seed: {join(run.from_files)}."
    return same if run.from_files else text


def _failures(run: Run) -> str:
    failed = run.facts.get("failed") or {}
    return " ".join(f"{name} failed and is missing below: {message.rstrip('.')}." for name, message in failed.items())


def _family(run: Run, family: str, scores: pd.DataFrame) -> str:
    """Say for each task of a family whether encoder or static model is ahead; where one kind is missing, which model leads."""
    trained = scores[scores["model"].isin(run.trained)].dropna(subset="value")
    if trained.empty:
        return "No trained model has a score."
    mine = [contest for contest in contests(run) if contest.family == family]
    groups = by_task(trained)
    if mine:
        names = [contest.name for contest in mine]
        others = [_lead(run, family, name, group) for _, name, group in groups if name not in names]
        return " ".join([_against_static(mine), *(others if len(groups) <= TOLD else [])])
    leaders = [str(group["model"].to_numpy()[group["value"].argmax()]) for _, _, group in groups]
    shares = {model: leaders.count(model) for model in dict.fromkeys(leaders)}
    if trained["model"].nunique() == 1:
        lead = f"The only trained model with a score is {leaders[0]}."
    elif len(shares) == 1:
        lead = f"The highest score is that of {leaders[0]}{_on_all(len(groups))}."
    else:
        parts = [f"{model} has it on {times}" for model, times in shares.items()]
        lead = f"No model has the highest score{_on_all(len(groups))}: {join(parts)}."
    details = [_lead(run, family, name, group) for _, name, group in groups] if len(groups) <= TOLD else []
    return " ".join([lead, *details])


def _against_static(found: Sequence[Contest]) -> str:
    """Say on which tasks the best encoder is ahead of the best static model, behind it, or neither is shown or said."""
    short = len(found) > TOLD
    parts = {
        verdict: [contest.name if short else _duel(contest) for contest in found if contest.verdict == verdict]
        for verdict in (AHEAD, BEHIND, OPEN, UNSHOWN, WITHHELD, UNTESTED)
    }
    texts = []
    for verdict, place in ((AHEAD, "ahead of"), (BEHIND, "behind")):
        if parts[verdict]:
            share = f"{len(parts[verdict])} of {len(found)} tasks: " if short else ""
            texts.append(f"The best encoder is {place} the best static model on {share}{join(parts[verdict])}.")
    if parts[OPEN]:
        verb = "includes" if len(parts[OPEN]) == 1 else "each include"
        noun = "interval of the difference" if len(parts[OPEN]) == 1 else "intervals of the differences"
        texts.append(f"Between the best encoder and the best static model the {noun} {verb} zero on {join(parts[OPEN])}.")
    if parts[UNSHOWN]:
        texts.append(f"No difference between them is shown, after Holm's correction, on {join(parts[UNSHOWN])}.")
    if parts[WITHHELD]:
        both, none = "The differences of the best encoder and the best static model", "which are no verdicts"
        number_of = len(parts[WITHHELD])
        where = f" on {number_of} tasks, {none}, stand in the table above" if short else f", {none}: {join(parts[WITHHELD])}"
        texts.append(f"{both}{where}.")
    if parts[UNTESTED]:
        texts.append(f"No paired test was made on {join(parts[UNTESTED])}.")
    return " ".join(texts)


def _duel(contest: Contest) -> str:
    sides = " against ".join(f"{side['model']} {number(side['value'])}" for side in (contest.encoder, contest.static))
    if contest.difference is None:
        return f"{contest.name} ({sides})"
    difference = f"{signed(contest.difference.value)}, {interval(contest.difference.low, contest.difference.high)}"
    corrected = f", p {probability(contest.difference.p)} after Holm’s correction" if contest.judged else ""
    return f"{contest.name} ({sides}: {difference}{corrected})"


def _on_all(tasks: int) -> str:
    return {1: "", 2: " on both tasks"}.get(tasks, f" on all {tasks} tasks")


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
    text += _bracket(second["low"], second["high"])
    pair = paired(run, family, best["task"], best["model"], second["model"])
    if pair is None:
        return f"{text}; no paired test was made."
    over = " over items" if run.seeds == 1 else ""
    difference = f"{number(pair.value)}{_bracket(pair.low, pair.high)}"
    if not run.verdicts:
        return f"{text}; their difference{over} is {difference}."
    excludes = "excludes" if pair.sign else "does not exclude"
    corrected = f"p {probability(pair.p)} after Holm’s correction"
    return f"{text}; the interval of their difference, {difference}, {excludes} zero ({corrected})."


def _bracket(low: float, high: float) -> str:
    text = interval(low, high)
    return f" ({text})" if text else ""


def _floors(run: Run, family: str, scores: pd.DataFrame) -> str:
    """Name the tasks on which no trained model rises above chance, the untrained encoder, or what needs no training.

    That a model lies below a control would be a verdict: a demonstration does not say it, nor does one seed. Where there are
    verdicts, a difference is one by its interval and its corrected p.
    """
    at_chance, at_untrained, at_baseline, below = [], [], [], []
    for task, name, group in by_task(scores.dropna(subset="value")):
        trained, others = (group[group["model"].isin(run.trained) == side] for side in (True, False))
        if trained.empty:
            continue
        if not (trained["low"].fillna(trained["value"]) > trained["chance"]).any():
            at_chance.append(name)
        for control in others[others["model"].isin(CONTROLS)].to_dict("records"):
            low = [row["model"] for row in trained.to_dict("records") if _beats(run, family, task, control, row)]
            if low:
                below.append(f"{join(low)} below {control['model']} on {name}")
        floor = others[others["model"] == CONTROLS[0]]
        if len(floor) and not any(_beats(run, family, task, row, floor.iloc[0].to_dict()) for row in trained.to_dict("records")):
            at_untrained.append(name)
        others = others[others["model"] != CONTROLS[0]]
        best = others.iloc[others["value"].argmax()] if len(others) else None
        if best is not None and best["value"] >= trained["value"].max():
            at_baseline.append(f"{name} ({best['model']}: {number(best['value'])})")
    texts = []
    if at_chance:
        texts.append(f"No model is shown to be above chance on {join(at_chance)}: no trained model’s interval lies above it.")
    if at_untrained:
        texts.append(f"No trained model is shown to be better than the untrained encoder on {join(at_untrained)}.")
    if below and run.verdicts:
        texts.append(f"A trained model lies below a control: {'; '.join(below)}.")
    if at_baseline:
        texts.append(f"What needs no training scores at least as high as every trained model on {join(at_baseline)}.")
    return " ".join(texts)


def _beats(run: Run, family: str, task: str, row: Mapping[Any, Any], floor: Mapping[Any, Any]) -> bool:
    pair = paired(run, family, task, row["model"], floor["model"])
    if pair is None:
        return bool(row["low"] > floor["value"])
    return pair.low > 0 and (pair.found or not run.verdicts)


def _senses(run: Run, word: str) -> str:
    """Say how well encoders and static models tell the senses of the chosen word, by headline view; one word gives no verdict."""
    shares = word_accuracy(run)
    heads = shares[(shares["word"] == word) & shares["headline"] & shares["model"].isin(run.trained)]
    layered = heads["model"].isin(run.encoders)
    if layered.all() or not layered.any():
        return ""
    seen = run.targets.loc[run.targets["target"] == word, "training_count"]
    met = f"It occurs {plural(int(seen.max()), 'time')} in training. " if len(seen) else ""
    first = heads.iloc[0]
    given = [f"{number(row['accuracy'])} by {row['model']} ({row['view']})" for row in heads.to_dict("records")]
    text = (
        f"{met}Of its {plural(int(heads['n'].max()), 'test sentence')} in {plural(int(first['senses']), 'sense')} (chance "
        f"{number(first['chance'])}), the share given the right sense is {join(given)}."
    )
    answers = word_answers(run)
    answers = answers[(answers["group"] == word) & answers["headline"]]
    pairs = [
        f"Between {encoder} and {static} the difference is {difference} over sentences."
        for encoder in heads.loc[layered, "model"].unique()
        for static in heads.loc[~layered, "model"].unique()
        if (difference := word_difference(answers, encoder, static, seed=0))
    ]
    return " ".join([text, *pairs, "One word is an example, not a test."])


def _hardly_seen(run: Run) -> str:
    texts = []
    asked = run.targets.merge(run.compared[["family", "task"]].drop_duplicates(), on=["family", "task"])
    for family, rows in asked.groupby("family", sort=False):
        words = rows.groupby("target", sort=False)[["training_count", "in_vocabulary"]].max()
        counts = words["training_count"]
        rare, outside = counts[counts < HARDLY_SEEN].sort_values(kind="stable"), counts[~words["in_vocabulary"].astype(bool)]
        if rare.empty and outside.empty:
            continue
        verb, other = ("occurs" if len(rare) == 1 else "occur"), ("is" if len(outside) == 1 else "are")
        text = f"Of the {plural(len(counts), 'target word')} of {spell(str(family))}, {count(len(rare))} {verb} fewer than "
        text += f"{HARDLY_SEEN} times in training (hardly seen)"
        if 0 < len(rare) <= NAMED:
            text += f": {join([f'{word} ({count(times)})' for word, times in rare.items()])}"
        never = (outside == 0).sum()
        text += f"; {count(len(outside))} {other} outside the vocabulary, {count(never)} of them never "
        texts.append(f"{text}{'occurs' if never == 1 else 'occur'}.")
    return " ".join(texts)


def _left_out(run: Run) -> str:
    tasks = run.tasks[run.tasks["note"].str.startswith("left out")]
    return " ".join(f"{spell(row['task']).capitalize()} was {row['note'].rstrip('.')}." for row in tasks.to_dict("records"))
