from study.evaluation.similarity.lookup import rows_of


def test_words_are_found_as_written_then_folded_and_of_equal_ones_the_first():
    words = ["oslo", "Rome", "rome", "oslo"]
    written = ["Oslo", "Rome", "rome", "ROME", "Bonn"]
    assert rows_of(words, written, [word.lower() for word in written]).tolist() == [0, 1, 2, 2, -1]
