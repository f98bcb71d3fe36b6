import os
from collections import Counter

import pytest

from study.contracts import StudyError
from study.evaluation import PartOfSpeech
from study.evaluation.treebank import read

from .listed_corpus import ListedCorpus, assert_recomputable, one, random_vectors

SENTENCE = """# sent_id = blog-day-0001
# text = They don't know (yet) Yorks.
1\tThey\tthey\tPRON\t_\t_\t_\t_\t_\t_
2-3\tdon't\t_\t_\t_\t_\t_\t_\t_\t_
2\tdo\tdo\tAUX\t_\t_\t_\t_\t_\t_
3\tn't\tnot\tPART\t_\t_\t_\t_\t_\t_
4\tknow\tknow\tVERB\t_\t_\t_\t_\t_\t_
5\t(\t(\tPUNCT\t_\t_\t_\t_\t_\t_
6\tyet\tyet\tADV\t_\t_\t_\t_\t_\t_
7\t)\t)\tPUNCT\t_\t_\t_\t_\t_\t_
7.1\tgone\tgo\tVERB\t_\t_\t_\t_\t_\t_
8\tYork\tYork\tPROPN\t_\t_\t_\t_\t_\t_
9\ts\ts\tPART\t_\t_\t_\t_\t_\t_
10\t.\t.\tPUNCT\t_\t_\t_\t_\t_\t_

"""
FILES = {"training": "train.conllu", "development": "dev.conllu", "test": "test.conllu"}


def part_of_speech(folder, **settings) -> PartOfSpeech:
    given = {
        "files": FILES,
        "fetch": {},
        "digests": {},
        "training": 40,
        "development": 20,
        "test": 20,
        "per_sentence": 2,
        "penalties": (0.1,),
        "iterations": 50,
        "seed": 0,
        "description": "",
        "source": "https://here",
    }
    return PartOfSpeech(data=str(folder), **{**given, **settings})


def test_words_are_found_in_the_text_and_parts_of_contractions_left_out(tmp_path):
    path = tmp_path / "one.conllu"
    path.write_text(SENTENCE)
    ((name, text, marked),) = read(path)
    assert name == "blog-day-0001"
    assert [(text[start:stop], tag) for start, stop, tag in marked] == [
        ("They", "PRON"),
        ("know", "VERB"),
        ("yet", "ADV"),
        ("York", "PROPN"),
        ("s", "PART"),
    ]


def test_a_line_that_is_not_conllu_is_named(tmp_path):
    path = tmp_path / "bad.conllu"
    path.write_text(SENTENCE.replace("4\tknow\tknow", "4 know know"))
    with pytest.raises(StudyError, match=f"{path}:7: expected the ten columns"):
        list(read(path))


def test_questions_keep_to_splits_sizes_and_documents(tmp_path):
    for number, name in enumerate(FILES.values()):
        (tmp_path / name).write_text("".join(SENTENCE.replace("day-0001", f"day{number}-{i:04d}") for i in range(30)))
    task = part_of_speech(tmp_path)
    questions = task.questions(ListedCorpus())
    assert questions.level == "target"
    assert questions.items["split"].value_counts().to_dict() == {"training": 40, "development": 20, "test": 20}
    assert Counter(questions.places[:, 0]).most_common(1)[0][1] == 2
    assert set(questions.items["group"]) == {"blog-day0", "blog-day1", "blog-day2"}
    words = [questions.sentences[s][start].lower() for s, start, _ in questions.places]
    tags = dict(zip(words, questions.items["gold"], strict=True))
    assert tags == {"they": "PRON", "know": "VERB", "yet": "ADV"}
    assert sum(questions.dropped.values()) == 2 * (20 + 10 + 10)  # York and s of each sentence drawn
    result = task.score(questions, {"word": random_vectors(questions)})
    assert_recomputable(result)
    assert one(result, "accuracy").n == 20


def test_without_a_network_the_message_says_what_is_missing_and_how_to_fetch_it(tmp_path):
    address = "http://127.0.0.1:9/train.conllu"
    task = part_of_speech(tmp_path / "treebank", fetch={"train.conllu": address})
    with pytest.raises(StudyError, match="missing, and not fetched") as caught:
        task.questions(ListedCorpus())
    for part in ("train.conllu", address, "STUDY_DATA", "curl"):
        assert part in str(caught.value)


@pytest.mark.data
@pytest.mark.skipif(not os.environ.get("STUDY_DATA"), reason="STUDY_DATA is not set")
def test_the_english_web_treebank_aligns():
    names = {
        split: f"en_ewt-ud-{short}.conllu" for split, short in (("training", "train"), ("development", "dev"), ("test", "test"))
    }
    task = part_of_speech("probing/UD_English-EWT", files=names, training=3000, development=1000, test=1500, per_sentence=4)
    questions = task.questions(ListedCorpus())
    assert len(questions.items) == 5500
    assert sum(questions.dropped.values()) < 0.05 * 5500
    assert questions.items["gold"].nunique() >= 13
    words = [questions.sentences[s][start].lower() for s, start, _ in questions.places]
    assert {tag for word, tag in zip(words, questions.items["gold"], strict=True) if word == "the"} == {"DET"}
