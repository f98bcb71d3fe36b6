from collections.abc import Callable
from pathlib import Path

import pytest

from tests.report.run_folder import write_run


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a run's folder of a given name."""
    return lambda name="run", **settings: write_run(tmp_path / name, **settings)
