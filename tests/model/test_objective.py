import numpy as np
import pytest
import torch
from torch.nn import functional

from study.contracts import StudyError
from study.model.objective import Candidates, candidate_loss, full_loss, mask, whole_words
from study.model.sequences import Symbols

SYMBOLS = Symbols(50)
COUNTS = np.arange(50, 0, -1) ** 2


class Output:
    """Scores of words from a table with rows for the extra symbols, as an encoder gives them."""

    def __init__(self, words=50):
        random = torch.Generator().manual_seed(0)
        self.table = torch.randn(words + 3, 8, generator=random, dtype=torch.float64, requires_grad=True)
        self.bias = torch.randn(words, generator=random, dtype=torch.float64, requires_grad=True)

    def output(self):
        return self.table, self.bias


def hidden(number=20):
    random = torch.Generator().manual_seed(1)
    x = torch.randn(number, 8, generator=random, dtype=torch.float64, requires_grad=True)
    return x, torch.randint(0, 50, (number,), generator=random)


def masked(rate=0.3, hidden=0.8, replaced=0.1, words=None):
    words = np.random.default_rng(2).integers(0, len(SYMBOLS), (200, 40)) if words is None else words
    return words, mask(words, words * 0, SYMBOLS, np.random.default_rng(3), rate=rate, hidden=hidden, replaced=replaced)


def test_only_known_words_are_to_be_guessed_and_the_rest_is_left_as_it_is():
    words, batch = masked()
    assert torch.equal(batch.targets, torch.from_numpy(words.reshape(-1))[batch.places])
    assert (batch.targets < SYMBOLS.words).all()
    others = np.setdiff1d(np.arange(words.size), batch.places.numpy())
    assert np.array_equal(batch.words.reshape(-1)[others], words.reshape(-1)[others])


def test_rates_are_kept_and_the_given_array_is_not_changed():
    words, batch = masked()
    before, shown = words.copy(), batch.words.reshape(-1)[batch.places]
    assert len(batch.places) / (words < SYMBOLS.words).sum() == pytest.approx(0.3, abs=0.02)
    assert (shown == SYMBOLS.mask).float().mean().item() == pytest.approx(0.8, abs=0.03)
    assert (shown == batch.targets).float().mean().item() == pytest.approx(0.1, abs=0.03)
    assert np.array_equal(words, before)


def test_all_or_nothing_may_be_masked():
    few = np.arange(40).reshape(2, 20)
    assert (masked(rate=1.0, hidden=1.0, replaced=0.0, words=few)[1].words == SYMBOLS.mask).all()
    assert len(masked(words=np.full((2, 4), SYMBOLS.unknown))[1].places) == 0


CONTINUES = np.arange(len(SYMBOLS)) % 3 == 1
CONTINUES[SYMBOLS.words :] = False


def spelled(rate=0.3, hidden=0.8, replaced=0.1):
    """Hide words of sub-words; return the array, the batch, and which word each place is of (rows begin new ones)."""
    words = np.random.default_rng(2).integers(0, len(SYMBOLS), (200, 40))
    words[:, 1:][(words[:, :-1] >= SYMBOLS.words) & CONTINUES[words[:, 1:]]] = 0  # nothing continues a symbol
    rates = {"rate": rate, "hidden": hidden, "replaced": replaced}
    batch = mask(words, words * 0, SYMBOLS, np.random.default_rng(3), continues=CONTINUES, **rates)
    begins = ~CONTINUES[words]
    begins[:, 0] = True
    return words, batch, np.cumsum(begins) - 1


def test_words_of_several_sub_words_are_asked_for_whole():
    words, batch, word_of = spelled()
    asked = np.zeros(words.size, bool)
    asked[batch.places.numpy()] = True
    shares = np.bincount(word_of, asked) / np.bincount(word_of)
    assert set(shares) == {0.0, 1.0}
    assert np.bincount(word_of)[shares == 1].max() > 2
    assert torch.equal(batch.targets, torch.from_numpy(words.reshape(-1))[batch.places])
    assert (batch.targets < SYMBOLS.words).all()
    assert (np.diff(batch.places.numpy()) > 0).all()


def test_the_sub_words_of_a_word_share_its_fate():
    words, batch, word_of = spelled(hidden=0.5, replaced=0.0)
    shown = batch.words.reshape(-1)[batch.places].numpy() == SYMBOLS.mask
    of = word_of[batch.places.numpy()]
    assert set(np.bincount(of, shown)[np.unique(of)] / np.bincount(of)[np.unique(of)]) == {0.0, 1.0}
    assert shown.mean() == pytest.approx(0.5, abs=0.05)
    others = np.setdiff1d(np.arange(words.size), batch.places.numpy())
    assert np.array_equal(batch.words.reshape(-1)[others], words.reshape(-1)[others])


def test_the_rate_of_whole_words_is_kept_and_their_sub_words_are_a_round_number():
    words, batch, _ = spelled()
    known = (words < SYMBOLS.words).sum()
    assert len(batch.places) == 32 * round(0.3 * known / 32)
    assert (spelled(rate=1.0, hidden=1.0)[1].words.numpy()[words < SYMBOLS.words] == SYMBOLS.mask).mean() > 0.99


def test_without_known_sub_words_nothing_is_asked():
    nothing = np.full((2, 4), SYMBOLS.unknown)
    places, sizes = whole_words(nothing, SYMBOLS, np.random.default_rng(0), rate=0.5, continues=CONTINUES)
    assert len(places) == len(sizes) == 0


def test_a_rate_that_takes_less_than_a_word_takes_one_whole():
    continuing = int(np.flatnonzero(CONTINUES)[0])
    beginning = int(np.flatnonzero(~CONTINUES)[0])
    words = np.tile([beginning, continuing], (4, 8))
    places, sizes = whole_words(words, SYMBOLS, np.random.default_rng(0), rate=1e-4, continues=CONTINUES)
    assert len(places) == 2
    assert list(sizes) == [2]
    assert len(masked(rate=1e-6)[1].places) == 1


@pytest.mark.parametrize("exponent", [0.0, 0.75, 1.0])
def test_words_are_drawn_with_the_probabilities_that_are_told(exponent):
    candidates = Candidates(COUNTS, 12, exponent)
    drawn = np.zeros(50)
    for seed in range(2000):
        words, log_probability = candidates.draw(np.random.default_rng(seed))
        assert len(set(words.tolist())) == 12
        drawn[words] += 1
    assert candidates.probability.sum() == pytest.approx(12)
    assert candidates.probability.max() <= 1
    assert drawn / 2000 == pytest.approx(candidates.probability, abs=0.04)
    assert log_probability.exp().numpy() == pytest.approx(candidates.probability[words], rel=1e-5)


def test_the_estimate_of_the_normaliser_has_the_true_one_as_its_mean():
    candidates, scores = Candidates(COUNTS, 12, 0.75), np.random.default_rng(0).normal(size=50)
    estimates = []
    for seed in range(8_000):
        words, log_probability = (part.numpy() for part in candidates.draw(np.random.default_rng(seed)))
        estimates.append(np.exp(scores[words] - log_probability).sum())
    error = np.std(estimates) / np.sqrt(len(estimates))
    assert abs(np.mean(estimates) - np.exp(scores).sum()) < 4 * error


def test_with_the_whole_vocabulary_loss_and_gradient_are_those_of_the_full_softmax():
    output, (x, targets) = Output(), hidden()
    loss = candidate_loss(output, x, targets, *Candidates(COUNTS, 0, 1.0).draw(np.random.default_rng(0)))
    full = functional.cross_entropy(x @ output.table[:50].T + output.bias, targets)
    inputs = (x, output.table, output.bias)
    assert loss.item() == pytest.approx(full.item(), rel=1e-6)
    for own, wanted in zip(torch.autograd.grad(loss, inputs), torch.autograd.grad(full, inputs), strict=True):
        assert torch.allclose(own, wanted, atol=1e-6)


def test_losses_keep_the_precision_of_the_network():
    output, (x, targets) = Output(), hidden()
    loss = candidate_loss(output, x, targets, *Candidates(COUNTS, 0, 1.0).draw(np.random.default_rng(0)))
    full = full_loss(output, x, targets)[0] / len(targets)
    assert loss.dtype == full.dtype == torch.float64
    assert loss.item() == pytest.approx(full.item(), rel=1e-12)


@pytest.mark.parametrize("exponent", [100.0, -400.0])
def test_counts_to_a_power_that_numbers_cannot_hold_are_refused(exponent):
    with pytest.raises(StudyError, match=f"candidate_exponent.*{exponent}"):
        Candidates(np.array([10.0, 5_000.0]), 1, exponent)


def test_the_bias_of_the_loss_shrinks_like_one_over_the_candidates():
    output, (x, targets) = Output(), hidden()
    full = full_loss(output, x, targets)[0].item() / len(targets)

    def bias(number):
        candidates = Candidates(np.ones(50), number, 1.0)
        losses = [candidate_loss(output, x, targets, *candidates.draw(np.random.default_rng(seed))).item() for seed in range(800)]
        return full - np.mean(losses)

    few, more = bias(5), bias(10)
    assert few > 0
    assert more / few == pytest.approx(0.5 * 40 / 45, abs=0.2)  # (1 / k) (1 - k / v), drawn without replacement


def test_over_a_large_vocabulary_the_bias_falls_like_one_over_the_candidates():
    """On logarithmic axes the slope is -1; the mean of ratio - 1, which is 0, is left out as noise."""
    numbers, output = 2 ** np.arange(6, 11), Output(20_000)  # 64 to 1024 candidates
    random = torch.Generator().manual_seed(2)
    x = torch.randn(1_500, 1, 8, generator=random, dtype=torch.float64) / 8**0.5  # scores with a spread of about 1
    targets = torch.randint(0, 20_000, (1_500, 1), generator=random)
    biases = []
    with torch.no_grad():
        full = [full_loss(output, one, target)[0].item() for one, target in zip(x, targets, strict=True)]
        for number in numbers:
            candidates, terms = Candidates(np.ones(20_000), int(number), 1.0), []
            for seed, (one, target, wanted) in enumerate(zip(x, targets, full, strict=True)):
                drawn = candidates.draw(np.random.default_rng(seed))
                excess = candidate_loss(output, one, target, *drawn).item() - wanted  # log(estimate / normaliser)
                terms.append(np.expm1(excess) - excess)
            biases.append(np.mean(terms))
    assert np.polyfit(np.log(numbers), np.log(biases), 1)[0] == pytest.approx(-1, abs=0.1)


def test_many_hidden_words_come_in_few_sizes():
    assert len(masked(rate=0.3)[1].places) % 32 == 0
    assert len(masked(rate=0.3, words=np.arange(40).reshape(2, 20))[1].places) == 12


def test_nothing_to_guess_is_no_loss():
    output, (x, targets) = Output(), hidden(0)
    assert candidate_loss(output, x, targets, *Candidates(COUNTS, 5, 1.0).draw(np.random.default_rng(0))).item() == 0


def test_the_full_loss_counts_what_is_right():
    output, (x, _) = Output(), hidden()
    best = (x @ output.table[:50].T + output.bias).argmax(dim=1)
    assert full_loss(output, x, best)[1] == len(x)
    assert full_loss(output, x, (best + 1) % 50)[1] == 0


def test_many_words_are_scored_in_parts_to_the_same_sums(monkeypatch):
    output, (x, targets) = Output(), hidden()
    whole = full_loss(output, x, targets)
    monkeypatch.setattr("study.model.objective.SCORED_AT_ONCE", 7)
    parts = full_loss(output, x, targets)
    assert parts[0].item() == pytest.approx(whole[0].item())
    assert parts[1] == whole[1]
