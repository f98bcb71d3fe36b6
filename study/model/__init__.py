"""Models: Word2Vec, the Transformer encoder, recurrent networks, reconstruction, and controls that learned nothing."""

from study.model.controls import Random
from study.model.encoder import Transformer, Untrained
from study.model.reconstruction import RecurrentReconstruction, TransformerReconstruction
from study.model.recurrent import Recurrent
from study.model.word2vec import Word2Vec

__all__ = [
    "Random",
    "Recurrent",
    "RecurrentReconstruction",
    "Transformer",
    "TransformerReconstruction",
    "Untrained",
    "Word2Vec",
]
