import pytest

from study.report import plane
from study.report.run import Run
from tests.report.run_folder import NASTY


@pytest.fixture
def run(make_run):
    return Run.read(make_run())


def test_each_model_and_view_has_a_panel_and_a_type_vector_one_point(run):
    figure = plane.plane(run.plane)
    titles = [axis.get_title() for axis in figure.axes]
    assert titles[:2] == ["cbow · context", "transformer · layer-2"]
    assert len(titles) == 8
    drawn = [sum(len(marks.get_offsets()) for marks in axis.collections) for axis in figure.axes]
    assert drawn == [12] * 4 + [1] * 4
    assert figure.axes[-1].texts[0].get_text() == "all 12 sentences:\none point"


def test_senses_differ_in_colour_and_in_marker(run):
    money, other = plane.plane(run.plane).axes[0].collections
    assert tuple(money.get_facecolor()[0]) != tuple(other.get_facecolor()[0])
    assert len(money.get_paths()[0]) != len(other.get_paths()[0])


def test_neighbours_are_written_per_word_and_long_words_cut(run):
    figure = plane.neighbours(run.neighbours)
    assert [axis.get_title(loc="left") for axis in figure.axes] == ["bank", plane.short(NASTY)]
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert "0.79  nan" in texts
    assert any(text.endswith("…") for text in texts)
