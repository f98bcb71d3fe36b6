import pytest

from study.contracts import StudyError
from study.evaluation.polysemy.cues import known_cues, read_cues
from tests.evaluation.listed_corpus import ListedCorpus

HEADER = "word\tsplit\tsense\tcues\n"


def written(folder, text):
    path = folder / "cues.tsv"
    path.write_text(text, encoding="utf-8")
    return path


def test_senses_are_gathered_by_word(tmp_path):
    (word,) = read_cues(written(tmp_path, HEADER + "bank\ttest\tmoney\tloan debt\nbank\ttest\triver\tshore\n"))
    assert (word.word, word.split, word.cues) == ("bank", "test", {"money": ["loan", "debt"], "river": ["shore"]})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ":1: expected a header"),
        ("bank\ttest\tmoney\tloan\n", ":1: expected a header"),
        (HEADER + "bank\ttest\tmoney\n", ":2: expected word TAB split"),
        (HEADER + "bank\ttraining\tmoney\tloan\n", ":2: expected development or test"),
        (HEADER + "bank\ttest\tmoney\tloan\nbank\tdevelopment\triver\tshore\n", ":3: expected development or test, one of them"),
        (HEADER + "bank\ttest\tmoney\tloan\nbank\ttest\triver\tloan shore\n", r":3: .*found the cues \['loan'\] again"),
        (HEADER + "bank\ttest\tmoney\tloan bank\n", r":2: .*found the cues \['bank'\] again"),
        (HEADER + "bank\ttest\tmoney\tloan loan\n", r":2: .*found the cues \['loan'\] again"),
        (HEADER + "bank\ttest\tmoney\tloan\nbank\ttest\tmoney\tdebt\n", ":3: .*found the sense 'money' again"),
        (HEADER + "bank\ttest\tmoney\tloan\n", "expected two senses of 'bank'"),
    ],
)
def test_faults_name_file_and_line(tmp_path, text, told):
    with pytest.raises(StudyError, match=told):
        read_cues(written(tmp_path, text))


def test_each_sense_keeps_as_many_known_cues_as_the_one_with_fewest(tmp_path):
    text = "bank\ttest\tmoney\tloan debt credit\nbank\ttest\triver\tshore boat\n"
    text += "lost\ttest\ta\tloan debt\nlost\ttest\tb\tshore boat\n"
    words = read_cues(written(tmp_path, HEADER + text))
    corpus = ListedCorpus([(0, ["bank", "bank", "loan", "loan", "debt", "credit", "credit", "shore", "shore", "boat", "boat"])])
    (kept,), dropped = known_cues(words, corpus, most=8, count=2)
    assert kept.cues == {"money": ["loan", "credit"], "river": ["shore", "boat"]}
    assert sorted(dropped.values()) == [1, 2]
    assert known_cues(words, corpus, most=8, count=3)[0] == []
    assert known_cues(words, corpus, most=1, count=1)[0] == []
