"""When models are looked at while they learn, and what they are asked then: how meaning emerges from random vectors."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from study.contracts import StudyError

MOST_WORDS = 10**12
"""No training is longer."""


@dataclass(frozen=True, kw_only=True)
class Emergence:
    """The moments of every training at which some tasks are asked.

    Parameters
    ----------
    moments : int
        Moments per tenfold of words seen, evenly on a logarithmic scale, the same for all models; 0 for none.
    first : int
        Words of the first of them; what a model is before its training is a moment too.
    tasks : sequence of str
        What is asked: tasks (``wordsim``, or ``similarity/wordsim``) and whole families (``similarity``).
    """

    moments: int
    first: int
    tasks: Sequence[str]

    def counts(self) -> tuple[int, ...]:
        """Return the words seen at each moment, 0 first, further than any training goes; empty where none is asked for.

        Raises
        ------
        StudyError
            Where they cannot be counted so.
        """
        if self.moments < 0 or self.first < 1:
            raise StudyError(
                f"emergence: expected moments of at least 0 and first of at least 1, found {self.moments} and {self.first}."
            )
        found = [0]
        while self.moments and found[-1] < MOST_WORDS:
            found.append(round(self.first * 10 ** ((len(found) - 1) / self.moments)))
        return tuple(dict.fromkeys(found)) if self.moments else ()

    def chosen(self, tasks: Collection[str]) -> list[str]:
        """Return those of the study's tasks, named ``family/name``, that are asked at the moments.

        Raises
        ------
        StudyError
            Where none is named although there are moments, or a name is that of no task and no family.
        """
        names = {key: {key, *key.split("/", 1)} for key in tasks}
        unknown = [name for name in self.tasks if not any(name in known for known in names.values())]
        if self.moments and (unknown or not self.tasks):
            wrong = f"no task or family {unknown[0]!r} is chosen" if unknown else "it names no task"
            raise StudyError(
                f"emergence.tasks: {wrong}; expected some of {', '.join(names) or 'no task at all'}, or their families."
            )
        return [key for key, known in names.items() if not known.isdisjoint(self.tasks)]
