from study.contracts import Moment
from study.model.history import read_history, write_history


def test_a_curve_is_read_as_it_was_written(tmp_path):
    curve = [Moment(10, 20, 0.5, loss=7.25), Moment(20, 20, 1.0, validation_loss=6.5, masked_accuracy=0.125)]
    write_history(tmp_path, curve)
    assert read_history(tmp_path) == curve
