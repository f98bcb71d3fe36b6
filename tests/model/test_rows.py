import gzip
import struct

import gensim
import numpy as np
import pandas as pd
import pytest

from study.contracts import StudyError
from study.model.rows import LINES, array_rows, binary_rows, text_rows

WORDS = ["the", "New", "naïve", "😀", "1990"]
VECTORS = np.array([[0.5, -1e-7, 3], [0.1, 2.5e20, -0.25], [1 / 3, 7, -9.75], [0, 1, 2], [4, 5, 6]], np.float32)


def text(vectors=VECTORS, words=WORDS, end="\n"):
    return "".join(f"{word} {' '.join(map(str, row))}{end}" for word, row in zip(words, vectors.tolist(), strict=True))


def written(folder, content, name="vectors.txt"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(pieces):
    pieces = list(pieces)
    return [word.decode() for piece in pieces for word in piece.words], np.concatenate([piece.vectors for piece in pieces])


def assert_read(pieces, words=WORDS, vectors=VECTORS):
    found, array = read(pieces)
    assert found == words
    assert array.dtype == np.float32
    assert (array == vectors).all()


@pytest.mark.parametrize("end", ["\n", " \n", "\r\n"], ids=["plain", "space at the end", "carriage return"])
def test_text_is_read_with_and_without_a_first_line(tmp_path, end):
    assert_read(text_rows(written(tmp_path, f"5 3{end}{text(end=end)}"), headed=True))
    assert_read(text_rows(written(tmp_path, text(end=end)), headed=False))


def test_text_may_be_compressed_separated_by_tabs_begin_with_a_mark_and_end_in_blank_lines(tmp_path):
    content = b"\xef\xbb\xbf5 3\n" + text().replace(" ", "\t").encode() + b"\n\n"
    assert_read(text_rows(written(tmp_path, gzip.compress(content), "vectors.vec.gz"), headed=True))


def test_words_may_hold_spaces_and_numbers_a_plus(tmp_path):
    words = [". . .", "at name@domain.com", "n o", "x", "y"]
    assert_read(text_rows(written(tmp_path, text(words=words)), headed=False), words)
    assert_read(text_rows(written(tmp_path, "a +0.5 1\n"), headed=False), ["a"], np.array([[0.5, 1]], np.float32))


def test_rows_come_in_pieces_that_know_their_place(tmp_path):
    words = [f"w{number}" for number in range(2 * LINES + 7)]
    vectors = np.random.default_rng(0).standard_normal((len(words), 3)).astype(np.float32)
    pieces = list(text_rows(written(tmp_path, f"{len(words)} 3\n{text(vectors, words)}"), headed=True))
    assert [len(piece.words) for piece in pieces] == [LINES, LINES, 7]
    assert pieces[2].place(6).endswith(f"vectors.txt:{len(words) + 1}")
    assert 0 < pieces[0].share < pieces[2].share == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("2 3\na 1 2 3\nb 1 2\n", r"txt:3: expected a word and 3 numbers, found 2 numbers in 'b 1 2'"),
        ("2 3\na 1 2 3\nb 1 2 3 4\n", r"txt:3: expected a word and 3 numbers, found 4 numbers"),
        ("2 3\na 1 2 3\nb 1 two 3\n", r"txt:3: expected a number, found 'two'"),
        ("2 3\n\nb 1 2 3\n", r"txt:2: expected a word and 3 numbers, found 0 numbers"),
        ("3 3\na 1 2 3\nb 1 2 3\n", r"txt:1: the first line promises 3 words, the file holds 2"),
        ("1 3\na 1 2 3\nb 1 2 3\n", r"txt:1: the first line promises 1 words, the file holds 2"),
        ("1 99999999999\na 1 2 3\n", r"txt:1: expected the number of words and the size of their vectors"),
        ("a 1 2 3\n", r"txt:1: expected the number of words and the size .* found 'a 1 2 3'"),
    ],
)
def test_damaged_text_is_refused_with_its_line(tmp_path, content, message):
    with pytest.raises(StudyError, match=message):
        read(text_rows(written(tmp_path, content), headed=True))


def test_the_line_of_a_fault_is_right_in_later_pieces(tmp_path):
    content = text(np.ones((LINES + 9, 3)), ["w"] * (LINES + 9)) + "w 1 x 1\n"
    with pytest.raises(StudyError, match=rf"txt:{LINES + 10}: expected a number, found 'x'"):
        read(text_rows(written(tmp_path, content), headed=False))


def test_text_without_numbers_and_compressed_text_that_breaks_off_are_refused(tmp_path):
    with pytest.raises(StudyError, match=r"txt:1: expected a word and its numbers, found 'Some prose\.'"):
        read(text_rows(written(tmp_path, "Some prose.\n"), headed=False))
    with pytest.raises(StudyError, match=r"vectors\.gz: damaged or incomplete"):
        read(text_rows(written(tmp_path, gzip.compress(text().encode())[:-9], "vectors.gz"), headed=False))


def binary(vectors=VECTORS, words=WORDS, between=b"\n", count=None):
    rows = (word.encode() + b" " + struct.pack(f"<{len(row)}f", *row) for word, row in zip(words, vectors, strict=True))
    return f"{count or len(words)} {vectors.shape[1]}\n".encode() + between.join(rows) + between


@pytest.mark.parametrize("between", [b"\n", b""], ids=["word2vec", "gensim"])
def test_binary_is_read_as_word2vec_and_as_gensim_write_it(tmp_path, between):
    assert_read(binary_rows(written(tmp_path, binary(between=between))))


def test_binary_agrees_with_gensim_over_many_pieces(tmp_path):
    words = [f"w{number}" for number in range(9000)]
    vectors = np.random.default_rng(0).standard_normal((9000, 50)).astype(np.float32)
    keyed = gensim.models.KeyedVectors(50)
    keyed.add_vectors(words, vectors)
    keyed.save_word2vec_format(tmp_path / "v.bin", binary=True)
    pieces = list(binary_rows(tmp_path / "v.bin"))
    assert len(pieces) > 1
    assert_read(pieces, words, vectors)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (binary()[:-3], "word 5 of 5: it breaks off"),
        (binary(count=6), "word 6 of 6: it breaks off"),
        (binary(count=4), "promises 4 words of 3 numbers, but the file goes on"),
        (b"5 3\n" + b"x" * (1 << 20), "word 1 of 5: no such word"),
        (b"no numbers\n", "txt:1: expected the number of words"),
    ],
)
def test_damaged_binary_is_refused_with_the_word(tmp_path, content, message):
    with pytest.raises(StudyError, match=message):
        read(binary_rows(written(tmp_path, content)))


@pytest.mark.parametrize("dtype", ["<f4", "<f8", ">f4"])
def test_arrays_are_read_with_the_words_beside_them(tmp_path, dtype):
    np.save(tmp_path / "v.npy", VECTORS.astype(dtype))
    assert_read(array_rows(tmp_path / "v.npy", written(tmp_path, "\r\n".join(WORDS), "words.txt")))
    pd.DataFrame({"word": WORDS}).to_parquet(tmp_path / "words.parquet")
    assert_read(array_rows(tmp_path / "v.npy", tmp_path / "words.parquet"))


@pytest.mark.parametrize("words", [WORDS[:4], [*WORDS, "more"]])
def test_arrays_and_words_must_be_equally_many(tmp_path, words):
    np.save(tmp_path / "v.npy", VECTORS)
    with pytest.raises(StudyError, match=rf"words\.txt: expected a word for each of the 5 rows of v\.npy, found {len(words)}"):
        read(array_rows(tmp_path / "v.npy", written(tmp_path, "\n".join(words) + "\n", "words.txt")))


def test_arrays_of_objects_of_whole_numbers_and_broken_ones_are_refused(tmp_path):
    words = written(tmp_path, "a\nb\n", "words.txt")
    np.save(tmp_path / "objects.npy", np.array([[{}], [{}]]), allow_pickle=True)
    np.save(tmp_path / "whole.npy", np.ones((2, 3), int))
    np.save(tmp_path / "flat.npy", np.ones(2))
    np.save(tmp_path / "cut.npy", VECTORS)
    written(tmp_path, (tmp_path / "cut.npy").read_bytes()[:-9], "cut.npy")
    np.savez(tmp_path / "archive.npz", a=VECTORS)
    (tmp_path / "archive.npz").rename(tmp_path / "archive.npy")
    for name in ("objects", "cut", "archive"):
        with pytest.raises(StudyError, match=rf"{name}\.npy: not a whole \.npy file of plain numbers"):
            read(array_rows(tmp_path / f"{name}.npy", words))
    for name in ("whole", "flat"):
        with pytest.raises(StudyError, match=rf"{name}\.npy: expected floating-point numbers of shape"):
            read(array_rows(tmp_path / f"{name}.npy", words))


def test_word_lists_in_parquet_must_be_whole_and_have_one_column_of_text(tmp_path):
    np.save(tmp_path / "v.npy", VECTORS)
    pd.DataFrame({"word": WORDS, "other": WORDS}).to_parquet(tmp_path / "two.parquet")
    written(tmp_path, (tmp_path / "two.parquet").read_bytes()[:-9], "cut.parquet")
    with pytest.raises(StudyError, match="one column of text"):
        read(array_rows(tmp_path / "v.npy", tmp_path / "two.parquet"))
    with pytest.raises(StudyError, match=r"cut\.parquet: not a whole Parquet file"):
        read(array_rows(tmp_path / "v.npy", tmp_path / "cut.parquet"))
