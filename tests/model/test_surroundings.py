import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from study.model.objective import Candidates, mask
from study.model.sequences import Sequences
from study.model.surroundings import Surroundings
from tests.model.small_corpus import SmallCorpus

CORPUS = SmallCorpus()
COUNTS = np.asarray(CORPUS.vocabulary.counts)


def surroundings(**changes):
    return Surroundings(8, COUNTS, **{"share": 1.0, "window": 10, "drawn": 400, "threshold": 1e9} | changes)


def drawn(context="sentence", seed=0, **changes):
    random = np.random.default_rng(seed)
    training = Sequences(CORPUS, "training", length=16, context=context)
    starts = training.order(0)[:20]
    words, segments = training.read(starts)
    batch = mask(words, segments, training.symbols, random, rate=0.3, hidden=0.7, replaced=0.1)
    return training, starts, words, segments, batch, surroundings(**changes).draw(training, starts, batch, random)


@pytest.mark.parametrize("context", ["sentence", "document"])
def test_what_is_drawn_is_near_of_the_same_segment_and_out_of_sight(context):
    training, starts, _, segments, batch, asked = drawn(context)
    shown = batch.words.flatten()[batch.places] == batch.targets  # asked for, but left as they are
    hidden = set(batch.places[~shown].tolist())
    assert shown.any()
    assert not set(batch.places.tolist()) & set(asked.places.tolist())
    inside = beside = 0
    for place, targets in zip(asked.places.tolist(), asked.targets.numpy(), strict=True):
        row, column = divmod(place, 16)
        allowed = set()
        for away in [*range(-10, 0), *range(1, 11)]:
            at = int(starts[row]) + column + away
            if not 0 <= at < training.total:
                continue
            (word,), (segment,) = training.at(np.array([at]))
            in_row = 0 <= column + away < 16
            if segment == segments[row, column] and word < training.symbols.words and (not in_row or place + away in hidden):
                allowed.add(int(word))
                inside, beside = inside + in_row, beside + (not in_row)
        assert set(targets.tolist()) - {-1} == allowed  # four hundred draws from twenty places
    assert inside > 0
    assert beside > 0


def test_frequent_words_are_thinned_out_and_a_share_of_the_visible_words_is_asked():
    *_, everything = drawn()
    *_, some = drawn(share=0.3)
    *_, thin = drawn(threshold=1e-4)
    assert len(some.places) < 0.5 * len(everything.places)
    assert (thin.targets >= 0).sum() < 0.2 * (everything.targets >= 0).sum()


def test_the_same_stream_draws_the_same():
    one, two, other = drawn(seed=3)[-1], drawn(seed=3)[-1], drawn(seed=4)[-1]
    assert torch.equal(one.targets, two.targets)
    assert one.targets.shape != other.targets.shape or not torch.equal(one.targets, other.targets)


class Table(nn.Module):
    """A network of its output alone."""

    def __init__(self, words, width):
        super().__init__()
        self.table, self.bias = nn.Parameter(torch.randn(words + 3, width)), nn.Parameter(torch.randn(words))

    def output(self):
        return self.table, self.bias


def test_with_the_whole_vocabulary_the_loss_is_that_of_the_full_softmax():
    torch.manual_seed(0)
    words = len(COUNTS)
    network, asked = Table(words, 8), surroundings()
    x, targets = torch.randn(5, 8), torch.randint(words, (5, 3))
    targets[0, 1] = targets[3, 0] = -1
    found = asked.loss(network, x, targets, torch.arange(words), torch.zeros(words))
    scores = functional.linear(asked.head(x), network.table[:words], network.bias)
    kept = targets >= 0
    expected = functional.cross_entropy(scores[:, None].expand(5, 3, words)[kept], targets[kept])
    assert torch.allclose(found, expected, atol=1e-5)
    ours = torch.autograd.grad(found, [network.table, network.bias, asked.head.weight])
    full = torch.autograd.grad(expected, [network.table, network.bias, asked.head.weight])
    assert all(torch.allclose(one, two, atol=1e-5) for one, two in zip(ours, full, strict=True))


@pytest.mark.parametrize("sure", [0.0, 30.0])
def test_from_few_candidates_the_estimate_lies_about_the_loss_and_never_below_zero(sure):
    torch.manual_seed(0)
    words, targets = len(COUNTS), torch.tensor([[3, 3]])
    network, asked = Table(words, 8), surroundings()
    x = torch.randn(1, 8)
    with torch.no_grad():
        network.bias[3] += sure  # the network is sure of the word that is drawn
    full = asked.loss(network, x, targets, torch.arange(words), torch.zeros(words)).item()
    few = Candidates(np.ones(words), words // 2, 1.0)
    random = np.random.default_rng(0)
    estimates = np.array([asked.loss(network, x, targets, *few.draw(random)).item() for _ in range(300)])
    assert estimates.min() >= 0
    assert abs(estimates.mean() - full) < 0.1 + 3 * estimates.std() / 300**0.5


def test_where_nothing_is_drawn_the_loss_is_zero():
    network, asked = Table(len(COUNTS), 8), surroundings()
    loss = asked.loss(network, torch.randn(4, 8), torch.full((4, 2), -1), torch.arange(5), torch.zeros(5))
    assert loss.item() == 0.0
