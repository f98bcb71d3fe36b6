"""Maps against a second computation in numpy: products of queries and keys by hand, for every kind of part that changes them."""

import numpy as np
import pytest
import torch

from study.model.encoder import Untrained
from study.model.maps import BOUNDARY, Attends, pooled_map
from tests.model.small_corpus import SmallCorpus
from tests.model.small_encoder import ANATOMY
from tests.model.small_reconstruction import CORPUS as RANDOM_WORDS
from tests.model.small_reconstruction import MODELS

CORPUS = SmallCorpus(50)
SENTENCE = ["a0", "b0", "Zebra", "A1", "b1", "a0"]
HEADS, WIDTH = 2, 8


def untrained(**changes):
    model = Untrained(**ANATOMY | changes, units="words", subwords=100, occurrences=5, seed=3, device="cpu", threads=1)
    model.fit(CORPUS, folder=None, observe=None)
    with torch.no_grad():  # starts that would hide a part: the table near zero, biases and relative distances at zero
        for name, weight in model.encoder.named_parameters():
            if "table" in name or name.endswith("ask.bias"):
                weight.normal_(generator=torch.Generator().manual_seed(1))
    return model


def turned(x):
    """Rotate pairs (number i, number i + e / 2) of queries or keys (h, t, e) by place * 10000 ** (-2 i / e)."""
    half = x.shape[2] // 2
    angle = np.arange(x.shape[1])[:, None] * 10000.0 ** (-np.arange(half) / half)  # (t, e / 2)
    spun = (x[..., :half] + 1j * x[..., half:]) * np.exp(1j * angle)
    return np.concatenate([spun.real, spun.imag], axis=2)


def by_hand(encoder, x, block, settings):
    """Weights of a block's heads for the words x (t, d) that it reads, already normalised: ndarray of shape (h, t, t)."""
    attention, t = encoder.blocks[block].attention, len(x)
    made = x
    if attention.ask is not None:
        matrix, bias = attention.ask.weight.detach().numpy(), attention.ask.bias
        made = x @ matrix.T + (0 if bias is None else bias.detach().numpy())
    queries = made[:, : HEADS * WIDTH].reshape(t, HEADS, WIDTH).transpose(1, 0, 2)
    keys = queries
    if settings["projections"] == "separate" and settings["attention"] == "softmax":
        keys = made[:, HEADS * WIDTH : 2 * HEADS * WIDTH].reshape(t, HEADS, WIDTH).transpose(1, 0, 2)
    if settings["positions"] == "rotary":
        queries, keys = turned(queries), turned(keys)
    products = np.einsum("hqe,hke->hqk", queries, keys) / (WIDTH**0.5 if settings["scaling"] else 1)
    if settings["attention"] == "uniform":
        products = np.zeros_like(products)
    steps = np.arange(t)[None, :] - np.arange(t)[:, None]
    if settings["positions"] == "alibi":
        products = products - np.array([2.0**-4, 2.0**-8])[:, None, None] * abs(steps)
    if settings["positions"] == "relative":  # near distances have a bucket each; words after have the second half of the table
        table = encoder.distances.table.detach().numpy()
        products = products + table[np.where(steps > 0, 16, 0) + abs(steps)].transpose(2, 0, 1)
    if settings["mask"] == "causal":
        products = np.where(steps > 0, -np.inf, products)
    raised = np.exp(products - products.max(axis=2, keepdims=True))
    return raised / raised.sum(axis=2, keepdims=True)


@pytest.mark.parametrize(
    "changes",
    [
        *({"positions": kind} for kind in ("rotary", "relative", "alibi", "sinusoidal", "learned", "none")),
        *({"projections": kind} for kind in ("shared", "none")),
        {"attention": "uniform"},
        {"attention": "uniform", "mask": "causal"},
        {"scaling": False},
        {"mask": "causal"},
        {"mask": "causal", "positions": "alibi"},
        {"norm_place": "after", "biases": True, "positions": "learned"},
        {"norm": "none"},
    ],
    ids=str,
)
def test_weights_are_the_softmax_of_products_by_hand(changes):
    settings = ANATOMY | changes
    model = untrained(**changes)
    (seen,) = model.attention_maps(SENTENCE)
    vocabulary = model.vocabulary
    identifiers = [vocabulary.index(word) if word != "Zebra" else len(vocabulary) for word in SENTENCE]
    boundary = len(vocabulary) + 2
    words = torch.tensor([[boundary, *identifiers, boundary]])
    with torch.inference_mode():
        states = model.encoder(words)
        for block in range(2):
            x = model.encoder.blocks[block].reads(states[block])[0].double().numpy()
            assert seen.weights[block] == pytest.approx(by_hand(model.encoder, x, block, settings), abs=1e-5)
    assert seen.weights.shape == (2, 2, 8, 8)
    assert seen.weights.sum(axis=3) == pytest.approx(1, abs=1e-5)
    assert (np.triu(seen.weights, 1) == 0).all() == (settings["mask"] == "causal")
    assert (seen.allowed == (np.tri(8) > 0 if settings["mask"] == "causal" else np.ones((8, 8)))).all()


def test_words_and_boundaries_have_names_and_places():
    (seen,) = untrained().attention_maps(SENTENCE)
    assert seen.kind == "self"
    assert seen.queries == seen.keys or seen.queries is seen.keys
    assert seen.keys.names == (BOUNDARY, "a0", "b0", "(Zebra)", "A1", "b1", "a0", BOUNDARY)
    assert seen.keys.places.tolist() == [-1, 0, 1, 2, 3, 4, 5, -1]
    assert seen.keys.words.tolist() == [False, *[True] * 6, False]


def test_a_sentence_longer_than_the_sequence_is_cut_to_its_first_words():
    model = untrained()
    (long,) = model.attention_maps([f"a{number}" for number in range(20)])
    (short,) = model.attention_maps([f"a{number}" for number in range(10)])
    assert long.keys.names == (BOUNDARY, *(f"a{number}" for number in range(10)), BOUNDARY)
    assert np.array_equal(long.weights, short.weights)


def reconstruction(name):
    model = MODELS[name]
    model.check_anatomy()
    with torch.random.fork_rng():
        network = model._start(RANDOM_WORDS)
    model._take(network, RANDOM_WORDS)
    return model, network


def test_a_recurrent_decoder_is_seen_where_it_has_attention():
    without, _ = reconstruction("rnn")
    assert isinstance(without, Attends)
    assert not without.attends()
    model, network = reconstruction("rnn with attention")
    assert model.attends()
    (seen,) = model.attention_maps(["w1", "w2", "never", "w3"])
    assert (seen.kind, seen.weights.shape) == ("cross", (1, 1, 5, 6))
    assert seen.queries.names == ("w1", "w2", "(never)", "w3", BOUNDARY)
    assert seen.keys.names == (BOUNDARY, *seen.queries.names)
    words = torch.tensor([[14, 1, 2, 12, 3, 14]])
    with torch.inference_mode():
        memory = network.encode(words, torch.tensor([6]))
        states = network.after(memory, words[:, :-1])[0]
        products = (states @ network.ask.weight.T @ memory.states[0].T).double().numpy()
    raised = np.exp(products)
    assert seen.weights[0, 0] == pytest.approx(raised / raised.sum(axis=1, keepdims=True), abs=1e-5)


def test_a_transformer_that_reconstructs_has_a_map_of_each_kind():
    model, network = reconstruction("transformer")
    own, cross = model.attention_maps(["w1", "w2", "w3"])
    assert (own.kind, own.weights.shape) == ("self", (1, 4, 5, 5))
    assert (cross.kind, cross.weights.shape) == ("cross", (1, 4, 4, 5))
    for seen in (own, cross):
        assert seen.weights.sum(axis=3) == pytest.approx(1, abs=1e-5)
    words = torch.tensor([[14, 1, 2, 3, 14]])
    with torch.inference_mode():
        memory = network.encode(words, torch.tensor([5]))
        block, x = network.blocks[0], network.encoder.embedded(words[:, :-1])
        x = block.cross_norm(x + block.attention(block.attention_norm(x), network.encoder.mask(words[:, :-1], None, causal=True)))
        part = block.cross
        queries = (x @ part.ask.weight.T)[0].view(4, 4, 8).permute(1, 0, 2).double().numpy()
        keys = (memory.states @ part.offer.weight[:32].T)[0].view(5, 4, 8).permute(1, 0, 2).double().numpy()
    products = np.exp(np.einsum("hqe,hke->hqk", turned(queries), turned(keys)) / 8**0.5)
    assert cross.weights[0] == pytest.approx(products / products.sum(axis=2, keepdims=True), abs=1e-5)


def test_subwords_are_pooled_by_the_mean_of_rows_and_the_sum_of_columns():
    weights = np.random.default_rng(0).dirichlet(np.ones(6), size=(1, 1, 6)).astype(np.float32)
    names = ["[CLS]", "the", "ri", "##ver", "▁", "[SEP]"]
    seen = pooled_map(weights, np.tri(6) > 0, names, np.array([-1, 0, 1, 1, -1, -1]), ["the", "river"])
    assert seen.keys.names == ("[CLS]", "the", "river", "▁", "[SEP]")
    assert seen.keys.places.tolist() == [-1, 0, 1, -1, -1]
    rows = weights[0, 0]
    assert seen.weights[0, 0, 2, 2] == pytest.approx((rows[2, 2] + rows[2, 3] + rows[3, 2] + rows[3, 3]) / 2)
    assert seen.weights[0, 0, 2, 0] == pytest.approx((rows[2, 0] + rows[3, 0]) / 2)
    assert seen.weights[0, 0, 0, 2] == pytest.approx(rows[0, 2] + rows[0, 3])
    assert seen.weights.sum(axis=3) == pytest.approx(1, abs=1e-6)
    assert (seen.allowed == np.tri(5)).all()
