"""The house rules, each as a function that returns its violations; every rule is also seen to fail once."""

import ast
import inspect
import re
from pathlib import Path

import pytest
import yaml
from hydra.utils import get_class

ROOT = Path(__file__).parents[1]

# The diagram of the house: what each room may import of the others.
MAY_IMPORT = {
    "contracts": set(),
    "paths": set(),
    "fetching": {"contracts"},
    "store": {"contracts"},
    "progress": {"contracts"},
    "settings": {"contracts"},
    "corpus": {"contracts", "paths", "fetching", "store"},
    "model": {"contracts", "paths", "store", "corpus"},
    "instrument": {"contracts", "corpus", "model"},
    "evaluation": {"contracts", "paths", "fetching", "store"},
    "report": {"contracts"},
    "results": {"contracts", "store", "model", "evaluation"},
    "ledger": {"store"},
    "emergence": {"contracts"},
    "measurements": {"contracts", "store", "ledger", "progress", "corpus", "results"},
    "training": {"contracts", "store", "ledger", "progress", "corpus", "model", "results"},
    "scoring": {"contracts", "store", "ledger", "progress", "model", "results", "training"},
    "pipeline": {
        "ledger",
        "emergence",
        "training",
        "measurements",
        "scoring",
        "contracts",
        "paths",
        "store",
        "progress",
        "corpus",
        "model",
        "evaluation",
        "report",
        "results",
    },
    "validation": {"contracts", "store", "ledger", "corpus", "model", "evaluation", "results", "training", "scoring", "pipeline"},
    "__main__": {"contracts", "paths", "store", "settings", "pipeline", "validation", "report"},
}
ONLY_IN_MAIN = {"hydra", "omegaconf"}
GROUPS = {
    **{"corpus": None, "model": "models", "instrument": "instruments", "report": None},
    **{"experiment": "_global_", "size": "_global_", "tracker": None},
}


def room_of(path: Path) -> str:
    return path.relative_to(ROOT / "study").parts[0].removesuffix(".py")


def imports_of(source: str) -> set[str]:
    """Return every imported module, `from study import store` counted as `study.store`."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"study.{alias.name}" for alias in node.names} if node.module == "study" else {node.module}
            found |= names
    return found


def wrong_imports(room: str, source: str) -> list[str]:
    wrong = []
    for module in sorted(imports_of(source)):
        top, *rest = module.split(".")
        if top in ONLY_IN_MAIN and room != "__main__":
            wrong.append(f"{room} imports {module}")
        if top == "study" and rest and rest[0] != room and rest[0] not in MAY_IMPORT.get(room, set()):
            wrong.append(f"{room} imports {module}")
    return wrong


def wrong_header(path: Path, text: str, package: str | None) -> str | None:
    """Return what is wrong with the `# @package` header of an option file."""
    header = re.search(r"^#\s*@package\s+(\S+)", text, re.M)
    if package is None:
        return None if header is None else f"{path.name}: a group of one choice needs no header, found {header[1]}"
    wanted = package if package == "_global_" else f"{package}.{path.stem}"
    return (
        None if header and header[1] == wanted else f"{path.name}: expected `# @package {wanted}`, found {header and header[1]}"
    )


def unbound_keys(node: dict) -> list[str]:
    """Return keys that the signature of a node's `_target_` does not know, and parameters it needs that are not given."""
    parameters = inspect.signature(get_class(node["_target_"])).parameters
    given = {key for key in node if not (key.startswith("_") and key.endswith("_"))}
    needed = {name for name, parameter in parameters.items() if parameter.default is parameter.empty}
    wrong = [f"{node['_target_']} has no {key}" for key in sorted(given - set(parameters))]
    return wrong + [f"{node['_target_']} needs {name}" for name in sorted(needed - given)]


def uncommented_knobs(text: str) -> list[str]:
    """Return the knobs of an option file without a comment that says what they are."""
    knobs = [line for line in text.splitlines() if re.match(r"[a-z_]+:", line) and not line.startswith(("_target_", "defaults"))]
    return [line for line in knobs if " # " not in line and line.split(":")[0] not in {"description", "source", "licence"}]


def options() -> list[tuple[Path, str | None]]:
    found = [(path, GROUPS[path.parent.name]) for path in sorted((ROOT / "conf").glob("*/*.yaml"))]
    return found + [(path, f"tasks.{path.parent.name}") for path in sorted((ROOT / "tasks").glob("*/*.yaml"))]


SOURCES = sorted((ROOT / "study").rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_arrows_go_one_way(path):
    assert wrong_imports(room_of(path), path.read_text(encoding="utf-8")) == []


def test_the_diagram_has_no_cycle_and_no_unknown_room():
    rooms = {room_of(path) for path in SOURCES} - {"__init__"}
    assert rooms == set(MAY_IMPORT)
    order: list[str] = []
    while len(order) < len(MAY_IMPORT):
        free = [room for room in MAY_IMPORT if room not in order and MAY_IMPORT[room] <= set(order)]
        assert free, f"a cycle among {set(MAY_IMPORT) - set(order)}"
        order += free


@pytest.mark.parametrize(("path", "package"), options(), ids=lambda value: value.name if isinstance(value, Path) else "")
def test_option_files_say_where_they_belong_and_bind_to_their_target(path, package):
    text = path.read_text(encoding="utf-8")
    assert wrong_header(path, text, package) is None
    if package != "_global_":  # an experiment is a saved command line: its keys are explained where they live
        assert uncommented_knobs(text) == []
        assert unbound_keys(yaml.safe_load(text)) == []


def test_groups_mirror_folders():
    assert {path.name for path in (ROOT / "conf").iterdir() if path.is_dir()} <= set(GROUPS)
    assert {path.name for path in (ROOT / "conf").iterdir() if path.is_dir()} - {"experiment", "size"} <= set(MAY_IMPORT)


def test_modules_and_functions_stay_small():
    long = []
    for path in SOURCES:
        source = path.read_text(encoding="utf-8")
        if len(source.splitlines()) > 350:
            long.append(f"{path.name} has {len(source.splitlines())} lines")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef):
                lines = node.end_lineno - node.lineno + 1 - len((ast.get_docstring(node) or "").splitlines())
                if lines > 60:
                    long.append(f"{path.name}: {node.name} has {lines} lines")
    assert long == []


def test_tests_mirror_the_source():
    modules = {path.relative_to(ROOT / "study") for path in SOURCES if not path.name.startswith("__")}
    for test in sorted((ROOT / "tests").glob("*/test_*.py")):
        mirrored = Path(test.parent.name) / test.name.removeprefix("test_")
        assert mirrored in modules, f"{test.relative_to(ROOT)} mirrors no file"


def test_each_rule_is_seen_to_fail():
    assert wrong_imports("evaluation", "from study.model import places") == ["evaluation imports study.model"]
    assert wrong_imports("report", "from study import evaluation") == ["report imports study.evaluation"]
    assert wrong_imports("pipeline", "import hydra") == ["pipeline imports hydra"]
    assert wrong_header(Path("a.yaml"), "# @package models.b\n", "models")
    assert wrong_header(Path("a.yaml"), "_target_: x\n", "models")
    assert wrong_header(Path("a.yaml"), "# @package corpus.a\n", None)
    assert unbound_keys({"_target_": "study.pipeline.ReportSettings", "plane": "bank", "wrong": 1}) == [
        "study.pipeline.ReportSettings has no wrong",
        "study.pipeline.ReportSettings needs nearest",
        "study.pipeline.ReportSettings needs neighbours",
        "study.pipeline.ReportSettings needs opening",
        "study.pipeline.ReportSettings needs reference",
    ]
    assert uncommented_knobs("size: 3\nseed: 0 # of the draw\n") == ["size: 3"]
