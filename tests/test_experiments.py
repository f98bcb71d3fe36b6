"""What experiments compare, as their saved command lines say it."""

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

ROOT = Path(__file__).parents[1]


def models_of(experiment, size):
    with initialize_config_dir(str(ROOT / "conf"), version_base=None):
        made = compose("config", [f"+experiment={experiment}", f"size={size}", f"hydra.searchpath=[file://{ROOT / 'tasks'}]"])
    return {name: OmegaConf.to_container(settings, resolve=True) for name, settings in made.models.items()}


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
