import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from study.report import ablation, caveats, parts, plot
from study.report.album import Album, Section
from study.report.run import Run

MODELS = {"transformer": 0.20, "no_positions": 0.05, "no_mlp": 0.19, "untrained": 0.01, "random": 0.0}
LOSSES = {"transformer": 5.0, "no_positions": 5.5, "no_mlp": 5.1}
GONE = f"{ablation.LOST}: "
PARAMETERS = {"transformer": 2_350_653, "no_positions": 2_350_653, "no_mlp": 2_088_253, "untrained": 0, "random": 0}


@pytest.fixture
def taken_apart(make_run):
    """Return a function that makes a run of an encoder and of two without a part."""

    def make(seeds: int = 1, effect: float = 0.05, **facts) -> Run:
        folder = make_run(f"{seeds}-{effect}-{facts.get('size')}", models=MODELS, seeds=seeds)
        comparisons = pd.read_csv(folder / "comparisons.csv").assign(minimum_detectable_effect=effect, p=0.001)
        comparisons.to_csv(folder / "comparisons.csv", index=False)
        models = pd.read_csv(folder / "models.csv")
        models["validation_loss"] = models["model"].map(LOSSES) + 0.1 * models["seed"] * (models["model"] != "no_mlp")
        models["parameters"] = models["model"].map(PARAMETERS)
        models.to_csv(folder / "models.csv", index=False)
        rates = [(model, "rate", "0.005") for model in LOSSES]
        pd.DataFrame(rates, columns=["model", "setting", "value"]).to_csv(folder / "settings.csv", index=False)
        start = [{"model": "transformer", "seed": s, "words_seen": 0, "seconds": 0, "validation_loss": 7.0} for s in range(seeds)]
        columns = {"loss": np.nan, "masked_accuracy": 0.0}
        pd.DataFrame(start).assign(**columns).to_csv(folder / "curves.csv", index=False)
        told = json.loads((folder / "run.json").read_text())
        told["report"]["reference"] = "transformer"
        (folder / "run.json").write_text(json.dumps(told | facts))
        return Run.read(folder)

    return make


def made(run: Run, tmp_path):
    return ablation.section(run, plot.looks([*run.trained, *run.controls]), Album(tmp_path))


def figure_of(run: Run, verdicts: bool = True):
    rows = pd.concat([parts.differences(run, "transformer"), parts.losses(run, "transformer")], ignore_index=True)
    rows = parts.judged(parts.corrected(rows[rows["part"] != "random"]), verdicts=verdicts)
    return ablation.forest(rows, ["no_positions", "no_mlp"], plot.Look("#0072B2", "o"))


def test_a_run_without_a_reference_has_no_such_section(make_run, tmp_path):
    assert made(Run.read(make_run()), tmp_path) == Section(ablation.TITLE)


def test_a_difference_is_the_part_taken_out_minus_the_whole_whoever_stood_first(taken_apart):
    run = taken_apart()
    turned = run.comparisons.rename(columns={"model_a": "model_b", "model_b": "model_a"})
    turned[["difference", "low", "high"]] = -turned[["difference", "high", "low"]].to_numpy()
    for pairs in (run.comparisons, turned):
        rows = parts.differences(Run(**{**run.__dict__, "comparisons": pairs}), "transformer")
        row = rows[(rows["part"] == "no_positions") & (rows["task"] == "simlex")].iloc[0]
        assert (row["difference"], row["low"], row["high"]) == pytest.approx((-0.15, -0.18, -0.12))
        assert "transformer" not in set(rows["part"])


def test_losses_are_compared_seed_by_seed(taken_apart):
    rows = parts.losses(taken_apart(seeds=3), "transformer").set_index("part")
    assert rows.loc["no_positions", "difference"] == pytest.approx(0.5)
    assert rows.loc["no_positions", "high"] == pytest.approx(0.5), "the same seed, the same distance"
    found = np.array([0.1, 0.0, -0.1])
    half = stats.t.ppf(0.975, 2) * found.std(ddof=1) / np.sqrt(3)
    assert (rows.loc["no_mlp", "low"], rows.loc["no_mlp", "high"]) == pytest.approx((-half, half))
    assert rows.loc["untrained", "difference"] == pytest.approx(7.0 - 5.1)


def test_a_loss_of_one_seed_has_no_interval(taken_apart):
    rows = parts.losses(taken_apart(), "transformer").set_index("part")
    assert rows.loc["untrained", "difference"] == pytest.approx(2.0)
    assert rows[["low", "high", "p", "detectable"]].isna().all().all()


def test_p_values_are_corrected_over_the_parts_of_a_family_alone():
    rows = pd.DataFrame({"part": ["a", "b", "untrained", "a"], "family": ["x", "x", "x", "y"], "p": [0.01, 0.03, 1e-9, 0.04]})
    assert parts.corrected(rows)["p_holm"].tolist() == pytest.approx([0.02, 0.03, np.nan, 0.04], nan_ok=True)


@pytest.mark.parametrize(("effect", "below"), [(0.05, False), (0.5, True)])
def test_the_figure_says_full_minus_untrained_and_where_that_is_not_detectable(taken_apart, effect, below):
    figure = figure_of(taken_apart(effect=effect))
    written = [text.get_text() for text in figure.axes[0].texts]
    wanted = "full − untrained +0.190: below the detectable 0.500" if below else "full − untrained +0.190; detectable 0.050"
    assert wanted in written
    assert (figure.axes[0].get_facecolor()[:3] != (1, 1, 1)) == below
    assert "full − untrained −2.000; one seed: no interval" in [text.get_text() for text in figure.axes[-1].texts]


def filled(figure) -> list[list[bool]]:
    """Say of each panel's marks, from the top, whether they are filled."""
    return [[mark.lines[0].get_markerfacecolor() != "white" for mark in axis.containers] for axis in figure.axes[:-1]]


def test_marks_are_filled_by_the_corrected_p_where_the_run_judges_and_the_scale_can_be_read(taken_apart):
    run = taken_apart(seeds=3, size="full")
    assert filled(figure_of(run)) == [[True, True, False]] * 4, "what is without training is no part"
    assert not np.any(filled(figure_of(run, verdicts=False)))
    assert not np.any(filled(figure_of(taken_apart(seeds=3, effect=0.5, size="full")))), "grey panels"
    run.comparisons["p"] = 0.04
    assert (run.comparisons["high"] < 0).any() or (run.comparisons["low"] > 0).any()
    assert not np.any(filled(figure_of(run))), "an interval without zero is not enough"


@pytest.mark.parametrize(
    ("seeds", "size", "told"),
    [
        (1, None, "hollow: one training of each gives no verdict"),
        (3, "quick", "hollow: a demonstration gives no verdict"),
        (3, "full", "Filled: p below 0.05 after Holm’s correction"),
    ],
)
def test_the_caption_says_what_is_filled_and_what_is_not_equal(taken_apart, tmp_path, seeds, size, told):
    run = taken_apart(seeds=seeds, size=size)
    (figure,) = made(run, tmp_path / "figures").figures
    assert told in figure.caption
    assert "Each model read 2,000,000 words, " in figure.caption
    assert "All share one highest learning rate, 0.005: what a part costs is what it costs at this rate." in figure.caption
    assert "2,350,653 parameters for transformer whole, from no mlp 2,088,253 to transformer 2,350,653." in figure.caption


@pytest.mark.parametrize(
    ("training", "told"),
    [
        (21_600_000, "Each model read 2,000,000 to 2,001,000 words, 9.3\N{NO-BREAK SPACE}% of the training part."),
        (800_000, "Each model read 2,000,000 to 2,001,000 words, 2.5 times the training part."),
        (None, ""),
    ],
)
def test_the_caption_says_how_much_of_the_corpus_each_model_read(taken_apart, tmp_path, training, told):
    run = taken_apart()
    run.models.loc[run.models["model"] == "no_mlp", "words_seen"] = 2_001_000
    run.facts["corpus"]["parts"] = {} if training is None else {"training": {"words": training}}
    (figure,) = made(run, tmp_path / "figures").figures
    assert told in figure.caption
    assert ("Each model read" in figure.caption) == bool(told)


def caption_of(run: Run, tmp_path) -> str:
    (figure,) = made(run, tmp_path).figures
    return figure.caption


def test_the_caption_names_what_has_hardly_learned(taken_apart, tmp_path, monkeypatch):
    assert "have gained less than" not in caption_of(taken_apart(), tmp_path)
    monkeypatch.setitem(LOSSES, "no_positions", 6.7)  # of the way from 7.0 to 5.0
    assert "frequencies of words alone, or may have, by their intervals: no positions. " in caption_of(
        taken_apart(effect=0.04), tmp_path
    )


def test_the_caption_names_whose_loss_is_of_another_context_and_which_views_differ(taken_apart, tmp_path):
    run = taken_apart()
    contexts = [("transformer", "document"), ("no_positions", "document"), ("no_mlp", "sentence")]
    told = pd.DataFrame([(model, "context", value) for model, value in contexts], columns=["model", "setting", "value"])
    other = run.scores["model"] == "no_mlp"
    scores = run.scores.assign(view=run.scores["view"].where(~other | ~run.scores["headline"], "layer-9"))
    changed = Run(**{**run.__dict__, "settings": pd.concat([run.settings, told]), "scores": scores})
    caption = caption_of(changed, tmp_path)
    assert "The loss of no mlp is of words that see another context than the whole’s." in caption
    assert "For senses, asked of words in their places, the headline view is" in caption
    assert "but layer-9 of no mlp." in caption
    assert "layer-9" not in caption_of(run, tmp_path)


def test_views_that_differ_are_told_by_family(taken_apart, tmp_path):
    run = taken_apart()
    other = (run.scores["model"] == "no_mlp") & (run.scores["family"] == "probing") & run.scores["headline"]
    scores = run.scores.assign(view=run.scores["view"].mask(other, "layer-9"))
    caption = caption_of(Run(**{**run.__dict__, "scores": scores}), tmp_path)
    assert "For probes, asked of words in their places" in caption
    assert "For senses" not in caption


def test_uniform_attention_is_said_to_lose_the_order_only_where_its_positions_act_on_products(taken_apart, tmp_path):
    run = taken_apart()
    for positions, mask, told in (("rotary", "full", True), ("sinusoidal", "full", False), ("rotary", "causal", False)):
        kinds = [("no_mlp", "attention", "uniform"), ("no_mlp", "positions", positions), ("no_mlp", "mask", mask)]
        settings = pd.concat([run.settings, pd.DataFrame(kinds, columns=run.settings.columns)])
        section = made(Run(**{**run.__dict__, "settings": settings}), tmp_path / positions / mask)
        assert ("With no mlp the order of words is lost too" in section.figures[0].caption) == told
        assert ("With no mlp the order of words is lost too" in section.answer) == told


def test_a_part_whose_interval_reaches_little_is_too_slow_to_tell():
    rows = pd.DataFrame(
        {"family": "loss", "part": ["a", "b", "untrained"], "difference": [1.5, 1.5, 2.0], "high": [1.55, 1.7, 2]}
    )
    assert caveats.slow_parts(rows) == ["b"]


def test_the_table_says_what_was_changed(taken_apart, tmp_path):
    run = taken_apart()
    kinds = [("transformer", "activation", "gelu"), ("no_mlp", "activation", "none"), ("no_positions", "activation", "gelu")]
    settings = pd.concat([run.settings, pd.DataFrame(kinds, columns=run.settings.columns)])
    (table,) = made(Run(**{**run.__dict__, "settings": settings}), tmp_path).tables
    notes = {row.cells[0].text: row.cells[0].note for row in table.rows}
    assert notes["no mlp"] == "activation: gelu → none"
    assert not notes["no positions"]


def test_worse_is_on_the_left_in_every_panel(taken_apart):
    figure = figure_of(taken_apart())
    assert [axis.xaxis_inverted() for axis in figure.axes] == [False] * (len(figure.axes) - 1) + [True]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["no positions", "no mlp", "untrained"]


def test_the_table_has_every_part_on_every_task_and_in_loss(taken_apart, tmp_path):
    run = taken_apart(failed={"no_norm": "The loss is inf."})
    (table,) = made(run, tmp_path).tables
    rows = {row.cells[0].text: row.cells for row in table.rows}
    assert list(rows) == ["transformer", "no positions", "no mlp", "untrained", "no norm"]
    assert [cell.text for cell in table.header][-1] == "validation loss"
    assert rows["transformer"][-1].text == "5.000"
    assert rows["no positions"][-1].text == "+0.500"
    assert rows["no positions"][2].note == "−0.180 to −0.120"
    assert [cells[1].text for cells in rows.values()] == ["2,350,653", "2,350,653", "2,088,253", "–", "–"]
    assert {len(cells) for cells in rows.values()} == {len(table.header)}
    assert table.frame.set_index("part").loc["no_mlp", "parameters"].unique().tolist() == [2_088_253]
    assert rows["no norm"][0].note == "failed: The loss is inf."
    assert set(table.frame["part"]) == {"no_positions", "no_mlp", "untrained"}


@pytest.mark.parametrize(
    ("seeds", "size", "effect", "bold", "found"),
    [
        (1, None, 0.05, False, False),
        (3, "quick", 0.05, False, False),
        (3, "full", 0.05, True, True),
        (3, "full", 0.5, True, False),
    ],
)
def test_only_several_seeds_of_a_full_run_are_judged(taken_apart, tmp_path, seeds, size, effect, bold, found):
    (table,) = made(taken_apart(seeds=seeds, size=size, effect=effect), tmp_path / "figures").tables
    assert ("Bold" in table.caption) == bold
    assert any(cell.strong for row in table.rows for cell in row.cells[:-1]) == found


@pytest.mark.parametrize(
    ("size", "effect", "told"),
    [
        ("full", 0.05, "A difference is shown on similarity: simlex: no positions −0.148 (−0.178 to −0.118), no mlp −0.010"),
        ("full", 0.5, "None is shown on similarity: simlex, where even what training gains the whole could hardly be detected."),
        ("quick", 0.05, None),
    ],
)
def test_the_answer_is_what_is_gone_of_the_gain_and_what_is_shown_on_tasks(taken_apart, tmp_path, size, effect, told):
    answer = made(taken_apart(seeds=3, size=size, effect=effect), tmp_path).answer
    assert answer.startswith(
        f"Training lowers the loss of the whole model by 1.900 nats a word. {GONE}no positions 26\N{NO-BREAK SPACE}% (26"
    )
    assert (told or "") in answer, answer
    assert told or "shown" not in answer


@pytest.mark.parametrize(
    ("effect", "told"), [(0.05, "; tested alone, one of 0.050 would be found in four cases of five."), (np.nan, ".")]
)
def test_the_answer_says_how_large_a_difference_had_to_be(taken_apart, tmp_path, effect, told):
    run = taken_apart(seeds=3, size="full", effect=effect)
    run.comparisons["p"] = 0.9
    assert f"None is shown on similarity: simlex{told}" in made(run, tmp_path).answer


def test_the_answer_names_the_parts_worth_most_and_counts_the_others(taken_apart, tmp_path, monkeypatch):
    monkeypatch.setattr(ablation, "NAMED", 1)
    answer = made(taken_apart(seeds=3, size="full", effect=0.05), tmp_path).answer
    assert "simlex: no positions −0.148 (−0.178 to −0.118), and 1 more (see the table)." in answer


def test_the_answer_leaves_out_who_hardly_learned_and_other_contexts(taken_apart, tmp_path):
    run = taken_apart()
    run.models.loc[run.models["model"] == "no_mlp", "validation_loss"] = 6.9
    contexts = [("transformer", "context", "document"), ("no_positions", "context", "sentence")]
    settings = pd.concat([run.settings, pd.DataFrame(contexts, columns=run.settings.columns)])
    answer = made(Run(**{**run.__dict__, "settings": settings}), tmp_path).answer
    assert "Too slow to tell, in as many words: no mlp. Left out, as its words have another context: no positions." in answer
    assert GONE not in answer
