from study.report import material
from study.report.run import Run
from tests.report.run_folder import NASTY


def test_the_corpus_is_told_by_part(make_run):
    table = material.corpus_table(Run.read(make_run()))
    wanted = ["training", "80", "105", "2,100,000", "900", "0.930", "50 %: 20"]
    assert [cell.text.replace("\N{NO-BREAK SPACE}", " ") for cell in table.rows[0].cells] == wanted


def test_source_licence_and_notes_are_told(make_run):
    values = {row.cells[0].text: row.cells[1].text for row in material.origin_table(Run.read(make_run())).rows}
    assert values["licence"] == "CC0"
    assert values["vocabulary"] == "9,000"
    assert values["note 1"] == NASTY


def test_frequent_words_and_versions(make_run):
    run = Run.read(make_run())
    assert [cell.text for cell in material.frequency_table(run).rows[1].cells] == ["nan", "5"]
    assert ("python", "3.11") in [tuple(cell.text for cell in row.cells) for row in material.machine_table(run).rows]
