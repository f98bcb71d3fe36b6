"""A small Transformer, hardly trained on the small corpus, with any of its settings changed."""

import tempfile
from dataclasses import replace
from pathlib import Path

from study.model.encoder import Transformer
from tests.model.test_encoder import CORPUS, SETTINGS

__all__ = ["CORPUS", "trained"]


def trained(**changes) -> Transformer:
    """Train a small Transformer with some settings changed."""
    with tempfile.TemporaryDirectory() as folder:
        return replace(SETTINGS, **changes).fit(CORPUS, folder=Path(folder), observe=lambda moment: None)
