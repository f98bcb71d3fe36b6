import numpy as np
import pandas as pd
import pytest

from study.evaluation.statistics.headline import headlines

COLUMNS = ["model", "seed", "family", "task", "level", "view", "split", "question", "metric", "value", "chance", "main"]


def rows(*given):
    return pd.DataFrame(
        [("m", 0, "probing", *row[:2], *row[2:4], "label", "accuracy", *row[4:], True) for row in given], columns=COLUMNS
    )


def chosen(scores):
    return headlines(scores).set_index("level")["view"].to_dict()


def test_development_decides_and_test_is_never_looked_at():
    scores = rows(
        ("t", "target", "layer-1", "development", 0.6, 0.5),
        ("t", "target", "layer-2", "development", 0.7, 0.5),
        ("t", "target", "layer-1", "test", 0.99, 0.5),
        ("t", "target", "layer-2", "test", 0.01, 0.5),
    )
    before = headlines(scores)
    assert before["view"].tolist() == ["layer-2"]
    for value in (0.0, 1.0, np.nan):
        changed = scores.assign(value=scores["value"].where(scores["split"] != "test", value))
        pd.testing.assert_frame_equal(headlines(changed), before)


def test_tasks_are_averaged_above_chance():
    # Raw means prefer layer-1; above chance 0.9 of ten classes is worth more than the same gain over one half.
    scores = rows(
        ("two", "target", "layer-1", "development", 0.80, 0.5),
        ("ten", "target", "layer-1", "development", 0.50, 0.1),
        ("two", "target", "layer-2", "development", 0.90, 0.5),
        ("ten", "target", "layer-2", "development", 0.39, 0.1),
    )
    assert chosen(scores) == {"target": "layer-2"}


def test_levels_and_seeds():
    seeds = [rows(("t", "target", view, "development", value, 0.5)).assign(seed=seed) for view, seed, value in
             (("layer-1", 0, 0.9), ("layer-1", 1, 0.5), ("layer-2", 0, 0.75), ("layer-2", 1, 0.75))]  # fmt: skip
    sentence = rows(("s", "sentence", "layer-1", "development", 0.6, 0.5), ("s", "sentence", "layer-2", "development", 0.5, 0.5))
    assert chosen(pd.concat([*seeds, sentence])) == {"target": "layer-2", "sentence": "layer-1"}


def test_a_view_that_lacks_a_task_takes_no_part():
    scores = rows(
        ("a", "target", "context", "development", 0.99, 0.5),
        ("a", "target", "word", "development", 0.6, 0.5),
        ("b", "target", "word", "development", 0.6, 0.5),
    )
    assert chosen(scores) == {"target": "word"}


def test_without_development_items_the_choice_was_made_in_advance():
    def only(*views):
        return rows(*[("t", "word", view, "test", 0.9 if view.startswith("layer") else 0.1, 0.0) for view in views])

    assert chosen(only("layer-1", "averaged", "input")) == {"word": "averaged"}
    assert chosen(only("layer-1", "input")) == {"word": "input"}
    assert chosen(only("averaged", "word")) == {"word": "word"}
    assert chosen(only("layer-1", "layer-2")) == {"word": "layer-1"}
    assert chosen(only("layer-2")) == {"word": "layer-2"}


def test_in_a_sentence_the_last_layer_or_the_context_was_fixed_in_advance():
    def only(level, *views):
        return rows(*[("t", level, view, "test", 0.9 if view == "layer-1" else 0.1, 0.0) for view in views])

    assert chosen(only("target", "word", "context", "word+context")) == {"target": "context"}
    assert chosen(only("target", "input", *(f"layer-{n}" for n in range(1, 11)))) == {"target": "layer-10"}
    assert chosen(only("sentence", "input", "layer-1", "layer-2")) == {"sentence": "layer-2"}
    assert chosen(only("hidden", "masked", "shuffled")) == {"hidden": "masked"}
    assert headlines(only("target", "word", "context"))["reason"].tolist() == ["fixed in advance: no development items"]


def test_a_type_view_is_chosen_for_words_in_their_places_only_where_it_is_above_chance():
    def only(level, view, value):
        return rows(("t", level, view, "development", value, 0.5), ("t", level, "layer-1", "development", 0.48, 0.5))

    assert chosen(only("target", "input", 0.5)) == {"target": "layer-1"}
    assert chosen(only("target", "word", 0.51)) == {"target": "word"}
    assert chosen(only("word", "input", 0.5)) == {"word": "input"}
    assert chosen(rows(("t", "target", "word", "development", 0.5, 0.5))) == {"target": "word"}, "its only view"


def test_a_family_without_development_items_takes_what_the_model_chose_in_the_others():
    scws = rows(*[("scws", "target", view, "test", 0.5, 0.0) for view in ("layer-1", "layer-2")]).assign(family="similarity")
    probing = rows(
        ("t", "target", "layer-1", "development", 0.9, 0.5),
        ("t", "target", "layer-2", "development", 0.7, 0.5),
        ("t", "target", "other", "development", 0.99, 0.5),
        ("s", "sentence", "layer-2", "development", 0.99, 0.5),
    )
    other_model = probing.assign(model="n", value=1 - probing["value"])
    found = headlines(pd.concat([scws, probing, other_model])).set_index(["model", "family"])
    assert found.loc[("m", "similarity"), "view"] == "layer-1"
    assert found.loc[("m", "similarity"), "reason"] == "best on development items of probing"
    assert found.loc[("m", "similarity"), "value"] == 0.8


def test_several_other_families_are_taken_together():
    def family(name, first, second):
        told = rows(("t", "target", "layer-1", "development", first, 0.0), ("t", "target", "layer-2", "development", second, 0.0))
        return told.assign(family=name)

    scws = family("similarity", 0.1, 0.9).assign(split="test")
    found = headlines(pd.concat([scws, family("polysemy", 0.6, 0.5), family("probing", 0.1, 0.5)])).set_index("family")
    assert found.loc["polysemy", "view"] == "layer-1"
    assert (found.loc["similarity", "view"], found.loc["similarity", "value"]) == ("layer-2", 0.5)
    assert found.loc["similarity", "reason"] == "best on development items of polysemy and probing"


def test_a_task_that_only_describes_chooses_nothing():
    described = rows(*[("t", "target", view, "test", 0.5, 0.0) for view in ("layer-1", "layer-2")])
    described = described.assign(family="geometry", main=False)
    assert headlines(described).empty
    assert headlines(described).columns.tolist() == ["model", "family", "level", "view", "value", "reason"]
    both = headlines(pd.concat([described, rows(("t", "target", "layer-2", "test", 0.5, 0.0))]))
    assert both["family"].tolist() == ["probing"]


def senses(**models):
    """Development and test scores on senses of each view of several models, all test scores 1."""
    parts = []
    for model, views in models.items():
        told = [("bank", "target", view, "development", value, 0.5) for view, value in views.items()]
        parts.append(rows(*told, *[(*row[:3], "test", 1.0, 0.5) for row in told]).assign(model=model))
    return pd.concat(parts, ignore_index=True)


def heads(scores):
    return headlines(scores).set_index("model")["view"].to_dict()


RANDOM = {"word": 0.5, "context": 0.48, "word+context": 0.47}
STATIC = {"word": 0.5, "context": 0.8, "word+context": 0.7}


def test_a_control_below_chance_is_read_as_the_models_it_is_the_floor_of():
    assert heads(senses(random=RANDOM)) == {"random": "context"}, "no model to follow, and types at chance"
    found = headlines(senses(random=RANDOM, skipgram=STATIC))
    assert found["model"].tolist() == ["random", "skipgram"], "in the order of the scores"
    assert found["view"].tolist() == ["context", "context"]
    assert found["value"].tolist()[0] == pytest.approx(-0.04)
    assert found["reason"].tolist() == [
        "its only view, of the kind that models are read by",
        "best on development items",
    ]


def test_most_models_decide_and_of_equally_many_kinds_the_control_s_own_development_items():
    other, type_view = {**STATIC, "word+context": 0.9}, {**STATIC, "word": 0.9}
    assert heads(senses(cbow=other, skipgram=STATIC, random=RANDOM))["random"] == "context"
    better = {**RANDOM, "word+context": 0.49}
    assert heads(senses(cbow=other, skipgram=STATIC, random=better))["random"] == "word+context"
    assert heads(senses(a=STATIC, b=STATIC, c=type_view, random=RANDOM))["random"] == "context"


def test_an_untrained_encoder_chooses_its_layer_but_not_its_table():
    encoder = {"input": 0.5, "layer-1": 0.6, "layer-2": 0.7}
    untrained = {"input": 0.5, "layer-1": 0.49, "layer-2": 0.45}
    found = heads(senses(transformer=encoder, untrained=untrained, random=RANDOM))
    assert found["untrained"] == "layer-1"
    assert found["random"] == "context", "no model has its views, and types stand at chance"


def test_a_control_follows_the_models_of_its_own_family_and_level():
    sentence = senses(skipgram={"word": 0.9}, random={"word": 0.4}).assign(level="sentence")
    probing = pd.concat([senses(skipgram=STATIC, random=RANDOM), sentence], ignore_index=True)
    polysemy = senses(skipgram={**STATIC, "word": 0.9}, random=RANDOM).assign(family="polysemy")
    found = headlines(pd.concat([probing, polysemy], ignore_index=True)).set_index(["model", "family", "level"])["view"]
    assert found["random", "probing", "target"] == "context"
    assert found["random", "probing", "sentence"] == "word"
    assert found["random", "polysemy", "target"] == "word"
