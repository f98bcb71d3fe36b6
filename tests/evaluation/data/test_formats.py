import pytest

from study.contracts import StudyError
from study.evaluation.data import formats


def conllu(name: str, noun: str = "ships") -> str:
    rows = [
        ("The", "DET", "_", 2, "det"),
        (noun, "NOUN", "Number=Plur|Case=Nom", 3, "nsubj"),
        ("left", "VERB", "_", 0, "root"),
    ]
    rows.append((".", "PUNCT", "_", 3, "punct"))
    lines = [
        f"{n}\t{form}\t{form.lower()}\t{tag}\tX\t{feats}\t{head}\t{relation}\t_\t_"
        for n, (form, tag, feats, head, relation) in enumerate(rows, 1)
    ]
    return "\n".join([f"# sent_id = {name}", f"# text = The {noun} left.", *lines, "", ""])


def test_senteval_is_known_by_its_lines(tmp_path):
    path = tmp_path / "bigram_shift.txt"
    path.write_text("tr\tO\tThe [ ship left .\nva\tI\tship The left .\nte\tO\tmore\tIt rained .\n")
    rows = formats.rows(path)
    assert [(row.split, row.label, row.targets) for row in rows] == [
        ("training", "O", []),
        ("development", "I", []),
        ("test", "O", []),
    ]
    assert rows[0].text == "The [ ship left ."
    path.write_text("tr\tO\tThe ship left .\nxx\tI\tship The left .\n")
    with pytest.raises(StudyError, match=r"bigram_shift.txt:2: expected tr, va or te"):
        formats.rows(path)


def test_the_files_of_a_folder_tell_their_splits(tmp_path):
    for name in ("my-train", "my-val", "my-test"):
        (tmp_path / f"{name}.tsv").write_text("It is.\ta\nIt was.\tb\n")
    (tmp_path / "README.txt").write_text("nothing")
    (tmp_path / "contest.tsv").write_text("nothing")
    assert [row.split for row in formats.rows(tmp_path)] == ["test"] * 2 + ["training"] * 2 + ["development"] * 2
    (tmp_path / "train2-test.jsonl").write_text("{}")
    with pytest.raises(StudyError, match="one file for each split"):
        formats.rows(tmp_path)


@pytest.mark.parametrize(
    ("column", "found"),
    [
        ("upos", [("The", "DET"), ("ships", "NOUN"), ("left", "VERB")]),
        ("deprel", [("The", "det"), ("ships", "nsubj"), ("left", "root")]),
        ("lemma", [("The", "the"), ("ships", "ships"), ("left", "left")]),
    ],
)
def test_a_column_of_a_treebank_labels_its_words(tmp_path, column, found):
    path = tmp_path / "my.conllu"
    path.write_text(conllu("a-1"))
    rows = formats.words(path, column)
    assert [(row.text[row.start : row.stop], row.label) for row in rows] == found
    assert {(row.split, row.group) for row in rows} == {(None, "a")}


def test_words_without_the_feature_are_left_out(tmp_path):
    path = tmp_path / "my.conllu"
    path.write_text(conllu("a-1") + conllu("a-2").replace("Plur", "Sing"))
    assert [row.label for row in formats.words(path, "feats.Number")] == ["Plur", "Sing"]
    for column in ("pos", "feats.", "Number"):
        with pytest.raises(StudyError, match="expected upos"):
            formats.words(path, column)


def test_a_treebank_without_a_column_says_how_to_name_one(tmp_path):
    (tmp_path / "my.conllu").write_text(conllu("a-1"))
    with pytest.raises(StudyError, match="ColumnProbe"):
        formats.rows(tmp_path / "my.conllu")


def test_a_split_of_a_line_goes_before_that_of_its_file_and_must_be_one(tmp_path):
    line = '{"text": "a b c", "targets": [{"span1": [0, 1], "label": "%s"}], "split": "%s"}\n'
    (tmp_path / "my.jsonl").write_text(line % ("x", "dev") + line % ("y", "train"))
    assert [row.split for row in formats.rows(tmp_path / "my.jsonl")] == ["development", "training"]
    (tmp_path / "my.jsonl").write_text(line % ("x", "dev") + line % ("y", "held"))
    with pytest.raises(StudyError, match=r"my.jsonl:2: .*found 'held'"):
        formats.rows(tmp_path / "my.jsonl")
