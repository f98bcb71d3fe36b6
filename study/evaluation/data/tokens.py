"""Sentences that come as tokens between white space, with the number of the token that is meant."""

from __future__ import annotations

import re

from study.contracts import StudyError

TOKEN = re.compile(r"\S+")


def offsets(where: str, text: str, position: str) -> tuple[int, int]:
    """Return the half-open character offsets of one token.

    Parameters
    ----------
    where : str
        ``file:line``, told where the position is wrong.
    text : str
    position : str
        Number of the token as the file writes it, the first being 0.

    Raises
    ------
    StudyError
        Where the position is not a number, or the text has no such token.
    """
    found = list(TOKEN.finditer(text))
    if not position.isdecimal() or int(position) >= len(found):
        raise StudyError(f"{where}: expected the number of one of the {len(found)} tokens, from 0, found '{position}': {text}")
    return found[int(position)].span()
