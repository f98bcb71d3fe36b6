import numpy as np
import pandas as pd
import pytest
from scipy import stats

from study.report import bottleneck, plot
from study.report.album import Album, Section
from study.report.run import Run

MODELS = {"rnn": 0.0, "transformer": 0.1, "untrained": 0.0}
ENDS = [(1, 5), (6, 10), (11, 20)]


def reconstruction(seeds: int) -> pd.DataFrame:
    rows = []
    for model in MODELS:
        for seed in range(seeds):
            for place, (shortest, longest) in enumerate(ENDS):
                share = {"rnn": 0.9 - 0.3 * place, "transformer": 0.95, "untrained": 0.06}[model] + 0.01 * seed
                row = {"model": model, "seed": seed, "shortest": shortest, "longest": longest, "sentences": 20, "words": 100}
                for name, value in (("frequent", 0.05), ("forced", share), ("generated", share)):
                    row |= {name: value, f"{name}_low": value - 0.02, f"{name}_high": value + 0.03}
                rows.append(row)
    return pd.DataFrame(rows)


def curves(seeds: int) -> pd.DataFrame:
    """Return two looks at the development part, and between them a moment of training: the RNN's loss still falls."""
    rows = []
    for model, fall in (("rnn", 0.3), ("transformer", 0.01)):
        for seed in range(seeds):
            rows += [(model, seed, 1e6, 4.0), (model, seed, 1.1e6, None), (model, seed, 1.2e6, 4.0 - fall - 0.1 * seed)]
    return pd.DataFrame(rows, columns=["model", "seed", "words_seen", "validation_loss"]).assign(
        seconds=1.0, loss=4.0, masked_accuracy=0.2
    )


@pytest.fixture
def said_again(make_run):
    """Return a function that makes a run of models that say sentences again, with so many seeds."""

    def make(seeds: int = 1) -> Run:
        folder = make_run(f"{seeds}", models=MODELS, families=("similarity",), seeds=seeds)
        reconstruction(seeds).to_csv(folder / "reconstruction.csv", index=False)
        models = pd.read_csv(folder / "models.csv")
        kinds = {
            "rnn": "RecurrentReconstruction",
            "transformer": "TransformerReconstruction",
            "untrained": "TransformerReconstruction",
        }
        models["kind"] = models["model"].map(kinds)
        models["words_per_second"] = models["model"].map({"rnn": 3000.0, "transformer": 12_000.0})
        models["operations_per_word"] = models["model"].map({"rnn": 4e6, "transformer": 6.5e6})
        models.loc[models["model"] == "untrained", "words_seen"] = 0
        models.to_csv(folder / "models.csv", index=False)
        curves(seeds).to_csv(folder / "curves.csv", index=False)
        places = [("rnn", "cell", "lstm"), ("transformer", "positions", "rotary"), ("untrained", "positions", "learned")]
        pd.DataFrame(places, columns=["model", "setting", "value"]).to_csv(folder / "settings.csv", index=False)
        return Run.read(folder)

    return make


def test_a_run_without_reconstruction_has_no_such_section(make_run, tmp_path):
    assert bottleneck.section(Run.read(make_run()), {}, Album(tmp_path)) == Section(bottleneck.TITLE)


def test_the_answer_is_how_far_each_model_falls_and_at_what_pace_it_read(said_again, tmp_path):
    run = said_again()
    section = bottleneck.section(run, plot.looks([*run.trained, *run.controls]), Album(tmp_path))
    assert "sentences of 1–5 words to those of 11–20: rnn from 0.90 to 0.30, transformer from 0.95 to 0.95" in section.answer
    assert (
        "of the latter always the most frequent word 0.05, the untrained transformer 0.06. Not trained out: rnn."
        in section.answer
    )
    assert "untrained transformer from" not in section.answer
    assert section.answer.endswith("Words a second in training: rnn 3,000 (serial), transformer 12,000 (parallel).")
    assert (tmp_path / "reconstruction.png").is_file()


def test_the_caption_says_which_training_was_not_done(said_again):
    def told(curves, *models):
        return bottleneck.unfinished(bottleneck.falling(curves, models))

    one, three = (told(said_again(seeds).curves, "rnn", "transformer") for seeds in (1, 3))
    assert "Not trained out: rnn (0.30). " in one
    assert "in the last 0.20 million words" in one
    assert "rnn (0.40), transformer (0.11)" in three, "means over seeds"
    assert "No model" in told(said_again(2).curves.assign(validation_loss=4.0), "rnn")


@pytest.mark.parametrize("kept", [0, 1])
def test_without_two_looks_nothing_is_said_of_the_training(said_again, kept):
    assert bottleneck.unfinished(bottleneck.falling(said_again().curves.head(kept), ["rnn"])) == ""


def test_the_caption_says_on_what_the_models_were_timed_and_what_a_word_costs(said_again):
    told = bottleneck.machine(bottleneck.speed(said_again()))
    assert told == "Timed on cpu, 2 threads. Millions of operations a word, in products of matrices: rnn 4.0, transformer 6.5."


def test_only_trained_transformers_are_said_to_be_told_of_places(said_again):
    run = said_again()
    assert bottleneck.places(run, bottleneck.speed(run)) == f"transformer {bottleneck.PLACES['rotary']}."


def test_the_untrained_line_says_what_was_not_trained(said_again):
    run = said_again()
    figure = bottleneck.draw(bottleneck.by_length(run), bottleneck.speed(run), plot.looks([*run.trained, *run.controls]))
    drawn = [line.get_label() for line in figure.axes[0].get_lines()]
    assert drawn == ["rnn", "transformer", "untrained transformer", bottleneck.FLOOR]


def test_seeds_are_averaged_and_their_spread_widens_the_interval(said_again):
    one, three = (bottleneck.by_length(said_again(seeds)) for seeds in (1, 3))
    mine = [table[(table["model"] == "rnn") & (table["measure"] == "forced")].iloc[0] for table in (one, three)]
    assert [row["value"] for row in mine] == pytest.approx([0.9, 0.91])
    assert (mine[0]["low"], mine[0]["high"]) == pytest.approx((0.88, 0.93))
    spread = stats.t.ppf(0.975, 2) * 0.01 / np.sqrt(3)
    assert mine[1]["value"] - mine[1]["low"] == pytest.approx(np.hypot(0.02, spread))


def test_intervals_of_shares_end_at_nothing_and_all(said_again):
    run = said_again(3)
    spread = run.reconstruction["seed"] * 0.02
    run.reconstruction["forced"], run.reconstruction["generated"] = 0.97 + spread / 2, 0.01 + spread / 2
    ends = bottleneck.by_length(run)[["low", "high"]]
    assert ends["low"].min() == 0
    assert ends["high"].max() == 1


def test_speeds_say_who_reads_serially_and_leave_out_what_was_not_trained(said_again):
    speeds = bottleneck.speed(said_again())
    assert list(zip(speeds["model"], speeds["reads"], strict=True)) == [("rnn", "serial"), ("transformer", "parallel")]
    table = bottleneck.speed_table(speeds)
    assert [row.cells[3].text for row in table.rows] == ["3,000", "12,000"]


def test_the_table_has_a_row_for_each_model_and_length_with_the_floor(said_again):
    table = bottleneck.length_table(bottleneck.by_length(said_again()))
    assert list(table.frame["length"]) == ["1–5", "6–10", "11–20"] * 3
    assert set(table.frame[bottleneck.FLOOR]) == {0.05}
    assert table.frame.iloc[2][bottleneck.MEASURES["generated"]] == pytest.approx(0.3)


def test_the_lines_go_through_the_middle_of_each_range(said_again):
    run = said_again()
    figure = bottleneck.draw(bottleneck.by_length(run), bottleneck.speed(run), plot.looks([*run.trained, *run.controls]))
    drawn = {line.get_label(): line for line in figure.axes[0].get_lines()}
    assert list(drawn["rnn"].get_xdata()) == [3.0, 8.0, 15.5]
    assert list(drawn[bottleneck.FLOOR].get_ydata()) == pytest.approx([0.05] * 3)
    assert len(figure.axes) == 3
