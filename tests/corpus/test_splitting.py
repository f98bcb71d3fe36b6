import pytest

from study.contracts import StudyError
from study.corpus import splitting as module
from study.corpus.splitting import split_block, split_blocks
from study.corpus.text import Document

BLOCKS = [
    [Document(f"{block}", f"Block {block} has words. Naïve ones – {block}.\nDon’t", 0), Document("", "...", 0)]
    for block in range(7)
]


def plain(found):
    return [(split.types, split.tokens.tolist(), split.sentences.tolist(), split.documents.tolist()) for _, split in found]


def test_a_block_is_numbered_by_first_occurrence():
    split = split_block("unicode", ["A bee. A’s bee! A", "", "cafe\u0301 café"])
    assert split.types == ["A", "bee", "A's", "café"]
    assert split.tokens.tolist() == [0, 1, 2, 1, 0, 3, 3]
    assert split.sentences.tolist() == [2, 2, 1, 2]
    assert split.documents.tolist() == [3, 0, 1]


def test_several_processes_split_as_one_and_in_order():
    alone = list(split_blocks("unicode", iter(BLOCKS), processes=0))
    together = list(split_blocks("unicode", iter(BLOCKS), processes=2))
    assert plain(together) == plain(alone)
    assert [block for block, _ in together] == BLOCKS


def test_a_process_that_ends_is_reported(monkeypatch):
    monkeypatch.setattr(module.sys, "executable", "/bin/true")
    with pytest.raises(StudyError, match="ended from outside"):
        list(split_blocks("unicode", iter(BLOCKS), processes=2))
