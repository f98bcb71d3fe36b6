"""Print words per second and peak memory of splitting and encoding a corpus.

python tests/benchmarks/benchmark_corpus.py simplewiki
python tests/benchmarks/benchmark_corpus.py file corpus.path=my.txt
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from study import paths
from study.corpus import PartsSettings, VocabularySettings, encode, split_text


def main() -> None:
    option, *overrides = sys.argv[1:] or ["embedded"]
    with initialize_config_dir(str(paths.configuration() / "corpus"), version_base=None):
        source = instantiate(compose(option, overrides=[override.removeprefix("corpus.") for override in overrides]))
    vocabulary = VocabularySettings(minimum_count=5, maximum_size=50_000, case="fold")
    parts = PartsSettings(development=0.05, test=None, seed=0)
    with tempfile.TemporaryDirectory() as folder:
        text, encoded = Path(folder, "text"), Path(folder, "corpus")
        text.mkdir()
        encoded.mkdir()
        start = time.perf_counter()
        words = split_text(source, text, lambda moment: None)["words"]
        middle = time.perf_counter()
        encode(text, encoded, vocabulary, parts, lambda moment: None)
        end = time.perf_counter()
    for stage, seconds in {"text": middle - start, "corpus": end - middle, "both": end - start}.items():
        print(f"{stage:8}{seconds:8.1f} s{words / seconds / 1e6:8.2f} million words per second")
    own, largest = (resource.getrusage(who).ru_maxrss / 1e6 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(f"{words:,} words; peak memory {own:.2f} GB in this process, {largest:.2f} GB in the largest that it started")


if __name__ == "__main__":
    main()
