from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from study.report.factors import changes, contrasts, difference, estimate, losses, over_seeds, own_rates, reference, sweep
from study.report.run import Run
from tests.report.measured_run import CHANGES, measured_run, with_rates


@pytest.fixture
def measured(make_run):
    """Return a function that reads a run of these encoders."""
    return lambda **settings: measured_run(make_run, **settings)


def test_with_one_seed_an_estimate_is_over_what_was_measured():
    found = estimate([0.5], 0.1, 21)
    assert found.value == 0.5
    assert found.high - 0.5 == pytest.approx(0.1 * stats.t.ppf(0.975, 20))
    assert 0.5 - found.low == pytest.approx(found.high - 0.5)
    assert found.detectable == pytest.approx(0.1 * (stats.t.ppf(0.975, 20) + stats.t.ppf(0.8, 20)))


def test_seeds_that_differ_widen_an_estimate():
    apart, alike = estimate([0.4, 0.5, 0.6], 0.01, 1000), estimate([0.5, 0.5, 0.5], 0.01, 1000)
    assert apart.high - apart.low > 20 * (alike.high - alike.low) / 4
    assert apart.high - 0.5 == pytest.approx(stats.t.ppf(0.975, 2) * 0.1 / 3**0.5, rel=0.2)  # two degrees of freedom, nearly


def test_intervals_cover_the_truth_in_95_of_100_runs():
    random, hits = np.random.default_rng(0), 0
    for _ in range(2000):
        values = random.normal(0, 1, 4)[:, None] + random.normal(0, 2, 30)[None]  # a seed's own, and the text's, shared by all
        found = estimate(values.mean(axis=1), values.std(axis=1, ddof=1).mean() / 30**0.5, 30)
        hits += found.low < 0 < found.high
    assert 0.94 < hits / 2000 < 0.985


def test_measures_become_means_over_seeds():
    frame = pd.DataFrame({"model": ["a", "a", "b"], "seed": [0, 1, 0], "value": [1.0, 3.0, 5.0], "error": 0.1, "n": 10})
    found = over_seeds(frame, ["model"]).set_index("model")
    assert found["value"].to_dict() == {"a": 2.0, "b": 5.0}
    assert found["seeds"].to_dict() == {"a": 2, "b": 1}
    assert found["high"]["a"] - 2 > 5 > found["high"]["b"] - 5


def test_a_sweep_holds_the_models_that_differ_in_its_factors_alone(measured):
    run = measured()
    assert sweep(run, "positions")["positions"].to_dict() == {
        "reference": "rotary",
        "no_positions": "none",
        "learned": "learned",
    }
    assert list(sweep(run, "width", "scaling").index) == [model for model in CHANGES if model.startswith("width")]
    assert len(sweep(run, "blocks", "residual", "norm")) == 6
    assert sweep(run, "positions", "tied").empty  # no model has such a setting
    assert sweep(run, "heads").empty  # no two models differ in it alone


def test_models_of_a_sweep_may_have_learning_rates_of_their_own(measured):
    run = measured()
    apart = with_rates(run, {"no_positions": "0.008", "deep_no_residual": "0.0005"})
    for factors in (("positions",), ("blocks", "residual", "norm"), ("width", "scaling")):
        assert sweep(apart, *factors).equals(sweep(run, *factors))
    assert len(contrasts(apart)) == len(contrasts(run))
    rates = own_rates(apart, contrasts(apart))
    assert (rates["no_positions"], rates["reference"], rates["deep_no_residual"]) == ("0.008", "0.002", "0.0005")
    alike = with_rates(run, {})
    assert own_rates(alike, contrasts(alike)) == own_rates(run, contrasts(run)) == {}


def test_of_one_encoder_at_two_rates_the_first_stands_in_a_sweep(measured):
    run = with_rates(measured(), {"no_positions": "0.004", "deep": "0.001", "linear": "0.008"})
    twice = run.settings[run.settings["model"] == "reference"].assign(model="learned")
    twice.loc[twice["setting"] == "rate", "value"] = "0.016"
    again = replace(run, settings=pd.concat([run.settings[run.settings["model"] != "learned"], twice]))
    assert list(sweep(again, "positions").index) == ["reference", "no_positions"]
    assert len(contrasts(again)) == len(contrasts(run)) - 1  # learned positions alone are no more compared


def test_the_first_model_that_was_measured_is_the_full_one(measured, make_run):
    assert reference(measured()) == "reference"
    assert reference(measured(without=("losses", "gradients", "attention_spread", "head_probes"))) == "reference"
    assert reference(Run.read(make_run())) == ""


def test_changes_are_told_against_the_first_model(measured):
    run = measured()
    told = changes(run, sweep(run, "blocks", "residual", "norm"), ["residual", "norm"])
    assert told["reference"] == told["deep"] == "full"
    assert told["deep_no_residual"] == "residual=false"
    assert told["deep_batch"] == "norm=batch"


@pytest.mark.parametrize("seeds", [1, 3])
def test_losses_are_told_per_hidden_word(measured, seeds):
    loss = losses(measured(seeds=seeds)).set_index(["model", "stage"])
    row = loss.loc[("reference", "trained")]
    assert row["value"] == pytest.approx(5.5, abs=0.1)
    assert row["low"] < row["value"] < row["high"]
    assert (row["seeds"], row["n"]) == (seeds, 60)


def test_a_difference_is_paired_row_by_row(measured):
    run = measured()
    found = difference(run, "deep_no_residual", "deep")
    assert found.low < 0.4 < found.high
    one = losses(run).set_index(["model", "stage"]).loc[("deep", "trained")]
    assert found.high - found.low < (one["high"] - one["low"]) / 5  # what rows have in common cancels
    after = run.losses[run.losses["stage"] == "trained"].groupby("model")["loss"].sum()
    assert difference(run, "linear", "reference").value == pytest.approx((after["linear"] - after["reference"]) / (9 * 60))


def test_contrasts_name_the_full_encoder_the_scale_and_what_is_too_small(measured):
    found = contrasts(measured()).set_index("model")
    assert set(found.index) == set(CHANGES) - {"reference", "deep", "width_16", "width_256"}
    told = found.loc["deep_no_residual", ["part", "full", "at", "change"]]
    assert told.tolist() == ["depth", "deep", "blocks=8", "residual=false"]
    assert found.loc["width_16_unscaled", "full"] == "width_16"
    assert found["scale"].to_numpy() == pytest.approx(1.1, abs=0.02)
    assert found.loc["deep_no_residual", "share"] == pytest.approx(0.4 / 1.1, abs=0.02)
    assert found.loc["linear", "remark"] == "difference below detectable"
    assert found.loc["deep_no_residual", "remark"] == ""
    weak = contrasts(measured(gain=0.001))
    assert (weak["remark"] == "scale below detectable").any()
