"""Settings as a user writes them: each is checked against the type that its dataclass names, before anything is computed."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, Literal, Protocol, Union, runtime_checkable

from study.contracts import StudyError

PLAIN: dict[type, tuple[type, ...]] = {bool: (bool,), int: (int,), float: (float, int), str: (str,), type(None): (type(None),)}
"""Plain type -> the types of values that serve for it; a truth value serves for no number."""


@runtime_checkable
class Checkable(Protocol):
    """A thing that knows which of its settings fit together."""

    def check(self) -> None:
        """Raise StudyError where they do not."""


def check_together(key: str, thing: Any) -> None:
    """Ask a thing that can tell whether its settings fit together; where they do not, say where it stands.

    Raises
    ------
    StudyError
        Where they do not.
    """
    if isinstance(thing, Checkable):
        try:
            thing.check()
        except StudyError as error:
            raise StudyError(f"{key}: {error}") from error


def check_types(key: str, thing: Any) -> None:
    """Check the plain settings of a dataclass; those of other types (mappings, models, paths) are left to who uses them.

    Parameters
    ----------
    key : str
        Where the dataclass stands in the configuration, told in the message; empty at the top.
    thing : object
        Anything but a dataclass passes.

    Raises
    ------
    StudyError
        Where a setting is not of its type.
    """
    if not is_dataclass(thing) or isinstance(thing, type):
        return
    hints = typing.get_type_hints(type(thing))
    for field in (field for field in fields(thing) if field.init):
        allowed, value = list(_alternatives(hints[field.name])), getattr(thing, field.name)
        if any(one not in PLAIN and not _is_literal(one) for one in allowed) or any(_fits(value, one) for one in allowed):
            continue
        name = f"{key}.{field.name}".lstrip(".")
        raise StudyError(f"{name}: expected {' or '.join(map(_written, allowed))}, found {value!r}.")


def _alternatives(hint: Any) -> Iterator[Any]:
    if typing.get_origin(hint) in (Union, types.UnionType):
        for one in typing.get_args(hint):
            yield from _alternatives(one)
    else:
        yield hint


def _is_literal(hint: Any) -> bool:
    return typing.get_origin(hint) is Literal


def _fits(value: Any, hint: Any) -> bool:
    if _is_literal(hint):
        return value in typing.get_args(hint)
    return isinstance(value, PLAIN[hint]) and (hint is bool or not isinstance(value, bool))


def _written(hint: Any) -> str:
    if _is_literal(hint):
        return "one of " + ", ".join(map(str, typing.get_args(hint)))
    return (
        "null" if hint is type(None) else {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}[hint]
    )
