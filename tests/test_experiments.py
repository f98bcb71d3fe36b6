"""The experiments: every saved command line makes a study that could run, and compares what it says it compares."""

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from study.__main__ import _instantiated, _refuse_lost_additions
from study.contracts import StudyError
from study.settings import check_together

ROOT = Path(__file__).parents[1]
SIZES = {
    path.stem: ("quick", "full") if "\nsizes:" in path.read_text(encoding="utf-8") else (None,)
    for path in sorted((ROOT / "conf" / "experiment").glob("*.yaml"))
}


def composed(experiment, size, **more):
    chosen = [f"+experiment={experiment}", *([] if size is None else [f"size={size}"])]
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        return compose("config", [*chosen, f"hydra.searchpath=[file://{ROOT / 'tasks'}]"], **more)


def models_of(experiment, size):
    made = composed(experiment, size)
    return {name: OmegaConf.to_container(settings, resolve=True) for name, settings in made.models.items()}


@pytest.fixture
def hydra_config(monkeypatch):
    """Hydra's own configuration, as a run of the command has it."""
    monkeypatch.setattr(HydraConfig.instance(), "cfg", None)
    return HydraConfig.instance()


@pytest.mark.parametrize(("experiment", "size"), [(name, size) for name, sizes in SIZES.items() for size in sizes])
def test_every_experiment_makes_a_study_whose_settings_fit_together(hydra_config, experiment, size):
    config = composed(experiment, size, return_hydra_config=True)
    hydra_config.set_config(config)
    groups = {"models": config.models, "instruments": config.instruments, **config.tasks}
    dead = [f"{group}.{name}" for group, members in groups.items() for name in members if "_target_" not in members[name]]
    assert not dead, "settings of what this experiment does not choose"
    study = _instantiated(config)
    assert study.size == size
    assert set(study.models) == set(config.models)
    assert any(study.tasks.values())
    assert study.report.reference in (None, *study.models)
    for model in study.models.values():
        check_together("", model)
        start = getattr(model, "start", None)
        assert start is None or start in study.models
        if start is not None:
            assert study.models[start].size == model.width


@pytest.mark.parametrize(
    ("arguments", "lost"),
    [(["+probing=structural", "+experiment=senses"], True), (["+experiment=senses", "+probing=structural"], False)],
)
def test_an_addition_that_an_experiment_drops_is_refused(hydra_config, arguments, lost):
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        config = compose("config", [*arguments, f"hydra.searchpath=[file://{ROOT / 'tasks'}]"], return_hydra_config=True)
    hydra_config.set_config(config)
    if lost:
        with pytest.raises(StudyError, match=r"adds nothing.*first: \+experiment=senses \+probing=structural"):
            _refuse_lost_additions(config)
    else:
        assert "structural" in config.tasks.probing
        _refuse_lost_additions(config)


def test_the_experiments_of_two_sizes_are_those_that_the_readme_names():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text.partition("| `+experiment=` | question |")[2].partition("\n\n")[0]
    rows = [line.split("|")[1] for line in table.splitlines()[2:]]
    named = [[name.strip("`") for name in row.strip().split(", ")] for row in rows]
    assert {name for row in named for name in row} == set(SIZES)
    assert {name for row in named[:6] for name in row} == {name for name, sizes in SIZES.items() if len(sizes) == 2}


@pytest.mark.parametrize("size", ["quick", "full"])
def test_all_models_of_emergence_are_equally_wide(size):
    models = models_of("emergence", size)
    assert len({settings.get("width", settings.get("size")) for settings in models.values()}) == 1
    assert {"transformer", "untrained", "cbow", "skipgram", "random"} == set(models)


@pytest.mark.parametrize("size", ["quick", "full"])
def test_each_start_of_misconception_meets_equal_words_and_more_time(size):
    models = models_of("misconception", size)
    start, longer, frozen, tuned = (models[name] for name in ("random_start", "random_longer", "frozen_start", "tuned_start"))
    assert start["words"] == frozen["words"] == tuned["words"] < longer["words"]
    assert start["start"] is longer["start"] is None
    assert start == longer | {"words": start["words"]}
    assert tuned == start | {"start": "skipgram"}


@pytest.mark.parametrize("size", ["quick", "full"])
def test_vectors_that_are_kept_do_not_keep_the_output_from_learning(size):
    frozen = models_of("misconception", size)["frozen_start"]
    assert frozen["start_frozen"] is True
    assert frozen["tied"] is False


@pytest.mark.parametrize("size", ["quick", "full"])
def test_vectors_that_are_kept_meet_random_ones_that_differ_in_the_start_alone(size):
    models = models_of("misconception", size)
    assert models["frozen_start"] == models["random_untied"] | {"start": "skipgram", "start_frozen": True}


@pytest.mark.parametrize("size", ["quick", "full"])
def test_all_models_of_bottleneck_meet_equal_words_and_differ_in_what_their_names_say(size):
    models = models_of("bottleneck", size)
    untrained, first, *others = (models.pop(name) for name in ("untrained", "transformer", "transformer_learned"))
    assert others == [first | {"positions": "learned"}]
    assert untrained == first | {"words": 0}
    assert models["rnn_attention"] == models["rnn"] | {"attention": True}
    for setting in ("words", "width", "length", "batch", "rate", "validate_every"):
        assert first[setting] == models["rnn"][setting]
    assert first["words"] == 8 * first["validate_every"], "the last two looks are an eighth of the words apart"
