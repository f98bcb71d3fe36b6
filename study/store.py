"""Artefacts on disk, each in a folder named by what made it: atomic, locked, verified.

An artefact's name is a digest of its stage, its plain settings and the content digests of its inputs. It is made in a folder
beside its final place (``….partial``), flushed, and renamed; until then no reader sees it. One file lock per name makes a
second process wait and then reuse. A manifest beside the content records settings, inputs, versions, seconds and the digest of
every file; content that no longer agrees with its manifest is reported and made again.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from study.contracts import StudyError

MANIFEST = "manifest.json"
TIMED = ("history.json", "effort.json")
"""A learning curve and a machine's speed differ each time: they are verified like all files, but no part of the digest."""
PACKAGES = ("embedding-study", "gensim", "numpy", "scikit-learn", "torch", "transformers")


@dataclass(frozen=True)
class Artefact:
    """Something made once: its folder, the digest of its content, its manifest, and whether this call found it made."""

    folder: Path
    digest: str
    manifest: Mapping[str, Any]
    reused: bool

    @property
    def seconds(self) -> float:
        """Return how long the artefact took to make, in seconds."""
        return float(self.manifest["seconds"])


def settings_of(thing: Any, *, without: Collection[str] = ("resource",)) -> Any:
    """Return the plain settings of a dataclass, nested ones included, as JSON would hold them.

    The class path and version stand among the settings, so that two classes with equal fields never share an artefact.

    Parameters
    ----------
    thing : dataclass, mapping, sequence or plain value
    without : collection of str
        Kinds of fields to leave out, as marked in a field's metadata: ``resource`` (says how something is computed, not what)
        and ``view`` (says how vectors are read out of a trained model, and takes no part in training).
    """
    if is_dataclass(thing) and not isinstance(thing, type):
        cls = type(thing)
        kept = [f.name for f in fields(thing) if f.init and not any(f.metadata.get(kind) for kind in without)]
        plain = {name: settings_of(getattr(thing, name), without=without) for name in kept}
        return {"class": f"{cls.__module__}.{cls.__qualname__}", "version": getattr(cls, "version", 1), **plain}
    if isinstance(thing, Mapping):
        return {str(key): settings_of(value, without=without) for key, value in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [settings_of(value, without=without) for value in thing]
    if thing is None or isinstance(thing, (str, int, float, bool)):
        return thing
    return str(thing)


def digest_of_file(path: Path) -> str:
    """Return the SHA-256 digest of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of(value: Any) -> str:
    """Return the SHA-256 digest of a JSON-like value, in hexadecimal; the order of keys does not matter."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file in one step: a reader sees the old content or the new, never a part."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(path)


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages whose code decides the figures."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


@dataclass(frozen=True)
class Store:
    """A folder of artefacts."""

    root: Path

    def artefact(
        self,
        stage: str,
        settings: Any,
        inputs: Mapping[str, str],
        make: Callable[[Path], object],
        *,
        resume: bool = False,
    ) -> Artefact:
        """Return the artefact made from these settings and inputs, making it where it is not there yet.

        Parameters
        ----------
        stage : str
            The kind of artefact, a folder's name: ``corpus``, ``model`` …
        settings : dataclass or mapping
            What decides the content; resources of a dataclass take no part.
        inputs : mapping of str to str
            Content digests of what it is made from.
        make : callable
            Writes the content into the empty folder it is given.
        resume : bool
            Hand ``make`` the folder of an interrupted attempt with what it left there, instead of an empty one.
        """
        key = {"stage": stage, "settings": settings_of(settings), "inputs": dict(inputs)}
        name = digest_of(key)[:20]
        folder = self.root / stage / name
        self._prepare(folder.parent)
        with self._locked(folder):
            manifest = self._verified(folder)
            reused = manifest is not None
            if manifest is None:
                manifest = self._make(folder, key, make, resume=resume)
        return Artefact(folder, manifest["digest"], manifest, reused)

    def _prepare(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StudyError(
                f"Cannot write artefacts to {folder}: {error.strerror}. Choose another folder with paths.artefacts=FOLDER."
            ) from error

    @contextmanager
    def _locked(self, folder: Path) -> Iterator[None]:
        lock = FileLock(f"{folder}.lock")
        if not _acquired_at_once(lock):
            print(f"Waiting for another run that is making {folder.parent.name} {folder.name} …", file=sys.stderr)
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def _verified(self, folder: Path) -> dict[str, Any] | None:
        """Return the manifest of a whole artefact; set a damaged one aside and return None."""
        if not folder.is_dir():
            return None
        fault = None
        try:
            manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            found = _digests(folder)
            if any(found.get(name) != digest for name, digest in manifest["files"].items()):
                fault = "its files do not agree with its manifest"
        except (OSError, ValueError, KeyError) as error:
            fault = f"its manifest cannot be read ({error})"
        if fault is None:
            return manifest
        print(f"The artefact {folder} is damaged: {fault}. It is made again.", file=sys.stderr)
        shutil.rmtree(folder)
        return None

    def _make(self, folder: Path, key: dict[str, Any], make: Callable[[Path], object], *, resume: bool) -> dict[str, Any]:
        partial = folder.with_name(folder.name + ".partial")
        if partial.exists() and not resume:
            shutil.rmtree(partial)
        partial.mkdir(exist_ok=True)
        start = time.perf_counter()
        make(partial)
        files = _digests(partial)
        seconds = round(time.perf_counter() - start, 3)
        content = {name: digest for name, digest in files.items() if name not in TIMED}
        manifest = {**key, "digest": digest_of(content), "files": files, "seconds": seconds, "versions": versions()}
        write_json(partial / MANIFEST, manifest)
        _flush(partial)
        partial.rename(folder)
        _flush_folder(folder.parent)
        return manifest


def _acquired_at_once(lock: FileLock) -> bool:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    return True


def _files(folder: Path) -> list[Path]:
    """Return the files of an artefact, without its manifest and without what a killed process left half-written."""
    return sorted(
        path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST and ".partial" not in path.suffixes
    )


def _digests(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): digest_of_file(path) for path in _files(folder)}


def _flush(folder: Path) -> None:
    """Force a folder's content to the disk, so that the rename that follows never reveals a file without its bytes."""
    for path in [*_files(folder), folder / MANIFEST]:
        with path.open("rb") as file:
            os.fsync(file.fileno())
    _flush_folder(folder)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
