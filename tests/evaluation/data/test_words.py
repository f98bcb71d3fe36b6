import numpy as np
import pandas as pd

from study.contracts import Questions
from study.evaluation.data.words import bag_of_words


def test_words_are_counted_with_and_without_the_target():
    questions = Questions("target", [["The", "old", "the", "bank"], ["bank"]], np.array([[0, 3, 4], [0, 0, 1]]), pd.DataFrame())
    assert bag_of_words(questions, target=False).todense().tolist() == [[2, 1, 0], [1, 1, 1]]
    assert sorted(bag_of_words(questions, target=True).sum(0).tolist()[0]) == [2, 2, 4]
