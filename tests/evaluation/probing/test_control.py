import numpy as np
import pandas as pd

from study.contracts import Questions
from study.evaluation.probing import control


def questions(**columns) -> Questions:
    sentences = [["The", "bank", "is", "Wet"], ["the", "wet", "river", "bank"]]
    places = np.array([(0, 0, 1), (1, 0, 1), (0, 3, 4), (1, 1, 2), (1, 2, 4)])
    return Questions("target", sentences, places, pd.DataFrame({"place": np.arange(5), **columns}))


def test_a_type_is_the_targets_words_in_lower_case():
    assert control.types(questions()).tolist() == ["the", "the", "wet", "wet", "river bank"]


def test_a_pair_is_a_type_of_its_own():
    kinds = control.types(questions(other=[2, 3, 4, 4, 0]))
    assert kinds[0] == kinds[1] != kinds[2]
    assert kinds[2] == kinds[3]
    assert len(set(kinds)) == 3


def test_every_type_has_one_label_drawn_from_the_real_ones():
    rng = np.random.default_rng(0)
    kinds = np.array([f"w{n}" for n in rng.integers(0, 2000, 6000)])
    codes = rng.choice(3, size=6000, p=[0.7, 0.3, 0.0])
    drawn = control.labels(kinds, codes, np.ones(6000, dtype=bool), classes=3, seed=0)
    table = pd.DataFrame({"kind": kinds, "label": drawn})
    assert (table.groupby("kind")["label"].nunique() == 1).all()
    assert abs(table.groupby("kind")["label"].first().eq(0).mean() - 0.7) < 0.04
    assert 2 not in drawn
    assert (drawn == control.labels(kinds, codes, np.ones(6000, dtype=bool), classes=3, seed=0)).all()
    assert (drawn != control.labels(kinds, codes, np.ones(6000, dtype=bool), classes=3, seed=1)).any()


def test_only_items_that_teach_make_the_distribution():
    kinds = np.arange(200).astype(str)
    codes = np.array([0] * 100 + [1] * 100)
    assert set(control.labels(kinds, codes, codes == 0, classes=2, seed=0)) == {0}
