"""How small a difference a task could have shown."""

from __future__ import annotations

import pandas as pd

KEYS = ["family", "task", "question", "metric"]
COLUMNS = (*KEYS, "n", "pairs", "smallest", "median", "largest", "assumes")


def detectable(comparisons: pd.DataFrame) -> pd.DataFrame:
    """Return the minimum detectable effects of each task over its pairs of models.

    An effect is detectable if a two-sided test at 5 %, not corrected for the number of pairs, would find it in four of five
    repetitions: some 2.8 standard errors of the difference, more with few groups. The pairs of a task differ in it: the more
    alike two models answer, the smaller is the error of their difference; pairs that answer all alike have none.

    Parameters
    ----------
    comparisons : DataFrame
        As ``compare`` returns them.

    Returns
    -------
    DataFrame
        Columns ``COLUMNS``, a row per task: ``n`` common items, ``pairs`` of models, the ``smallest``, ``median`` and ``largest``
        effect over these in units of the metric, and what the standard error ``assumes``.
    """
    rows = []
    for key, part in comparisons.groupby(KEYS, sort=False):
        effects = part["minimum_detectable_effect"].astype(float).where(lambda effect: effect > 0)  # 0: equal answers, no error
        seeds = int(part["seeds"].min())
        source = "other items, the same training" if seeds < 2 else f"other items and {seeds} other trainings of each model"
        told = (part["n"].min(), len(part), effects.min(), effects.median(), effects.max())
        rows.append((*key, *told, f"two-sided test at 0.05, power 0.80; {source}"))
    return pd.DataFrame(rows, columns=list(COLUMNS))
