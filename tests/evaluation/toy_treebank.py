"""A treebank of made-up words in CoNLL-U, and the real one where its data are at hand."""

import os
from pathlib import Path

import numpy as np
import pytest

from study.evaluation import Treebank
from study.evaluation.data.conllu import Tree, read

from .listed_corpus import ListedCorpus, spelled

FILES = {"training": "train.conllu", "development": "dev.conllu", "test": "test.conllu"}
SIZES = {"training": 400, "development": 80, "test": 100}
needs_data = pytest.mark.skipif(not os.environ.get("STUDY_DATA"), reason="STUDY_DATA is not set")


def written(name: str, sentence: str) -> str:
    """Write a sentence of words ``form/TAG/head/relation`` or ``form/TAG/head/relation/Feature=Value`` as CoNLL-U."""
    lines = [f"# sent_id = {name}"]
    for number, word in enumerate(sentence.split(), 1):
        form, tag, head, relation, *features = word.split("/")
        lines.append("\t".join([str(number), form, form, tag, "_", *(features or ["_"]), head, relation, "_", "_"]))
    return "\n".join(lines) + "\n\n"


def tree(folder: Path, sentence: str) -> Tree:
    """Read one sentence written as above."""
    path = folder / "one.conllu"
    path.write_text(written("toy-d0-0001", sentence))
    return read(path)[0]


def made(rng: np.random.Generator) -> str:
    """Make up a sentence: a subject, a verb, an object with nouns below it, adverbs, and now and then a second clause."""

    def noun() -> tuple[str, str]:
        plural = rng.random() < 0.5
        return f"n{spelled(rng.integers(150))}{'s' if plural else ''}", f"Number={'Plur' if plural else 'Sing'}"

    def verb() -> tuple[str, str]:
        past = rng.random() < 0.5
        return f"v{spelled(rng.integers(150))}{'ed' if past else 'es'}", f"Tense={'Past' if past else 'Pres'}|VerbForm=Fin"

    def clause(at: int, head: int, relation: str) -> list[str]:
        subject, number = noun()
        form, tense = verb()
        words = [("The", "DET", at + 2, "det", "_"), (subject, "NOUN", at + 3, "nsubj", number)]
        words.append((form, "VERB", head, relation, tense))
        upper = at + 3
        for deep in range(int(rng.integers(1, 4))):
            form, features = noun()
            if deep:
                words.append(("of", "ADP", at + len(words) + 2, "case", "_"))
            words.append((form, "NOUN", upper, "nmod" if deep else "obj", features))
            upper = at + len(words)
        words += [("often", "ADV", at + 3, "advmod", "_")] * int(rng.integers(4))
        return ["/".join(map(str, word)) for word in words]

    words = clause(0, 0, "root")
    if rng.random() < 0.4:
        border = len(words) + 1
        second = clause(border, 3, "conj")
        second[0] = second[0].replace("The", "the")
        words += [f"and/CCONJ/{border + 3}/cc", *second]
    return " ".join([*words, "./PUNCT/3/punct"])


def toy_treebank(folder: Path, seed: int = 0) -> Treebank:
    """Write the files of a made-up treebank, ten sentences a document."""
    rng = np.random.default_rng(seed)
    for split, name in FILES.items():
        sentences = (written(f"toy-{split}{number // 10}-{number:04d}", made(rng)) for number in range(SIZES[split]))
        (folder / name).write_text("".join(sentences))
    return Treebank(data=str(folder), files=FILES, fetch={}, digests={}, source="https://here")


def toy_corpus(treebank: Treebank) -> ListedCorpus:
    """Make a corpus whose vocabulary has the words of a treebank's training part."""
    plain = ListedCorpus()
    corpus = ListedCorpus([(0, [token.word for token in plain.words(tree.text)]) for tree in treebank.trees("training")])
    number_of = {word: number for number, word in enumerate(corpus.vocabulary.words)}
    corpus.vocabulary.index = lambda word: number_of.get(word.lower())  # the list of a real treebank is long
    return corpus


def english_web_treebank() -> Treebank:
    """Return the treebank of the real data."""
    files = {split: f"en_ewt-ud-{short}.conllu" for split, short in zip(FILES, ("train", "dev", "test"), strict=True)}
    return Treebank(data="probing/UD_English-EWT", files=files, fetch={}, digests={}, source="https://here")
