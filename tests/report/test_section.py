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
