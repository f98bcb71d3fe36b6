import bz2
import gzip

import pytest
import zstandard

from study.contracts import StudyError
from study.corpus.compression import open_file

PACK = {".gz": gzip.compress, ".bz2": bz2.compress, ".zst": zstandard.compress, ".txt": lambda data: data}
TEXT = "".join(f"line {number}\n" for number in range(20_000)).encode()


def read(path):
    with open_file(path) as file:
        return b"".join(iter(lambda: file.stream.read(1000), b"")), file.position


@pytest.mark.parametrize("ending", PACK)
def test_content_comes_back_and_the_position_ends_at_the_size(tmp_path, ending):
    path = tmp_path / f"text{ending}"
    path.write_bytes(PACK[ending](TEXT[:5000]) + PACK[ending](TEXT[5000:]))  # two frames are one text
    assert read(path) == (TEXT, path.stat().st_size)


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".zst"])
@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: b"no archive at all" + data])
def test_a_damaged_file_is_refused_by_name(tmp_path, ending, damage):
    path = tmp_path / f"text{ending}"
    path.write_bytes(damage(PACK[ending](TEXT)))
    with pytest.raises(StudyError, match=f"text{ending}: damaged or incomplete"):
        read(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(StudyError, match=r"none.txt: no such file"):
        read(tmp_path / "none.txt")
