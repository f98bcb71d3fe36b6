import pytest

from study.evaluation import DependencyLabel, MorphologicalFeature, PartOfSpeech
from tests.evaluation.listed_corpus import ListedCorpus, assert_recomputable, one, random_vectors, regimen
from tests.evaluation.toy_treebank import FILES, english_web_treebank, needs_data, toy_treebank, written

SETTINGS = {"regimen": regimen(), "description": "", "source": "", "fewest": 1}
SIZES = {"training": 90, "development": 30, "test": 30, "per_sentence": 3}
LARGE = {"training": 3000, "development": 1000, "test": 1500, "per_sentence": 4}


def labels(questions) -> dict[str, set[str]]:
    """Return the labels of each word that was asked about."""
    found: dict[str, set[str]] = {}
    for (sentence, start, stop), label in zip(questions.places, questions.items["gold"], strict=True):
        found.setdefault(" ".join(questions.sentences[sentence][start:stop]).lower(), set()).add(label)
    return found


def test_every_word_has_its_own_label(tmp_path):
    treebank = toy_treebank(tmp_path)
    tags = labels(PartOfSpeech(treebank=treebank, **SIZES, **SETTINGS).questions(ListedCorpus()))
    assert tags["the"] == {"DET"}
    assert tags["of"] == {"ADP"}
    relations = labels(DependencyLabel(treebank=treebank, subtypes=True, **SIZES, **SETTINGS).questions(ListedCorpus()))
    assert relations["the"] == {"det"}
    assert all(found <= {"root", "conj"} for word, found in relations.items() if word.startswith("v"))
    numbers = labels(MorphologicalFeature(treebank=treebank, feature="Number", **SIZES, **SETTINGS).questions(ListedCorpus()))
    assert numbers
    assert all(found == {"Plur" if word.endswith("s") else "Sing"} for word, found in numbers.items())
    assert all(word.startswith("n") for word in numbers)  # no other word has the feature


def test_subtypes_are_kept_or_cut(tmp_path):
    text = "It/PRON/3/nsubj:pass was/AUX/3/aux:pass done/VERB/0/root"
    treebank = toy_treebank(tmp_path)
    for name in FILES.values():
        (tmp_path / name).write_text(
            "".join(written(f"{name}-{n}", text.replace("done", f"{name[:2]}{'o' * n}")) for n in range(9))
        )
    for subtypes, wanted in ((True, {"nsubj:pass", "aux:pass", "root"}), (False, {"nsubj", "aux", "root"})):
        task = DependencyLabel(treebank=treebank, subtypes=subtypes, **SIZES, **SETTINGS)
        assert set(task.questions(ListedCorpus()).items["gold"]) == wanted


def test_a_probe_of_words_is_scored_and_has_its_floors(tmp_path):
    task = PartOfSpeech(treebank=toy_treebank(tmp_path), **SIZES, **SETTINGS)
    questions = task.questions(ListedCorpus())
    result = task.score(questions, {"word": random_vectors(questions)})
    assert_recomputable(result)
    assert one(result, "accuracy", question="label").n == 30
    assert {"majority", "naive Bayes"} <= set(task.baselines(questions))


@pytest.mark.data
@needs_data
@pytest.mark.parametrize(
    ("feature", "classes"),
    [
        ("Number", {"Sing", "Plur"}),
        ("Tense", {"Pres", "Past"}),
        ("VerbForm", {"Fin", "Inf", "Part", "Ger"}),
        ("Case", {"Nom", "Acc", "Gen"}),
    ],
)
def test_features_of_the_english_web_treebank(feature, classes):
    settings = SETTINGS | {"fewest": 20}
    questions = MorphologicalFeature(treebank=english_web_treebank(), feature=feature, **LARGE, **settings).questions(
        ListedCorpus()
    )
    assert set(questions.items["gold"]) == classes
    assert questions.items["split"].value_counts()["test"] > 1400
    found = labels(questions)
    if feature == "Tense":
        assert found["said"] == {"Past"}
        assert found["has"] == {"Pres"}


@pytest.mark.data
@needs_data
def test_relations_of_the_english_web_treebank():
    task = DependencyLabel(treebank=english_web_treebank(), subtypes=False, **LARGE, **SETTINGS | {"fewest": 20})
    questions = task.questions(ListedCorpus())
    shares = questions.items["gold"].value_counts(normalize=True)
    assert 20 <= len(shares) <= 35
    assert {"root", "nsubj", "case", "det", "obj"} <= set(shares.index[:10])
    assert labels(questions)["the"] == {"det"}
