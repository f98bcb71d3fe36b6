"""What is asked of every model, and what the answers are worth: tasks, metrics, intervals and comparisons."""

from study.evaluation.alteration import CoordinationInversion, OddWord, TreebankBigramShift
from study.evaluation.analogy import Analogy
from study.evaluation.arcs import DependencyArc, DependencyArcLabel
from study.evaluation.cloze import Cloze
from study.evaluation.clusters import WordClusters
from study.evaluation.coarse_senses import CoarseSenses
from study.evaluation.comparison import compare, over_seeds
from study.evaluation.contextuality import Contextuality
from study.evaluation.detectable import detectable
from study.evaluation.file_probe import ColumnProbe, Probe
from study.evaluation.geometry import neighbours, plane, similarity_of_views
from study.evaluation.grammar import ArgumentNumber, MainTense, TopConstituents, TreeDepth
from study.evaluation.headline import headlines
from study.evaluation.inspection import Inspection, inspect
from study.evaluation.metric import METRICS
from study.evaluation.polysemy import Senses
from study.evaluation.probing import LabelProbe
from study.evaluation.regimen import Regimen
from study.evaluation.scws import ContextualSimilarity
from study.evaluation.sentences import BigramShift, SentenceLength, WordContent
from study.evaluation.senteval import SentEval
from study.evaluation.similarity import Similarity
from study.evaluation.structural import StructuralProbe
from study.evaluation.surface import TreebankLength, TreebankWordContent
from study.evaluation.tagging import DependencyLabel, MorphologicalFeature, PartOfSpeech
from study.evaluation.treebank import Treebank
from study.evaluation.uncertainty import summarise
from study.evaluation.variance import variance_components
from study.evaluation.word_in_context import WordInContext

__all__ = [
    "METRICS",
    "Analogy",
    "ArgumentNumber",
    "BigramShift",
    "Cloze",
    "CoarseSenses",
    "ColumnProbe",
    "ContextualSimilarity",
    "Contextuality",
    "CoordinationInversion",
    "DependencyArc",
    "DependencyArcLabel",
    "DependencyLabel",
    "Inspection",
    "LabelProbe",
    "MainTense",
    "MorphologicalFeature",
    "OddWord",
    "PartOfSpeech",
    "Probe",
    "Regimen",
    "Senses",
    "SentEval",
    "SentenceLength",
    "Similarity",
    "StructuralProbe",
    "TopConstituents",
    "TreeDepth",
    "Treebank",
    "TreebankBigramShift",
    "TreebankLength",
    "TreebankWordContent",
    "WordClusters",
    "WordContent",
    "WordInContext",
    "compare",
    "detectable",
    "headlines",
    "inspect",
    "neighbours",
    "over_seeds",
    "plane",
    "similarity_of_views",
    "summarise",
    "variance_components",
]
