import pytest

from study.contracts import StudyError
from study.evaluation.data.tokens import offsets


def test_a_token_is_found_by_its_number_across_any_white_space():
    text = "at 4\xa01/2  , the bank 's vault"
    start, stop = offsets("here:1", text, "5")
    assert text[start:stop] == "bank"


@pytest.mark.parametrize("position", ["3", "-1", "x", ""])
def test_a_wrong_number_is_refused_with_its_line(position):
    with pytest.raises(StudyError, match=rf"here:7: expected the number of one of the 3 tokens, from 0, found '{position}'"):
        offsets("here:7", "a b c", position)
