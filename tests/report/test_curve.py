import pandas as pd
import pytest

from study import model
from study.model.regimen import Schedule
from study.report import comparison, curve, plot
from study.report.run import Run


@pytest.fixture
def learning(make_run):
    """Return a function that makes a run of models of given kinds, which all have a learning curve, and some settings."""

    def make(kinds: dict[str, str], settings=()) -> Run:
        folder = make_run("-".join(kinds), models=dict.fromkeys(kinds, 0.1), families=("similarity",))
        models = pd.read_csv(folder / "models.csv")
        models.assign(kind=models["model"].map(kinds)).to_csv(folder / "models.csv", index=False)
        moments = [{"model": model, "seed": 0, "words_seen": words, "seconds": 1.0} for model in kinds for words in (1e6, 2e6)]
        curves = pd.DataFrame(moments).assign(loss=6.0, validation_loss=5.5, masked_accuracy=0.1)
        curves.to_csv(folder / "curves.csv", index=False)
        pd.DataFrame(settings, columns=["model", "setting", "value"]).to_csv(folder / "settings.csv", index=False)
        return Run.read(folder)

    return make


def test_curves_have_a_panel_per_measure_and_the_unigram_rule(learning):
    run = learning({"transformer": "Transformer"})
    figure = curve.curves(run.curves, curve.asked(run), plot.looks(run.trained), unigram_loss=7.0)
    assert len(figure.axes) == 2
    assert figure.axes[0].get_title() == "loss (nats per masked word)"
    lines = {line.get_label(): line for line in figure.axes[0].get_lines()}
    assert list(lines["transformer, validation"].get_xdata()) == [1, 2]
    assert set(lines["word frequencies alone"].get_ydata()) == {7.0}


def test_models_without_validation_have_no_figure(make_run):
    run = Run.read(make_run(models={"cbow": 0.1}))
    assert curve.curves(run.curves, curve.asked(run), plot.looks(run.trained)) is None


def test_each_question_has_its_own_panels_and_no_other_is_called_masked(learning):
    kinds = {"transformer": "Transformer", "elmo": "Recurrent", "rnn": "RecurrentReconstruction", "mine": "Toy"}
    run = learning(kinds | {"again": "TransformerReconstruction"})
    figure = curve.curves(run.curves, curve.asked(run), plot.looks(run.trained))
    drawn = {axis.get_title(): {line.get_label().split(",")[0] for line in axis.get_lines()} for axis in figure.axes}
    assert drawn == {
        "loss (nats per masked word)": {"transformer"},
        "masked words predicted right": {"transformer"},
        "loss (nats per next word, either way)": {"elmo"},
        "next words predicted right, either way": {"elmo"},
        "loss (nats per word of the sentence)": {"rnn", "again"},
        "words of the sentence said right": {"rnn", "again"},
        "loss (nats per word asked for)": {"mine"},
        "words asked for predicted right": {"mine"},
    }
    told = curve.curves_caption(run)
    assert "masked words, 15\N{NO-BREAK SPACE}% of all, from the others (transformer); every word as the next one" in told
    assert "after the right words before it (rnn, again)" in told
    assert told.endswith("Nor can losses of different questions be compared.")


def test_an_encoder_is_said_to_be_asked_what_it_learned(learning):
    models = dict.fromkeys(("masked", "mixed", "next", "replaced"), "Transformer")
    shares = {"masked": (1.0, 0.0, 0.0), "mixed": (0.5, 0.5, 0.0), "next": (0.0, 1.0, 0.0), "replaced": (0.0, 0.0, 1.0)}
    names = ("objective.masked", "objective.causal", "objective.detection")
    settings = [(model, *one) for model in shares for one in zip(names, map(str, shares[model]), strict=True)]
    settings += [("replaced", "mask_rate", "0.3"), ("replaced", "final_mask_rate", "0.4")]
    run = learning(models, settings)
    figure = curve.curves(run.curves, curve.asked(run), plot.looks(run.trained), unigram_loss=7.0)
    drawn = {axis.get_title(): {line.get_label() for line in axis.get_lines()} for axis in figure.axes}
    assert {title.split(" (")[0]: len(lines) for title, lines in drawn.items()} == {
        "loss": 2,
        "masked words predicted right": 2,
        "next words predicted right": 1,
        "words told right, replaced or not": 1,
    }
    assert "word frequencies alone" in drawn["loss (nats per next word)"]
    assert "word frequencies alone" not in drawn["loss (nats per word that may be replaced)"]
    told = curve.curves_caption(run)
    assert "from the others (masked, mixed); the next word" in told
    assert "those before it (next); every word, whether" in told
    assert "as for 40\N{NO-BREAK SPACE}% it may have (replaced)" in told


def test_replaced_words_at_other_shares_are_other_questions(learning):
    models = dict.fromkeys(("few", "many"), "Transformer")
    settings = [
        (model, name, value) for model in models for name, value in (("objective.detection", "1.0"), ("final_mask_rate", "null"))
    ]
    run = learning(models, [*settings, ("few", "mask_rate", "0.15"), ("many", "mask_rate", "0.3")])
    assert len(set(curve.asked(run).values())) == 2


@pytest.mark.parametrize(("share", "said"), [("0.0", "has read undamaged, after"), ("0.1", "has read with some words masked or")])
def test_the_caption_says_whether_a_sentence_that_is_said_again_was_damaged(learning, share, said):
    settings = [("rnn", "masked", share), ("rnn", "dropped", "0.0"), ("other", "masked", "0.5")]
    told = curve.curves_caption(learning({"rnn": "RecurrentReconstruction"}, settings))
    assert said in told
    assert "15" not in told
    assert "masked word" not in told
    assert "mask rate" not in told


def test_every_network_of_this_study_is_known_by_what_it_is_asked():
    networks = {kind.__name__ for kind in vars(model).values() if isinstance(kind, type) and issubclass(kind, Schedule)}
    assert networks == set(curve.ASKED)


def test_costs_place_models_without_training_at_none(make_run):
    run = Run.read(make_run())
    heads = plot.headline_rows(comparison.main_scores(run))
    figure = curve.costs(heads, {"cbow": 40.0, "transformer": 400.0}, plot.looks([*run.trained, *run.controls]))
    assert len(figure.axes) == 4
    axis = figure.axes[0]
    assert sorted({float(container[0].get_xdata()[0]) for container in axis.containers}) == [curve.SHORTEST, 40.0, 400.0]
    assert axis.xaxis.get_major_formatter()(curve.SHORTEST, None) == "none"


def test_numbers_or_none():
    assert curve.numbers(["2", "1e-3"]) == [2.0, 0.001]
    assert curve.numbers(["2", "fold"]) is None


@pytest.mark.parametrize(("values", "lines"), [(["2", "5"], True), (["fold", "keep"], False)])
def test_a_swept_number_gives_lines_and_a_name_gives_dots(values, lines):
    rows = [(point, "cbow", "word", "simlex", "pair", "spearman", 0.1, 0.0, 0.2, 0.0) for point in ("0", "1")]
    columns = ["point", "model", "view", "task", "question", "metric", "value", "low", "high", "chance"]
    scores = pd.DataFrame(rows, columns=columns)
    figure = curve.sweep(scores, dict(zip("01", values, strict=True)), {"0": "", "1": ""}, "key", plot.looks(["cbow"]))
    (axis,) = figure.axes
    assert [label.get_text() for label in axis.get_xticklabels()] == values
    assert (len(axis.containers) == 0) == lines


def test_a_second_key_gives_panels():
    rows = [(str(n), "cbow", "word", "simlex", "pair", "spearman", 0.1, 0.0, 0.2, 0.0) for n in range(4)]
    columns = ["point", "model", "view", "task", "question", "metric", "value", "low", "high", "chance"]
    x = {"0": "2", "1": "5", "2": "2", "3": "5"}
    others = {"0": "seed=1", "1": "seed=1", "2": "seed=2", "3": "seed=2"}
    figure = curve.sweep(pd.DataFrame(rows, columns=columns), x, others, "window", plot.looks(["cbow"]))
    assert [axis.get_title() for axis in figure.axes] == ["simlex\nseed=1", "simlex\nseed=2"]
