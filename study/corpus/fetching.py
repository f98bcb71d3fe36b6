"""Files of the data folder: found there, or fetched to where they belong."""

from __future__ import annotations

from pathlib import Path

from study import paths
from study.contracts import StudyError


def fetched(name: str, address: str, digest: str | None) -> Path:
    """Return a file of the data folder, fetching it with a progress bar if it is not there.

    Parameters
    ----------
    name : str
        Its path below the data folder.
    address : str
        Where it is fetched from.
    digest : str or None
        ``sha256:…`` of its content; None where upstream replaces it from time to time, and its digest is printed.

    Raises
    ------
    StudyError
        If it can neither be found nor fetched, or is not what was expected.
    """
    path = paths.data() / name
    if path.is_file():
        return path
    import pooch  # Not needed by those who have the file.

    try:
        pooch.retrieve(address, digest, fname=path.name, path=path.parent, progressbar=True)
    except (OSError, ValueError) as fault:
        raise StudyError(_missing(path, address, fault)) from fault
    return path


def _missing(path: Path, address: str, fault: Exception) -> str:
    """Say which file is missing, where it may be put, and what fetches it."""
    return (
        f"{path}: missing, and it could not be fetched from {address} ({str(fault)[:200]}); put it there, or set STUDY_DATA to"
        f" the folder that has it; with a network this fetches it: curl -L --create-dirs -o '{path}' '{address}'"
    )
