from dataclasses import replace

import numpy as np
import pytest
import torch

from study.contracts import Lexicon, StudyError
from study.model.anatomy import Anatomy
from study.model.encoder import Transformer
from tests.model.small_corpus import SmallCorpus
from tests.model.small_encoder import ANATOMY

CORPUS = SmallCorpus(200)
SETTINGS = Transformer(
    **ANATOMY,
    context="document",
    objective={"masked": 1.0},
    first_batch=None,
    batch_growth=0.5,
    mask_rate=0.3,
    final_mask_rate=None,
    mask_hidden=0.8,
    mask_replaced=0.1,
    generator=0.5,
    detection_weight=10.0,
    surroundings=0.0,
    surroundings_window=10,
    surroundings_drawn=4,
    surroundings_threshold=1.0,
    candidates=20,
    candidate_exponent=1.0,
    batch=256,
    rate=0.01,
    warm_up=0.1,
    decay="linear",
    weight_decay=0.1,
    second_moment=0.98,
    clip=1.0,
    precision="float32",
    words=2_000,
    epochs=None,
    minutes=None,
    validate_every=1_000,
    validation_words=200,
    occurrences=5,
    seed=0,
    checkpoint_seconds=60,
    device="cpu",
    threads=1,
    start=None,
    start_frozen=False,
    units="words",
    subwords=100,
)
WORD = ("input", "layer-1", "layer-2", "averaged-1", "averaged-2", "averaged")
IN_CONTEXT = ("input", "layer-1", "layer-2")


def fit(folder, **changes):
    return replace(SETTINGS, **changes).fit(CORPUS, folder=folder, observe=lambda moment: None)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return fit(tmp_path_factory.mktemp("encoder"))


def embed(model, *places, views=IN_CONTEXT):
    """Embed places given as (sentence, start, stop)."""
    sentences = [sentence.split() for sentence, _, _ in places]
    return model.embed(sentences, np.array([(row, start, stop) for row, (_, start, stop) in enumerate(places)]), views)


def states(model, words, positions):
    """Read one row by hand and return the vectors at some positions: input, then the layers."""
    row = torch.tensor([[CORPUS.vocabulary.identifiers.get(word.lower(), 40) for word in words]])
    row = torch.nn.functional.pad(row, (1, 1), value=42)  # a boundary on both sides
    with torch.inference_mode():
        layers = [model.encoder.table(row), *model.encoder(row)[1:]]
    return [layer[0, [position + 1 for position in positions]].mean(dim=0).numpy() for layer in layers]


def test_the_views_are_those_of_the_design(model):
    assert model.views("word") == WORD
    assert model.views("target") == model.views("sentence") == IN_CONTEXT
    assert model.views("vocabulary") == ("input",)


def test_a_span_is_the_mean_over_its_known_words_in_their_sentence(model):
    words = ["a1", "b1", "what", "a3", "B3"]
    made = embed(model, ("a1 b1 what a3 B3", 1, 4), ("a1 b1 what a3 B3", 0, 5))
    for view, wanted in zip(IN_CONTEXT, states(model, words, [1, 3]), strict=True):
        assert made[view].dtype == np.float32
        assert made[view][0] == pytest.approx(wanted, abs=1e-5)
    for view, wanted in zip(IN_CONTEXT, states(model, words, [0, 1, 3, 4]), strict=True):
        assert made[view][1] == pytest.approx(wanted, abs=1e-5)


def test_only_known_targets_have_vectors_and_unknown_neighbours_count_as_such(model):
    made = embed(model, ("a1 what b1", 1, 2), ("a1 what b1", 0, 1), ("a1 b1", 0, 1))
    assert all(np.isnan(array[0]).all() for array in made.values())
    assert made["input"][1] == pytest.approx(made["input"][2])
    assert not np.allclose(made["layer-1"][1], made["layer-1"][2], atol=1e-3)


def test_a_vector_does_not_depend_on_what_else_is_asked(model):
    asked = [("a1 b1 a2 b2", 1, 2), ("a1", 0, 1), ("a5 b5 a2 b2 a7", 0, 5), ("a1 b1 a2 b2", 1, 2)]
    together, alone = embed(model, *asked), [embed(model, one) for one in asked]
    for view in IN_CONTEXT:
        assert together[view] == pytest.approx(np.concatenate([one[view] for one in alone]), abs=1e-5)
    assert np.array_equal(together["layer-2"][0], together["layer-2"][3])


def test_a_long_sentence_is_cut_to_a_window_centred_on_the_span(model):
    words = [f"{letter}{number}" for number in range(15) for letter in "ab"]  # 30 words for a room of 10
    sentence = " ".join(words)
    made = embed(model, (sentence, 15, 16), (sentence, 0, 1), (sentence, 29, 30))
    for row, (first, position) in enumerate([(10, 5), (0, 0), (20, 9)]):
        for view, wanted in zip(IN_CONTEXT, states(model, words[first : first + 10], [position]), strict=True):
            assert made[view][row] == pytest.approx(wanted, abs=1e-5)


def test_a_long_whole_sentence_is_averaged_over_windows_each_word_once(model):
    words = [f"{letter}{number}" for number in range(12) for letter in "ab"][:23]
    made = embed(model, (" ".join(words), 0, 23))
    pieces = [(0, range(10), 10), (10, range(10), 10), (13, range(7, 10), 3)]
    for layer, view in enumerate(IN_CONTEXT):
        wanted = sum(states(model, words[first : first + 10], where)[layer] * count for first, where, count in pieces) / 23
        assert made[view][0] == pytest.approx(wanted, abs=1e-5)


def test_averaged_vectors_are_the_mean_over_occurrences_in_the_training_part(model):
    made = embed(model, ("a0", 0, 1), ("what", 0, 1), ("a0 b0", 0, 1), ("B1", 0, 1), views=WORD)
    offsets = CORPUS.sentence_offsets("training")
    names = [*CORPUS.vocabulary.words, "?"]
    for row, word in ((0, "a0"), (3, "b1")):
        identifier = CORPUS.vocabulary.index(word)
        one_by_one = [[] for _ in range(3)]
        for sentence, place in CORPUS.occurrences([identifier], 5, 0)[identifier]:
            words = [names[i] for i in CORPUS.ids("training", *offsets[sentence : sentence + 2])]
            first = min(max(0, place - 5 + 1), max(0, len(words) - 10)) if len(words) > 10 else 0
            for layer, vector in enumerate(states(model, words[first : first + 10], [place - first])):
                one_by_one[layer].append(vector)
        means = [np.mean(vectors, axis=0) for vectors in one_by_one]
        assert made["averaged-1"][row] == pytest.approx(means[1], abs=1e-5)
        assert made["averaged-2"][row] == pytest.approx(means[2], abs=1e-5)
        assert made["averaged"][row] == pytest.approx((means[1] + means[2]) / 2, abs=1e-5)
    for view in WORD[3:]:
        assert np.isnan(made[view][[1, 2]]).all(), "unknown words, and words in a sentence, have no averaged vector"


def test_nothing_asked_is_nothing_given(model):
    made = model.embed([], np.zeros((0, 3), np.int64), WORD)
    assert {array.shape for array in made.values()} == {(0, 16)}


def test_the_lexicon_is_the_table_of_the_vocabulary(model):
    lexicon = model.lexicons()["input"]
    assert lexicon.vectors.shape == (len(lexicon.words), 16) == (40, 16)
    assert lexicon.vectors[3] == pytest.approx(embed(model, (lexicon.words[3], 0, 1))["input"][0])


def test_what_is_saved_is_loaded_to_the_bit(model, tmp_path):
    model.save(tmp_path)
    again = replace(SETTINGS).load(tmp_path, CORPUS)
    place = ("a1 b1 a2 b2", 1, 2)
    assert np.array_equal(embed(model, place)["layer-2"], embed(again, place)["layer-2"])
    assert again.history == model.history
    assert again.parameters == model.parameters == sum(tensor.numel() for tensor in model.encoder.state_dict().values())
    assert {path.name for path in tmp_path.iterdir()} == {"weights.safetensors", "settings.json", "history.json", "effort.json"}


@pytest.mark.parametrize("changes", [{"width": 32}, {"blocks": 1}, {"blocks": 3}, {"tied": False}, {"activation": "geglu"}])
def test_weights_of_another_anatomy_are_refused(model, tmp_path, changes):
    model.save(tmp_path)
    with pytest.raises(StudyError, match="do not fit the settings"):
        replace(SETTINGS, **changes).load(tmp_path, CORPUS)


def test_weights_of_another_vocabulary_are_refused(model, tmp_path):
    model.save(tmp_path)
    other = SmallCorpus(200)
    other.vocabulary.words = other.vocabulary.words[:-1]
    with pytest.raises(StudyError, match="40 words, but the vocabulary of small has 39"):
        replace(SETTINGS).load(tmp_path, other)


def test_damaged_weights_are_refused(model, tmp_path):
    model.save(tmp_path)
    path = tmp_path / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(StudyError, match="do not fit"):
        replace(SETTINGS).load(tmp_path, CORPUS)


def test_training_leaves_the_random_state_and_the_threads_of_the_process_alone(tmp_path):
    torch.manual_seed(5)
    threads, expected = torch.get_num_threads(), torch.rand(3)
    torch.manual_seed(5)
    fit(tmp_path, words=500, dropout=0.1)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.rand(3), expected)


def test_no_words_are_the_random_start(tmp_path):
    untrained = fit(tmp_path, words=0)
    assert torch.equal(untrained.encoder.table.weight, SETTINGS._start(CORPUS).table.weight)
    assert np.isfinite(embed(untrained, ("a1 b1", 0, 1))["layer-2"]).all()
    assert untrained.reproducible


def test_settings_that_do_not_fit_are_refused_before_anything_is_done(tmp_path):
    with pytest.raises(StudyError, match="Exactly one of words, epochs and minutes"):
        fit(tmp_path, epochs=1)
    with pytest.raises(StudyError, match="heads"):
        fit(tmp_path, heads=5)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"start_frozen": True}, "start_frozen=true needs vectors"),
        ({"occurrences": 0}, "occurrences must be at least 1"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**63}, "seed"),
        ({"units": "letters"}, "units"),
        ({"expansion": float("nan")}, "expansion"),
        ({"heads": 16, "head_width": 3}, "positions=rotary.*head_width"),
        ({"objective": {"causal": 1.0}}, "mask=full"),
        ({"mask": "full", "objective": {"causal": 1.0, "masked": 0.0}}, "mask=full"),
    ],
)
def test_a_start_and_an_objective_that_do_not_fit_are_refused_by_name(tmp_path, changes, named):
    with pytest.raises(StudyError, match=named):
        fit(tmp_path, **changes)
    replace(SETTINGS, objective={"causal": 1.0}, mask="causal").check()
    replace(SETTINGS, objective={"causal": 0.9, "masked": 0.1}).check()


def vectors_like(corpus, width=16):
    return Lexicon(corpus.vocabulary.words, np.random.default_rng(0).normal(size=(len(corpus.vocabulary), width)).astype("f4"))


@pytest.mark.parametrize("frozen", [True, False])
def test_a_training_can_start_from_vectors_and_leave_them_as_they_are(tmp_path, frozen):
    lexicon, model = vectors_like(CORPUS), replace(SETTINGS, start="skipgram", start_frozen=frozen)
    model.take(lexicon)
    model.fit(CORPUS, folder=tmp_path, observe=lambda moment: None)
    table = model.lexicons()["input"].vectors
    cosine = (table * lexicon.vectors).sum(1) / np.linalg.norm(table, axis=1) / np.linalg.norm(lexicon.vectors, axis=1)
    assert (cosine.min() > 0.99999) is np.True_ if frozen else cosine.mean() < 0.9999
    assert 0.005 < table.std() < 0.2


@pytest.mark.parametrize("tied", [True, False])
def test_vectors_that_stay_as_they_are_do_not_count_as_trained(tmp_path, tied):
    trained = {}
    for frozen in (True, False):
        model = replace(SETTINGS, start="skipgram", start_frozen=frozen, tied=tied)
        model.take(vectors_like(CORPUS))
        trained[frozen] = model.fit(CORPUS, folder=tmp_path / str(frozen), observe=lambda moment: None)
    assert trained[False].parameters - trained[True].parameters == 16 * len(CORPUS.vocabulary)


def test_without_tying_the_output_learns_while_the_vectors_of_the_input_stay(tmp_path):
    lexicon, model = vectors_like(CORPUS), replace(SETTINGS, start="skipgram", start_frozen=True, tied=False)
    model.take(lexicon)
    model.fit(CORPUS, folder=tmp_path, observe=lambda moment: None)
    before, after = model.fresh().output()[0], model.encoder.output()[0]
    assert not np.allclose(before.detach(), after.detach(), atol=1e-3)
    table = model.lexicons()["input"].vectors
    cosine = (table * lexicon.vectors).sum(1) / np.linalg.norm(table, axis=1) / np.linalg.norm(lexicon.vectors, axis=1)
    assert cosine.min() > 0.99999


def test_vectors_of_another_width_are_refused(tmp_path):
    model = replace(SETTINGS, start="skipgram")
    model.take(vectors_like(CORPUS, 8))
    with pytest.raises(StudyError, match=r"16 numbers .width.*width=8"):
        model.fit(CORPUS, folder=tmp_path, observe=lambda moment: None)


def test_the_network_holds_its_anatomy_and_not_the_model_with_its_corpus(model):
    assert type(model.encoder.anatomy) is Anatomy


@pytest.mark.parametrize(("changes", "named"), [({"device": "abacus"}, "abacus"), ({"threads": 0}, "threads must be 1 or more")])
def test_a_machine_that_is_not_there_is_refused_where_a_model_is_read_too(model, tmp_path, changes, named):
    model.save(tmp_path)
    with pytest.raises(StudyError, match=named):
        replace(SETTINGS, **changes).load(tmp_path, CORPUS).embed([["a"]], np.array([[0, 0, 1]]), ["layer-1"])
