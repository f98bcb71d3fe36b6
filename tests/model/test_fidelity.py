import numpy as np
import pytest
import torch

from study.model.decoder import Memory
from study.model.fidelity import fidelity, filled, generated, share
from study.model.sequences import Symbols
from tests.model.small_reconstruction import CORPUS, WORDS
from tests.model.toy_language import ToldCorpus


class Parrot:
    """Says the words it has read, but is right about no word after the fourth."""

    def __init__(self):
        self.table = torch.nn.Embedding.from_pretrained(torch.eye(WORDS + 3))

    def eval(self):
        return self

    def output(self):
        return self.table.weight, torch.zeros(WORDS)

    def encode(self, words, lengths):
        return Memory(self.table(words), lengths, lengths)

    def decode(self, memory, said):
        x = memory.states[:, 1 : said.shape[1] + 1].clone()
        x[:, 4:] = x[:, 4:].roll(1, dims=2)
        return x


class Follower(Parrot):
    """Finds the word said last in the sentence it has read, and says the one after it: a wrong word leads it astray."""

    def __init__(self, words):
        self.words, self.table = words, torch.nn.Embedding.from_pretrained(torch.eye(words + 3))

    def output(self):
        return self.table.weight, torch.zeros(self.words)

    def decode(self, memory, said):
        found = self.table(said) @ memory.states.transpose(1, 2)
        return found @ memory.states.roll(-1, dims=1)


def test_shares_are_counted_by_length_over_the_sentences_of_the_development_part():
    table = fidelity(Parrot(), CORPUS, [4, 8, 12], 10_000, seed=0)
    sizes = np.diff(CORPUS.sentence_offsets("development"))
    assert table["shortest"].tolist() == [1, 5, 9]
    assert table["sentences"].tolist() == [((sizes >= low) & (sizes <= low + 3)).sum() for low in (1, 5, 9)]
    assert table["words"].sum() == sizes.sum()
    for column in ("forced", "generated"):
        assert table[column].to_numpy() == pytest.approx([1.0, *(4 * (table["sentences"] / table["words"])[1:])])


def test_the_floor_is_the_share_of_the_most_frequent_word():
    table = fidelity(Parrot(), CORPUS, [12], 10_000, seed=0)
    words = np.asarray(CORPUS.ids("development", 0, int(CORPUS.sentence_offsets("development")[-1])))
    assert table["frequent"].tolist() == pytest.approx([(words == 0).mean()])


def test_after_an_unknown_word_a_network_goes_on_from_the_unknown_symbol(tmp_path):
    sentences = [["a1", "x?", "b1", "c1"], ["d1", "e1", "y?", "f1", "g1"]]
    corpus = ToldCorpus(sentences, tmp_path)
    table = fidelity(Follower(7), corpus, [4, 5], 10, seed=0)
    assert table["words"].tolist() == [3, 4], "unknown words are not counted"
    assert table["forced"].tolist() == table["generated"].tolist() == [1.0, 1.0]


def test_the_unknown_symbol_stands_where_the_sentence_has_it_and_nowhere_else():
    network, symbols = Follower(5), Symbols(5)
    b, u = symbols.boundary, symbols.unknown
    words = torch.tensor([[b, 3, u, 1, b], [b, 2, 4, b, b]])
    said = generated(network, network.encode(words, None), words[:, :1], words[:, 1:-1] == u)
    assert said.tolist() == [[3, u, 1], [2, 4, 0]], "behind the end it says what it likes"


def test_an_interval_is_that_of_a_mean_over_sentences():
    random = np.random.default_rng(0)
    hits = random.binomial(10, 0.3, size=400)
    value, low, high = share(hits, np.full(400, 10), random)
    assert value == pytest.approx(hits.mean() / 10)
    half = 1.96 * np.sqrt(0.3 * 0.7 / 4000)
    assert (value - low, high - value) == pytest.approx((half, half), rel=0.15)


def test_sentences_whose_words_stand_or_fall_together_make_a_wider_interval():
    words, right = np.full(100, 10), np.repeat([0, 10], 50)
    _, low, high = share(right, words, np.random.default_rng(0))
    assert high - low == pytest.approx(2 * 1.96 * 0.05, rel=0.15)


def test_so_many_sentences_are_chosen_the_same_each_time():
    tables = [fidelity(Parrot(), CORPUS, [12], 7, seed) for seed in (0, 0, 1)]
    assert [table["sentences"].tolist() for table in tables] == [[7]] * 3
    assert tables[0].equals(tables[1])
    assert not tables[0].equals(tables[2])


def test_lengths_of_which_there_is_no_sentence_have_no_row():
    assert fidelity(Parrot(), CORPUS, [12, 20], 5, 0)["longest"].tolist() == [12]
    assert fidelity(Parrot(), CORPUS, [], 5, 0).empty


def test_sentences_are_filled_up_behind_their_end():
    b = Symbols(9).boundary
    words, lengths = filled([np.array([1, 2, 3]), np.array([4])], Symbols(9))
    assert words.tolist() == [[b, 1, 2, 3, b], [b, 4, b, b, b]]
    assert lengths.tolist() == [5, 3]
