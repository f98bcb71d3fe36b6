"""What is asked of every model, and what the answers are worth: tasks, metrics, intervals and comparisons."""

from study.evaluation.geometry.contextuality import Contextuality
from study.evaluation.geometry.space import neighbours, plane, similarity_of_views
from study.evaluation.inspection import Inspection, inspect
from study.evaluation.polysemy.clusters import WordClusters
from study.evaluation.polysemy.coarse_senses import CoarseSenses
from study.evaluation.polysemy.senses import Senses
from study.evaluation.polysemy.telling_word import TellingWord
from study.evaluation.polysemy.window import SensesInWindow
from study.evaluation.polysemy.word_in_context import WordInContext
from study.evaluation.probing.alteration import CoordinationInversion, OddWord, TreebankBigramShift
from study.evaluation.probing.arcs import DependencyArc, DependencyArcLabel
from study.evaluation.probing.file_probe import ColumnProbe, Probe
from study.evaluation.probing.grammar import ArgumentNumber, MainTense, TopConstituents, TreeDepth
from study.evaluation.probing.probe import LabelProbe
from study.evaluation.probing.regimen import Regimen
from study.evaluation.probing.sentences import BigramShift, SentenceLength, WordContent
from study.evaluation.probing.senteval import SentEval
from study.evaluation.probing.structural import StructuralProbe
from study.evaluation.probing.surface import TreebankLength, TreebankWordContent
from study.evaluation.probing.tagging import DependencyLabel, MorphologicalFeature, PartOfSpeech
from study.evaluation.probing.treebank import Treebank
from study.evaluation.similarity.analogy import Analogy
from study.evaluation.similarity.cloze import Cloze
from study.evaluation.similarity.pairs import Similarity
from study.evaluation.similarity.scws import ContextualSimilarity
from study.evaluation.statistics.comparison import compare, over_seeds
from study.evaluation.statistics.detectable import detectable
from study.evaluation.statistics.headline import headlines
from study.evaluation.statistics.metric import METRICS
from study.evaluation.statistics.uncertainty import summarise
from study.evaluation.statistics.variance import variance_components

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
    "SensesInWindow",
    "SentEval",
    "SentenceLength",
    "Similarity",
    "StructuralProbe",
    "TellingWord",
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
