import pytest
import torch

from study.contracts import StudyError
from study.model.transformer import Anatomy, Encoder

WORDS = 11
PLAIN = {
    "width": 16,
    "blocks": 2,
    "heads": 2,
    "expansion": 2,
    "activation": "gelu",
    "positions": "rotary",
    "dropout": 0.0,
    "tied": True,
    "length": 12,
}


def encoder(**changes):
    torch.manual_seed(0)
    anatomy = Anatomy(**(PLAIN | changes))
    anatomy.check_anatomy()
    frequencies = torch.arange(1, WORDS + 1) / torch.arange(1, WORDS + 1).sum()
    return Encoder(anatomy, WORDS + 3, frequencies)


def words(rows=3, length=12):
    return torch.randint(0, WORDS + 3, (rows, length), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("positions", ["rotary", "sinusoidal", "learned", "none"])
@pytest.mark.parametrize("activation", ["gelu", "relu", "geglu"])
def test_every_combination_of_parts_gives_a_state_per_layer_and_gradients_to_every_part(positions, activation):
    network = encoder(positions=positions, activation=activation, dropout=0.1)
    states = network(words())
    assert [tuple(state.shape) for state in states] == [(3, 12, 16)] * 3
    table, bias = network.output()
    (states[-1] @ table[:WORDS].T + bias).square().sum().backward()
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in network.parameters())


def test_asking_for_some_places_gives_the_same_vectors_as_asking_for_all():
    network, places = encoder(), torch.tensor([0, 5, 17, 35])
    everything, some = network(words()), network(words(), None, places)
    assert some[-1].shape == (4, 16)
    assert torch.allclose(everything[-1].flatten(0, 1)[places], some[-1], atol=1e-6)


def test_sentences_packed_in_one_row_are_read_as_if_they_stood_alone():
    network, row = encoder(), words(1, 9)
    packed = network(row, torch.tensor([[0] * 4 + [1] * 5]))
    assert torch.allclose(packed[-1][:, :4], network(row[:, :4])[-1], atol=1e-5)
    assert torch.allclose(packed[-1][:, 4:], network(row[:, 4:])[-1], atol=1e-5)


def test_only_positions_tell_the_order_of_words():
    row = words(1)
    bag, ordered = encoder(positions="none"), encoder(positions="rotary")
    assert torch.allclose(bag(row)[-1].flip(1), bag(row.flip(1))[-1], atol=1e-5)
    assert not torch.allclose(ordered(row)[-1].flip(1), ordered(row.flip(1))[-1], atol=1e-3)


def test_an_untrained_encoder_predicts_about_by_frequency():
    network = encoder()
    table, bias = network.output()
    predicted = (network(words())[-1] @ table[:WORDS].T + bias).softmax(dim=-1)
    frequencies = torch.arange(1, WORDS + 1) / torch.arange(1, WORDS + 1).sum()
    assert torch.allclose(predicted, frequencies.expand_as(predicted), rtol=0.4)


def test_a_tied_output_has_no_table_of_its_own():
    tied, free = encoder(), encoder(tied=False)
    assert tied.output()[0] is tied.table.weight
    assert free.output()[0] is not free.table.weight
    more = sum(weight.numel() for weight in free.parameters()) - sum(weight.numel() for weight in tied.parameters())
    assert more == WORDS * 16


def test_gradients_are_those_of_finite_differences():
    network = encoder(width=8, heads=2, blocks=1, length=4).double()
    row = words(1, 4)

    def last(table):
        return torch.func.functional_call(network, {"table.weight": table}, (row,))[-1]

    table = network.table.weight.detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(last, (table,), atol=1e-4)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"heads": 3}, "16"),
        ({"activation": "tanh"}, "tanh"),
        ({"positions": "absolute"}, "absolute"),
        ({"blocks": 0}, "blocks"),
        ({"length": 2}, "length"),
        ({"dropout": 1.0}, "dropout"),
    ],
)
def test_parts_that_do_not_fit_are_refused_by_name(changes, named):
    with pytest.raises(StudyError, match=named):
        encoder(**changes)
