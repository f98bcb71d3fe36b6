import numpy as np
import pandas as pd
import pytest

from study.report import table
from study.report.table import Corner, Heading


@pytest.mark.parametrize(
    ("value", "text"), [(0.12345, "0.123"), (-0.5, "−0.500"), (-0.00001, "0.000"), (np.nan, "–"), (1234.5, "1,234.500")]
)
def test_numbers(value, text):
    assert table.number(value) == text


def test_intervals_with_negative_ends_are_not_joined_by_a_dash():
    assert table.interval(0.1, 0.2) == "0.100–0.200"
    assert table.interval(-0.1, 0.2) == "−0.100 to 0.200"
    assert table.interval(np.nan, 0.2) == ""


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.25, "0.2 s"), (99.9, "99.9 s"), (150, "2 min 30 s"), (7260, "2 h 01 min"), (np.nan, "–")]
)
def test_durations(seconds, text):
    assert table.duration(seconds) == text


@pytest.fixture
def scores():
    columns = ["model", "task", "value", "low", "high", "n", "coverage", "headline"]
    rows = [
        ("a", "x", 0.5, 0.4, 0.6, 10, 1.0, True),
        ("a", "y", np.nan, np.nan, np.nan, 0, 0.0, True),
        ("b", "x", 0.2, 0.1, 0.3, 9, 0.9, True),
    ]
    return pd.DataFrame(rows, columns=columns)


def test_a_grid_has_a_dash_where_there_is_no_score_and_bold_headlines(scores):
    rows = [Heading({"model": "a"}, "a"), Heading({"model": "b"}, "b", quiet=True)]
    columns = [Heading({"task": "x"}, "x", "accuracy"), Heading({"task": "y"}, "y")]
    made = table.grid("t", "caption", scores, rows, columns, corner=Corner("model", "view"))
    texts = [[cell.text for cell in row.cells] for row in made.rows]
    assert texts == [["a", "0.500", "–"], ["b", "0.200", "–"]]
    assert [row.cells[1].strong for row in made.rows] == [True, False]
    assert made.rows[0].cells[1].note == "0.400–0.600\nn 10 · coverage 1.00"
    assert made.frame.loc[0, "x (accuracy)"] == 0.5
    assert made.frame.loc[1, "x (accuracy) coverage"] == 0.9


def test_markdown_lets_no_markup_through():
    made = table.listing("t", "c", pd.DataFrame({"word": ["<b>|*x*`\n"]}), {})
    assert table.markdown(made).splitlines()[-1] == "| &lt;b&gt;\\|\\*x\\*\\` |"


def test_a_table_is_written_in_full_precision(tmp_path):
    made = table.listing("t", "c", pd.DataFrame({"value": [1 / 3]}), {"value": table.number})
    table.write_table(made, tmp_path)
    assert pd.read_csv(tmp_path / "t.csv")["value"][0] == 1 / 3
    assert "| 0.333 |" in (tmp_path / "t.md").read_text()


@pytest.mark.parametrize(("p", "text"), [(0.0001, "< 0.001"), (0.02, "0.020"), (np.nan, "–")])
def test_small_p_values_are_not_zero(p, text):
    assert table.probability(p) == text
