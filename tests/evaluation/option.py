"""The tasks that the study brings, made from their own YAML files."""

from pathlib import Path

import yaml
from hydra.utils import get_class

TASKS = Path(__file__).parents[2] / "tasks"


def option(name: str, **settings):
    """Make a task such as ``similarity/simlex`` with the settings of its file, but for those given."""
    knobs = yaml.safe_load((TASKS / f"{name}.yaml").read_text(encoding="utf-8"))
    return get_class(knobs.pop("_target_"))(**knobs | settings)
