"""Files that are found where they belong, or fetched there."""

from __future__ import annotations

from pathlib import Path

from study.contracts import StudyError


def fetched(path: Path, address: str, digest: str | None) -> Path:
    """Return a file, fetched with a progress bar where it is missing.

    Parameters
    ----------
    path : Path
    address : str
        Where it is fetched from.
    digest : str or None
        ``sha256:…`` of its content; None: unchecked.

    Raises
    ------
    StudyError
        Where it cannot be fetched, or is not what was expected.
    """
    if path.exists():
        return path
    import pooch  # not needed by those who have the file

    try:
        pooch.retrieve(address, digest, fname=path.name, path=path.parent, progressbar=True)
    except (OSError, ValueError) as fault:
        raise StudyError(
            f"{path}: missing, and not fetched from {address} ({str(fault)[:200]}). Without a network put the file there "
            f"yourself, or set STUDY_DATA to a folder that has it: curl -L --create-dirs -o '{path}' '{address}'"
        ) from fault
    return path
