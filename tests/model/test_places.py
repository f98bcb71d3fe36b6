import numpy as np
import pandas as pd
import pytest

from study.contracts import Questions
from study.model import places

BARE, BANK = ("bank",), ("the", "bank", "closed")


def questions(level, sentences, asked):
    return Questions(level, sentences, np.array(asked, np.int64).reshape(-1, 3), pd.DataFrame({"item": [], "split": []}))


class Recorder:
    """A model whose vectors tell the place, and which remembers what it was asked."""

    def __init__(self):
        self.calls = []

    def views(self, level):
        return {"word": ("type",), "target": ("type", "deep")}[level]

    def embed(self, sentences, asked, views):
        self.calls.append(list(sentences))
        told = np.array([[len(sentences[n]), start, stop] for n, start, stop in asked], np.float32)
        return {view: told + (0 if view == "type" else 100) for view in views}


@pytest.fixture
def joined():
    return places.join(
        {
            "similarity/a": questions("word", [BARE, ("river",)], [(0, 0, 1), (1, 0, 1), (0, 0, 1)]),
            "polysemy/b": questions("target", [BANK], [(0, 1, 2)]),
            "probing/c": questions("target", [BANK], [(0, 1, 2), (0, 0, 1)]),
        }
    )


def test_each_distinct_sentence_and_place_is_kept_once(joined):
    assert joined.sentences == [BARE, ("river",), BANK]
    assert len(joined.places) == 4
    assert joined.levels == ("word", "target")


def test_a_task_gets_its_places_back_in_its_own_order(joined):
    row = joined.rows["similarity/a"]
    assert row[0] == row[2] != row[1]
    assert joined.places[joined.rows["probing/c"]].tolist() == [[2, 1, 2], [2, 0, 1]]


@pytest.mark.parametrize("at_once", [1, 2, 1024])
def test_embedding_in_pieces_asks_for_each_sentence_once(joined, tmp_path, monkeypatch, at_once):
    monkeypatch.setattr(places, "SENTENCES_AT_ONCE", at_once)
    model = Recorder()
    places.embed(model, joined, tmp_path, lambda moment: None, "float32")
    assert [sentence for call in model.calls for sentence in call] == joined.sentences
    vectors = places.vectors_of(tmp_path, model, joined, "probing/c", "target")
    assert vectors["type"].tolist() == [[3, 1, 2], [3, 0, 1]]
    assert vectors["deep"].tolist() == [[103, 101, 102], [103, 100, 101]]
    assert set(places.vectors_of(tmp_path, model, joined, "similarity/a", "word")) == {"type"}
