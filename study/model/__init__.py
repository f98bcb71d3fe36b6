"""Models: Word2Vec and the systems it is compared with, encoders, recurrent and reconstructing networks, controls, and files."""

from study.model.controls import Random
from study.model.count import Count
from study.model.encoder import Transformer, Untrained
from study.model.encodings import Identifier, OneHot
from study.model.export import export_static, exported
from study.model.fasttext import FastText
from study.model.huggingface import HuggingFace
from study.model.progress import NotFiniteError
from study.model.reconstruction import RecurrentReconstruction, TransformerReconstruction
from study.model.recurrent import Recurrent
from study.model.saved import Saved, export_encoder
from study.model.vectors import Vectors
from study.model.word2vec import Word2Vec

__all__ = [
    "Count",
    "FastText",
    "HuggingFace",
    "Identifier",
    "NotFiniteError",
    "OneHot",
    "Random",
    "Recurrent",
    "RecurrentReconstruction",
    "Saved",
    "Transformer",
    "TransformerReconstruction",
    "Untrained",
    "Vectors",
    "Word2Vec",
    "export_encoder",
    "export_static",
    "exported",
]
