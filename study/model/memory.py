"""Memory that a training frees and asks for again in every step: kept by the process, not given back to the system.

The vectors of a step are freed at its end. GNU's allocator, by which torch gets its tensors on x86, gives so much memory back to
the system at once, and the system clears every page of it when the next step asks again (reports/encoder-recipe.md has what that
costs).
"""

from __future__ import annotations

import ctypes
import os
import sys

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Numbers of two of the allocator's settings, from malloc.h."""

KEPT = 1 << 30
"""Bytes of freed memory that stay with the process, at the top of its heap."""

SINGLE = 1 << 25
"""Bytes from which on a block is fetched and given back by itself all the same: the most that the allocator accepts."""


def keep_freed_memory() -> bool:
    """Let this process keep what it frees, to its end.

    Returns
    -------
    bool
        Whether its allocator was told so: GNU's alone can be, and what ``MALLOC_TRIM_THRESHOLD_`` says in the environment stands.
    """
    if sys.platform != "linux" or "MALLOC_TRIM_THRESHOLD_" in os.environ:
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(mallopt(MMAP_THRESHOLD, SINGLE) and mallopt(TRIM_THRESHOLD, KEPT))
