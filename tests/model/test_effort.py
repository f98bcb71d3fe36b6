import pytest
import torch
from torch import nn

from study.model.effort import RECURRENT, Effort, operations, peak, read_effort, write_effort


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


@pytest.mark.parametrize(("gates", "mode"), [(4, 2), (3, 3)], ids=["lstm", "gru"])
@pytest.mark.parametrize("directions", [1, 2])
def test_recurrent_layers_of_a_gpu_are_counted_all_at_once(gates, mode, directions):
    """Tensors without memory stand for those of a GPU: torch takes them through the operation that it takes there."""
    t, b, d, layers = 5, 2, 6, 2
    words, buffer = (torch.empty(*shape, device="meta") for shape in ((t, b, d), (1,)))
    state = torch.empty(layers * directions, b, d, device="meta")
    shapes = []
    for layer in range(layers):
        read = d if layer == 0 else d * directions
        shapes += directions * [(gates * d, read), (gates * d, d), (gates * d,), (gates * d,)]
    weights = [torch.empty(shape, device="meta") for shape in shapes]
    rest = (mode, d, 0, layers, False, 0.0, True, directions == 2, [], None)
    asked = [words, weights, 4, buffer, state, state if mode == 2 else None, *rest]
    by_hand = 2 * t * b * gates * d * directions * ((d + d) + (d * directions + d))
    assert operations(lambda: torch.ops.aten._cudnn_rnn(*asked)) == by_hand
    backward = RECURRENT[torch.ops.aten._cudnn_rnn_backward]
    assert backward(words.shape, shapes, 4) == 2 * by_hand
    flat = [(gates * d * shape[1], 1) if len(shape) > 1 else (shape[0], 1) for shape in shapes]  # as autocast hands them over
    assert backward((t * b, d), flat, 4) == 2 * by_hand  # packed


def test_the_arguments_of_torch_s_recurrent_operations_stand_where_they_are_counted():
    for operation in (torch.ops.aten._cudnn_rnn, torch.ops.aten._cudnn_rnn_backward):
        names = [argument.name for argument in operation.default._schema.arguments[:3]]
        assert names == ["input", "weight", "weight_stride0"]


def test_the_peak_is_that_of_a_machine_and_measured_once():
    found = peak("cpu", torch.float32)
    assert 1e8 < found < 1e15
    assert peak("cpu", torch.float32) == found


def test_what_is_written_is_read_again(tmp_path):
    assert read_effort(tmp_path) is None
    write_effort(tmp_path, None)
    assert read_effort(tmp_path) is None
    write_effort(tmp_path, Effort(3, 7, "bfloat16", "cpu", 2))
    assert read_effort(tmp_path) == Effort(3, 7, "bfloat16", "cpu", 2)
    (tmp_path / "effort.json").write_text('{"operations_per_word": 3, "peak": 7, "precision": "bfloat16"}')
    assert read_effort(tmp_path) == Effort(3, 7, "bfloat16"), "of a training that kept no note of its threads"
