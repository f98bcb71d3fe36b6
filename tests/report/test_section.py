import json

import pytest

from study.report.album import Album
from study.report.run import Run
from study.report.section import sections


@pytest.mark.parametrize("opening", [None, "What it cost", "no such section"])
def test_the_opening_section_stands_first_and_the_others_keep_their_order(make_run, tmp_path, opening):
    folder = make_run()
    usual = [section.title for section in sections(Run.read(folder), Album(tmp_path / "usual"))]
    facts = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    (folder / "run.json").write_text(json.dumps(facts | {"report": {"opening": opening}}), encoding="utf-8")
    titles = [section.title for section in sections(Run.read(folder), Album(tmp_path / "opened"))]
    assert usual[0] != "What it cost"
    if opening in usual:
        assert titles == [opening, *(title for title in usual if title != opening)]
    else:
        assert titles == usual


class Kept(Album):
    """Keeps the figures instead of saving them."""

    def __init__(self):
        self.figures, self.captions = {}, {}

    def add(self, name, caption, figure):
        self.figures[name] = figure
        self.captions[name] = f"{caption} {self.remark}"
        return []

    def legend(self, name):
        return " ".join(text.get_text() for text in self.figures[name].legends[0].get_texts())


@pytest.mark.parametrize("reference", [None, "transformer"])
def test_of_an_ablation_the_figures_of_detail_show_the_whole_model_and_the_controls(make_run, reference):
    folder = make_run(models={"transformer": 0.1, "no_norm": 0.1, "untrained": 0.0})
    facts = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    (folder / "run.json").write_text(json.dumps(facts | {"report": {"reference": reference}}), encoding="utf-8")
    run, album = Run.read(folder), Kept()
    titles = [section.title for section in sections(run, album)]
    assert ("What each part is worth" in titles) == (reference is not None)
    for name in ("polysemy-layers", "polysemy-words"):
        assert ("no_norm" in album.legend(name)) == (reference is None)
        assert "untrained" in album.legend(name)
    dots = [label.get_text() for label in album.figures["polysemy"].axes[0].get_yticklabels()]
    assert {"transformer", "no_norm", "untrained"} <= set(dots)
    few = "Of all models these are shown: transformer, untrained."
    assert (few in album.captions["polysemy-layers"]) == (reference is not None)
    assert "these are shown" not in album.captions["curves"], "there is no other curve"
    assert few not in album.captions["polysemy"]
    panels = [axis.get_title() for axis in album.figures["plane"].axes]
    assert any("no_norm" in panel for panel in panels) == (reference is None)


def test_of_many_models_the_figures_of_detail_show_the_first_and_the_controls(make_run, monkeypatch):
    run = Run.read(make_run(models={"transformer": 0.1, "no_norm": 0.2, "untrained": 0.0}))
    monkeypatch.setattr("study.report.section.MOST_MODELS", 1)
    album = Kept()
    sections(run, album)
    assert "no_norm" not in album.legend("polysemy-layers")
    assert "costs" not in album.figures, "the first alone has no one to be compared with"
