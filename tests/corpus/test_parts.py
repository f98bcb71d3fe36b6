import numpy as np
import pytest

from study.contracts import StudyError
from study.corpus.parts import PartsSettings, assign, divided


def settings(development=0.05, test=None, seed=0):
    return PartsSettings(development=development, test=test, seed=seed)


def shares(parts, sizes):
    return [float(sizes[parts == part].sum() / sizes.sum()) for part in range(3)]


def test_parts_have_their_shares_and_the_seed_changes_them():
    sizes = np.random.default_rng(0).integers(1, 200, 2000)
    names = [f"d{number}" for number in range(2000)]
    parts = assign(names, sizes, settings())
    np.testing.assert_allclose(shares(parts, sizes), [0.80, 0.05, 0.15], atol=0.002)
    np.testing.assert_array_equal(parts, assign(names, sizes, settings()))
    assert (parts != assign(names, sizes, settings(seed=1))).mean() > 0.1
    np.testing.assert_allclose(shares(assign(names, sizes, settings(0.2, 0.3)), sizes), [0.5, 0.2, 0.3], atol=0.002)


def test_a_large_corpus_gives_a_smaller_share_to_the_test_part():
    assert settings().test_share(4_999_999) == 0.15
    assert settings().test_share(5_000_000) == 0.10
    assert settings(test=0.0).test_share(10) == 0.0


def test_documents_of_a_group_go_to_the_same_part_and_leave_the_others_in_order():
    sizes = np.random.default_rng(0).integers(1, 200, 2000)
    groups = [f"d{number % 700}" for number in range(2000)]
    parts = assign(groups, sizes, settings())
    for number in range(700):
        assert len(set(parts[number::700].tolist())) == 1
    np.testing.assert_allclose(shares(parts, sizes), [0.80, 0.05, 0.15], atol=0.005)
    joined = np.bincount(np.arange(2000) % 700, weights=sizes)
    np.testing.assert_array_equal(parts[:700], assign(groups[:700], joined, settings()))


def test_one_group_cannot_be_divided():
    with pytest.raises(StudyError, match="1 documents or sentences are too few for 3 parts"):
        assign(["same"] * 50, np.ones(50), settings())


@pytest.mark.parametrize("sizes", [[1, 1, 1], [1000, 1, 1], [1, 1, 1000, 1, 1]])
def test_every_part_with_a_share_has_a_document(sizes):
    parts = assign([str(number) for number in range(len(sizes))], np.array(sizes), settings())
    assert set(parts.tolist()) == {0, 1, 2}


def test_a_part_without_a_share_is_empty():
    parts = assign(["a", "b", "c"], np.ones(3), settings(0.0, 0.0))
    assert parts.tolist() == [0, 0, 0]


def test_too_little_text_is_refused():
    with pytest.raises(StudyError, match="2 documents or sentences are too few for 3 parts"):
        assign(["a", "b"], np.ones(2), settings())


@pytest.mark.parametrize(("development", "test"), [(-0.1, None), (0.5, 0.5), (1.0, None), (0.05, 1.0)])
def test_shares_that_leave_no_training_part_are_refused(development, test):
    with pytest.raises(StudyError, match=r"parts.development and parts.test"):
        settings(development, test).check()


def test_few_documents_are_cut_into_about_a_hundred_blocks_of_whole_sentences():
    lengths = np.random.default_rng(1).integers(1, 40, 5000)
    sentences = np.concatenate([[0], np.cumsum(lengths)])
    documents = np.array([0, 10, 1000, 5000])
    blocks = divided(documents, sentences)
    assert 95 <= len(blocks) - 1 <= 105
    assert set(documents) <= set(blocks)
    assert (np.diff(blocks) > 0).all()
    sizes = np.diff(sentences[blocks])
    assert sizes[5:].max() < 1.5 * sizes[5:].min()


def test_many_documents_stay_whole():
    documents = np.arange(0, 210, 10)
    assert divided(documents, np.arange(0, 2010, 10)) is documents


def test_fewer_sentences_than_blocks_make_a_block_each():
    assert divided(np.array([0, 5]), np.array([0, 9, 10, 11, 12, 13])).tolist() == [0, 1, 2, 3, 4, 5]
