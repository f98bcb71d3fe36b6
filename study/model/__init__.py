"""Models: Word2Vec, the Transformer encoder, controls that learned nothing, and models from files and hubs."""

from study.model.controls import Random
from study.model.encoder import Transformer, Untrained
from study.model.export import export_static, exported
from study.model.huggingface import HuggingFace
from study.model.saved import Saved, export_encoder
from study.model.vectors import Vectors
from study.model.word2vec import Word2Vec

__all__ = [
    "HuggingFace",
    "Random",
    "Saved",
    "Transformer",
    "Untrained",
    "Vectors",
    "Word2Vec",
    "export_encoder",
    "export_static",
    "exported",
]
