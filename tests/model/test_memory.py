import os
import platform
import subprocess
import sys

import pytest

from study.model import memory

GNU = sys.platform == "linux" and platform.machine() == "x86_64" and platform.libc_ver()[0] == "glibc"

STEPS = """
import resource
import sys

import torch

from study.model.memory import keep_freed_memory


def step():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    parts = [torch.ones(1 << 21) for _ in range(12)]  # of 8 MiB each
    del parts
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


if sys.argv[1] == "kept":
    assert keep_freed_memory()
print([step() for _ in range(4)][-1])
"""


@pytest.mark.skipif(not GNU, reason="only GNU's allocator can be told to keep what is freed")
def test_what_a_step_frees_is_not_asked_of_the_system_again():
    fixed = os.environ | {"MALLOC_MMAP_THRESHOLD_": "131072"}  # else the allocator itself may learn to keep such blocks, or not
    given_back, kept = (
        int(subprocess.run([sys.executable, "-c", STEPS, way], env=fixed, capture_output=True, text=True, check=True).stdout)
        for way in ("as it is", "kept")
    )
    assert given_back >= 12  # pages: 24,576 of 4 KiB, fewer where the system gives larger ones
    assert kept < 0.1 * given_back


def test_other_systems_are_left_alone(monkeypatch):
    monkeypatch.setattr(memory.sys, "platform", "win32")
    monkeypatch.setattr(memory.ctypes, "CDLL", None)
    assert not memory.keep_freed_memory()


def test_an_allocator_that_cannot_be_told_is_left_alone(monkeypatch):
    monkeypatch.setattr(memory.sys, "platform", "linux")
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda _: object())
    assert not memory.keep_freed_memory()


def test_what_the_environment_says_stands(monkeypatch):
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "131072")
    assert not memory.keep_freed_memory()
