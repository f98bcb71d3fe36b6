from collections import Counter
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pytest

from study.contracts import StudyError
from study.corpus import (
    PARTS,
    Described,
    Document,
    EncodedCorpus,
    PartsSettings,
    VocabularySettings,
    encode,
    encoding,
    split_text,
)
from study.corpus.words import UNICODE

TEXT = "\n\n".join(f"The Bank {number} is here. It’s near the river{number % 7}!\nA bank." for number in range(60))


def test_the_parts_share_out_the_text_by_document_in_its_order(encoded):
    corpus = encoded(TEXT)
    documents = [[[token.word for token in sentence] for sentence in UNICODE.split(block)] for block in TEXT.split("\n\n")]
    found = {}
    for part in PARTS:
        blocks: dict[int, list[list[str]]] = {}
        for number, sentence in corpus.sentences(part):
            blocks.setdefault(number, []).append(sentence)
        found[part] = list(blocks.values())
        assert list(blocks) == list(range(len(corpus.document_offsets(part)) - 1))
    numbers = {part: [documents.index(block) for block in blocks] for part, blocks in found.items()}
    assert all(places == sorted(places) for places in numbers.values())
    assert sorted(chain(*numbers.values())) == list(range(60))
    assert [len(numbers[part]) for part in PARTS] == [48, 3, 9]


def test_documents_that_belong_together_go_to_the_same_part(tmp_path):
    """Twenty texts, each given twice by two documents far apart."""

    @dataclass(frozen=True, kw_only=True)
    class Twins(Described):
        def files(self):
            return []

        def documents(self):
            for number in range(40):
                yield Document(f"d{number}", f"text{number % 20} is here\nand ends", number, belongs=f"text {number % 20}")

    split, folder = tmp_path / "split", tmp_path / "corpus"
    split.mkdir()
    folder.mkdir()
    split_text(Twins(name="twins", words="unicode", description="", source="", licence=""), split, lambda moment: None)
    settings = VocabularySettings(minimum_count=1, maximum_size=100, case="fold")
    encode(split, folder, settings, PartsSettings(development=0.1, test=0.2, seed=0), lambda moment: None)
    corpus = EncodedCorpus.open(folder, split, name="twins", digest="0")
    first_words = [Counter(words[0] for _, words in corpus.sentences(part) if words[0] != "and") for part in PARTS]
    assert [len(found) for found in first_words] == [14, 2, 4]
    assert all(count == 2 for found in first_words for count in found.values())


def test_the_vocabulary_counts_the_training_part_alone(encoded):
    corpus = encoded(TEXT, vocabulary={"minimum_count": 5})
    words = Counter(word.lower() for _, sentence in corpus.sentences("training") for word in sentence)
    frequent = {word: count for word, count in words.items() if count >= 5}
    assert dict(zip(corpus.vocabulary.words, corpus.vocabulary.counts.tolist(), strict=True)) == frequent
    test = [word.lower() for _, sentence in corpus.sentences("test") for word in sentence]
    known = sum(word in frequent for word in test) / len(test)
    assert corpus.facts["parts"]["test"]["coverage"] == pytest.approx(known)
    assert corpus.facts["parts"]["test"]["types"] == len(set(test))
    assert 0 < known < 1
    assert {word: corpus.vocabulary.count(word) for word in words} == words
    assert all(corpus.vocabulary.count(word) == 0 for word in set(test) - set(words))


def test_the_training_text_is_the_folded_training_part_with_unknown_words(encoded):
    corpus = encoded(TEXT, vocabulary={"minimum_count": 5})
    lines = corpus.training_text.read_text(encoding="utf-8").splitlines()
    assert lines == [" ".join(sentence).lower() for _, sentence in corpus.sentences("training")]
    assert corpus.training_text_words == sum(len(line.split()) for line in lines) == corpus.size("training")


def test_pieces_and_long_sentences_do_not_change_the_training_text(encoded, monkeypatch):
    monkeypatch.setattr(encoding, "CHUNK", 7)
    monkeypatch.setattr(encoding, "LONGEST_LINE", 3)
    corpus = encoded(TEXT)
    lines = corpus.training_text.read_text(encoding="utf-8").splitlines()
    sentences = [" ".join(sentence).lower().split() for _, sentence in corpus.sentences("training")]
    assert lines == [" ".join(words[start : start + 3]) for words in sentences for start in range(0, len(words), 3)]


def test_case_can_be_kept(encoded):
    corpus = encoded(TEXT, vocabulary={"case": "keep"})
    assert {"Bank", "bank"} <= set(corpus.vocabulary.words)
    assert corpus.training_text.read_text(encoding="utf-8").startswith("The Bank")


def test_one_document_is_divided_by_blocks_of_sentences(encoded):
    corpus = encoded("\n".join(f"sentence number {number} of the text" for number in range(1000)))
    assert corpus.facts["divided_by_blocks"] is True
    assert [round(corpus.size(part) / 6000, 2) for part in PARTS] == [0.80, 0.05, 0.15]
    assert corpus.facts["parts"]["training"]["sentence_length"]["50"] == 6


def test_a_part_without_a_share_is_an_empty_array(encoded):
    corpus = encoded(TEXT, parts={"development": 0.0})
    assert corpus.size("development") == 0
    assert list(corpus.sentences("development")) == []
    assert corpus.sentence_offsets("development").tolist() == [0]


def test_progress_reaches_its_end(encoded, moments):
    corpus = encoded(TEXT)
    assert moments[-1].words_seen == moments[-1].total_words == corpus.size("training")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("one. Two", "2 documents or sentences are too few"),
        ("\n".join(map(str, range(100))), "vocabulary is empty: .*occurs 1 times"),
    ],
)
def test_too_little_text_is_refused(encoded, text, message):
    with pytest.raises(StudyError, match=message):
        encoded(text, vocabulary={"minimum_count": 2})


def test_the_same_settings_give_the_same_bytes(encoded, tmp_path):
    corpus = encoded(TEXT)
    before = {path.name: path.read_bytes() for path in corpus.folder.iterdir()}
    corpus.folder.rename(tmp_path / "first")
    (tmp_path / "split").rename(tmp_path / "first_split")
    again = encoded(TEXT)
    assert {path.name: path.read_bytes() for path in again.folder.iterdir()} == before
    assert np.load(again.folder / "identifiers.npy", allow_pickle=False).dtype == np.int32
