from types import SimpleNamespace

import numpy as np
import pytest

from study.contracts import Instrument, StudyError, Token
from study.instrument import AttentionMaps
from study.instrument.attention import COLUMNS, weight_table
from study.model.encoder import Untrained
from study.model.maps import AttentionMap, side
from tests.model.small_corpus import SmallCorpus
from tests.model.small_encoder import ANATOMY


class WrittenCorpus(SmallCorpus):
    """The small corpus with its words as written; it splits at white space and drops full stops."""

    def sentence(self, part, index):
        start, stop = self.sentence_offsets(part)[index : index + 2]
        return [[*self.vocabulary.words, "other"][token] for token in self.tokens(part)[start:stop]]

    def words(self, text):
        found, start = [], 0
        for chunk in text.split(" "):
            word = chunk.strip(".")
            found += [Token(word, start, start + len(word))] if word else []
            start += len(chunk) + 1
        return found


CORPUS = WrittenCorpus(200)
SETTINGS = {"sentences": ["a0 [b0] $x_1$ b2."], "measured_sentences": 10, "measured_lengths": [3, 9], "seed": 0}


def untrained(**changes):
    model = Untrained(**ANATOMY | changes, units="words", subwords=100, occurrences=5, seed=0, device="cpu", threads=1)
    return model.fit(CORPUS, folder=None, observe=None)


def measure(model, **changes):
    return AttentionMaps(**SETTINGS | changes).measure(model, CORPUS, lambda moment: None)


def test_it_is_an_instrument_that_fits_models_with_attention():
    instrument = AttentionMaps(**SETTINGS)
    assert isinstance(instrument, Instrument)
    assert instrument.fits(untrained())
    assert not instrument.fits(SimpleNamespace(seed=0))
    assert not instrument.fits(SimpleNamespace(attends=lambda: False, attention_maps=list))


def test_weights_are_tidy_and_rows_sum_to_one():
    table = measure(untrained())["attention"]
    assert tuple(table.columns) == COLUMNS
    assert len(table) == 2 * 2 * 6 * 6
    rows = table.groupby(["sentence", "layer", "head", "query_position"])["weight"]
    assert rows.size().unique().tolist() == [6]
    assert rows.sum().to_numpy() == pytest.approx(1, abs=1e-5)
    assert table["key_position"].unique().tolist() == table["query_position"].unique().tolist() == [0, 1, 2, 3, 4, 5]
    assert table.loc[table["symbol"], "key_position"].unique().tolist() == [0, 5]
    assert table["query_word"].unique().tolist() == ["[boundary]", "a0", "b0", "($x_1$)", "b2"]
    assert table.loc[table["target"], "query_word"].unique().tolist() == ["b0"]
    assert (table["sentence_words"] == 4).all()


def test_the_table_holds_the_weights_of_the_model():
    model = untrained()
    table = measure(model, sentences=["a0 b0", "a1 a2 a3"])["attention"]
    (seen,) = model.attention_maps(["a1", "a2", "a3"])
    second = table[table["sentence"] == 2]
    assert np.array_equal(second["weight"].to_numpy().reshape(2, 2, 5, 5), seen.weights)
    one = second[(second["layer"] == 2) & (second["head"] == 1) & (second["query_word"] == "a2") & (second["key_word"] == "a3")]
    assert one["weight"].item() == seen.weights[1, 0, 2, 3]


def test_words_that_a_decoder_says_have_the_positions_of_those_that_were_read():
    said, read = side(["a0", "b0"], [True] * 2, [], ["[]"]), side(["a0", "b0"], [True] * 2, ["[]"], ["[]"])
    table = weight_table(1, 2, {1}, AttentionMap("cross", said, read, np.full((1, 1, 3, 4), 0.25), np.ones((3, 4), bool)))
    queries, keys = (table.groupby(f"{kind}_position")[f"{kind}_word"].first().to_dict() for kind in ("query", "key"))
    assert queries == {1: "a0", 2: "b0", 3: "[]"}
    assert keys == {0: "[]"} | queries
    assert table.loc[table["target"], "query_word"].unique().tolist() == ["b0"]


def test_heads_are_measured_over_sentences_of_the_development_part():
    seen = []
    model = untrained()
    looked = SimpleNamespace(attention_maps=lambda sentence: seen.append(sentence) or model.attention_maps(sentence))
    table = measure(looked)["attention_heads"]
    assert table["sentences"].unique().tolist() == [10]
    drawn = seen[1:]
    development = [CORPUS.sentence("development", number) for number in range(len(CORPUS.sentence_offsets("development")) - 1)]
    assert all(sentence in development and 3 <= len(sentence) <= 9 for sentence in drawn)
    assert table["words"].unique().tolist() == [sum(map(len, drawn))]
    again = len(seen)
    assert measure(looked)["attention_heads"].equals(table)
    assert seen[again:] == seen[:again]
    assert not measure(looked, seed=1)["attention_heads"].equals(table)
    uniform = measure(untrained(attention="uniform"))["attention_heads"]
    assert uniform["value"].to_numpy() == pytest.approx(uniform["uniform"].to_numpy(), abs=1e-6)


def test_nothing_asked_gives_tables_without_rows():
    tables = measure(untrained(), sentences=[], measured_sentences=0)
    assert {name: len(table) for name, table in tables.items()} == {"attention": 0, "attention_heads": 0}
    with pytest.warns(UserWarning, match="No sentence of 90 to 99 words"):
        assert measure(untrained(), measured_lengths=[90, 99])["attention_heads"].empty


def test_a_long_sentence_is_cut_and_its_words_are_counted():
    table = measure(untrained(), sentences=[" ".join(["a0"] * 30)])["attention"]
    assert table["sentence_words"].unique().tolist() == [30]
    assert table.loc[~table["symbol"], "key_position"].max() == 10


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sentences": ["a0", "..."]}, r"sentences\[1\]: expected a sentence, found no word in '\.\.\.'"),
        ({"sentences": ["a0 [.] b0"]}, r"sentences\[0\]: expected a word in the brackets"),
        ({"sentences": "a0 b0"}, r"sentences is a list.*found 'a0 b0'"),
        ({"measured_lengths": [9, 3]}, r"measured_lengths: expected the fewest and the most words, found \[9, 3\]"),
        ({"measured_sentences": -1}, "not below 0"),
    ],
)
def test_what_cannot_be_looked_at_is_said_plainly(changes, message):
    with pytest.raises(StudyError, match=message):
        measure(untrained(), **changes)
