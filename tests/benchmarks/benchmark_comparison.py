"""Print the seconds that comparing all models on all tasks takes, on made-up answers.

python tests/benchmarks/benchmark_comparison.py 12 40 1   # models, tasks, seeds
"""

from __future__ import annotations

import sys
import time

import numpy as np
import pandas as pd

from study.evaluation import compare, summarise

ITEMS = 1000


def answers(task: int, model: int, seed: int) -> tuple[str, str, pd.DataFrame]:
    """Make one model's test items of a task: accuracy by document, rank correlation by word, or a mean over words."""
    asked, answered = np.random.default_rng(task), np.random.default_rng((task, model, seed))
    family = ("probing", "similarity", "polysemy")[task % 3]
    gold, units = asked.choice(list("abc"), ITEMS), asked.integers(0, 100, (ITEMS, 2))
    group = {"probing": units[:, 0], "similarity": [f"{a}|{b}" for a, b in units], "polysemy": np.arange(ITEMS) // 50}[family]
    right, rating = answered.random(ITEMS) < 0.6 + 0.02 * model, asked.normal(size=ITEMS)
    values = {"gold_value": rating, "predicted_value": rating + answered.normal(size=ITEMS)}
    items = pd.DataFrame({"group": group, "gold": gold, "predicted": np.where(right, gold, "a"), **values})
    items = items.assign(item=[f"item-{number}" for number in range(ITEMS)], known=answered.random(ITEMS) < 0.99)
    metric = {"probing": "accuracy", "similarity": "spearman", "polysemy": "word_accuracy"}[family]
    return family, metric, items.astype({"group": str}).assign(view="word", question="label", split="test")


def main() -> None:
    models, tasks, seeds = map(int, sys.argv[1:] or (12, 40, 1))
    scores, items = [], []
    for task in range(tasks):
        for model in range(models):
            for seed in range(seeds):
                family, metric, made = answers(task, model, seed)
                where = {"model": f"model-{model}", "seed": seed, "family": family, "task": f"task-{task}"}
                told = {**where, "level": "target", "main": True}
                result = summarise(made, {("label", metric): None})
                scores += [{**vars(score), **told} for score in result.scores]
                items.append(result.items.assign(**where))
    joined = pd.concat(items, ignore_index=True)
    start = time.perf_counter()
    _, comparisons = compare(pd.DataFrame(scores), joined, seeds=seeds)
    print(f"{tasks} tasks, {models} models, {seeds} seeds: {len(comparisons)} comparisons, {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
