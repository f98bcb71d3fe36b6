import pytest

from study.contracts import NotAskableError, StudyError
from study.evaluation import PartOfSpeech, Treebank
from study.evaluation.probing.treebank import align
from tests.evaluation.listed_corpus import ListedCorpus, regimen
from tests.evaluation.option import TASKS, option
from tests.evaluation.toy_treebank import FILES, english_web_treebank, needs_data, toy_corpus, toy_treebank, tree, written


def part_of_speech(treebank, **settings) -> PartOfSpeech:
    given = {"training": 60, "development": 20, "test": 20, "per_sentence": 2, "fewest": 1}
    return PartOfSpeech(treebank=treebank, regimen=regimen(), description="", source="", **{**given, **settings})


def test_words_of_the_tree_are_found_among_those_of_the_corpus(tmp_path):
    sentence = align(tree(tmp_path, "They/PRON/2/nsubj know/VERB/0/root (/PUNCT/4/punct yet-to/ADV/2/advmod"), ListedCorpus())
    assert sentence.words == ["They", "know", "yet", "to"]
    assert sentence.spans == {0: (0, 1), 1: (1, 2), 3: (2, 4)}


def test_a_sentence_is_drawn_once_and_in_the_first_split_that_has_it(tmp_path):
    texts = {"training": ["Go/VERB/0/root now/ADV/1/advmod"] * 2, "development": [], "test": []}
    texts["development"] = ["go/VERB/0/root NOW/ADV/1/advmod", "go/VERB/0/root then/ADV/1/advmod", "Go/VERB/0/root"]
    texts["test"] = ["go/VERB/0/root home/ADV/1/advmod", *texts["development"]]
    for split, name in FILES.items():
        (tmp_path / name).write_text("".join(written(f"{split}-{n}", text) for n, text in enumerate(texts[split])))
    treebank = Treebank(data=str(tmp_path), files=FILES, fetch={}, digests={}, source="")
    drawn = {split: [" ".join(one.words) for one in treebank.sentences(ListedCorpus(), split, seed=0)] for split in FILES}
    assert [[word.lower() for word in found] for found in drawn.values()] == [["go now"], ["go then"], ["go home"]]


def test_questions_keep_to_splits_sizes_and_documents_and_are_the_same_again(tmp_path):
    task = part_of_speech(toy_treebank(tmp_path))
    questions, again = task.questions(ListedCorpus()), task.questions(ListedCorpus())
    assert questions.level == "target"
    assert questions.items["split"].value_counts().to_dict() == {"training": 60, "development": 20, "test": 20}
    assert questions.items.groupby("group")["split"].nunique().max() == 1
    assert questions.items.groupby(questions.places[:, 0]).size().max() == 2
    assert questions.items["item"].is_unique
    assert questions.sentences == again.sentences
    assert questions.items.equals(again.items)


def test_rare_labels_are_left_out_and_counted(tmp_path):
    every = part_of_speech(toy_treebank(tmp_path)).questions(ListedCorpus())
    learnt = every.items[every.items["split"] == "training"]["gold"].value_counts()
    fewest = int(learnt.max())
    with pytest.raises(NotAskableError, match=f"two labels with at least {fewest} training questions"):
        part_of_speech(toy_treebank(tmp_path), fewest=fewest).questions(ListedCorpus())
    fewest = int(learnt.min()) + 1
    fewer = part_of_speech(toy_treebank(tmp_path), fewest=fewest).questions(ListedCorpus())
    rare = set(learnt.index[learnt < fewest])
    assert rare
    assert set(fewer.items["gold"]) == set(learnt.index) - rare
    assert fewer.dropped["label too rare in the training questions"] == every.items["gold"].isin(rare).sum()


def test_without_a_network_the_message_says_what_is_missing_and_how_to_fetch_it(tmp_path):
    address = "http://127.0.0.1:9/train.conllu"
    treebank = Treebank(
        data=str(tmp_path / "treebank"), files=FILES, fetch={"train.conllu": address}, digests={}, source="https://here"
    )
    with pytest.raises(StudyError, match="missing, and not fetched") as caught:
        part_of_speech(treebank).questions(ListedCorpus())
    for part in ("train.conllu", address, "STUDY_DATA", "curl"):
        assert part in str(caught.value)


def test_a_treebank_without_a_split_is_refused(tmp_path):
    with pytest.raises(StudyError, match="expected files for training, development, test, found training"):
        Treebank(data=str(tmp_path), files={"training": "a"}, fetch={}, digests={}, source="").trees("test")


OPTIONS = [path.stem for path in sorted(TASKS.glob("probing/*.yaml")) if "\ntreebank:" in path.read_text(encoding="utf-8")]


@pytest.fixture(scope="module")
def english():
    treebank = english_web_treebank()
    return treebank, toy_corpus(treebank)


@pytest.mark.data
@needs_data
@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_that_has_a_treebank_can_be_asked_of_the_real_one(name, english):
    treebank, corpus = english
    settings = {"treebank": treebank, "source": ""} | ({} if name == "structural" else {"regimen": regimen()})
    questions = option(f"probing/{name}", **settings).questions(corpus)
    items = questions.items
    assert items["split"].value_counts().min() >= 80
    assert items.groupby("group")["split"].nunique().max() == 1
    assert items["item"].is_unique
    sentences = {
        split: {tuple(questions.sentences[questions.places[place][0]]) for place in part["place"]}
        for split, part in items.groupby("split")
    }
    assert not sentences["training"] & sentences["test"]


@pytest.mark.data
@needs_data
def test_the_english_web_treebank_aligns():
    task = part_of_speech(english_web_treebank(), training=3000, development=1000, test=1500, per_sentence=4)
    questions = task.questions(ListedCorpus())
    assert questions.items["split"].value_counts().to_dict() == {"training": 3000, "test": 1500, "development": 1000}
    assert sum(questions.dropped.values()) < 0.05 * 25_000  # contractions, of all words of the sentences drawn
    assert questions.items["gold"].nunique() >= 13
    words = [questions.sentences[s][start].lower() for s, start, _ in questions.places]
    assert {tag for word, tag in zip(words, questions.items["gold"], strict=True) if word == "the"} == {"DET"}
