"""What is asked of every model, and what the answers are worth: tasks, metrics, intervals and comparisons."""

from study.evaluation.analogy import Analogy
from study.evaluation.comparison import compare, over_seeds
from study.evaluation.geometry import neighbours, plane
from study.evaluation.headline import headlines
from study.evaluation.metric import METRICS
from study.evaluation.polysemy import Senses
from study.evaluation.probing import LinearProbe, Probe
from study.evaluation.sentences import BigramShift, SentenceLength, WordContent
from study.evaluation.similarity import Similarity
from study.evaluation.treebank import PartOfSpeech
from study.evaluation.uncertainty import summarise

__all__ = [
    "METRICS",
    "Analogy",
    "BigramShift",
    "LinearProbe",
    "PartOfSpeech",
    "Probe",
    "Senses",
    "SentenceLength",
    "Similarity",
    "WordContent",
    "compare",
    "headlines",
    "neighbours",
    "over_seeds",
    "plane",
    "summarise",
]
