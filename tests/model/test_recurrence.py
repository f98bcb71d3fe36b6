from dataclasses import replace

import pytest
import torch

from study.contracts import StudyError
from study.model.recurrence import BothWays, Recurrence, Words
from tests.model.small_recurrent import PARTS

SMALL = Recurrence(**PARTS)


def made(seed=0, **changes):
    torch.manual_seed(seed)
    return BothWays(replace(SMALL, **changes)).eval()


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_each_direction_knows_what_it_has_read_and_nothing_else(cell):
    stacks, x = made(cell=cell), torch.randn(1, 6, 16)
    other = x.clone()
    other[0, 3] += 1
    for direction, told in zip(zip(stacks(x), stacks(other), strict=True), (slice(3, 6), slice(0, 4)), strict=True):
        for one, another in zip(*direction, strict=True):
            differs = (one != another).any(dim=2)[0]
            assert differs[told].all()
            assert differs.sum() == len(range(6)[told])


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_sentences_of_several_lengths_do_not_influence_each_other(cell):
    stacks, x, lengths = made(cell=cell), torch.randn(3, 7, 16), torch.tensor([7, 2, 4])
    together = stacks(x, lengths)
    for row, length in enumerate(lengths.tolist()):
        alone = stacks(x[row : row + 1, :length])
        for one, other in zip([*together[0], *together[1]], [*alone[0], *alone[1]], strict=True):
            assert torch.allclose(one[row, :length], other[0], atol=1e-6)


def test_the_layers_of_one_direction_are_those_of_torch():
    stack, x = made().ahead, torch.randn(2, 5, 16)
    whole = torch.nn.LSTM(16, 16, num_layers=2, batch_first=True)
    for number, layer in enumerate(stack.layers):
        for name, weight in layer.named_parameters():
            getattr(whole, name.replace("l0", f"l{number}")).data = weight.data
    assert torch.allclose(stack(x)[-1], whole(x)[0], atol=1e-6)


def test_a_stack_may_start_from_states_and_add_to_what_it_reads():
    stack, x, start = made(residual=True).ahead, torch.randn(2, 5, 16), [torch.randn(2, 16), torch.randn(2, 16)]
    first, second = stack(x, start)
    state = (start[1][None], start[1][None])
    assert torch.allclose(second, first + stack.layers[1](first, state)[0], atol=1e-6)
    assert not torch.allclose(second, stack(x)[1], atol=1e-3)


def test_an_untied_output_has_a_table_of_its_own():
    tied, own = (Words(replace(SMALL, tied=tied), 13, torch.full((10,), 0.1)) for tied in (True, False))
    assert tied.output()[0] is tied.table.weight
    assert own.output()[0].shape == (10, 16)
    assert own.embedded(torch.tensor([[1, 2]])).square().mean().item() == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize(
    ("changes", "named"),
    [({"cell": "rnn"}, "rnn"), ({"depth": 0}, "depth"), ({"dropout": 1.0}, "dropout"), ({"length": 3}, "length")],
)
def test_parts_that_do_not_fit_are_refused_by_name(changes, named):
    with pytest.raises(StudyError, match=named):
        replace(SMALL, **changes).check_anatomy()
