"""Measure how fast encoders are trained: words per second, and the share of the machine's fastest product of matrices.

Run it on an idle machine: python tests/benchmarks/benchmark_encoder.py [words, 1,000,000 by default] [threads, torch's choice].
The text is drawn at random from 21,000 words with Zipf's frequencies: what is measured does not depend on what is learned.
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from study.model import Transformer

WORDS = 21_000
SIZES = [(128, 2, 4), (256, 4, 4)]
"""Width, blocks, heads."""


class Vocabulary:
    """Words by falling frequency."""

    def __init__(self, counts):
        self.counts = counts

    def __len__(self):
        return len(self.counts)


class Zipf:
    """Sentences of 25 words without meaning; ten of them are a document."""

    name = "zipf"

    def __init__(self, words, seed):
        frequencies = 1 / np.arange(1, WORDS + 1)
        drawn = np.random.default_rng(seed).choice(WORDS, words, p=frequencies / frequencies.sum()).astype(np.int32)
        self.parts = {"training": drawn, "development": drawn[:0]}
        self.identifiers = np.arange(WORDS + 1, dtype=np.int32)
        self.vocabulary = Vocabulary(np.bincount(drawn, minlength=WORDS))

    def size(self, part):
        return len(self.parts[part])

    def tokens(self, part):
        return self.parts[part]

    def sentence_offsets(self, part):
        return np.append(np.arange(0, self.size(part), 25), self.size(part))

    def document_offsets(self, part):
        sentences = len(self.sentence_offsets(part)) - 1
        return np.append(np.arange(0, sentences, 10), sentences)


def encoder(width, blocks, heads, words, threads):
    """Return an encoder with the knobs of conf/model/transformer.yaml, but for its size and budget."""
    from omegaconf import OmegaConf

    knobs = OmegaConf.to_container(OmegaConf.load(Path(__file__).parents[2] / "conf/model/transformer.yaml"))
    del knobs["_target_"]
    return Transformer(**knobs | {"width": width, "blocks": blocks, "heads": heads, "words": words, "threads": threads})


def fastest_product(threads):
    """Return the floating-point operations per second of a large product in bfloat16."""
    torch.set_num_threads(threads)
    matrix, best = torch.randn(2048, 2048).bfloat16(), 0.0
    for _ in range(10):
        begun = time.perf_counter()
        matrix @ matrix
        best = max(best, 2 * 2048**3 / (time.perf_counter() - begun))
    return best


def main(words=1_000_000, threads=None):
    """Print one line per size."""
    threads = int(threads or torch.get_num_threads())
    peak, corpus = fastest_product(threads), Zipf(1_000_000, seed=0)
    print(f"{threads} threads, product of matrices {peak / 1e9:.0f} GFLOP/s in bfloat16")
    for width, blocks, heads in SIZES:
        model = encoder(width, blocks, heads, int(words), threads)
        with tempfile.TemporaryDirectory() as folder:
            model.fit(corpus, folder=Path(folder), observe=lambda moment: None)
        moment = model.history[-1]
        matrices = sum(weight.numel() for name, weight in model.encoder.named_parameters() if name.startswith("blocks"))
        # Forward and backward take six operations per word and weight; candidates are scored for the hidden words only.
        operations = 6 * (matrices + model.mask_rate * model.candidates * width) * moment.words_seen / moment.seconds
        speed = moment.words_seen / moment.seconds
        print(f"width {width}, blocks {blocks}: {speed:,.0f} words per second, {operations / peak:.0%} of that product")


if __name__ == "__main__":
    main(*sys.argv[1:])
