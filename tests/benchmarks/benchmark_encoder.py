"""Measure how fast encoders are trained: words per second, the share of the machine's fastest product of matrices, and the
ratio to Hugging Face's BertForMaskedLM of the same shape, in one run.

Both sides hide as many words and take the best of several batches, theirs of two precisions and two implementations of attention
too, and both count every token of their sequences; a sequence of theirs is all words, without the boundaries that ours has. Each
is measured in processes of its own. Theirs runs as a user has it, and once more as a training of ours does: freed memory is kept,
and threads wait as study/__init__.py says.

Run it on an idle machine: python tests/benchmarks/benchmark_encoder.py [words, 1,000,000 by default] [threads, torch's choice].
The text is drawn at random from 21,000 words with Zipf's frequencies: what is measured does not depend on what is learned.
"""

import os
import sys
import tempfile
import time
from dataclasses import replace
from itertools import cycle
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from study.model import Transformer
from study.model.memory import keep_freed_memory

WORDS = 21_000
SIZES = [(128, 2, 4), (256, 4, 4)]
"""Width, blocks, heads."""
BATCHES = (2048, 4096, 8192)
HIDDEN = 0.15
"""Share of the words that both are asked for, as BERT was; conf/model/transformer.yaml asks for more, which takes more time."""
USUAL = ("bfloat16", "eager")
WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
"""How threads wait: set by the study, and read by a process when it loads torch."""


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
    """Return an encoder with the knobs of conf/model/transformer.yaml, but for its size, its budget and how much is hidden."""
    from omegaconf import OmegaConf

    knobs = OmegaConf.to_container(OmegaConf.load(Path(__file__).parents[2] / "conf/model/transformer.yaml"))
    del knobs["_target_"]
    chosen = {"width": width, "blocks": blocks, "heads": heads, "words": words, "threads": threads, "mask_rate": HIDDEN}
    return Transformer(**knobs | chosen)


def apart(work, *arguments, waiting=True):
    """Do some work in a process of its own, whose threads wait as the study says, or as they do without it."""
    before = {name: os.environ.pop(name) for name in WAITING if not waiting and name in os.environ}
    try:
        with get_context("spawn").Pool(1) as process:
            return process.apply(work, arguments)
    finally:
        os.environ.update(before)


def own(width, blocks, heads, corpus, words, threads, batch):
    """Train an encoder; return its words and its tokens (words and boundaries) per second, and its effort."""
    model = replace(encoder(width, blocks, heads, words, threads), batch=batch)
    with tempfile.TemporaryDirectory() as folder:
        model.fit(corpus, folder=Path(folder), observe=lambda moment: None)
    speed = model.history[-1].words_seen / model.history[-1].seconds
    sentences, read = len(corpus.sentence_offsets("training")) - 1, corpus.size("training")
    return speed, speed * (read + sentences) / read, model.effort


def hugging_face(width, blocks, heads, threads, corpus, kept, seconds=4.0):
    """Return the tokens per second at which BertForMaskedLM learns masked words: batch, precision, attention -> speed.

    Sequences of 64 without padding, a vocabulary of the same size, AdamW, as many words hidden, no dropout, as ours; data are
    prepared outside the clock. A user would find it in Trainer, whose own work per step is left out here in its favour.
    ``kept`` says whether the process keeps the memory that it frees.
    """
    torch.set_num_threads(threads)
    if kept:
        keep_freed_memory()
    tokens = torch.from_numpy(corpus.parts["training"].astype(np.int64))
    speeds = {}
    for attention in ("eager", "sdpa"):
        for precision in (torch.bfloat16, torch.float32):
            for rows in (8, 16, 32, 64):
                batches = [tokens[start : start + rows * 64].view(rows, 64) for start in range(0, 20 * rows * 64, rows * 64)]
                model = bert(width, blocks, heads, attention)
                speeds[rows * 64, str(precision).removeprefix("torch."), attention] = trained(model, batches, precision, seconds)
    return speeds


def bert(width, blocks, heads, attention):
    """Return BertForMaskedLM with random weights, by one of its implementations of attention."""
    from transformers import BertConfig, BertForMaskedLM

    torch.manual_seed(0)
    shape = BertConfig(
        vocab_size=WORDS + 3,
        hidden_size=width,
        num_hidden_layers=blocks,
        num_attention_heads=heads,
        intermediate_size=4 * width,
        max_position_embeddings=64,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        attn_implementation=attention,
    )
    return BertForMaskedLM(shape).train()


def trained(model, batches, precision, seconds):
    """Return the tokens per second at which a model learns masked words; the first step, which prepares, does not count."""
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    begun, read = None, 0
    for batch in cycle(batches):
        hidden = torch.rand(batch.shape) < HIDDEN
        with torch.autocast("cpu", precision, enabled=precision is torch.bfloat16):
            loss = model(input_ids=batch.masked_fill(hidden, WORDS), labels=batch.masked_fill(~hidden, -100)).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if begun is None:
            begun = time.perf_counter()
        else:
            read += batch.numel()
        if read and time.perf_counter() - begun > seconds:
            return read / (time.perf_counter() - begun)


def main(words=1_000_000, threads=None):
    """Print what each setting of ours and of theirs reaches, then the ratios of the best, and that to theirs in bfloat16."""
    threads, corpus = int(threads or torch.get_num_threads()), Zipf(1_000_000, seed=0)
    for width, blocks, heads in SIZES:
        best, bound = 0.0, 0.0
        for batch in BATCHES:
            speed, tokens, effort = apart(own, width, blocks, heads, corpus, int(words), threads, batch)
            best = max(best, tokens)
            bound = max(bound, effort.peak / effort.operations_per_word * tokens / speed)
            print(
                f"width {width}, blocks {blocks}, batch {batch}, {threads} threads: {speed:,.0f} words per second "
                f"({tokens:,.0f} with boundaries), {effort.operations_per_word / 1e6:.1f} million operations a word, "
                f"{effort.operations_per_word * speed / effort.peak:.2f} of a large product's {effort.peak / 1e9:.0f} GFLOP/s",
                flush=True,
            )
        for kept in (False, True):
            theirs = apart(hugging_face, width, blocks, heads, threads, corpus, kept, waiting=kept)
            print("  BertForMaskedLM, " + ("freed memory kept, and threads that wait as ours" if kept else "as a user has it"))
            for (batch, precision, attention), speed in theirs.items():
                print(f"    batch {batch}, {precision}, {attention}: {speed:,.0f}")
            usual = max(speed for (_, precision, attention), speed in theirs.items() if (precision, attention) == USUAL)
            at_best = max(theirs.values())
            print(
                f"  {best / at_best:.1f} times its best ({at_best:,.0f}), {best / usual:.1f} times in {' and '.join(USUAL)} "
                f"({usual:,.0f}); {bound / at_best:.1f} times its best, did we nothing but products, as fast as the large one",
                flush=True,
            )


if __name__ == "__main__":
    main(*sys.argv[1:])
