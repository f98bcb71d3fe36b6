import numpy as np
import pandas as pd
import pytest

from study.report import attention, plot
from study.report.album import Album
from study.report.page import write
from study.report.run import Run

NASTY = "<b>$x_1$</b>"
MEASURES = list(attention.MEASURES)


def weight_rows(model, *, layers=2, heads=2, words=("the", "bank", NASTY), sentence=1, seed=0, kind="self", all_words=None):
    """Weights of words between two symbols, drawn at random; the second word is marked."""
    keys = ["[]", *words, "[]"]
    queries = keys if kind == "self" else keys[1:]
    weights = np.random.default_rng(heads).dirichlet(np.ones(len(keys)), size=(layers, heads, len(queries)))
    ahead = len(keys) - len(queries)
    table = pd.DataFrame(
        [
            (layer + 1, head + 1, query + ahead, queries[query], key, keys[key], keys[key] == "[]", query + ahead == 2, weight)
            for (layer, head, query, key), weight in np.ndenumerate(weights)
        ],
        columns=["layer", "head", "query_position", "query_word", "key_position", "key_word", "symbol", "target", "weight"],
    )
    told = {"model": model, "seed": seed, "sentence": sentence, "sentence_words": all_words or len(words), "kind": kind}
    return table.assign(**told)


def head_rows(model, *, layers=2, heads=2, seed=0, kind="self", value=1.0):
    rows = [
        (model, seed, kind, layer, head, measure, value, value - 0.1, value + 0.1, 3.0, 50, 900)
        for layer in range(1, layers + 1)
        for head in range(1, heads + 1)
        for measure in MEASURES
    ]
    names = ["model", "seed", "kind", "layer", "head", "measure", "value", "low", "high", "uniform", "sentences", "words"]
    return pd.DataFrame(rows, columns=names)


@pytest.fixture
def attentive_run(make_run):
    """Return a function that gives a run's folder with these tables."""

    def made(weights, heads=(), **settings):
        folder = make_run(**settings)
        pd.concat(weights).to_csv(folder / "attention.csv", index=False)
        if heads:
            pd.concat(heads).to_csv(folder / "attention_heads.csv", index=False)
        return folder

    return made


def drawn(folder):
    run = Run.read(folder)
    return attention.section(run, plot.looks([*run.trained, *run.controls]), Album(folder / "figures"))


def seen(**settings):
    return attention.Map.of(weight_rows("transformer", **settings).sample(frac=1, random_state=0))


def panels_of(figure):
    return [axis for axis in figure.axes if axis.get_title()]


def test_rows_of_a_table_in_any_order_are_the_map():
    rows, found = weight_rows("transformer"), seen()
    assert np.array_equal(found.weights.reshape(-1), rows["weight"])
    assert list(found.queries) == list(found.keys) == ["[]", "the", "bank", NASTY, "[]"]
    assert found.symbols.tolist() == [True, False, False, False, True]
    assert np.flatnonzero(found.targets).tolist() == [2]


def test_a_figure_has_a_panel_for_every_head_with_its_weights_and_words():
    found = seen(heads=3)
    figure = attention.heat_maps(found, *attention.choose(found))
    panels = panels_of(figure)
    assert [axis.get_title() for axis in panels] == [f"layer {layer}, head {head}" for layer in (1, 2) for head in (1, 2, 3)]
    for number, axis in enumerate(panels):
        assert np.array_equal(axis.images[0].get_array(), found.weights[number // 3, number % 3])
        assert len(axis.patches) == 1, "the row of the marked word is framed"
    assert all(axis.images[0].get_clim() == (0, 1) for axis in panels), "all panels have the same colours"
    assert [label.get_text() for label in panels[0].get_yticklabels()] == list(found.queries)
    assert [label.get_text() for label in panels[5].get_xticklabels()] == list(found.keys)
    assert [label.get_color() for label in panels[3].get_xticklabels()] == ["black", "black", attention.MARKED, "black", "black"]
    assert len(figure.axes) == 7, "and a bar of colours"


def test_a_decoder_has_a_row_less_and_marks_the_same_word():
    found = seen(kind="cross", layers=1, heads=1)
    (panel,) = panels_of(attention.heat_maps(found, *attention.choose(found)))
    assert found.weights.shape == (1, 1, 4, 5)
    marked = [
        [label.get_text() for label in labels if label.get_color() == attention.MARKED]
        for labels in (panel.get_xticklabels(), panel.get_yticklabels())
    ]
    assert marked == [["bank"], ["bank"]]


def test_of_a_large_model_layers_are_spread_and_the_heads_that_tell_words_apart_are_chosen():
    weights = np.full((12, 12, 6, 6), 1 / 6)
    telling = {layer: {layer % 12, (layer + 3) % 12, (layer + 5) % 12, (layer + 8) % 12} for layer in range(12)}
    for layer, heads in telling.items():
        weights[layer, sorted(heads)] = np.eye(6)
        weights[layer, (layer + 1) % 12] = np.eye(6)[0]  # all on a symbol: sharp, and tells nothing
    names = ["[]", *"abcd", "[]"]
    large = attention.Map(weights, names, names, np.array([True, *[False] * 4, True]), np.zeros(6, bool))
    layers, chosen = attention.choose(large)
    assert layers == [0, 4, 7, 11]
    assert [set(heads) for heads in chosen] == [telling[layer] for layer in layers]
    assert len(panels_of(attention.heat_maps(large, layers, chosen))) == 16


def test_a_long_sentence_has_fewer_maps_and_they_stay_readable():
    long = seen(words=[f"word{number}" for number in range(40)], layers=6, heads=12)
    layers, chosen = attention.choose(long)
    assert (layers, [len(heads) for heads in chosen]) == ([0, 5], [1, 1])
    figure = attention.heat_maps(long, layers, chosen)
    assert figure.get_figwidth() < 13
    assert figure.get_figheight() / (2 * 42) > 0.15, "a line of text has its height"


def test_the_section_draws_every_sentence_of_every_trained_model(attentive_run):
    weights = [weight_rows(model, sentence=sentence) for model in ("transformer", "untrained") for sentence in (1, 2)]
    folder = attentive_run(
        [*weights, weight_rows("transformer", kind="cross")], [head_rows("transformer"), head_rows("untrained")]
    )
    found = drawn(folder)
    assert found.title == "Attention"
    names = ["attention-transformer-1", "attention-transformer-1-cross", "attention-transformer-2", "attention-heads"]
    assert sorted(figure.name for figure in found.figures) == sorted(names)
    assert found.figures[-1].name == "attention-heads"
    assert f"‘the bank {NASTY}’ (transformer, a sentence’s words look at each other)" in found.figures[0].caption
    assert "framed" in found.figures[0].caption
    assert "layers" not in found.figures[0].caption, "nothing is left out"


def test_captions_say_what_is_left_out(attentive_run):
    large = weight_rows("transformer", layers=6, heads=12, words=("the", "(zebra)"), all_words=9)
    caption = drawn(attentive_run([large, large.assign(seed=1)], seeds=2)).figures[0].caption
    assert "(transformer, seed 0, " in caption
    assert "Words in parentheses are not in the vocabulary." in caption
    assert "Only 2 of the sentence’s 9 words are read. 4 of 6 layers are shown. Of each layer 4 of 12 heads are shown" in caption


def test_words_are_text_and_nothing_else_on_the_page(attentive_run):
    folder = attentive_run([weight_rows("transformer")], [head_rows("transformer")], families=("similarity",))
    page = write(folder).read_text(encoding="utf-8")
    assert "<h2" in page
    assert "Attention</h2>" in page
    assert NASTY not in page
    assert "&lt;b&gt;$x_1$&lt;/b&gt;" in page
    assert NASTY not in (folder / "figures" / "attention-transformer-1.svg").read_text(encoding="utf-8")


def test_heads_are_drawn_by_layer_beside_the_control_and_looking_evenly():
    frame = pd.concat([head_rows("transformer", value=1.5), head_rows("untrained", value=2.5, layers=1)])
    figure = attention.heads(frame, plot.looks(["transformer", "untrained"]))
    assert [axis.get_ylabel() for axis in figure.axes] == ["entropy, nats", "distance, words"]
    for axis in figure.axes:
        points = {bars.get_label(): bars.lines[0].get_xydata() for bars in axis.containers}
        assert points["transformer"][:, 1].tolist() == [1.5] * 4
        assert points["transformer"][:, 0].round().tolist() == [1, 1, 2, 2]
        assert points["untrained"][:, 0].round().tolist() == [1, 1]
        assert len(np.unique(np.concatenate([xy[:, 0] for xy in points.values()]))) == 6, "no head hides another"
        assert [list(line.get_ydata()) for line in axis.lines if line.get_label() == "looking evenly"] == [[3.0, 3.0]]


def test_the_table_has_every_head_with_its_interval(attentive_run):
    weights = [weight_rows("transformer")]
    table = drawn(attentive_run(weights, [head_rows("transformer"), head_rows("untrained", value=2.0)])).tables[0]
    assert [cell.text for cell in table.header][:4] == ["model", "layer", "head", "entropy, nats"]
    cells = [[cell.text for cell in row.cells][:4] for row in table.rows]
    assert cells[0] == ["transformer", "looking evenly", "", "3.00"]
    assert cells[1] == ["transformer", "1", "1", "1.00"]
    assert cells[5] == ["untrained", "looking evenly", "", "3.00"]
    assert len(table.rows) == 10
    assert table.rows[1].cells[3].note == "0.90–1.10"
    assert table.frame["entropy value"].tolist() == [1.0] * 4 + [2.0] * 4


def test_a_long_table_is_folded_away_and_without_attention_there_is_nothing(attentive_run, make_run):
    found = drawn(attentive_run([weight_rows("transformer")], [head_rows("transformer", layers=6, heads=12)]))
    assert (len(found.tables), len(found.folded)) == (0, 1)
    nothing = drawn(make_run("plain"))
    assert [*nothing.figures, *nothing.tables, *nothing.folded] == []
