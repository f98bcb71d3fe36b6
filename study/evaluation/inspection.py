"""Looking a task over before it is trusted: counts, labels, repeats, leaks from teaching to test, words that the corpus lacks.

All functions are pure: they take the questions of a task and return tables and findings. An *error* makes scores wrong, a
*warning* makes them say something else than they seem to, a *note* is good to know.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from study.contracts import Corpus, Questions
from study.evaluation.probing import control

UNEVEN = 0.8
"""Share of one label from which a split is called uneven."""
FEW = 20
"""Items of a split, and of a label in training, below which they are called few."""
UNKNOWN = 0.1
"""Share of targets outside the vocabulary from which it is warned of them."""
NAMED = 5
"""Examples in a finding."""


@dataclass(frozen=True)
class Finding:
    """Something that a task's author should see."""

    level: Literal["error", "warning", "note"]
    text: str


@dataclass(frozen=True)
class Inspection:
    """What was found: the tables of ``counts``, ``labels`` and ``coverage``, and the findings, the gravest first."""

    counts: pd.DataFrame
    labels: pd.DataFrame
    coverage: pd.DataFrame
    findings: Sequence[Finding]


def inspect(questions: Questions, corpus: Corpus) -> Inspection:
    """Look the questions of a task over.

    Parameters
    ----------
    questions : Questions
        Repeats and leaks are looked for where ``items`` have ``place`` and ``gold``.
    corpus : Corpus
        Whose vocabulary should know the words.
    """
    tables = counts(questions), labels(questions), coverage(questions, corpus)
    found = [*_sizes(questions), *_label_findings(questions), *_coverage_findings(questions, corpus)]
    if {"place", "gold"} <= set(questions.items) and questions.level in ("word", "target", "sentence"):
        found += [*duplicates(questions), *leaks(questions), *memory(questions)]
    found += [Finding("note", f"{number} questions left out: {reason}") for reason, number in questions.dropped.items()]
    grave = ("error", "warning", "note")
    return Inspection(*tables, sorted(found, key=lambda finding: grave.index(finding.level)))


def counts(questions: Questions) -> pd.DataFrame:
    """Count the items, groups and labels of each split: columns ``split, items, groups, labels``."""
    grouped = questions.items.groupby("split", sort=False)
    table = pd.DataFrame({"items": grouped.size(), "groups": grouped["group"].nunique()})
    table["labels"] = grouped["gold"].nunique() if "gold" in questions.items else 0
    return table.reset_index()


def labels(questions: Questions) -> pd.DataFrame:
    """Count each label in each split: columns ``split, label, items, share``; empty where answers are numbers."""
    items = questions.items
    if "gold" not in items or not items["gold"].astype(bool).any():
        return pd.DataFrame(columns=["split", "label", "items", "share"])
    table = items.groupby(["split", "gold"], sort=False).size().rename("items").reset_index().rename(columns={"gold": "label"})
    table["share"] = table["items"] / table.groupby("split")["items"].transform("sum")
    return table.sort_values(["split", "items"], ascending=[True, False], kind="stable", ignore_index=True)


def coverage(questions: Questions, corpus: Corpus) -> pd.DataFrame:
    """Say which share of words the vocabulary knows: columns ``words, running, known, share``, of targets and of all words."""
    rows = []
    for name, found in (("targets", _target_words(questions)), ("all words", _all_words(questions))):
        known = sum(number for word, number in found.items() if word in corpus.vocabulary)
        rows.append((name, found.total(), known, known / found.total() if found else np.nan))
    return pd.DataFrame(rows, columns=["words", "running", "known", "share"])


def duplicates(questions: Questions) -> Iterator[Finding]:
    """Find items that ask the same of the same text: repeats, and conflicts where their labels differ."""
    seen: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for number, key in enumerate(_keys(questions)):
        seen[key].append(number)
    gold, names = questions.items["gold"].to_numpy(), questions.items["item"].tolist()
    again = [numbers for numbers in seen.values() if len(numbers) > 1]
    conflicts = [numbers for numbers in again if len(set(gold[numbers])) > 1]
    repeats = [numbers for numbers in again if len(set(gold[numbers])) == 1]
    if conflicts:
        yield Finding("error", f"{len(conflicts)} texts are asked with different labels: {_few(conflicts, names)}")
    if repeats:
        yield Finding("warning", f"{len(repeats)} texts are asked more than once: {_few(repeats, names)}")


def leaks(questions: Questions) -> Iterator[Finding]:
    """Find what stands both among the items that teach or choose and among those of test.

    Where nothing is set apart to teach, cross-validation keeps groups apart: then a leak is a sentence in two groups.
    """
    items = questions.items.reset_index(drop=True)
    test = (items["split"] == "test").to_numpy()
    sentences = pd.Series([" ".join(key[0]) for key in _keys(questions)])
    shared = set(sentences[test]) & set(sentences[~test])
    if shared:
        number = int(sentences[test].isin(shared).sum())
        yield Finding("error", f"{number} test items have a sentence that teaches or chooses too, such as: {min(shared)}")
    groups = set(items["group"][test]) & set(items["group"][~test])
    if groups:
        named = ", ".join(sorted(map(str, groups))[:NAMED])
        yield Finding("warning", f"{len(groups)} groups have items both in test and outside it: {named}")
    if not (items["split"] == "training").any():
        spread = items["group"].groupby(sentences).nunique()
        if (spread > 1).any():
            named = str(spread.index[spread > 1][0])
            yield Finding("error", f"{int((spread > 1).sum())} sentences stand in two groups, such as: {named}")


def memory(questions: Questions) -> Iterator[Finding]:
    """Say how many test items could be answered by heart: their target was taught, and always with one label."""
    if questions.level == "sentence":
        return
    items, kinds = questions.items, control.types(questions)
    split, groups, gold = (items[name].to_numpy(dtype=str) for name in ("split", "group", "gold"))
    taught = split == "training" if (split == "training").any() else np.ones(len(items), dtype=bool)
    lessons: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))  # type -> group -> labels
    for number in np.flatnonzero(taught):
        lessons[kinds[number]][groups[number]].add(gold[number])
    folded = not (split == "training").any()
    test = np.flatnonzero(split == "test")
    by_heart = right = 0
    for number in test:
        others = [found for group, found in lessons[kinds[number]].items() if not folded or group != groups[number]]
        told = set().union(*others)
        by_heart += len(told) == 1
        right += told == {gold[number]}
    if by_heart:
        share = by_heart / len(test)
        text = f"{by_heart} of {len(test)} test items ({share:.2f}) have a target that was taught with one label only"
        yield Finding("warning" if share > 0.5 else "note", f"{text}; by heart, {right} of them are right")


def _sizes(questions: Questions) -> Iterator[Finding]:
    sizes = Counter(questions.items["split"])
    if not sizes["test"]:
        yield Finding("error", "no test items")
    for split, size in sizes.items():
        if size < FEW:
            yield Finding("warning", f"only {size} {split} items: intervals will be wide")


def _label_findings(questions: Questions) -> Iterator[Finding]:
    table = labels(questions)
    if table.empty:
        return
    for split, part in table.groupby("split", sort=False):
        if part["share"].max() >= UNEVEN:
            name, share = part["label"].iloc[0], part["share"].iloc[0]
            yield Finding("warning", f"{share:.2f} of the {split} items are '{name}': read macro-F1 beside accuracy")
    taught = table[table["split"] == "training"].set_index("label")["items"]
    if len(taught):
        unseen = sorted(set(table.loc[table["split"] == "test", "label"]) - set(taught.index))
        if unseen:
            yield Finding("warning", f"{len(unseen)} labels of test items are never taught: {', '.join(unseen[:NAMED])}")
        rare = sorted(taught.index[taught < FEW])
        if rare:
            yield Finding("note", f"{len(rare)} labels have fewer than {FEW} training items: {', '.join(rare[:NAMED])}")


def _coverage_findings(questions: Questions, corpus: Corpus) -> Iterator[Finding]:
    if questions.level not in ("word", "target"):
        return
    found = _target_words(questions)
    unknown = [(word, number) for word, number in found.most_common() if word not in corpus.vocabulary]
    if unknown:
        number = sum(times for _, times in unknown)
        level: Literal["warning", "note"] = "warning" if number > UNKNOWN * found.total() else "note"
        named = ", ".join(word for word, _ in unknown[:NAMED])
        yield Finding(level, f"{number} of {found.total()} words of targets are not in the vocabulary: {named}")


def _keys(questions: Questions) -> list[tuple[tuple[str, ...], tuple[int, ...]]]:
    """Return the words of each item's sentence in lower case, and where in it its one or two targets are."""
    items, places = questions.items, np.asarray(questions.places)
    columns = [items[name].to_numpy() for name in ("place", "other") if name in items]
    found = []
    for numbers in zip(*columns, strict=True):
        words = tuple(word.lower() for word in questions.sentences[places[numbers[0]][0]])
        found.append((words, tuple(int(at) for number in numbers for at in places[number][1:])))
    return found


def _few(parts: Sequence[Sequence[int]], names: Sequence[str]) -> str:
    return ", ".join(" = ".join(str(names[number]) for number in part[:NAMED]) for part in parts[:NAMED])


def _target_words(questions: Questions) -> Counter[str]:
    places = questions.places if questions.level in ("word", "target", "sentence", "hidden") else ()
    return Counter(word for number, start, stop in places for word in questions.sentences[number][start:stop])


def _all_words(questions: Questions) -> Counter[str]:
    return Counter(word for sentence in questions.sentences for word in sentence)
