"""Checkpoints: what a training needs to go on after it was killed, in one file that is whole or not there."""

from __future__ import annotations

import os
import pickle
import shutil
import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch

NAME = "checkpoint.pt"


def write_checkpoint(folder: Path, state: dict[str, Any]) -> None:
    """Write tensors, numbers and text to ``checkpoint.pt``, replacing the one before only when the new one is on the disk."""
    partial = folder / f"{NAME}.partial"
    with partial.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(folder / NAME)


def read_checkpoint(folder: Path) -> dict[str, Any] | None:
    """Read the checkpoint of a folder, or None where there is none; a damaged one is reported and removed."""
    path = folder / NAME
    if not path.exists():
        return None
    try:
        with zipfile.ZipFile(path) as archive:  # torch does not compare the check sums of the archive it reads
            if damaged := archive.testzip():
                raise zipfile.BadZipFile(f"{damaged} does not match its check sum")
        state = torch.load(path, map_location="cpu", weights_only=True)
        if not isinstance(state, dict):
            raise ValueError(f"it holds a {type(state).__name__}, not the parts of a training")
        return state
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
        discard_checkpoint(folder, str(error))
        return None


def discard_checkpoint(folder: Path, reason: str) -> None:
    """Remove a checkpoint that is of no use and say so."""
    path = folder / NAME
    warnings.warn(f"The checkpoint {path} cannot be used ({reason}): training starts afresh.", stacklevel=2)
    shutil.rmtree(path) if path.is_dir() else path.unlink()
