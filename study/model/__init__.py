"""Models: Word2Vec and the systems it is compared with, the Transformer encoder, and controls that learned nothing."""

from study.model.controls import Random
from study.model.count import Count
from study.model.encoder import Transformer, Untrained
from study.model.encodings import Identifier, OneHot
from study.model.fasttext import FastText
from study.model.word2vec import Word2Vec

__all__ = ["Count", "FastText", "Identifier", "OneHot", "Random", "Transformer", "Untrained", "Word2Vec"]
