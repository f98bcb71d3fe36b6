import numpy as np
import pytest

from study.instrument.heads import MEASURES, even, head_table
from study.model.maps import AttentionMap, Side


def attention_map(weights, *, kind="self", ends=True, allowed=None):
    """A map of words a, b, c … between boundary symbols."""
    weights = np.asarray(weights, np.float32)
    weights = weights.reshape((1, 1, *weights.shape) if weights.ndim == 2 else weights.shape)
    number = weights.shape[3]
    places = np.arange(number) - ends
    if ends:
        places[-1] = -1
    side = Side(tuple("[]" if place < 0 else chr(97 + place) for place in places), places)
    return AttentionMap(kind, side, side, weights, np.ones((number, number), bool) if allowed is None else allowed)


def measured(*maps, layer=1, head=1):
    table = head_table(maps, seed=0)
    mine = table[(table["layer"] == layer) & (table["head"] == head)]
    return mine.set_index("measure")


def test_uniform_attention_has_the_entropy_of_all_keys_and_the_mean_distance():
    found = measured(attention_map(np.full((7, 7), 1 / 7)))
    assert found.loc["entropy", "value"] == pytest.approx(np.log(7))
    assert found.loc["evenness", "value"] == pytest.approx(1)
    assert found.loc["distance", "value"] == pytest.approx((5**2 - 1) / (3 * 5))  # of two words drawn from five
    assert found.loc["itself", "value"] == pytest.approx(1 / 7)
    assert found.loc["previous", "value"] == found.loc["next", "value"] == pytest.approx(4 / 5 / 7)  # one of five has none
    assert found.loc["boundary", "value"] == pytest.approx(2 / 7)
    assert found["value"].to_numpy() == pytest.approx(found["uniform"].to_numpy())


def test_a_head_by_hand():
    rows = np.zeros((4, 4))
    rows[0] = [1, 0, 0, 0]  # the boundary's own row counts for nothing
    rows[1] = [0.5, 0.25, 0.25, 0]  # a
    rows[2] = [0, 1, 0, 0]  # b
    rows[3] = [0, 0, 0, 1]
    found = measured(attention_map(rows))
    assert found.loc["entropy", "value"] == pytest.approx((0.5 * np.log(2) + 0.5 * np.log(4)) / 2)
    assert found.loc["evenness", "value"] == pytest.approx((0.5 * np.log(2) + 0.5 * np.log(4)) / (2 * np.log(4)))
    assert found.loc["distance", "value"] == pytest.approx((0.25 * 1 + 1 * 1) / 1.5)  # of the weights on words
    assert found["value"].loc[["itself", "previous", "next", "boundary"]].tolist() == pytest.approx([0.125, 0.5, 0.125, 0.25])
    assert found["words"].unique().tolist() == [2]


def test_what_may_not_be_looked_at_is_no_part_of_evenness():
    allowed = np.tri(4) > 0
    backwards = np.tri(4) / np.tri(4).sum(axis=1, keepdims=True)
    seen = attention_map(backwards, ends=False, allowed=allowed)
    assert even(seen)[0, 0] == pytest.approx(backwards)
    found = measured(seen)
    assert found.loc["entropy", "value"] == pytest.approx(np.log([1, 2, 3, 4]).mean())
    assert found.loc["evenness", "value"] == pytest.approx(1)
    assert found.loc["next", "value"] == 0


def test_heads_layers_and_kinds_are_told_apart():
    one = np.stack([[np.eye(4), np.full((4, 4), 0.25)], [np.roll(np.eye(4), 1, axis=1), np.eye(4)]])
    table = head_table([attention_map(one), attention_map(one[:1], kind="cross")], seed=0)
    assert len(table) == (4 + 2) * len(MEASURES)
    values = table.set_index(["kind", "layer", "head", "measure"])["value"]
    assert values["self", 1, 1, "itself"] == values["self", 2, 2, "itself"] == values["cross", 1, 1, "itself"] == 1
    assert values["self", 2, 1, "next"] == values["self", 2, 1, "boundary"] == 0.5
    assert values["self", 1, 2, "itself"] == 0.25


def test_intervals_are_over_sentences_and_cover_the_value():
    random = np.random.default_rng(1)
    maps = [attention_map(random.dirichlet(np.full(size, 0.5), size=(2, 3, size))) for size in random.integers(6, 15, 40)]
    table = head_table(maps, seed=0)
    assert (table["low"] <= table["value"]).all()
    assert (table["value"] <= table["high"]).all()
    assert (table["low"] < table["high"]).all()
    assert table["sentences"].unique().tolist() == [40]
    assert head_table(maps, seed=0).equals(table)
    twice = head_table([*maps, *maps, *maps, *maps], seed=0)
    widths = (twice["high"] - twice["low"]) / (table["high"] - table["low"])
    assert widths.mean() == pytest.approx(0.5, abs=0.05)  # four times the sentences, half the width


def test_one_sentence_has_no_interval_and_none_no_rows():
    table = head_table([attention_map(np.eye(5))], seed=0)
    assert table[["low", "high"]].isna().all(axis=None)
    assert len(head_table([], seed=0)) == 0
    assert list(head_table([], seed=0).columns) == list(table.columns)
