import pandas as pd
import pytest

from study.report.pairing import contest_table, contests
from study.report.run import Run
from study.report.summary import join, plural, summarise
from tests.report.run_folder import JUDGED


def findings(folder) -> dict[str, str]:
    return {finding.topic: finding.text for finding in summarise(Run.read(folder)).findings}


def test_words_are_joined_and_counted_in_english():
    assert [join(words) for words in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]
    assert (plural(1, "seed"), plural(3, "seed")) == ("1 seed", "3 seeds")


@pytest.mark.parametrize(
    ("seeds", "said"), [(1, "one seed: differences between items only, no verdict"), (2, "So few seeds"), (3, "with 3 seeds")]
)
def test_the_paragraph_says_sizes_and_seeds(make_run, seeds, said):
    paragraph = summarise(Run.read(make_run(seeds=seeds))).paragraph
    assert said in paragraph
    assert "2.10 million words for training" in paragraph
    assert "cbow saw 2.00 million words and transformer saw 2.00 million words" in paragraph
    assert ("So few" in paragraph) == (seeds == 2)


def test_many_models_of_one_budget_are_not_listed_twice(make_run):
    models = dict.fromkeys(("cbow", "skipgram", "transformer"), 0.1)
    assert "In training, each saw 2.00 million words." in summarise(Run.read(make_run("three", models=models))).paragraph
    two = summarise(Run.read(make_run("two", models={"cbow": 0.1, "transformer": 0.1}))).paragraph
    assert "cbow saw 2.00 million words and transformer saw 2.00 million words" in two


@pytest.mark.parametrize("size", ["quick", "full"])
def test_a_quick_experiment_is_called_a_demonstration(make_run, size):
    folder = make_run(seeds=3, size=size)
    assert ("A demonstration, no verdict" in summarise(Run.read(folder)).paragraph) == (size == "quick")


JUDGING = ("ahead of", "behind", "clude", "Holm", "lies below a control")


@pytest.mark.parametrize("seeds", [1, 3])
def test_a_demonstration_tells_differences_and_judges_nothing(make_run, seeds):
    models = {"cbow": 0.3, "transformer": 0.05, "untrained": 0.15, "random": 0.06}
    texts = {}
    for size in ("quick", "full"):
        run = (JUDGED if size == "full" else {"seeds": seeds}) | {"size": size}
        two = findings(make_run(f"two-{size}", models=models, right={"cbow": 0.4, "transformer": 0.9}, **run))
        one = findings(make_run(f"one-{size}", models={"cbow": 0.06, "skipgram": 0.2}, **run))
        texts[size] = " ".join([*two.values(), *one.values()])
    assert not [phrase for phrase in JUDGING if phrase in texts["quick"]]
    assert [phrase for phrase in JUDGING if phrase in texts["full"]] == [*JUDGING[1:]], "no encoder is ahead"
    assert "static model, which are no verdicts: simlex (transformer 0.0" in texts["quick"]
    assert "Between transformer and cbow the difference is +0.500" in texts["quick"]
    assert f"; their difference{' over items' if seeds == 1 else ''} is 0.1" in texts["quick"]


def test_the_encoder_is_told_against_the_best_static_model(make_run):
    ahead = findings(make_run("ahead", models={"cbow": 0.06, "skipgram": 0.05, "transformer": 0.2}, **JUDGED))["Probing"]
    behind = findings(make_run("behind", models={"cbow": 0.1, "skipgram": 0.2, "transformer": 0.06}, **JUDGED))["Probing"]
    level = findings(make_run("level", models={"cbow": 0.06, "skipgram": 0.05, "transformer": 0.07}, **JUDGED))["Similarity"]
    assert ahead == (
        "The best encoder is ahead of the best static model on sentence length (transformer 0.450 against cbow 0.310: +0.140, "
        "0.110–0.170, p 0.001 after Holm’s correction) and noun or verb (transformer 0.700 against cbow 0.560: +0.140, "
        "0.110–0.170, p 0.001 after Holm’s correction)."
    )
    assert "behind the best static model on sentence length (transformer 0.310 against skipgram 0.450: −0.140" in behind
    assert level == (
        "Between the best encoder and the best static model the interval of the difference includes zero on simlex "
        "(transformer 0.070 against cbow 0.060: +0.010, −0.020 to 0.040, p 0.001 after Holm’s correction)."
    )


def test_without_an_encoder_the_leader_is_named(make_run):
    first = findings(make_run("first", models={"cbow": 0.06, "skipgram": 0.2}, **JUDGED))["Probing"]
    second = findings(make_run("second", models={"cbow": 0.2, "skipgram": 0.06}, **JUDGED))["Probing"]
    small = findings(make_run("small", models={"cbow": 0.06, "skipgram": 0.07}, **JUDGED))["Similarity"]
    assert "that of skipgram on both tasks" in first
    assert "that of cbow on both tasks" in second
    assert "0.140 (0.110–0.170), excludes zero" in first
    assert "0.140 (0.110–0.170), excludes zero" in second  # whichever model the table of pairs names first
    assert "0.010 (−0.020 to 0.040), does not exclude zero" in small


def test_verdicts_need_seeds(make_run):
    assert "Holm" not in findings(make_run("one"))["Similarity"]
    assert "p 0.200 after Holm’s correction" in findings(make_run("three", seeds=3))["Similarity"]


def test_trained_models_below_a_control_are_named(make_run):
    models = {"cbow": 0.3, "transformer": 0.05, "untrained": 0.15, "random": 0.06}
    text = findings(make_run(models=models, **JUDGED))["What similarity does not show"]
    assert text == "A trained model lies below a control: transformer below untrained on simlex."


def test_floors_are_named_when_no_model_rises_above_them(make_run):
    low = {"cbow": -0.1, "transformer": 0.0, "untrained": 0.05, "random": 0.02}
    text = findings(make_run("low", models=low))["What similarity does not show"]
    assert "above chance on simlex" in text
    assert "better than the untrained encoder on simlex" in text
    assert "on simlex (random: 0.020)" in text
    high = {"cbow": 0.3, "transformer": 0.3, "untrained": 0.05, "random": 0.02}
    assert "What similarity does not show" not in findings(make_run("high", models=high))


@pytest.mark.parametrize("settings", [{}, JUDGED])
def test_the_word_has_its_shares_and_differences_and_no_verdict(make_run, settings):
    text = findings(make_run(right={"cbow": 0.9, "transformer": 0.4}, **settings))["The word ‘bank’"]
    assert text.startswith("It occurs 44 times in training. Of its 20 test sentences in 2 senses (chance 0.500), the share given")
    assert (
        "0.900 by cbow (context) and 0.400 by transformer (layer-2). Between transformer and cbow the difference is −0.500"
        in text
    )
    assert text.endswith("over sentences. One word is an example, not a test.")
    assert "claim" not in text


def test_the_word_is_told_by_headline_views(make_run):
    folder = make_run(right={"cbow": 0.4, "transformer": 0.9})
    scores = pd.read_csv(folder / "scores.csv")
    polysemy = (scores["family"] == "polysemy") & (scores["model"] == "cbow")
    scores.loc[polysemy, "headline"] = scores["view"] == "word"
    scores.to_csv(folder / "scores.csv", index=False)
    text = findings(folder)["The word ‘bank’"]
    assert "0.500 by cbow (word)" in text
    assert "context" not in text


def test_pieces_that_are_missing_are_not_spoken_of(make_run):
    without = findings(make_run("one", models={"cbow": 0.1}))
    assert "The word ‘bank’" not in without
    assert "The only trained model with a score is cbow." in without["Similarity"]
    assert "Polysemy" not in findings(make_run("two", families=("similarity",)))


def test_hardly_seen_words_are_named_or_counted(make_run):
    few = findings(make_run("few", counts={"bank": 44, "bass": 3}))["Words hardly seen"]
    assert few == (
        "Of the 2 target words of polysemy, 1 occurs fewer than 20 times in training (hardly seen): bass (3); 0 are outside the "
        "vocabulary, 0 of them never occur."
    )
    many = findings(make_run("many", counts={f"w{n}": n // 10 for n in range(30)}))["Words hardly seen"]
    assert many == (
        "Of the 30 target words of polysemy, 30 occur fewer than 20 times in training (hardly seen); 20 are outside the "
        "vocabulary, 10 of them never occur."
    )
    assert "Words hardly seen" not in findings(make_run("none", counts={"bank": 20}))


def test_scores_that_were_not_made_do_not_lead(make_run):
    folder = make_run(families=("similarity",))
    scores = pd.read_csv(folder / "scores.csv")
    scores.loc[scores["model"] == "transformer", ["value", "low", "high"]] = None
    scores.to_csv(folder / "scores.csv", index=False)
    assert "The only trained model with a score is cbow." in findings(folder)["Similarity"]


def test_tasks_left_out_are_named(make_run):
    assert findings(make_run())["Left out"] == "Word content was left out: too few words."


def test_what_only_describes_is_no_contest(make_run):
    folder = make_run(counts={"bank": 44})
    scores = pd.read_csv(folder / "scores.csv")
    of = scores[(scores["task"] == "noun_or_verb") & (scores["view"] != "baseline")]
    shape = of.assign(family="geometry", task="shape", question="anisotropy", metric="mean", main=False)
    pd.concat([scores, shape]).to_csv(folder / "scores.csv", index=False)
    targets = pd.read_csv(folder / "targets.csv")
    rare = targets.assign(target="rare", training_count=3)
    parts = [targets, rare.assign(family="geometry", task="shape"), rare.assign(task="word")]
    pd.concat(parts).to_csv(folder / "targets.csv", index=False)
    found = findings(folder)
    assert not {"Geometry", "What geometry does not show", "Words hardly seen"} & set(found)
    assert "Probing" in found


@pytest.mark.parametrize("settings", [{}, JUDGED])
def test_many_tasks_are_counted_and_named_without_their_scores(make_run, settings):
    folder = make_run(families=("probing",), models={"cbow": 0.06, "transformer": 0.2}, **settings)
    parts = {name: pd.read_csv(folder / f"{name}.csv") for name in ("scores", "comparisons")}
    for name, frame in parts.items():
        more = [frame.assign(task=frame["task"] + str(number)) for number in range(4)]
        pd.concat(more).to_csv(folder / f"{name}.csv", index=False)
    text = findings(folder)["Probing"]
    if settings:
        assert text.startswith(
            "The best encoder is ahead of the best static model on 8 of 8 tasks: sentence length0, noun or verb0"
        )
    else:
        assert "on 8 tasks, which are no verdicts, stand in the table above." in text
    assert "0.450" not in text


def test_ways_of_guessing_make_no_encoder(make_run):
    folder = make_run()
    scores = pd.read_csv(folder / "scores.csv")
    guessing = scores[scores["task"] == "simlex"].assign(task="cloze", level="hidden", view="output+frequency")
    pd.concat([scores, guessing]).to_csv(folder / "scores.csv", index=False)
    assert Run.read(folder).encoders == ["transformer"]


def test_models_from_files_are_said_to_have_no_seeds(make_run):
    folder = make_run(seeds=3)
    models = pd.read_csv(folder / "models.csv")
    models.loc[models["model"] == "cbow", "kind"] = "Vectors"
    models.to_csv(folder / "models.csv", index=False)
    assert "the same with every seed: cbow." in summarise(Run.read(folder)).paragraph
    assert "every seed" not in summarise(Run.read(make_run("trained", seeds=3))).paragraph


def test_models_that_others_trained_get_no_verdict_by_items_alone(make_run):
    folder = make_run(models={"cbow": 0.06, "transformer": 0.3, "random": 0.0}, p_holm=0.001)
    models = pd.read_csv(folder / "models.csv")
    models.assign(kind="Vectors").to_csv(folder / "models.csv", index=False)
    run = Run.read(folder)
    assert "read from files and not trained here: differences between items only, no verdict." in summarise(run).paragraph
    assert "one seed: no verdict" in contest_table(contests(run), run).caption
    assert "are no verdicts" in findings(folder)["Similarity"]


def test_no_trained_model_is_not_one_from_a_file(make_run):
    assert "read from files" not in summarise(Run.read(make_run(models={"random": 0.0, "untrained": 0.0}))).paragraph
