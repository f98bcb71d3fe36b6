import os
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pandas as pd
import pytest

from study.contracts import StudyError
from study.report import compare, write
from study.report.__main__ import main
from study.report.page import fence
from tests.report.run_folder import NASTY, write_run

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """Reads a page strictly: every element is closed, and whatever would be fetched is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.names: list[str] = []
        self.tables: list[list[list[str]]] = []

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.names += [found["id"]] if "id" in found else []
        assert tag != "script"
        assert not any(name.startswith("on") for name in found)
        self.loads += [found[name] for name in ("src", "srcset", "data", "poster") if name in found]
        self.loads += [found["href"]] if tag == "link" else []
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_data(self, data):
        if self.open and {"td", "th"} & set(self.open) and "small" not in self.open:
            self.tables[-1][-1][-1] += data.strip()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def parse(path) -> Page:
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    page.close()
    assert page.open == []
    assert len(page.names) == len(set(page.names))
    return page


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One report for all tests that only read it."""
    folder = write_run(tmp_path_factory.mktemp("reports") / "run")
    write(folder)
    return folder


def test_the_page_is_closed_escaped_and_fetches_nothing(folder):
    page = parse(folder / "report.html")
    assert page.loads
    assert all(address.startswith("data:image/svg+xml;base64,") for address in page.loads)
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert "@import" not in text
    assert "url(" not in text
    assert "&lt;script&gt;" in text
    assert 'name="viewport"' in text


def test_the_page_shows_the_scores(folder):
    scores = pd.read_csv(folder / "scores.csv")
    simlex = scores[(scores["task"] == "simlex") & scores["headline"]].set_index("model")["value"]
    rows = {row[0]: row[1] for row in parse(folder / "report.html").tables[1]}
    assert {model: rows[model] for model in simlex.index} == {model: f"{value:.3f}" for model, value in simlex.items()}


def test_the_first_table_sets_the_encoder_against_the_best_static_model(folder):
    rows = parse(folder / "report.html").tables[0]
    assert rows[0] == ["task", "encoder", "static", "difference"]
    assert rows[1] == ["simlex", "0.100", "0.060", "+0.040"]
    assert [row[0] for row in rows[1:]] == ["simlex", "bank and others (2 words)", "sentence length", "noun or verb"]
    table = pd.read_csv(folder / "tables" / "encoder-against-static.csv")
    assert (table.loc[0, "encoder"], table.loc[0, "static_view"]) == ("transformer", "word")
    assert table.loc[0, ["low", "high"]].to_list() == pytest.approx([0.01, 0.07])
    text = (folder / "report.md").read_text(encoding="utf-8")
    assert text.index("Encoder against the best static model") < text.index("**Similarity")


def test_the_training_loss_is_not_to_be_compared(folder):
    text = (folder / "report.md").read_text(encoding="utf-8")
    assert "cannot be compared with the validation loss (full softmax," in text


def test_markdown_links_existing_figures_and_holds_no_markup_of_the_text(folder):
    text = (folder / "report.md").read_text(encoding="utf-8")
    links = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)
    assert len(links) > 5
    assert all((folder / link).is_file() for link in links)
    prose = re.sub(r"^```\n.*?^```$", "", text, flags=re.M | re.S)
    assert "<script>" not in prose


def test_figures_come_as_png_and_svg_and_tables_as_csv_and_markdown(folder):
    figures = {path.stem for path in (folder / "figures").iterdir()}
    wanted = {"similarity", "polysemy", "probing", "probing-layers", "polysemy-words", "plane", "neighbours", "costs", "curves"}
    assert wanted <= figures
    tables = {path.stem for path in (folder / "tables").iterdir()}
    assert {"similarity", "similarity-views", "probing-paired", "probing-common", "costs", "stages", "targets", "tasks"} <= tables
    for place, ending in (("figures", "png"), ("figures", "svg"), ("tables", "csv"), ("tables", "md")):
        assert {path.stem for path in (folder / place).glob(f"*.{ending}")} == (figures if place == "figures" else tables)


def test_a_report_is_a_pure_function_of_its_folder(folder):
    first = {name: (folder / name).read_bytes() for name in ("report.html", "report.md")}
    write(folder)
    assert {name: (folder / name).read_bytes() for name in first} == first


@pytest.mark.parametrize(
    "settings",
    [
        {"families": ("similarity",), "models": {"cbow": 0.1}},
        {"families": ("probing",), "models": {"random": 0.0}},
        {"families": ("similarity", "probing"), "models": {"transformer": 0.1}},
        {"seeds": 3},
    ],
)
def test_missing_pieces_leave_a_whole_report(make_run, settings):
    parse(write(make_run(**settings)))


def test_a_task_without_any_score_leaves_a_whole_report(make_run):
    folder = make_run(families=("similarity",))
    scores = pd.read_csv(folder / "scores.csv")
    scores.assign(value=None, low=None, high=None).to_csv(folder / "scores.csv", index=False)
    rows = parse(write(folder)).tables[0]
    assert rows[1][:2] == ["cbow", "–"]


def test_a_comparison_names_points_and_failures(make_run, tmp_path):
    folders = [make_run(f"sweep/{n}", overrides={"models.cbow.window": w}) for n, w in enumerate(("2", "5"))]
    failed = tmp_path / "sweep" / "2"
    failed.mkdir()
    (failed / "failed.json").write_text('{"message": "wrong <window>", "overrides": {"models.cbow.window": "0"}}')
    path = compare([*folders, failed], tmp_path / "out")
    page = parse(path)
    assert path == tmp_path / "out" / "comparison.html"
    assert ["2", "models.cbow.window=0", "wrong <window>"] in page.tables[1]
    assert all(address.startswith("data:") for address in page.loads)
    tidy = pd.read_csv(tmp_path / "out" / "comparison.csv")
    assert set(tidy["models.cbow.window"]) == {2, 5}
    assert "wrong &lt;window&gt;" in (tmp_path / "out" / "comparison.md").read_text()
    assert (tmp_path / "out" / "figures" / "similarity.png").is_file()


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(StudyError, match=r"run\.json"):
        write(tmp_path)


def test_a_fence_is_longer_than_the_backticks_within():
    assert fence("a ```` b").splitlines() == ["`````", "a ```` b", "`````"]


def test_the_command_writes_one_run_again(make_run, capsys):
    folder = make_run(families=("similarity",))
    assert main([str(folder)]) == 0
    assert capsys.readouterr().out.strip() == str(folder / "report.html")
    assert (folder / "report.md").is_file()


def test_the_command_compares_a_multirun_inside_its_folder(make_run, tmp_path, capsys):
    for name in ("0", "1"):
        make_run(f"sweep/{name}", overrides={"seed": name}, families=("similarity",))
    assert main([str(tmp_path / "sweep")]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "sweep" / "comparison" / "comparison.html")


def test_the_command_compares_runs_where_asked(make_run, tmp_path):
    folders = [str(make_run(name, families=("similarity",))) for name in ("a", "b")]
    assert main([*folders, "--output", str(tmp_path / "there")]) == 0
    assert (tmp_path / "there" / "comparison.csv").is_file()


def test_a_wrong_folder_is_one_message_and_status_2(tmp_path, capsys):
    assert main([str(tmp_path / "nothing")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("study: ")
    assert error.count("\n") == 1


BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.mark.browser
@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
def test_the_page_does_not_overflow_a_phone(folder, tmp_path):
    frame = tmp_path / "phone.html"
    frame.write_text(
        f'<iframe id="page" src="{(folder / "report.html").as_uri()}" width="390" height="800"></iframe><script>onload = () => '
        'document.title = "width " + document.getElementById("page").contentDocument.documentElement.scrollWidth</script>'
    )
    quiet = ["--no-first-run", "--disable-background-networking", f"--user-data-dir={tmp_path / 'profile'}"]
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    command = [
        BROWSER,
        "--headless",
        "--disable-gpu",
        "--allow-file-access-from-files",
        *sandbox,
        *quiet,
        "--dump-dom",
        frame.as_uri(),
    ]
    page = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert int(re.search(r"<title>width (\d+)", page)[1]) <= 390
    assert NASTY not in page
