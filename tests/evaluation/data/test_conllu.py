import pytest

from study.contracts import StudyError
from study.evaluation.data.conllu import ROOT, read
from tests.evaluation.toy_treebank import english_web_treebank, needs_data, tree, written

SENTENCE = """# newdoc id = blog-day
# sent_id = blog-day-0001
# text = They don't know (yet) Yorks.
1\tThey\tthey\tPRON\tPRP\tCase=Nom|Number=Plur\t4\tnsubj\t_\t_
2-3\tdon't\t_\t_\t_\t_\t_\t_\t_\t_
2\tdo\tdo\tAUX\t_\t_\t4\taux\t_\t_
3\tn't\tnot\tPART\t_\t_\t4\tadvmod\t_\t_
4\tknow\tknow\tVERB\t_\t_\t0\troot\t_\t_
5\t(\t(\tPUNCT\t_\t_\t6\tpunct\t_\t_
6\tyet\tyet\tADV\t_\t_\t4\tadvmod\t_\t_
7\t)\t)\tPUNCT\t_\t_\t6\tpunct\t_\t_
7.1\tgone\tgo\tVERB\t_\t_\t_\t_\t_\t_
8\tYork\tYork\tPROPN\t_\t_\t4\tobj\t_\t_
9\ts\ts\tPART\t_\t_\t8\tdep\t_\t_
10\t.\t.\tPUNCT\t_\t_\t4\tpunct\t_\t_

"""


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "one.conllu"
        path.write_text(text)
        return path

    return write


def test_words_have_their_characters_and_those_of_a_contraction_have_none(file):
    (sentence,) = read(file(SENTENCE))
    assert (sentence.name, sentence.document, sentence.line) == ("blog-day-0001", "blog-day", 4)
    found = {word.form: sentence.text[word.start : word.stop] for word in sentence.words if word.start >= 0}
    assert found == {form: form for form in ("They", "know", "(", "yet", ")", "York", "s", ".")}
    assert [word.form for word in sentence.words if word.start < 0] == ["do", "n't"]


def test_columns_and_the_tree_are_read(file):
    (sentence,) = read(file(SENTENCE))
    they = sentence.words[0]
    assert (they.lemma, they.tag, they.fine_tag, they.relation, they.head) == ("they", "PRON", "PRP", "nsubj", 3)
    assert they.features == {"Case": "Nom", "Number": "Plur"}
    assert sentence.root == 3
    assert sentence.words[3].head == ROOT
    assert sentence.dependents[3] == [0, 1, 2, 5, 7, 9]
    assert sentence.paths[8] == [8, 7, 3]
    assert [word.form for word in sentence.words if word.is_mark] == ["(", ")", "."]


def test_a_file_without_a_blank_line_at_its_end_or_a_text_is_read(file):
    text = SENTENCE.replace("# text = They don't know (yet) Yorks.\n", "").replace(
        "5\t(\t(\tPUNCT\t_\t_\t6\tpunct\t_\t_", "5\t(\t(\tPUNCT\t_\t_\t6\tpunct\t_\tSpaceAfter=No"
    )
    first, second = read(file(text + written("b-0002", "Go/VERB/0/root now/ADV/1/advmod").rstrip("\n")))
    assert first.text == "They don't know (yet ) York s ."
    assert (second.text, second.name) == ("Go now", "b-0002")


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("4\tknow\tknow", "4 know know", 8, "the ten columns of CoNLL-U"),
        ("4\tknow", "5\tknow", 8, "expected word 4, found '5'"),
        ("4\tknow", "x\tknow", 8, "the number of a word, found 'x'"),
        ("8\tdep", "_\tdep", 14, "the number of the head .*found '_'"),
        ("8\tdep", "11\tdep", 14, "the head is 11, but the sentence has 10 words"),
        ("8\tdep", "9\tdep", 14, "the heads of 's' lead back to itself"),
        ("8\tdep", "0\tdep", 4, "one word with head 0, found 2"),
        ("Case=Nom|Number=Plur", "Nom", 4, "features Name=Value"),
    ],
)
def test_what_is_no_tree_in_conllu_is_named_with_its_line(file, old, new, line, message):
    assert old in SENTENCE
    path = file(SENTENCE.replace(old, new))
    with pytest.raises(StudyError, match=f"{path}:{line}: .*{message}"):
        read(path)


def test_a_cycle_of_two_words_is_found(file):
    with pytest.raises(StudyError, match="lead back to itself"):
        read(file(written("a-1", "one/NOUN/0/root two/NOUN/3/nmod three/NOUN/2/nmod")))


def test_a_sentence_of_words_is_easy_to_write(tmp_path):
    assert [word.head for word in tree(tmp_path, "Birds/NOUN/2/nsubj sing/VERB/0/root").words] == [1, ROOT]


@pytest.mark.data
@needs_data
def test_the_english_web_treebank_is_read_whole():
    treebank = english_web_treebank()
    assert {split: len(treebank.trees(split)) for split in treebank.files} == {
        "training": 12544,
        "development": 2001,
        "test": 2077,
    }
    words = [(one.text, word) for one in treebank.trees("test") for word in one.words]
    assert len(words) == 25094
    assert all(text[word.start : word.stop] == word.form for text, word in words if word.start >= 0)
    assert 0.96 < sum(word.start >= 0 for _, word in words) / len(words) < 0.98  # the others are parts of contractions
    documents = [{one.document for one in treebank.trees(split)} for split in treebank.files]
    assert not documents[0] & documents[1]
    assert not (documents[0] | documents[1]) & documents[2]
