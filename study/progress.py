"""Progress of each long step, with the time left: a bar on a terminal, elsewhere (a log, a pipe) a line a minute."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm

from study.contracts import Moment, Observe

LINE_SECONDS = 60.0
"""Time between two lines where nobody watches; a step that is done before writes none."""


@contextmanager
def bar(label: str, unit: str = " words") -> Iterator[Observe]:
    """Show on standard error how far a step is, for as long as the context lasts.

    Yields a function that takes Moments: ``words_seen`` of ``total_words`` moves the bar, the last losses told stand beside it.
    """
    begun = written = time.perf_counter()
    with tqdm(desc=label, unit=unit, unit_scale=True, disable=None, dynamic_ncols=True, leave=False) as shown:
        told: dict[str, str] = {}

        def observe(moment: Moment) -> None:
            """Move the bar to a moment, and write its losses beside it."""
            nonlocal written
            losses = {"loss": moment.loss, "validation": moment.validation_loss}
            told.update({name: f"{value:.2f}" for name, value in losses.items() if value is not None})
            now = time.perf_counter()
            if not shown.disable:
                shown.total = moment.total_words
                shown.set_postfix(told, refresh=False)
                shown.update(moment.words_seen - shown.n)
            elif now - written >= LINE_SECONDS:
                written = now
                print(_line(label, unit, moment, moment.seconds or now - begun, told), file=sys.stderr, flush=True)

        yield observe


def _line(label: str, unit: str, moment: Moment, seconds: float, told: dict[str, str]) -> str:
    """Return what a bar would show, in a line without the bar."""
    form = "{desc}: {percentage:.0f}%, {n_fmt} of {total_fmt}{unit}, {rate_fmt}, {elapsed} so far, {remaining} left{postfix}"
    losses = ", ".join(f"{name} {value}" for name, value in told.items())
    figures = (moment.words_seen, moment.total_words, seconds)
    return tqdm.format_meter(*figures, prefix=label, unit=unit, unit_scale=True, bar_format=form, postfix=losses)
