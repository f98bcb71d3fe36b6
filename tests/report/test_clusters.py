import numpy as np
import pandas as pd
import pytest

from study.report import clusters, write
from study.report.run import Run
from tests.report.run_folder import NASTY

FACTS = {  # (model, view) -> clusters shown, silhouette, null, level
    ("cbow", "word"): (1, 0.0, 0.0, 0.0),
    ("cbow", "context"): (2, 0.5, 0.4, 0.45),
    ("transformer", "input"): (1, 0.0, 0.0, 0.0),
    ("transformer", "layer-1"): (1, 0.1, 0.3, 0.4),
    ("transformer", "layer-2"): (1, 0.2, 0.3, 0.4),
}


@pytest.fixture
def folder(make_run):
    """A run that asked for the clusters of a word, twice with another seed."""
    folder = make_run(seeds=2)
    rng = np.random.default_rng(0)
    examples, points = [], []
    for (model, view), (k, silhouette, null, level) in FACTS.items():
        for seed in (0, 1):
            where = {"family": "polysemy", "task": "word", "model": model, "seed": seed, "view": view}
            facts = {"k": k, "silhouette": silhouette + seed, "null": null, "level": level}
            for number in range(12):
                cluster, sentence = number % k + 1, f"seed {seed} a [bank] {NASTY} {number} " + 40 * "long "
                place = {"example": number // k + 1, "item": str(number), "sentence": sentence, "cluster": cluster}
                if number < 3 * k:
                    examples.append({**where, **facts, **place, "size": 12 // k})
                x, y = (0.0, 0.0) if level == 0 else rng.normal(size=2)
                share = 0.0 if level == 0 else 0.4
                points.append({**where, **place, "part": "training", "x": x, "y": y, "share_x": share, "share_y": share})
    pd.DataFrame(examples).to_csv(folder / "clusters.csv", index=False)
    pd.DataFrame(points).drop(columns="example").to_csv(folder / "points.csv", index=False)
    items = pd.read_parquet(folder / "items.parquet")
    item = items.iloc[:1].assign(task="word", question="cluster", group=f"bank {NASTY}")
    pd.concat([items, item]).to_parquet(folder / "items.parquet", index=False)
    return folder


def test_a_view_with_clusters_is_chosen_first_and_a_type_vector_last(folder):
    run = Run.read(folder)
    views = clusters.chosen(clusters.of_task(run.clusters, "polysemy", "word"))
    assert dict(zip(views["model"], views["view"], strict=True)) == {"cbow": "context", "transformer": "layer-2"}


def test_a_cluster_is_a_row_with_its_sentences_and_none_is_said_plainly(folder):
    run = Run.read(folder)
    assert clusters.words(run) == [("polysemy", "word", f"bank {NASTY}")]
    best, everything = clusters.tables(run, "polysemy", "word", "bank")
    rows = [[cell.text for cell in row.cells[:5]] for row in best.rows]
    assert rows == [
        ["cbow", "2", "0.500", "1", "6"],
        ["cbow", "2", "0.500", "2", "6"],
        ["transformer", clusters.NONE, "0.200", "–", "12"],
    ]
    assert best.rows[0].cells[5].text.startswith("seed 0 a [bank]")
    assert len(best.rows[0].cells[5].note.splitlines()) == 2
    assert len(everything.rows) == 6
    assert "First seed" in best.caption


def test_there_is_a_panel_per_model_and_a_colour_per_cluster(folder):
    figure = clusters.figure(Run.read(folder), "polysemy", "word")
    assert [axis.get_title().splitlines()[0] for axis in figure.axes] == ["cbow · context", "transformer · layer-2"]
    assert [len(axis.collections) for axis in figure.axes] == [2, 1]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["cluster 1", "cluster 2", clusters.NONE]


def test_a_type_vector_is_one_point(folder):
    run = Run.read(folder)
    mine = clusters.of_task(run.clusters, "polysemy", "word")
    views = clusters.chosen(mine[mine["view"] == "word"])
    (axis,) = clusters.draw(clusters.of_task(run.points, "polysemy", "word"), views).axes
    assert "all 12 sentences" in axis.texts[0].get_text()


def test_the_page_escapes_the_sentences(folder):
    page = write(folder).read_text(encoding="utf-8")
    assert NASTY not in page
    assert "[bank]" in page
    assert (folder / "figures" / "polysemy-word-clusters.png").is_file()
