"""Memory that a training frees and asks for again in every step: kept by the process, not given back to the system.

The vectors of a step are freed at its end. GNU's allocator gives so much memory back to the system at once, and the system clears
every page of it when the next step asks again: on some machines that is a fifth of a training's time.
"""

from __future__ import annotations

import ctypes
import platform

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Numbers of two of the allocator's settings, from malloc.h."""

KEPT = 1 << 30
"""Bytes of freed memory that stay with the process, at most."""

SINGLE = 1 << 25
"""Bytes from which on a block is fetched and given back by itself all the same: the most that the allocator accepts."""


def keep_freed_memory() -> bool:
    """Let this process keep what it frees, to its end; return whether its allocator can be told so (GNU's alone can)."""
    if platform.libc_ver()[0] != "glibc":
        return False
    allocator = ctypes.CDLL(None)
    return bool(allocator.mallopt(MMAP_THRESHOLD, SINGLE) and allocator.mallopt(TRIM_THRESHOLD, KEPT))
