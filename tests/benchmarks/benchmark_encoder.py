"""Measure how fast encoders are trained: words per second, the share of the machine's fastest product of matrices, and the
ratio to Hugging Face's BertForMaskedLM of the same shape, in one run.

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


def hugging_face(width, blocks, heads, corpus, seconds=20.0):
    """Return the words per second at which BertForMaskedLM learns masked words, by its best batch and precision.

    Sequences of 64 without padding, a vocabulary of the same size, AdamW, 15 % of the words hidden; data are prepared outside the
    clock. A user would find it in Trainer, whose own work per step is left out here in its favour.
    """
    from transformers import BertConfig, BertForMaskedLM

    torch.manual_seed(0)
    shape = BertConfig(
        vocab_size=WORDS + 3,
        hidden_size=width,
        num_hidden_layers=blocks,
        num_attention_heads=heads,
        intermediate_size=4 * width,
        max_position_embeddings=64,
    )
    tokens = torch.from_numpy(corpus.parts["training"].astype(np.int64))
    best = {}
    for rows in (16, 32, 64):
        model = BertForMaskedLM(shape).train()
        optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
        begun, read, step = None, 0, 0
        while begun is None or time.perf_counter() - begun < seconds / 3:
            words = tokens[step * rows * 64 :][: rows * 64].view(rows, 64).clone()
            hidden = torch.rand(words.shape) < 0.15
            labels = torch.where(hidden, words, -100)
            words[hidden] = WORDS
            with torch.autocast("cpu", torch.bfloat16):
                loss = model(input_ids=words, labels=labels).loss
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            step += 1
            read += words.numel()
            if begun is None:  # the first step prepares
                begun, read = time.perf_counter(), 0
        best[rows] = read / (time.perf_counter() - begun)
    return max(best.values())


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
        theirs = hugging_face(width, blocks, heads, corpus)
        print(
            f"width {width}, blocks {blocks}: {speed:,.0f} words per second, {operations / peak:.0%} of that product; "
            f"BertForMaskedLM {theirs:,.0f}: {speed / theirs:.1f} times as fast"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
