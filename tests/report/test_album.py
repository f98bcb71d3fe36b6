from matplotlib.figure import Figure

from study.report.album import Album


def drawn(album):
    figure = Figure()
    figure.add_subplot()
    return album.add("one", "What it shows.", figure)


def test_a_figure_is_saved_twice_and_handed_on(tmp_path):
    (figure,) = drawn(Album(tmp_path))
    assert figure.caption == "What it shows."
    assert figure.address.startswith("data:image/svg+xml;base64,")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.png", "one.svg"]


def test_no_figure_is_none(tmp_path):
    assert Album(tmp_path).add("none", "Nothing.", None) == []


def test_a_remark_ends_the_captions_of_its_own_album_alone(tmp_path):
    album = Album(tmp_path)
    assert drawn(album.remarking("Of two."))[0].caption == "What it shows. Of two."
    assert drawn(album)[0].caption == "What it shows."
