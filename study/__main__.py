"""The command: ``python -m study``. The only file that knows Hydra; below it everything is plain objects.

Hydra composes the configuration, this file instantiates it once, and ``study.pipeline`` runs it.
"""

from __future__ import annotations

import inspect
import os
import shlex
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hydra
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.errors import InstantiationException
from hydra.experimental.callback import Callback
from hydra.plugins.search_path_plugin import SearchPathPlugin
from hydra.types import RunMode
from hydra.utils import get_class, instantiate
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from study import paths, report
from study.contracts import StudyError
from study.settings import check_together, check_types
from study.store import Store, write_json

if TYPE_CHECKING:
    from study import pipeline


class TaskFolders(SearchPathPlugin):
    """Makes each folder of ``tasks/`` a group of the configuration: ``similarity``, ``polysemy``, ``probing``."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Append the folder of tasks to Hydra's search path."""
        search_path.append("study", f"file://{paths.tasks()}")


class Comparison(Callback):
    """Ends a multirun in one comparison over all its points, failed ones named."""

    failed = 0

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Compare the points of a sweep that has just ended."""
        sweep = Path(config.hydra.sweep.dir)
        points = sorted((path.parent for path in sweep.glob("*/*.json") if path.name in ("run.json", "failed.json")), key=_number)
        Comparison.failed = sum((point / "failed.json").exists() for point in points)
        if points:
            try:
                print(report.compare(points, sweep / "comparison"))
            except StudyError as error:
                print(f"study: {error}", file=sys.stderr)


def _number(point: Path) -> tuple[int, str]:
    return (int(point.name) if point.name.isdigit() else sys.maxsize, point.name)


def main() -> None:
    """Run a study, or a sweep of studies, as the command line says."""
    Plugins.instance().register(TaskFolders)
    hydra.main(version_base="1.3", config_path=str(paths.configuration()), config_name="config")(_run)()
    if Comparison.failed:
        sys.exit(2)


def _run(config: DictConfig) -> None:
    """Run one point: a fault the user can mend is one message and exit status 2; in a sweep the other points go on."""
    settings = HydraConfig.get()
    folder = Path(settings.runtime.output_dir)
    claimed = False
    try:
        _drop_what_was_not_chosen(config)
        _refuse_lost_additions(config)
        claimed = _claim(folder, config)
        _study(config, folder)
    except KeyboardInterrupt:
        print("\nInterrupted. What was computed is kept: the same command goes on from there.", file=sys.stderr)
        sys.exit(130)
    except (StudyError, InstantiationException, OmegaConfBaseException) as error:
        message = _message(error)
        if message is None:
            raise
        print(f"study: {message}", file=sys.stderr)
        if claimed or not (folder / "config.yaml").exists():
            write_json(folder / "failed.json", {"message": message, "overrides": _overrides()})
        if settings.mode == RunMode.RUN:
            sys.exit(2)


def _claim(folder: Path, config: DictConfig) -> bool:
    """Make the run's folder this process's own; its resolved configuration is the first thing in it."""
    resolved = OmegaConf.to_yaml(config, resolve=True)
    try:
        with (folder / "config.yaml").open("x", encoding="utf-8") as file:
            file.write(resolved)
        return True
    except FileExistsError:
        raise StudyError(
            f"The folder {folder} already holds a run. Start again, or name another with hydra.run.dir=FOLDER."
        ) from None


def _message(error: BaseException) -> str | None:
    """Return what the user can mend, found in an error or its causes; None where there is nothing."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, StudyError):
            return str(cause)
        if isinstance(cause, OmegaConfBaseException):
            return f"The configuration is incomplete: {str(cause).splitlines()[0]} (key {cause.full_key})."
        if isinstance(cause, TypeError | ImportError) and isinstance(error, InstantiationException):
            return f"The configuration does not fit: {error}"
        cause = cause.__cause__
    return str(error) if isinstance(error, InstantiationException) else None


def _study(config: DictConfig, folder: Path) -> None:
    warnings.showwarning = _warn
    if config.paths.data:
        os.environ["STUDY_DATA"] = str(config.paths.data)
    if config.paths.artefacts:
        os.environ["STUDY_ARTEFACTS"] = str(config.paths.artefacts)
    from study import pipeline  # here, because it loads torch, and a word of help should not wait for that

    study = _instantiated(config)
    if config.validate:
        from study import validation

        if not validation.validate(study, folder, store=Store(paths.artefacts())):
            raise StudyError("A task has an error: see above, and validation.txt in the run's folder.")
        return
    command = shlex.join(["python", "-m", "study", *_arguments()])
    facts = {"command": command, "overrides": _overrides()}
    pipeline.run(study, folder, store=Store(paths.artefacts()), facts=facts, export=config.export and Path(config.export))
    print(folder / "report.html")


def _instantiated(config: DictConfig) -> pipeline.Study:
    """Return the study that a configuration describes, the types of its settings checked."""
    from study import pipeline

    tasks = {
        family: {name: _task(family, name, node, config.probe) for name, node in (members or {}).items()}
        for family, members in config.tasks.items()
    }
    study = pipeline.Study(
        name=config.name,
        source=_made("corpus", config.corpus),
        vocabulary=_made("vocabulary", config.vocabulary),
        parts=_made("parts", config.parts),
        models={name: _made(f"models.{name}", node) for name, node in config.models.items()},
        tasks=tasks,
        instruments={name: _made(f"instruments.{name}", node) for name, node in config.instruments.items()},
        size=config.size,
        seeds=config.seeds,
        vectors=config.vectors,
        emergence=_made("emergence", config.emergence),
        report=_made("report", config.report),
    )
    check_types("", study)
    for name, model in study.models.items():
        check_together(f"models.{name}", model)  # before any other is trained
    return study


def _made(key: str, node: DictConfig) -> Any:
    """Instantiate a node of the configuration and check the types of its plain settings."""
    made = instantiate(node, _convert_="all")
    check_types(key, made)
    return made


def _drop_what_was_not_chosen(config: DictConfig) -> None:
    """Remove settings that an experiment keeps for models and tasks which this command line did not choose."""
    with open_dict(config):
        for group in (config.models, config.instruments, *config.tasks.values()):
            for name in [name for name, node in group.items() if "_target_" not in node]:
                del group[name]


def _refuse_lost_additions(config: DictConfig) -> None:
    """Refuse an addition that has come to nothing: ``+probing=x`` before an experiment that lists probes, or beside a list."""
    overrides = OverridesParser.create().parse_overrides(list(HydraConfig.get().overrides.task))
    families = {folder.name: config.tasks.get(folder.name) or {} for folder in paths.tasks().iterdir() if folder.is_dir()}
    groups = {"model": config.models, "instrument": config.instruments, **families}
    for number, addition in enumerate(overrides, start=1):
        group = addition.key_or_group
        if not addition.is_add() or addition.package or group not in groups:
            continue
        value = addition.value()
        missing = [str(name) for name in (value if isinstance(value, list) else [value]) if name not in groups[group]]
        lists = [other.input_line for other in overrides if other.key_or_group == group and not other.is_add()]
        experiments = [other.input_line for other in overrides[number:] if other.key_or_group == "experiment"]
        if missing and (lists or experiments):
            all_in_one = f"Give one list that holds all: {group}=[…,{','.join(missing)}]"
            instead = all_in_one if lists else f"Name the experiment first: {experiments[0]} {addition.input_line}"
            raise StudyError(
                f"{addition.input_line} adds nothing, for {(lists or experiments)[0]} chooses the whole list of {group}, without "
                f"{', '.join(missing)}. {instead}"
            )


def _warn(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, file: Any = None, line: Any = None
) -> None:
    print(f"study: {message}", file=sys.stderr)


def _arguments() -> list[str]:
    """Return the arguments that repeat this point."""
    sources = HydraConfig.get().runtime.config_sources
    directory = [f"--config-dir={source.path}" for source in sources if source.provider == "command-line"]
    return [*directory, *HydraConfig.get().overrides.task]


def _overrides() -> Mapping[str, str]:
    pairs = (override.partition("=") for override in HydraConfig.get().overrides.task)
    return {key.lstrip("+"): value for key, _, value in pairs}


def _task(family: str, name: str, node: DictConfig, probe: DictConfig) -> Any:
    """Instantiate a task, its data file found beside its YAML; a probe that names no regimen follows the study's own."""
    if "regimen" not in node and "regimen" in inspect.signature(get_class(node._target_)).parameters:
        node = OmegaConf.create({**node, "regimen": probe})
    if isinstance(node.get("data"), str) and ":" not in node.data:
        node = node.copy()
        node.data = str(next((path for path in _candidates(family, name, node.data) if path.exists()), node.data))
    return _made(f"tasks.{family}.{name}", node)


def _candidates(family: str, name: str, data: str) -> Iterator[Path]:
    """Yield where a task's data file may be: beside the YAML that was chosen, beside any other, in the data folder."""
    roots = [Path(source.path) for source in HydraConfig.get().runtime.config_sources if source.schema == "file"]
    for root in sorted(roots, key=lambda root: not (root / family / f"{name}.yaml").exists()):
        yield root / family / data
        yield root / data
    yield paths.data() / data
    yield Path(data)


if __name__ == "__main__":
    from study.__main__ import main as _main  # one copy of the module, the one that Hydra's callback knows

    _main()
