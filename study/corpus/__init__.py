"""Corpora: sources of text, the splitting rule, the shared vocabulary and the encoded parts that models read."""

from study.corpus.corpus import EncodedCorpus
from study.corpus.embedded import Embedded, Speeches
from study.corpus.encoding import encode
from study.corpus.named import Named
from study.corpus.parts import PARTS, PartsSettings
from study.corpus.stream import split_text
from study.corpus.text import Described, Document, File, Source
from study.corpus.vocabulary import Vocabulary, VocabularySettings
from study.corpus.wikipedia import Wikimedia, WikipediaSample

__all__ = [
    "PARTS",
    "Described",
    "Document",
    "Embedded",
    "EncodedCorpus",
    "File",
    "Named",
    "PartsSettings",
    "Source",
    "Speeches",
    "Vocabulary",
    "VocabularySettings",
    "Wikimedia",
    "WikipediaSample",
    "encode",
    "split_text",
]
