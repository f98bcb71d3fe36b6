"""The command from outside: whole studies, as small as they go, run as a user runs them."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from study.evaluation import METRICS
from study.evaluation.statistics.metric import select

ROOT = Path(__file__).parents[1]
SMALL = ["similarity=[wordsim]", "polysemy=[]", "probing=[]", "geometry=[]"]
NEED_FILES = {"vectors", "huggingface", "saved"}
NEVER_TRAINED = {"untrained", "random", "one_hot", "identifier"}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder to work in, whose artefacts all tests of this module share."""
    return tmp_path_factory.mktemp("home")


def start(home, *arguments, artefacts="artefacts"):
    folders = {"STUDY_ARTEFACTS": str(home / artefacts), "STUDY_DATA": str(home / "data")}
    environment = {**os.environ, **folders, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    command = [sys.executable, "-m", "study", *arguments, "+experiment=smoke"]  # options stand before overrides
    return subprocess.Popen(command, cwd=home, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run(home, *arguments, status=0, artefacts="artefacts"):
    process = start(home, *arguments, artefacts=artefacts)
    output, errors = process.communicate(timeout=600)
    assert process.returncode == status, errors
    assert "Traceback" not in errors
    return output, errors


def study(home, *arguments, artefacts="artefacts"):
    """Run one study and return its folder."""
    output, _ = run(home, *arguments, artefacts=artefacts)
    report = home / output.strip().splitlines()[-1]
    assert report.name == "report.html"
    assert report.exists()
    return report.parent


@pytest.fixture(scope="module")
def smoke(home):
    return study(home)


def test_a_study_leaves_report_tables_and_figures(smoke):
    names = {path.name for path in smoke.iterdir()}
    assert {"report.html", "report.md", "scores.csv", "items.parquet", "config.yaml", "run.json", "curves.csv"} <= names
    assert list(smoke.glob("figures/*.png"))
    assert list(smoke.glob("figures/*.svg"))
    scores = pd.read_csv(smoke / "scores.csv")
    assert {"cbow", "skipgram", "transformer", "random", "untrained"} <= set(scores["model"])
    assert {"similarity", "polysemy", "probing", "geometry"} == set(scores["family"])
    assert scores["chance"].notna().all()
    assert scores["coverage"].between(0, 1).all()


def test_every_model_that_needs_no_file_is_a_row_of_every_table(smoke):
    systems = {path.stem for path in (ROOT / "conf" / "model").glob("*.yaml")} - NEED_FILES
    scores, pairs = pd.read_csv(smoke / "scores.csv"), pd.read_csv(smoke / "comparisons.csv")
    for family, rows in scores.groupby("family"):
        assert systems <= set(rows["model"]), family
    for family, rows in pairs.groupby("family"):
        assert set(rows["model_a"]) | set(rows["model_b"]) == systems, family
    guess = {"cbow", "skipgram", "fasttext", "transformer", "recurrent", "untrained"}
    assert set(scores.loc[scores["task"] == "cloze", "model"]) - {"word frequency"} == guess
    models = pd.read_csv(smoke / "models.csv").set_index("model")
    assert set(models.index) == systems
    assert (models["embedding_seconds"] > 0).all()
    cost = models[["parameters", "words_seen", "words_per_second", "training_seconds"]]
    assert (cost.loc[sorted(systems - NEVER_TRAINED)] > 0).all(axis=None)
    assert (models.loc[sorted(NEVER_TRAINED), ["parameters", "words_seen"]] == 0).all(axis=None)
    networks = {"transformer", "recurrent", *(name for name in systems if name.startswith("reconstruction"))}
    assert set(models.index[models["validation_loss"].notna()]) == networks
    assert set(pd.read_csv(smoke / "reconstruction.csv")["model"]) == networks - {"transformer", "recurrent"}


def test_every_score_can_be_computed_again_from_the_items(smoke):
    scores, items = pd.read_csv(smoke / "scores.csv"), pd.read_parquet(smoke / "items.parquet")
    keys = ["model", "family", "task", "view", "split"]
    of = dict(iter(items.groupby(keys)))
    for row in scores.itertuples():
        again = METRICS[row.metric](select(of[row.model, row.family, row.task, row.view, row.split], row.question))
        assert again == pytest.approx(row.value, abs=1e-9, nan_ok=True), row


def test_the_static_view_cannot_tell_noun_from_verb_and_the_sense_of_a_word(smoke):
    scores = pd.read_csv(smoke / "scores.csv")
    word = scores[(scores["view"] == "word") & (scores["metric"] == "accuracy") & scores["question"].isin(["label", "sense"])]
    assert (word.loc[word["task"] == "noun_or_verb", "value"] == 0.5).all()
    assert (word.loc[word["task"] == "bank", "value"] == 0.5).all()


def test_a_second_run_trains_nothing_and_finds_the_same(home, smoke):
    again = study(home)
    assert pd.read_csv(again / "models.csv")["reused"].all()
    drop = ["run"]
    pd.testing.assert_frame_equal(
        pd.read_csv(again / "scores.csv").drop(columns=drop), pd.read_csv(smoke / "scores.csv").drop(columns=drop)
    )


def test_models_are_asked_while_they_learn_and_end_where_they_would(home, smoke):
    moments = ["emergence.moments=1", "emergence.first=10_000", "emergence.tasks=[similarity]"]
    asked = ["model=[cbow,transformer,untrained]", "similarity=[wordsim]", "polysemy=[]", "probing=[]", "geometry=[]"]
    folder = study(home, *asked, *moments)
    scores, plain = (pd.read_csv(one / "scores.csv") for one in (folder, smoke))
    keys = ["model", "task", "view", "split", "question", "metric"]
    learning = scores[~scores["done"]]
    of_cbow = sorted(set(learning.loc[learning["model"] == "cbow", "words_seen"]))
    assert of_cbow[0] == 0
    assert [abs(words - asked) < 60 for words, asked in zip(of_cbow[1:], (10_000, 100_000), strict=True)] == [True, True]
    assert set(learning["model"]) == {"cbow", "transformer"}
    first = learning[(learning["words_seen"] == 0) & (learning["model"] == "transformer")].set_index(keys[1:])["value"]
    untrained = scores[scores["model"] == "untrained"].set_index(keys[1:])["value"]
    pd.testing.assert_series_equal(first.sort_index(), untrained.sort_index())
    ends = scores[scores["done"] & (scores["model"] == "transformer")].set_index(keys)["value"]
    assert len(ends)
    pd.testing.assert_series_equal(ends, plain.set_index(keys)["value"].loc[ends.index])
    of_both = [set(one.loc[one["done"] & (one["model"] == "cbow"), "words_seen"]) for one in (scores, plain)]
    assert of_both[0] == of_both[1], "in shards it learns other numbers, from as many words: see tests/model/test_moments.py"
    assert (folder / "figures" / "emergence-words.png").is_file()
    models = pd.read_csv(study(home, *asked, *moments) / "models.csv")
    assert models["reused"].all()


def test_moments_that_cannot_be_are_refused(home):
    _, errors = run(home, "model=[cbow]", *SMALL, "emergence.moments=1", "emergence.tasks=[grammar]", status=2)
    assert "no task or family 'grammar'" in errors
    late = ["emergence.moments=1", "emergence.first=10_000_000", "emergence.tasks=[wordsim]"]
    _, errors = run(home, "model=[cbow]", *SMALL, *late, status=2)
    assert "emergence.first: the first moment is after 10000000 words, but a training ends after" in errors


def test_changing_a_knob_retrains_that_model_alone(home, smoke):
    folder = study(home, "models.cbow.window=2", "model=[cbow,skipgram,transformer,recurrent]", *SMALL)
    models = pd.read_csv(folder / "models.csv").set_index("model")
    assert models.index[~models["reused"]].tolist() == ["cbow"]


def test_changing_how_vectors_are_read_retrains_nothing(home, smoke):
    folder = study(home, "models.cbow.context_words=3", "model=[cbow,count]", "similarity=[]", "probing=[]")
    assert pd.read_csv(folder / "models.csv")["reused"].all()


def test_a_knob_of_the_encoders_training_leaves_the_untrained_one_as_it_is(home, smoke):
    folder = study(home, "models.transformer.rate=1e-3", "model=[transformer,untrained]", *SMALL)
    models = pd.read_csv(folder / "models.csv").set_index("model")
    assert models["reused"].to_dict() == {"transformer": False, "untrained": True}


def test_a_run_is_refused_in_the_folder_of_another_and_leaves_it_alone(home, smoke):
    before = sorted(path.name for path in smoke.iterdir())
    _, errors = run(home, f"hydra.run.dir={smoke}", status=2)
    assert "already holds a run" in errors
    assert sorted(path.name for path in smoke.iterdir()) == before


def test_seeds_within_one_run(home, smoke):
    folder = study(home, "seeds=2", "model=[cbow,random]", *SMALL)
    models = pd.read_csv(folder / "models.csv")
    assert models.groupby("model")["seed"].apply(list).to_dict() == {"cbow": [0, 1], "random": [0, 1]}
    comparisons = pd.read_csv(folder / "comparisons.csv")
    assert not comparisons["verdict"].str.contains("one seed").any()


def test_two_processes_together_train_each_model_once(home):
    arguments = ["model=[cbow]", "models.cbow.window=7", *SMALL]
    processes = [start(home, *arguments) for _ in range(2)]
    outputs = [process.communicate(timeout=600) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    folders = [home / Path(output.strip()).parent for output, _ in outputs]
    assert folders[0] != folders[1]
    assert sorted(bool(pd.read_csv(folder / "models.csv")["reused"].iloc[0]) for folder in folders) == [False, True]


def test_a_killed_training_goes_on_where_it_was_to_the_same_bits(home):
    arguments = ["model=[transformer]", "models.transformer.words=800_000", "models.transformer.checkpoint_seconds=0.2", *SMALL]
    process = start(home, *arguments)
    model = home / "artefacts" / "model"
    deadline = time.monotonic() + 300
    while not list(model.glob("*.partial/checkpoints/*")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert list(model.glob("*.partial/checkpoints/*")), "the training was over before it was killed"
    resumed = study(home, *arguments)
    whole = study(home, *arguments, artefacts="elsewhere")

    def curve(folder):
        table = pd.read_csv(folder / "curves.csv")
        return table[["words_seen", "loss", "validation_loss"]]

    pd.testing.assert_frame_equal(curve(resumed), curve(whole))
    weights = [sorted((home / name / "model").glob("*/weights.safetensors")) for name in ("artefacts", "elsewhere")]
    (wanted,) = weights[1]
    assert wanted.read_bytes() in [path.read_bytes() for path in weights[0]]


def test_the_curve_of_a_training_whose_numbers_end_is_kept_though_no_model_is_left(home):
    arguments = ("models.transformer.rate=1e38", "models.transformer.warm_up=0", "model=[transformer]", *SMALL)
    _, errors = run(home, *arguments, "hydra.run.dir=reports/spoiled", status=2)
    assert "transformer: The training failed in step 1" in errors
    curve = pd.read_csv(home / "reports" / "spoiled" / "failed_curves.csv")
    assert set(curve["model"]) == {"transformer"}
    assert curve["words_seen"].iloc[0] == 0 < curve["words_seen"].iloc[-1]
    assert curve["validation_loss"].iloc[0] > 0


def test_a_sweep_shares_what_it_can_and_ends_in_one_comparison_that_names_failed_points(home, smoke):
    _, errors = run(home, "-m", "models.cbow.window=2,0,5", "model=[cbow,random]", *SMALL, status=2)
    assert "window must be at least 1" in errors
    (sweep,) = home.glob("reports/smoke-sweep-*")
    assert json.loads((sweep / "1" / "failed.json").read_text())["message"].startswith("models.cbow: window must be at least 1")
    page = (sweep / "comparison" / "comparison.html").read_text(encoding="utf-8")
    assert "window must be at least 1" in page
    table = pd.read_csv(sweep / "comparison" / "comparison.csv")
    assert set(table["models.cbow.window"].astype(float).dropna()) >= {2.0, 5.0}
    stages = pd.read_csv(sweep / "2" / "stages.csv")
    assert stages[~stages["stage"].str.contains("cbow|comparison|questions")]["reused"].all()


def test_a_probe_of_two_files_from_outside_the_repository(home, smoke):
    folder = home / "mine" / "probing"
    folder.mkdir(parents=True)
    lines = [f"There are [{word}] of them in the {place}\t{label}" for place in ("city", "world", "war", "state", "church")
             for word, label in [("many", "many"), ("some", "many"), ("two", "number"), ("three", "number")]] * 3  # fmt: skip
    (folder / "number.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "number.yaml").write_text(
        "# @package tasks.probing.number\n_target_: study.evaluation.Probe\ndata: number.tsv\n"
        "description: Is it a number?\nsource: written for this test\n",
        encoding="utf-8",
    )
    found = study(home, "--config-dir", "mine", "+probing=number", "model=[cbow,random]", "similarity=[]", "polysemy=[]")
    scores = pd.read_csv(found / "scores.csv")
    assert "number" in set(scores["task"])
    assert {"sentence_length", "noun_or_verb"} <= set(scores["task"]), "the default list is added to"
    assert "--config-dir" in json.loads((found / "run.json").read_text())["command"]


@pytest.mark.parametrize(
    ("arguments", "files", "parts"),
    [
        (["corpus=file", "corpus.path=none.txt"], {}, ["none.txt"]),
        (["corpus=file"], {}, ["corpus.path"]),
        (["corpus=file", "corpus.path=empty.txt"], {"empty.txt": b""}, ["empty.txt", "no words"]),
        (["corpus=file", "corpus.path=noise.txt"], {"noise.txt": bytes(range(256)) * 200}, ["noise.txt"]),
        (["vocabulary.minimum_count=10_000_000"], {}, ["minimum_count"]),
        (["model=[]"], {}, ["model"]),
        (["seeds=0"], {}, ["seeds"]),
        (["report.reference=nobody"], {}, ["report.reference", "nobody"]),
        (["seeds=abc"], {}, ["seeds", "whole number"]),
        (["models.cbow.size=abc"], {}, ["models.cbow.size", "whole number"]),
        (["models.transformer.heads=5"], {}, ["models.transformer: width", "heads"]),
        (["models.transformer.objective=masked"], {}, ["models.transformer: objective", "masked: 1.0"]),
        (["model=[untrained]", "~models.transformer"], {}, ["transformer"]),
        (["model=[vectors]"], {}, ["models.vectors.path"]),
        (["model=[vectors]", "models.vectors.path=v.txt"], {"v.txt": b"war 1 2\npeace 1 x\n"}, ["v.txt:2", "number", "x"]),
        (["model=[huggingface]", "models.huggingface.name=./nowhere"], {}, ["nowhere"]),
        (["model=[cbow]", "validate=true"], {}, ["model=[random]"]),
        (["+polysemy=[word]", "polysemy=[bank]"], {}, ["+polysemy=[word] adds nothing", "polysemy=[…,word]"]),
        (
            ["--config-dir", "broken", "+probing=broken"],
            {
                "broken/probing/broken.yaml": b"# @package tasks.probing.broken\n_target_: study.evaluation.Probe\n"
                b"data: broken.tsv\ndescription: x\nsource: x\n",
                "broken/probing/broken.tsv": b"A [fine] line\tyes\nno tab here\n",
            },
            ["broken.tsv", "2"],
        ),
        (["similarity=[simlex]", "tasks.similarity.simlex.data=missing.txt"], {}, ["missing.txt"]),
        (["corpus=simplewiki", "corpus.path=none.zst", "corpus.address=http://localhost:9/dump.xml.bz2"], {}, ["localhost:9"]),
    ],
)
def test_what_the_user_can_mend_is_one_message_and_status_2(home, arguments, files, parts):
    for name, content in files.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    _, errors = run(home, *arguments, status=2)
    message = [line for line in errors.splitlines() if line.startswith("study:")]
    assert message, errors
    for part in parts:
        assert part in errors


def test_trained_models_are_exported_and_brought_back_the_same(home, smoke):
    """What leaves as word2vec text and as an encoder's folder comes back as models that score the same."""
    here = ["similarity=[wordsim]", "polysemy=[bank]", "probing=[]", "geometry=[]"]
    before = study(home, "model=[skipgram,transformer]", "export=out", *here)
    assert {path.name for path in (home / "out").iterdir()} == {"skipgram", "transformer"}
    mine = ["models.vectors.path=out/skipgram/vectors.txt", "models.saved.path=out/transformer", "models.saved.occurrences=5"]
    again = study(home, "model=[vectors,saved]", *mine, *here)
    wanted, found = (pd.read_csv(folder / "scores.csv") for folder in (before, again))
    keys = ["model", "task", "view", "split", "question", "metric"]
    found["model"] = found["model"].replace({"vectors": "skipgram", "saved": "transformer"})
    both = wanted.merge(found, on=keys, suffixes=("", "_again"))
    both = both[~both["view"].str.startswith("averaged")]  # the occurrences are drawn by a seed and a number of their own
    assert {"word", "context", "layer-1", "input"} <= set(both["view"])
    assert both["value"].to_numpy() == pytest.approx(both["value_again"].to_numpy(), abs=1e-5, nan_ok=True)


def test_an_encoder_can_start_from_the_vectors_of_another_model(home, smoke):
    same = ["models.transformer.width=32", "models.skipgram.size=32", "models.transformer.start=skipgram"]
    folder = study(home, "model=[transformer,skipgram]", "models.transformer.start_frozen=true", *same, *SMALL)
    scores = pd.read_csv(folder / "scores.csv").set_index(["model", "view", "question", "split"])["value"]
    frozen, own = scores["transformer", "input", "pair", "test"], scores["skipgram", "word", "pair", "test"]
    assert frozen == pytest.approx(own, abs=1e-4)
    _, errors = run(home, "model=[transformer]", "models.transformer.start=cbow", *SMALL, status=2)
    assert "models.transformer.start=cbow" in errors


def test_an_encoder_of_sub_words_is_asked_for_the_same_words(home, smoke):
    pytest.importorskip("tokenizers", reason="the extra [subwords] is not installed")
    asked = ["similarity=[simlex,cloze]", "polysemy=[bank]", "probing=[]", "geometry=[]"]
    spelled = ["models.transformer.units=wordpiece", "models.transformer.subwords=2000"]
    found = study(home, "model=[transformer,untrained]", *spelled, *asked)
    keys = ["model", "task", "view", "split", "question", "metric"]
    of_words, of_sub_words = (pd.read_csv(folder / "scores.csv").set_index(keys) for folder in (smoke, found))
    both = of_sub_words[["coverage"]].join(of_words["coverage"].rename("coverage of words"), how="inner")
    assert {"simlex", "cloze", "bank"} == set(both.index.get_level_values("task"))
    assert {"transformer", "untrained"} <= set(both.index.get_level_values("model"))
    assert (both["coverage"] == both["coverage of words"]).all()
    models = pd.read_csv(found / "models.csv").set_index("model")
    assert models.loc["transformer", "words_seen"] >= 100_000
    assert (
        models.loc["transformer", "parameters"]
        < pd.read_csv(smoke / "models.csv").set_index("model").loc["transformer", "parameters"]
    )


def test_tasks_are_validated_without_training_anything_but_the_random_control(home, smoke):
    (home / "mine" / "probing").mkdir(parents=True, exist_ok=True)
    lines = [f"sentence number {n} speaks of [war]\t{'even' if n % 2 else 'odd'}" for n in range(40)]
    (home / "mine/probing/leaky.tsv").write_text("\n".join([*lines, lines[0].replace("odd", "even")]))
    (home / "mine/probing/leaky.yaml").write_text(
        "# @package tasks.probing.leaky\n_target_: study.evaluation.Probe\ndata: probing/leaky.tsv\n"
        "description: Is the number even?\nsource: made up\n"
    )
    only = ["similarity=[]", "polysemy=[]", "geometry=[]"]
    output, _ = run(home, "validate=true", "probing=[noun_or_verb]", *only)
    assert "probing/noun_or_verb: 416 items of level target" in output
    assert "random" in output
    assert "cbow" not in output
    output, errors = run(home, "--config-dir", "mine", "validate=true", "probing=[leaky]", *only, status=2)
    assert "different labels" in output
    assert "A task has an error" in errors


def test_settings_that_do_not_fit_are_told_before_any_model_is_trained(home):
    run(home, "model=[cbow,transformer]", "models.transformer.heads=5", status=2, artefacts="refused")
    assert not (home / "refused").exists()


def test_an_unknown_option_is_refused_by_hydra(home):
    _, errors = run(home, "models.cbow.windw=3", status=1)
    assert "windw" in errors
    _, errors = run(home, "corpus=wikipdia", status=1)
    assert "wikipdia" in errors


def test_help_names_groups_and_teaches(home):
    output, _ = run(home, "--help")
    for word in ("corpus:", "model:", "similarity:", "probing:", "python -m study"):
        assert word in output
