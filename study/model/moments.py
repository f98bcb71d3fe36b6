"""A training seen at moments: what is still learning, kept as a model of its own after chosen counts of words.

Nothing is annealed: a model that is kept before the end was trained at the rate of its moment, which had not yet fallen to 0.
"""

from __future__ import annotations

import mmap
import shutil
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from study.contracts import StudyError
from study.store import BESIDE


class Moments:
    """The moments of a training at which what it trains is kept.

    Parameters
    ----------
    asked : sequence of int
        Words seen, in rising order, 0 first; what lies at or beyond the end of the training is left out.
    folder : Path
        Of the training's checkpoints: models are kept under its ``moments``.
    total : int
        Words after which the training ends; one of no words has no moments.
    seen : int or None
        Words of the checkpoint from which a training goes on: what was kept up to it stays, what was kept after it is made again
        by the training that follows. None starts afresh, with nothing kept.

    Raises
    ------
    StudyError
        Where all moments after the first lie beyond the end.
    """

    def __init__(self, asked: Sequence[int], folder: Path, *, total: int, seen: int | None) -> None:
        self.folder, self.total = folder / BESIDE, total
        if asked and total and not any(0 < words < total for words in asked):
            first = next((words for words in asked if words), 0)
            raise StudyError(
                f"emergence.first: the first moment is after {first} words, but a training ends after {total}: "
                "ask for an earlier one, or train longer."
            )
        for path in self.folder.glob("*"):
            if seen is None or not path.name.isdigit() or int(path.name) > seen:  # a name that is no number: killed while writing
                shutil.rmtree(path)
        self.left = [words for words in asked if words < total and (seen is None or words > seen)]

    def due(self, words: int) -> bool:
        """Say whether a moment has come when so many words are seen; the end of the training is none."""
        return bool(self.left) and self.left[0] <= words < self.total

    def keep(self, words: int, save: Callable[[Path], None]) -> None:
        """Write what is learning with ``save``; of several moments that one step has passed the last gives the name."""
        passed = [moment for moment in self.left if moment <= words]
        self.left = self.left[len(passed) :]
        partial = self.folder / f"{passed[-1]}.partial"
        partial.mkdir(parents=True)
        save(partial)
        partial.rename(self.folder / str(passed[-1]))


def kept(folder: Path) -> list[Path]:
    """Return the folders of the models that an artefact holds beside the finished one, fewest words first."""
    return sorted((folder / BESIDE).glob("*"), key=lambda path: int(path.name))


def shards(text: Path, folder: Path, words: Sequence[int], seed: int) -> list[tuple[Path, int]]:
    """Cut a token file into shards that end at the counts asked, whole lines each; together they hold every line once.

    The lines are drawn in random order: in that of the text the first shards would hold a few documents only, and show what these
    are about rather than how meaning emerges.

    Parameters
    ----------
    text : Path
        A sentence a line, words divided by spaces.
    folder : Path
        Made, and filled with ``<number>.txt``.
    words : sequence of int
        In rising order; a shard ends with the line that reaches its count, the last one with the file.
    seed : int
        Of the order of the lines.

    Returns
    -------
    list of (Path, int)
        Shards that have a line, and their words.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    with text.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        letters = np.frombuffer(content, np.uint8)
        ends = np.flatnonzero(letters == ord("\n")) + 1  # (lines,)
        starts = np.concatenate([[0], ends[:-1]])  # (lines,)
        lengths = 1 + np.add.reduceat(letters == ord(" "), starts, dtype=np.int64)  # (lines,), words
        del letters  # or the file could not be closed
        order = np.random.default_rng(seed).permutation(len(ends))
        reached = np.cumsum(lengths[order])  # (lines,), words
        last = np.minimum(np.searchsorted(reached, words) + 1, len(ends))
        bounds = np.unique(np.concatenate([[0], last, [len(ends)]]))
        for number, (first, stop) in enumerate(pairwise(bounds.tolist())):
            path = folder / f"{number}.txt"
            with path.open("wb") as shard:
                shard.writelines(content[starts[line] : ends[line]] for line in order[first:stop].tolist())
            found.append((path, int(reached[stop - 1] - (reached[first - 1] if first else 0))))
    return found
