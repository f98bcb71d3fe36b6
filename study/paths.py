"""Where configuration, tasks, data and artefacts are: beside the package in a clone, inside it in a wheel."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

PACKAGE = Path(__file__).parent


def _beside_or_inside(name: str) -> Path:
    """Return ``PACKAGE/name`` of an installed wheel, else the folder of that name beside the package of a clone."""
    inside = PACKAGE / name
    return inside if inside.is_dir() else PACKAGE.parent / name


def configuration() -> Path:
    """Return the folder of the Hydra configuration."""
    return _beside_or_inside("conf")


def tasks() -> Path:
    """Return the folder of the tasks that the study brings."""
    return _beside_or_inside("tasks")


def data() -> Path:
    """Return the folder of downloaded data: ``STUDY_DATA``, else one in the user's cache folder."""
    return Path(os.environ.get("STUDY_DATA") or platformdirs.user_cache_path("embedding-study") / "data").absolute()


def artefacts() -> Path:
    """Return the folder of artefacts: ``STUDY_ARTEFACTS``, else one in the user's cache folder."""
    folder = os.environ.get("STUDY_ARTEFACTS") or platformdirs.user_cache_path("embedding-study") / "artefacts"
    return Path(folder).absolute()
