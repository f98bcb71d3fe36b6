"""Progress on the terminal: a bar with the time left for each long step, nothing where nobody watches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm

from study.contracts import Moment, Observe


@contextmanager
def bar(label: str, unit: str = " words") -> Iterator[Observe]:
    """Show a bar on standard error for as long as the context lasts; quiet where that is not a terminal.

    Yields a function that takes Moments: ``words_seen`` of ``total_words`` moves the bar, the last losses told stand beside it.
    """
    with tqdm(desc=label, unit=unit, unit_scale=True, disable=None, dynamic_ncols=True, leave=False) as shown:
        told: dict[str, str] = {}

        def observe(moment: Moment) -> None:
            """Move the bar to a moment, and write its losses beside it."""
            shown.total = moment.total_words
            losses = {"loss": moment.loss, "validation": moment.validation_loss}
            told.update({name: f"{value:.2f}" for name, value in losses.items() if value is not None})
            shown.set_postfix(told, refresh=False)
            shown.update(moment.words_seen - shown.n)

        yield observe
