import numpy as np
import pytest

from study.corpus.arrays import ArrayFile, open_array


@pytest.mark.parametrize("pieces", [[], [[1, 2], [], [3]], [range(100_000)] * 3])
def test_what_is_appended_is_read_back(tmp_path, pieces):
    path = tmp_path / "a.npy"
    with ArrayFile(path, "int32") as array:
        for piece in pieces:
            array.append(np.array(list(piece)))
        assert array.length == sum(map(len, pieces))
    read = open_array(path)
    assert read.dtype == np.int32
    assert read.tolist() == [number for piece in pieces for number in piece]


def test_a_file_left_in_the_middle_reads_as_empty(tmp_path):
    def interrupted():
        with ArrayFile(tmp_path / "a.npy", "int64") as array:
            array.append(np.arange(3))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert np.load(tmp_path / "a.npy", allow_pickle=False).size == 0
