import torch

from study.model.table import look_up

WORDS = torch.tensor([[4, 1], [4, 0]])
FACTORS = torch.arange(24.0).view(2, 2, 6)


def looked_up(gradient):
    table = torch.randn(5, 6, generator=torch.Generator().manual_seed(0)).requires_grad_()
    table.grad = gradient
    ((look_up(table, WORDS) * FACTORS).sum() + (look_up(table, torch.tensor([1])) * FACTORS[0, 0]).sum()).backward()
    return table.grad


def test_rows_are_added_to_the_gradient_that_stands_ready():
    ready = torch.zeros(5, 6)
    gradient = looked_up(ready)
    assert gradient.data_ptr() == ready.data_ptr()
    assert torch.equal(gradient, looked_up(None))
    assert torch.equal(gradient[4], FACTORS[0, 0] + FACTORS[1, 0])
    assert not gradient[2:4].any()


def test_rows_are_those_of_the_words():
    table = torch.randn(5, 6)
    assert torch.equal(look_up(table, WORDS), table[WORDS])
