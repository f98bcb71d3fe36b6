"""What the README files tell a reader to type is typed here, one block after the other, in a folder of its own."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]
SMALLER = ["+experiment=smoke", "model=[cbow,random]"]
"""Settings added to a command that does not choose them itself."""

pytestmark = pytest.mark.slow


def blocks(text: str, language: str) -> list[str]:
    """Return the code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


def made_smaller(line: str) -> str:
    """Let a command of the study run on its smallest setting, with this interpreter."""
    if not line.startswith("python -m study"):
        return line
    words = shlex.split(line, comments=True)
    if words[2] == "study" and not {"--help", "--cfg"} & set(words):
        words += [setting for setting in SMALLER if not any(word.startswith(setting.partition("=")[0]) for word in words)]
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
        if line.startswith("python -m study")
    ]
    assert len(commands) >= 4
    for command in commands:
        type_in(command, tmp_path, artefacts)
    assert len(list(tmp_path.glob("reports/*/report.html"))) >= 3
    assert list(tmp_path.glob("reports/*/comparison/comparison.html"))


def test_the_examples_of_the_tasks_readme_run(tmp_path, artefacts):
    text = (ROOT / "tasks" / "README.md").read_text(encoding="utf-8")
    (python,) = blocks(text, "python")
    (tmp_path / "my_tasks.py").write_text(python, encoding="utf-8")
    for block in blocks(text, "sh"):
        type_in(block, tmp_path, artefacts)
    scores = "".join(path.read_text(encoding="utf-8") for path in tmp_path.glob("reports/*/scores.csv"))
    assert ",negation," in scores
    assert ",odd_one_out," in scores


def test_every_link_between_documents_leads_somewhere():
    for document in (ROOT / "README.md", ROOT / "tasks" / "README.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_the_map_of_the_readme_names_what_is_there():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (block,) = [block for block in blocks(text, "") if block.startswith("study/")]
    for line in block.splitlines():
        name = line.split()[0]
        inside = ROOT / "study" / name if line.startswith(" ") else ROOT / name
        assert inside.exists(), name


def test_the_figures_of_the_readme_are_those_of_the_committed_report():
    scores = pd.read_csv(ROOT / "reports" / "example-default" / "scores.csv")
    headline = scores[scores["headline"] & scores["main"] & (scores["split"] == "test")]
    text = (ROOT / "README.md").read_text(encoding="utf-8").replace("−", "-")
    for model in ("cbow", "skipgram", "transformer", "untrained", "random"):
        (row,) = re.findall(rf"^\| {model} \|.*$", text, re.M)
        for task in ("wordsim", "bank", "noun_or_verb"):
            (value,) = headline.loc[(headline["model"] == model) & (headline["task"] == task), "value"]
            assert f"| {value:.3f} (" in row, (model, task)
