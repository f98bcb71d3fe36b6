import pytest
import torch
from torch import nn

from study.model.effort import Effort, operations, peak, read_effort, write_effort


def test_products_are_counted_forward_and_backward():
    x, matrix = torch.randn(7, 4), torch.randn(5, 4, requires_grad=True)
    assert operations(lambda: nn.functional.linear(x, matrix)) == 2 * 7 * 4 * 5
    # Backward only the matrix is asked for, not x.
    assert operations(lambda: nn.functional.linear(x, matrix).sum().backward()) == 2 * 2 * 7 * 4 * 5


@pytest.mark.parametrize(("cell", "gates"), [(nn.LSTM, 4), (nn.GRU, 3)])
def test_recurrent_layers_are_counted(cell, gates):
    layer, x = cell(6, 6, batch_first=True), torch.randn(2, 5, 6, requires_grad=True)
    forward = 2 * 2 * 5 * gates * 6 * (6 + 6)
    assert operations(lambda: layer(x)) == forward
    assert operations(lambda: layer(x)[0].sum().backward()) == pytest.approx(3 * forward, rel=0.1)  # no gradient of the start


def test_the_peak_is_that_of_a_machine_and_measured_once():
    found = peak("cpu", torch.float32)
    assert 1e8 < found < 1e15
    assert peak("cpu", torch.float32) == found


def test_what_is_written_is_read_again(tmp_path):
    assert read_effort(tmp_path) is None
    write_effort(tmp_path, None)
    assert read_effort(tmp_path) is None
    write_effort(tmp_path, Effort(3, 7))
    assert read_effort(tmp_path) == Effort(3, 7)
