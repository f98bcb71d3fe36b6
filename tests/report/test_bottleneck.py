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
        models.loc[models["model"] == "untrained", "words_seen"] = 0
        models.to_csv(folder / "models.csv", index=False)
        return Run.read(folder)

    return make


def test_a_run_without_reconstruction_has_no_such_section(make_run, tmp_path):
    assert bottleneck.section(Run.read(make_run()), {}, Album(tmp_path)) == Section(bottleneck.TITLE)


def test_the_caption_says_how_far_each_model_falls(said_again, tmp_path):
    run = said_again()
    section = bottleneck.section(run, plot.looks([*run.trained, *run.controls]), Album(tmp_path))
    (figure,) = section.figures
    assert "sentences of 1–5 words to those of 11–20: rnn from 0.90 to 0.30, transformer from 0.95 to 0.95" in figure.caption
    assert (tmp_path / "reconstruction.png").is_file()


def test_seeds_are_averaged_and_their_spread_widens_the_interval(said_again):
    one, three = (bottleneck.by_length(said_again(seeds)) for seeds in (1, 3))
    mine = [table[(table["model"] == "rnn") & (table["measure"] == "forced")].iloc[0] for table in (one, three)]
    assert [row["value"] for row in mine] == pytest.approx([0.9, 0.91])
    assert (mine[0]["low"], mine[0]["high"]) == pytest.approx((0.88, 0.93))
    spread = stats.t.ppf(0.975, 2) * 0.01 / np.sqrt(3)
    assert mine[1]["value"] - mine[1]["low"] == pytest.approx(np.hypot(0.02, spread))


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
