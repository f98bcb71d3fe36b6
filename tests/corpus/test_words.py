import time
import unicodedata

import pytest

from study.contracts import StudyError
from study.corpus.words import UNICODE, WHITESPACE, rule

TEXTS = [
    "Dr. No isn't here. Who is?",
    "It’s 5 o'clock 'quoted' rock''n''roll x-ray. '90s",
    "中国人。他说“好。”然后？ひらがな が ラーメン",
    "हिन्दी में। यह एक वाक्य है। ประเทศไทย ที่ สวัสดี",
    "He said: “Stop!” “Why?” she asked. (No answer.) Then nothing…",
    "cafe\u0301 na\u00efve co\u00adoperate می‌خواهم 👩‍🔬 ⚠\ufe0f x² Ⅳ",
    "",
    " \n\n. . ! \n",
    "одно. Два! три? Τρία; ὀκτώ· ok.\u2028new line\x85more",
]


def words(text, splitting=UNICODE):
    return [[token.word for token in sentence] for sentence in splitting.split(text)]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Dr. No isn't here. Who is?", ["Dr No isn't here", "Who is"]),
        ("J. R. R. Tolkien wrote. So did I. Then he left.", ["J R R Tolkien wrote", "So did I", "Then he left"]),
        (
            "The U.S. Army left. See fig. 5 and No. 5. Oh no. Five came.",
            ["The U S Army left", "See fig 5 and No 5", "Oh no", "Five came"],
        ),
        (
            "We saw e.g. this, i.e. That. And 3.5 more... and more. 12 came",
            ["We saw e g this i e That", "And 3 5 more and more", "12 came"],
        ),
        ("“Stop!” “Why?” she asked. (No.) Then", ["Stop", "Why she asked", "No", "Then"]),
        ("Vitamin b. The 2.5. Fine", ["Vitamin b", "The 2 5", "Fine"]),
        ("one\ntwo\n\nthree.\r\nFour", ["one", "two", "three", "Four"]),
        ("Foo. «Bar» baz. Élan. école", ["Foo", "Bar baz", "Élan école"]),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text, sentences):
    assert [" ".join(sentence) for sentence in words(text)] == sentences


def test_ideographs_are_words_and_their_full_stops_need_no_space():
    assert words("他说“好。”然后？ひら ラー") == [["他", "说", "好"], ["然", "后"], ["ひ", "ら", "ラ", "ー"]]


def test_combining_marks_and_joiners_stay_in_their_word():
    assert words("हिन्दी में। ประเทศไทย ที่ می‌خواهم") == [["हिन्दी", "में"], ["ประเทศไทย", "ที่", "می‌خواهم"]]


def test_forms_are_normalised_and_punctuation_is_no_word():
    assert words("don’t cafe\u0301 co\u00adoperate 'tis — dogs' ⚠\ufe0f _x_") == [
        ["don't", "café", "cooperate", "tis", "dogs", "x"]
    ]


def test_every_letter_mark_and_number_can_stand_in_a_word_and_nothing_else():
    for point in range(0x30000):
        character = chr(point)
        kind = unicodedata.category(character)[0]
        found = UNICODE.words(f"a{character}")
        if kind in "LMN":
            assert "".join(token.word for token in found) == unicodedata.normalize("NFC", f"a{character}"), hex(point)
        elif point not in (0xAD, 0x200C, 0x200D) and unicodedata.category(character) != "Cn":
            assert [token.stop for token in found] == [1], hex(point)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("splitting", [UNICODE, WHITESPACE])
def test_the_fast_path_splits_as_the_one_with_offsets(splitting, text):
    assert [[splitting.normalise(word) for word in sentence] for sentence in splitting.raw_sentences(text)] == words(
        text, splitting
    )


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("splitting", [UNICODE, WHITESPACE])
def test_offsets_point_at_the_words_and_one_sentence_has_the_same_words(splitting, text):
    tokens = [token for sentence in splitting.split(text) for token in sentence]
    assert all(splitting.normalise(text[token.start : token.stop]) == token.word for token in tokens)
    assert splitting.words(text) == tokens


def test_text_that_is_split_already_stays_so():
    assert words("A , b .\n\n c-d don’t", WHITESPACE) == [["A", ",", "b", "."], ["c-d", "don’t"]]


@pytest.mark.parametrize("unit", [".", ". ", 'a. "', '."', ".\n", " ", "a'", "。", "a.b.", "中"])
def test_time_grows_with_the_text_and_not_with_its_square(unit):
    start = time.process_time()
    list(UNICODE.raw_sentences(unit * 100_000))
    assert time.process_time() - start < 2


def test_an_unknown_rule_is_refused():
    with pytest.raises(StudyError, match="unicode or whitespace, found 'spaces'"):
        rule("spaces")
