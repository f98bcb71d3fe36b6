from dataclasses import dataclass
from typing import Literal

import pytest

from study.contracts import StudyError
from study.settings import check_together, check_types


@dataclass
class Settings:
    size: int = 1
    rate: float = 0.1
    name: str = "a"
    on: bool = True
    epochs: float | None = None
    kind: Literal["a", "b"] = "a"
    words: list[str] | None = None


def test_settings_of_the_right_types_pass():
    check_types("models.cbow", Settings())
    check_types("models.cbow", Settings(rate=1, epochs=2, words=["x"]))
    check_types("anything", "not a dataclass")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"size": "abc"}, "models.cbow.size: expected a whole number, found 'abc'"),
        ({"size": 2.5}, "models.cbow.size: expected a whole number, found 2.5"),
        ({"size": True}, "models.cbow.size: expected a whole number, found True"),
        ({"rate": "fast"}, "models.cbow.rate: expected a number, found 'fast'"),
        ({"on": 1}, "models.cbow.on: expected true or false, found 1"),
        ({"epochs": "x"}, "models.cbow.epochs: expected a number or null, found 'x'"),
        ({"kind": "c"}, "models.cbow.kind: expected one of a, b, found 'c'"),
        ({"name": 3}, "models.cbow.name: expected a text, found 3"),
    ],
)
def test_a_wrong_type_is_named_with_its_key(wrong, message):
    with pytest.raises(StudyError, match=message):
        check_types("models.cbow", Settings(**wrong))


def test_at_the_top_there_is_no_dot():
    with pytest.raises(StudyError, match=r"^size: expected"):
        check_types("", Settings(size="x"))


class Contradiction:
    def check(self):
        raise StudyError("width must be a multiple of heads")


def test_settings_that_do_not_fit_together_are_named_with_their_place():
    with pytest.raises(StudyError, match=r"^models.narrow: width must be a multiple of heads$"):
        check_together("models.narrow", Contradiction())
    check_together("models.cbow", Settings())  # it cannot tell
