import re

import pandas as pd
import pytest

from study.report import mechanics
from study.report.album import Album, Drawn
from study.report.factors import contrasts
from study.report.measures import head_accuracy
from study.report.mechanics import TITLE, section
from study.report.run import Run
from tests.report.measured_run import measured_run, with_rates
from tests.report.run_folder import write_run

OPENING = [
    "1 Gradient at queries and keys",
    "1 Entropy of attention",
    "1 Loss by width",
    "2 Change of the output, words shuffled",
    "2 Loss by kind of positions",
    "3 Loss by depth",
    "4 What single heads tell of a word’s frequency",
    "5 Loss by attention and MLP",
]


class Figures(Album):
    """An album that keeps the figures and captions themselves, and saves none."""

    def __init__(self):
        self.kept = {}

    def add(self, name, caption, figure):
        self.kept |= {name: (figure, caption)} if figure is not None else {}
        return [Drawn(name, caption, "")] if figure is not None else []

    def panels(self, name):
        return {re.sub(r"\n.*", "", axis.get_title()): axis for axis in self.kept[name][0].axes}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return measured_run(lambda name, **settings: write_run(tmp_path_factory.mktemp("run") / name, **settings))


@pytest.fixture(scope="module")
def album():
    return Figures()


@pytest.fixture(scope="module")
def made(run, album):
    return section(run, album)


def test_the_first_figure_has_a_panel_for_every_claim(made, album):
    assert made.title == TITLE
    assert [figure.name for figure in made.figures] == ["mechanics", "mechanics-scaling", "mechanics-depth", "mechanics-heads"]
    assert list(album.panels("mechanics")) == OPENING
    assert all(axis.has_data() for name in album.kept for axis in album.panels(name).values())
    assert "one seed" in album.kept["mechanics"][1]
    assert "layer normalisation bends" in album.kept["mechanics"][1]
    assert "With uniform the order of words is lost too" in album.kept["mechanics"][1]
    assert made.tables == ()  # what is in sight stands above the figures: the first figure is to answer


def test_panels_show_what_was_measured(made, album):
    shown = album.panels("mechanics")
    lines = {line.get_label(): line for line in shown[OPENING[0]].lines}
    assert list(lines["not divided, trained"].get_xdata()) == [16, 256]
    assert list(lines["not divided, trained"].get_ydata()) == pytest.approx([4, 16])
    assert [tick.get_text() for tick in shown[OPENING[3]].get_yticklabels()] == ["rotary", "none", "learned"]
    depth = {line.get_label(): line for line in shown[OPENING[5]].lines}
    positions = shown[OPENING[4]]
    assert [tick.get_text() for tick in positions.get_yticklabels()] == ["rotary", "none", "learned"]
    assert depth["residual=false"].get_ydata()[1] - depth["full"].get_ydata()[1] == pytest.approx(0.4, abs=0.02)
    assert depth["before training"].get_ydata()[0] == pytest.approx(6.6, abs=0.1)


def test_a_figure_says_where_training_gains_too_little_to_compare(made, album, make_run):
    weak = Figures()
    section(measured_run(make_run, gain=0.001), weak)
    said = "full minus untrained is below the minimum detectable effect"
    titles = {
        figure: [axis.get_title() for axis in one.kept["mechanics"][0].axes] for figure, one in (("weak", weak), ("", album))
    }
    titles = {figure: [" ".join(title.split()) for title in found] for figure, found in titles.items()}
    assert sum(said in title for title in titles["weak"]) == 4
    assert not any(said in title for title in titles[""])


def test_heads_are_those_of_one_training_as_their_numbers_mean_nothing_in_another(make_run, album):
    run, figures = measured_run(make_run, seeds=3), Figures()
    later = run.head_probes["seed"] > 0
    run.head_probes.loc[later, "value"] = 0.9
    section(run, figures)
    for name in ("mechanics", "mechanics-heads"):
        assert "Heads are those of the first training" in figures.kept[name][1]
        assert "first training" not in album.kept[name][1]
    assert head_accuracy(run)["seeds"].unique() == [1]
    assert head_accuracy(run)["value"].max() < 0.9


@pytest.mark.parametrize(
    ("absent", "left"),
    [
        (("losses", "gradients"), [OPENING[1], OPENING[3], OPENING[6]]),
        (("losses", "gradients", "attention_spread", "head_probes"), [OPENING[3]]),
    ],
)
def test_without_an_instrument_its_panels_are_left_out(make_run, absent, left):
    album = Figures()
    section(measured_run(make_run, without=absent), album)
    assert list(album.panels("mechanics")) == left


def test_a_run_without_instruments_has_no_such_section(make_run):
    made = section(Run.read(make_run()), Figures())
    assert [*made.figures, *made.tables, *made.folded] == []


def test_the_claims_stand_beside_figures_and_get_no_verdict(made):
    told = {row.cells[0].text: row.cells[2].text for row in made.folded[0].rows}
    assert list(told) == ["1 scaling", "2 order", "3 depth", "4 heads", "5 MLP"]
    assert "4.00 where √d is 4, 16.00 where √d is 16" in told["1 scaling"]
    assert "none 0.000 (0.000–0.000), learned 0.800" in told["2 order"]
    assert re.search(r"residual=false at blocks=8 \+0\.[34]", told["3 depth"])
    assert "on the class of frequency of the word before: 0.350 (1.1) to 0.500 (2.4), before training" in told["4 heads"]
    assert "activation=linear" in told["5 MLP"]
    assert "layer normalisation" in made.folded[0].caption
    assert not re.search(r"\b(holds|wrong|right|confirmed|refuted)\b", " ".join(told.values()))


def test_tables_hold_every_contrast_and_every_measure_over_seeds(make_run):
    run, album = measured_run(make_run, seeds=2), Figures()
    made = section(run, album)
    assert len(made.folded[1].rows) == len(contrasts(run))
    names = [f"mechanics-{name}" for name in ("claims", "differences", "loss", "scaling", "order", "heads")]
    assert [table.name for table in made.folded] == names
    assert all((table.frame["seeds"] == 2).all() for table in made.folded[2:-1])
    assert (made.folded[-1].frame["seeds"] == 1).all(), "heads of one training"
    assert "2 seeds" in album.kept["mechanics"][1]


def test_learning_rates_of_their_own_are_told(run, made, album):
    apart, figures = with_rates(run, {"no_positions": "0.008"}), Figures()
    table = section(apart, figures).folded[1]
    rows = table.frame[table.frame["part"] == "positions"].set_index("change")[["rate", "rate of the full one"]]
    assert rows.T.to_dict("list") == {"positions=none": ["0.008", "0.002"], "positions=learned": ["0.002", "0.002"]}
    assert "Learning rates differ" in table.caption
    assert "but for learning rates" in figures.kept["mechanics"][1]
    assert "different learning rates" in figures.kept["mechanics-scaling"][1]
    assert "rate" not in made.folded[1].frame
    assert not any("learning rate" in caption for _, caption in album.kept.values())


def test_losses_are_drawn_with_the_intervals_of_their_differences(run):
    pairs = contrasts(run)
    shown = mechanics.beside(mechanics.losses(run), pairs).set_index(["model", "stage"])
    pair, row = pairs.set_index("model").loc["linear"], shown.loc[("linear", "trained")]
    assert row["high"] - row["low"] == pytest.approx(pair["high"] - pair["low"])
    assert shown.loc[("reference", "trained"), "low"] == shown.loc[("reference", "trained"), "value"]


def test_the_answer_is_what_share_of_the_gain_is_gone_with_each_change(run):
    pairs = contrasts(run)
    assert mechanics.answer(pairs.head(0)) == ""
    row = pairs.iloc[0]
    one = pairs.head(1).assign(share=0.354, scale=0.5, low=0.1, high=0.2)
    told = f"{row['part'].capitalize()} (of 0.50): {row['change']} 35\N{NO-BREAK SPACE}% at {row['at']}"
    assert mechanics.answer(one).endswith(f"{told}.")
    assert mechanics.answer(one.assign(low=-0.1)).endswith(f"{told} (not told from 0).")
    assert mechanics.answer(one.assign(share=float("nan"))) == ""


def test_the_answer_names_a_change_once_with_its_share_of_each_gain(run):
    pairs = contrasts(run)
    two = pd.concat([pairs.head(1)] * 2).assign(at=["width=32", "width=64"], share=[0.5, 0.25], scale=[1.0, 2.0], low=0.1)
    space = "\N{NO-BREAK SPACE}"
    told = f"{pairs['change'].iloc[0]} 50{space}% of 1.00 at width=32, 25{space}% of 2.00 at width=64."
    assert mechanics.answer(two).endswith(told)
