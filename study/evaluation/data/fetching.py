"""Files of a task's data: found where they lie, or fetched to where they belong."""

from __future__ import annotations

from pathlib import Path

from study import paths
from study.evaluation.data import table
from study.fetching import fetched


def located(data: str, source: str, *, address: str | None, digest: str | None) -> Path:
    """Find a task's file, and fetch it into the data folder where it is missing and has an address of its own.

    Parameters
    ----------
    data : str
        As for ``table.locate``.
    source : str
        Where the data come from, told where they are missing.
    address : str or None
        Of the file itself; None for a file out of an archive, which is for the user to unpack.
    digest : str or None
        ``sha256:…`` that a fetched file must have.

    Raises
    ------
    StudyError
        Where there is no such file and it cannot be fetched.
    """
    if address is None or data.startswith("gensim:") or Path(data).exists():
        return table.locate(data, source)
    return fetched(paths.data() / data, address, digest)
