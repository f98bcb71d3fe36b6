import math
from dataclasses import replace
from itertools import count, pairwise
from threading import current_thread, main_thread
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from study.contracts import StudyError
from study.model.anatomy import Anatomy
from study.model.objective import Masked, following
from study.model.pretraining import VALIDATION_RATE, Pretraining, words_of
from study.model.progress import NotFiniteError, Progress
from study.model.regimen import Regimen, judged_by, limited_threads
from study.model.spelled import SpelledCorpus
from study.model.transformer import Encoder
from tests.model.small_corpus import PAIRS, SmallCorpus
from tests.model.small_encoder import ANATOMY
from tests.model.small_spelled import SpelledSmall

CORPUS = SmallCorpus()
SMALL = Anatomy(**ANATOMY | {"blocks": 1, "dropout": 0.1, "length": 16})
REGIMEN = Regimen(
    context="sentence",
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
    rate=0.02,
    warm_up=0.1,
    decay="linear",
    weight_decay=0.1,
    second_moment=0.98,
    clip=1.0,
    precision="float32",
    words=8_000,
    epochs=None,
    minutes=None,
    validate_every=4_000,
    validation_words=500,
    seed=0,
    checkpoint_seconds=0.0,
    device="cpu",
    threads=1,
)


class KilledError(Exception):
    pass


def start(regimen=REGIMEN, corpus=CORPUS, **changes):
    torch.manual_seed(regimen.seed)
    words = len(corpus.vocabulary)
    return Pretraining(Encoder(replace(SMALL, **changes), words + 3, torch.full((words,), 1 / words)), corpus, regimen)


def train(folder, observe=lambda moment: None, regimen=REGIMEN):
    training = start(regimen)
    training.run(folder, observe)
    return training


def same(one, other):
    weights, others = one.encoder.state_dict(), other.encoder.state_dict()
    return all(torch.equal(weights[name], others[name]) for name in weights)


def without_development():
    corpus = SmallCorpus(60)
    corpus.parts["development"] = tuple(
        part[:1] * 0 if number else part[:0] for number, part in enumerate(corpus.parts["development"])
    )
    return corpus


def spoiled(training, after):
    """Let the update that follows a count of words leave the weights not a number."""
    update = training.optimiser.step

    def step():
        update()
        if training.progress.words >= after:
            training.weights[0].data.fill_(torch.nan)

    training.optimiser.step = step
    return training


def test_a_training_keeps_what_its_steps_free(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr("study.model.loop.keep_freed_memory", lambda: asked.append("kept"))
    train(tmp_path, lambda moment: asked.append("moment"), replace(REGIMEN, words=500))
    assert asked[:2] == ["kept", "moment"]


def test_a_hidden_word_is_learned_from_its_partner(tmp_path):
    history = train(tmp_path, regimen=replace(REGIMEN, words=40_000)).progress.history
    first, last = history[0], history[-1]
    assert first.words_seen == 0
    assert first.validation_loss == pytest.approx(math.log(2 * PAIRS), rel=0.1)
    assert last.validation_loss < first.validation_loss - 0.7
    assert last.masked_accuracy > first.masked_accuracy + 0.2


@pytest.mark.parametrize(
    ("killed_at", "precision", "threads"),
    [(1, "float32", 1), (3_000, "float32", 1), (7_000, "float32", 1), (3_000, "bfloat16", 1), (3_000, "bfloat16", 2)],
)
def test_a_training_that_was_killed_and_resumed_is_the_same_bit_for_bit(tmp_path, killed_at, precision, threads):
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    whole.mkdir()
    pieces.mkdir()

    def kill(moment):
        if moment.words_seen >= killed_at:
            raise KilledError

    often = replace(REGIMEN, validate_every=500, precision=precision)
    with limited_threads(threads):
        straight = train(whole, regimen=often)
        with pytest.raises(KilledError):
            train(pieces, kill, often)
    resumed = start(often)
    with limited_threads(threads):
        history = resumed.run(pieces, lambda moment: None)
    assert same(straight, resumed)
    curves = [[(m.words_seen, m.loss, m.validation_loss) for m in curve] for curve in (straight.progress.history, history)]
    assert curves[0] == curves[1]
    assert all(one.seconds <= other.seconds for one, other in pairwise(history))


@pytest.mark.parametrize("killed_at", [None, 3_000])
def test_validation_takes_no_part_in_the_time_of_training(tmp_path, monkeypatch, killed_at):
    now = [0.0]

    def lasting(seconds, work):
        def timed(*given):
            now[0] += seconds
            return work(*given)

        return timed

    monkeypatch.setattr("study.model.loop.time", SimpleNamespace(perf_counter=lambda: now[0]))
    monkeypatch.setattr(Pretraining, "step", lasting(1.0, Pretraining.step))
    monkeypatch.setattr(Pretraining, "validate", lasting(100.0, Pretraining.validate))
    often = replace(REGIMEN, validate_every=500)

    def kill(moment):
        if killed_at is not None and moment.words_seen >= killed_at:
            raise KilledError

    if killed_at is not None:
        with pytest.raises(KilledError):
            train(tmp_path, kill, often)
        now[0] += 10_000.0
    progress = train(tmp_path, regimen=often).progress
    assert sum(moment.validation_loss is not None for moment in progress.history) > 10
    assert progress.seconds == progress.history[-1].seconds == progress.step
    assert all(one.seconds < other.seconds for one, other in pairwise(progress.history))


@pytest.mark.parametrize(
    "question",
    [
        {"objective": {"causal": 1.0}},
        {"objective": {"masked": 0.5, "causal": 0.25, "detection": 0.25}},
        {"surroundings": 0.5},
        {"first_batch": 64, "batch_growth": 1.0},
    ],
)
def test_every_regimen_resumes_the_same_bit_for_bit(tmp_path, question):
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    whole.mkdir()
    pieces.mkdir()
    often = replace(REGIMEN, **question, validate_every=500, final_mask_rate=0.1)

    def kill(moment):
        if moment.words_seen >= 3_000:
            raise KilledError

    straight = train(whole, regimen=often)
    with pytest.raises(KilledError):
        train(pieces, kill, often)
    resumed = start(often)
    resumed.run(pieces, lambda moment: None)
    assert same(straight, resumed)


def spelled_training(corpus, regimen=REGIMEN):
    return start(regimen, SpelledCorpus.learned(corpus, "wordpiece", 36))


def test_asking_for_the_words_around_is_learned_too(tmp_path):
    training = start(replace(REGIMEN, words=40_000, surroundings=1.0))
    losses = []
    ask = training.surroundings.loss

    def recorded(*arguments):
        losses.append(ask(*arguments))
        return losses[-1]

    training.surroundings.loss = recorded
    training.run(tmp_path, lambda moment: None)
    first, last = (sum(float(loss.detach()) for loss in part) / 20 for part in (losses[:20], losses[-20:]))
    assert last < first - 0.1


@pytest.mark.parametrize("objective", [{"masked": 1.0}, {"masked": 0.5, "causal": 0.25, "detection": 0.25}])
def test_a_training_on_sub_words_resumes_the_same_bit_for_bit(tmp_path, objective):
    pytest.importorskip("tokenizers", reason="the extra [subwords] is not installed")
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    whole.mkdir()
    pieces.mkdir()
    often = replace(REGIMEN, objective=objective, words=4_000, validate_every=500)

    def kill(moment):
        if moment.words_seen >= 2_000:
            raise KilledError

    straight = spelled_training(SpelledSmall(), often)
    straight.run(whole, lambda moment: None)
    with pytest.raises(KilledError):
        spelled_training(SpelledSmall(), often).run(pieces, kill)
    resumed = spelled_training(SpelledSmall(), often)  # its sub-words are learned once more
    history = resumed.run(pieces, lambda moment: None)
    assert same(straight, resumed)
    curves = [[(m.words_seen, m.loss, m.validation_loss) for m in curve] for curve in (straight.progress.history, history)]
    assert curves[0] == curves[1]


def test_a_hidden_word_of_sub_words_is_learned_from_its_partner(tmp_path):
    pytest.importorskip("tokenizers", reason="the extra [subwords] is not installed")
    regimen = replace(REGIMEN, words=25_000, candidates=0)
    history = spelled_training(SpelledSmall(600), regimen).run(tmp_path, lambda moment: None)
    assert history[-1].validation_loss < history[0].validation_loss - 1
    assert history[-1].masked_accuracy > history[0].masked_accuracy + 0.2


def test_words_seen_are_those_that_begin_in_a_batch():
    pytest.importorskip("tokenizers", reason="the extra [subwords] is not installed")
    training = spelled_training(SpelledSmall())
    words, _ = training.training.read(training.training.order(0))
    seen = training.words_in(words)
    assert seen == (~training.continues[words] & (words != training.training.symbols.boundary)).sum()
    assert 0.95 < seen / training.corpus.size("training") <= 1


def test_validation_of_sub_words_tells_of_whole_words():
    pytest.importorskip("tokenizers", reason="the extra [subwords] is not installed")
    training = spelled_training(SpelledSmall())
    training.encoder.eval()
    words, segments = training.training.read(training.training.evenly(400))
    with torch.inference_mode():
        loss, right, asked = training.judge(words, segments, np.random.default_rng(0))
        batch = training.hide(words, segments, np.random.default_rng(0), rate=0.15, hidden=1.0, replaced=0.0)
        scores = training.encoder(batch.words, batch.segments, batch.places)[-1].float()
        table, bias = training.encoder.output()
        chances = (scores @ table[: len(bias)].T + bias).log_softmax(dim=1)
    of = words_of(batch, training.continues)
    hits = (chances.argmax(dim=1) == batch.targets).numpy()
    assert asked == of.max() + 1 < len(batch.places)
    assert float(loss) == pytest.approx(-float(chances[torch.arange(len(of)), batch.targets].sum()), rel=1e-4)
    assert int(right) == sum(hits[of == word].all() for word in range(asked))


def test_neighbouring_hidden_words_are_told_apart():
    continues = np.array([False, True, False, False])
    rows = torch.zeros((2, 4), dtype=torch.int64)
    batch = Masked(rows, rows, torch.tensor([0, 1, 2, 3, 4, 6, 7]), torch.tensor([0, 1, 1, 0, 1, 1, 1]))
    assert words_of(batch, continues).tolist() == [0, 0, 0, 1, 2, 3, 3]


def test_from_the_words_before_the_second_word_of_a_pair_is_guessed_and_the_first_is_not(tmp_path):
    training = start(replace(REGIMEN, words=40_000, objective={"causal": 1.0}))
    training.run(tmp_path, lambda moment: None)
    words = torch.tensor([[2 * PAIRS + 2, 0, 1, 6, 7, 2, 3]])  # a boundary, then three pairs
    with torch.no_grad():
        states = training.encoder.eval()(words, causal=True)[-1][0]
        table, bias = training.encoder.output()
        scores = states @ table[: len(bias)].T + bias
    shares = scores.log_softmax(-1)[torch.arange(6), words[0, 1:]].exp()
    assert shares[[1, 3, 5]].min() > 5 * shares[[2, 4]].max()


def test_an_encoder_that_is_asked_for_next_words_alone_is_judged_by_next_words(tmp_path):
    training = start(replace(REGIMEN, words=40_000, objective={"causal": 1.0}))
    history = training.run(tmp_path, lambda moment: None)
    assert history[0].validation_loss == pytest.approx(math.log(2 * PAIRS), rel=0.1)
    # the first word of a pair cannot be guessed: half of the words keep the loss of one among all first ones
    assert history[-1].validation_loss < 0.75 * math.log(2 * PAIRS)
    assert history[-1].masked_accuracy > 0.4
    words, segments = np.array([[2 * PAIRS + 2, 0, 1, 6, 7, 2, 3]]), np.zeros((1, 7), np.int64)
    with torch.inference_mode():
        loss, right, asked = training.judge(words, segments, np.random.default_rng(0))
        batch = following(words, segments, training.training.symbols, np.random.default_rng(0), rate=0.15)
        states = training.encoder.eval()(torch.from_numpy(words), causal=True)[-1][0]
        table, bias = training.encoder.output()
        chances = (states @ table[: len(bias)].T + bias).log_softmax(-1)
    assert asked == len(batch.targets) == 1
    assert float(loss) == pytest.approx(-float(chances[batch.places, batch.targets]), rel=1e-4)
    assert int(right) == int(chances[batch.places[0]].argmax() == batch.targets[0])


def test_an_encoder_that_finds_replaced_words_alone_is_judged_by_that(tmp_path):
    training = start(replace(REGIMEN, words=60_000, validate_every=60_000, objective={"detection": 1.0}))
    history = training.run(tmp_path, lambda moment: None)
    assert 0.3 < history[0].validation_loss < 1.5  # nats of a yes or no, not of one among all words
    assert history[-1].validation_loss < history[0].validation_loss
    words, segments = np.array([[2 * PAIRS + 2, 0, 1, 6, 7, 2, 3]]), np.zeros((1, 7), np.int64)
    with torch.inference_mode():
        first, second = (training.judge(words, segments, np.random.default_rng(0)) for _ in range(2))
    assert [float(part) for part in first] == [float(part) for part in second]  # what the generator draws too
    assert first[2] == 6  # every known word, hidden or not


@pytest.mark.parametrize(
    ("objective", "asked"),
    [
        ({"masked": 0.1, "causal": 0.9}, "masked"),
        ({"masked": 0.0, "causal": 0.5, "detection": 0.5}, "causal"),
        ({"detection": 1.0}, "detection"),
    ],
)
def test_the_development_part_is_asked_what_some_steps_ask(objective, asked):
    assert judged_by(objective) == asked


def test_detection_finds_replaced_words(tmp_path):
    training = start(replace(REGIMEN, words=60_000, objective={"detection": 1.0}))
    training.run(tmp_path, lambda moment: None)
    first = 2 * torch.arange(PAIRS)
    right = torch.tensor([[2 * PAIRS + 2, 0, 1, 6, 7, 2, 3]]).repeat(PAIRS, 1)  # a boundary, then three pairs
    right[:, 3], right[:, 4] = first, first + 1
    wrong = right.clone()
    wrong[:, 4] = right[:, 4].roll(1)  # not the partners of the words before
    with torch.inference_mode():
        encoder, head = training.encoder.eval(), training.detection.head
        kept, replaced = (head(encoder(words)[-1])[:, 4, 0] for words in (right, wrong))
    assert (replaced[:, None] > kept).float().mean() > 0.65  # the area under the curve


def test_the_operations_of_a_step_are_those_counted_by_hand():
    training = start(blocks=2)
    training.progress.total = 10_000
    effort = training.effort()
    anatomy, rows = training.encoder.anatomy, REGIMEN.batch // training.length
    t, d, m = rows * training.length, anatomy.width, round(anatomy.expansion * anatomy.width)
    read = t * training.corpus.size("training") / training.training.total  # without boundaries
    n = REGIMEN.mask_rate * read  # words asked for: of the last block no other word's answer or MLP is made
    matrices = t * 3 * d * d * 2 + (t + n) * (d * d + 2 * d * m)  # of two blocks
    attention = 2 * 2 * t * training.length * d  # products of queries and keys, and means of values
    scores = n * REGIMEN.candidates * d
    assert effort.operations_per_word == pytest.approx(6 * (matrices + attention + scores) / read, rel=0.02)
    assert training.progress.step == 0
    assert effort.precision == "float32"


def test_matrices_decay_and_tables_norms_and_biases_do_not():
    training = start(biases=True)
    of = {id(weight): name for name, weight in training.encoder.named_parameters()}
    decayed, rest = ({of[id(weight)] for weight in group["params"]} for group in training.optimiser.param_groups)
    assert [group["weight_decay"] for group in training.optimiser.param_groups] == [REGIMEN.weight_decay, 0.0]
    assert decayed | rest == set(of.values())
    assert all(name.startswith("blocks.") and name.endswith(".weight") and "norm" not in name for name in decayed)
    assert {"bias", "table.weight", "blocks.0.mlp.widen.bias", "blocks.0.mlp_norm.weight"} <= rest
    assert {"blocks.0.mlp.widen.weight", "blocks.0.attention.answer.weight"} <= decayed


def test_the_mask_rate_goes_straight_to_its_end():
    regimen = replace(REGIMEN, mask_rate=0.4, final_mask_rate=0.1)
    assert [regimen.mask_rate_at(share) for share in (0, 0.5, 1)] == pytest.approx([0.4, 0.25, 0.1])
    assert replace(regimen, final_mask_rate=None).mask_rate_at(0.9) == 0.4


def test_steps_grow_straight_to_their_full_batch_and_stay_there():
    regimen = replace(REGIMEN, first_batch=64, batch_growth=0.5)
    assert [regimen.batch_at(share) for share in (0, 0.25, 0.5, 1)] == [64, 160, 256, 256]
    assert replace(regimen, first_batch=None).batch_at(0) == 256
    training = start(regimen)
    length = training.training.length
    for words, batch in ((0, 64), (250, 160), (500, 256), (900, 256)):
        training.progress = Progress(total=1_000, words=words)
        assert len(training.prepare(training.progress.place()).starts) == batch // length


def test_another_seed_is_another_training(tmp_path):
    folders = [tmp_path / name for name in "abc"]
    for folder in folders:
        folder.mkdir()
    first, again, other = (
        train(folder, regimen=replace(REGIMEN, seed=seed)) for folder, seed in zip(folders, (0, 0, 1), strict=True)
    )
    assert same(first, again)
    assert not same(first, other)


def test_what_is_observed_does_not_change_what_is_learned(tmp_path):
    folders = [tmp_path / name for name in "ab"]
    for folder in folders:
        folder.mkdir()
    assert same(train(folders[0]), train(folders[1], regimen=replace(REGIMEN, validate_every=300, checkpoint_seconds=60)))


@pytest.mark.parametrize(
    "damage", [lambda data: data[: len(data) // 2], lambda data: data[:900] + b"\0" * 9 + data[909:], lambda data: b""]
)
def test_a_damaged_checkpoint_is_reported_and_training_starts_afresh(tmp_path, damage):
    straight = train(tmp_path)
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.warns(UserWarning, match="starts afresh"):
        again = train(tmp_path)
    assert same(straight, again)


def test_a_checkpoint_of_another_encoder_is_reported_and_not_used(tmp_path):
    train(tmp_path)
    with pytest.warns(UserWarning, match="of another training"):
        assert not start(width=32).resume(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 1},
        {"words": 9_000},
        {"objective": {"masked": 0.5, "detection": 0.5}},
        {"surroundings": 0.5},
        {"objective": {"detection": 1.0}, "generator": 1.0},
    ],
)
def test_a_checkpoint_of_another_training_is_reported_and_not_used(tmp_path, changes):
    straight = train(tmp_path)
    (tmp_path / "checkpoint.pt").unlink()
    train(tmp_path, regimen=replace(REGIMEN, **changes))
    with pytest.warns(UserWarning, match="of another training"):
        again = train(tmp_path)
    assert same(straight, again)


def test_other_resources_are_the_same_training(tmp_path):
    train(tmp_path)
    assert start(replace(REGIMEN, checkpoint_seconds=99.0)).resume(tmp_path)


def without_groups(state):
    return state | {"optimiser": {"state": {}, "param_groups": []}}


def without_optimiser(state):
    return state | {"optimiser": {}}


@pytest.mark.parametrize(
    "spoil", [lambda state: [1, 2], lambda state: {}, without_groups, without_optimiser, lambda state: state["weights"]]
)
def test_a_checkpoint_that_holds_something_else_is_reported_and_not_used(tmp_path, spoil):
    straight = train(tmp_path)
    path = tmp_path / "checkpoint.pt"
    torch.save(spoil(torch.load(path, weights_only=True)), path)
    with pytest.warns(UserWarning, match="starts afresh"):
        again = train(tmp_path)
    assert same(straight, again)


def test_a_folder_in_the_place_of_a_checkpoint_is_reported_and_removed(tmp_path):
    straight = train(tmp_path)
    (tmp_path / "checkpoint.pt").unlink()
    (tmp_path / "checkpoint.pt").mkdir()
    with pytest.warns(UserWarning, match="starts afresh"):
        again = train(tmp_path)
    assert same(straight, again)


def test_a_loss_that_is_not_finite_names_the_step_and_keeps_the_last_checkpoint(tmp_path):
    training = start()

    def spoil(moment):
        if moment.words_seen > 2_000:
            with torch.no_grad():
                training.encoder.table.weight.fill_(torch.nan)

    often = replace(REGIMEN, validate_every=500)
    training.regimen = often
    with pytest.raises(NotFiniteError, match=r"step \d+, after \d+ words: loss nan"):
        training.run(tmp_path, spoil)
    kept = start(often)
    assert kept.resume(tmp_path)
    assert kept.progress.words > 2_000
    assert all(weight.isfinite().all() for weight in kept.encoder.parameters())


def test_the_rate_rises_then_falls_to_nothing_as_a_function_of_words():
    linear = [REGIMEN.rate_at(share) for share in (0, 0.05, 0.1, 0.55, 1)]
    assert linear == pytest.approx([0, 0.01, 0.02, 0.01, 0])
    cosine = [replace(REGIMEN, decay="cosine").rate_at(share) for share in (0.05, 0.1, 0.55, 1)]
    assert cosine == pytest.approx([0.01, 0.02, 0.01, 0])


def test_a_budget_in_epochs_is_so_many_times_the_training_part():
    assert start(replace(REGIMEN, words=None, epochs=1.5)).budget() == round(1.5 * CORPUS.size("training"))


def test_a_budget_in_minutes_becomes_words_once_and_leaves_the_start_as_it_was(tmp_path):
    minutes = replace(REGIMEN, words=None, minutes=0.01, checkpoint_seconds=60)
    training = train(tmp_path, regimen=minutes)
    total = training.progress.total
    assert {moment.total_words for moment in training.progress.history} == {total}
    assert 0.1 < training.progress.seconds < 6
    folder = tmp_path / "words"
    folder.mkdir()
    assert same(training, train(folder, regimen=replace(REGIMEN, words=total)))


def test_a_budget_in_minutes_is_rehearsed_all_over_it_and_changes_nothing(monkeypatch):
    training, shares, ask = start(replace(REGIMEN, words=None, minutes=0.01, rate=1e30)), [], Pretraining.ask
    clock = count(step=0.001)
    monkeypatch.setattr("study.model.rehearsal.time", SimpleNamespace(perf_counter=lambda: next(clock)))
    before = [weight.clone() for weight in training.weights]

    def spy(self, words, segments, starts, random, share):
        shares.append(share)
        return ask(self, words, segments, starts, random, share)

    monkeypatch.setattr(Pretraining, "ask", spy)
    assert training.budget() > 0
    assert len(shares) == 40
    parts = np.histogram(shares[1::2], bins=4, range=(0, 1))[0]
    assert parts.max() - parts.min() <= 2, "what changes with the budget, the rate of masks or the batch, is met in its shares"
    assert all(torch.equal(one, other) for one, other in zip(before, training.weights, strict=True))
    assert training.progress.words == training.progress.step == 0


@pytest.mark.parametrize("changes", [{}, {"batch": 2048}, {"first_batch": 32}, {"first_batch": 32, "batch_growth": 1.0}])
@pytest.mark.parametrize("by_words", [0.0, 0.7])
def test_a_budget_in_minutes_is_kept_whatever_the_size_of_steps(monkeypatch, changes, by_words):
    """Where steps grow, and where an epoch's last one is short; a step's time is its own, or goes with its words."""
    now = [0.0]
    monkeypatch.setattr("study.model.rehearsal.time", SimpleNamespace(perf_counter=lambda: now[0]))
    training = start(replace(REGIMEN, words=None, minutes=5.0, **changes))

    def slow(self):
        """Read a batch and learn nothing of it, which takes its time by another clock."""
        before, batch = self.progress.words, self.prepare(self.progress.place())
        self.order = batch.order
        self.progress.go_to(batch.after)
        now[0] += 1 - by_words + by_words * (self.progress.words - before) / training.regimen.batch
        now[0] += 2.0 * (now[0] < 2)  # the first is dearer

    monkeypatch.setattr(Pretraining, "step", slow)
    training.progress.total = training.budget()
    rehearsed, now[0] = now[0], 10.0
    while training.progress.words < training.progress.total:
        training.step()
    assert rehearsed < 35
    assert now[0] - 10 + rehearsed == pytest.approx(300, rel=0.1)


def test_a_step_that_fails_in_the_rehearsal_is_left_for_the_training_to_tell():
    training = start(replace(REGIMEN, words=None, minutes=1.0))
    training.network.table.weight.data.fill_(torch.nan)
    assert training.budget() == 1


def test_a_resumed_budget_in_minutes_is_the_one_of_the_checkpoint(tmp_path):
    training = train(tmp_path, regimen=replace(REGIMEN, words=None, minutes=0.01))
    resumed = start(replace(REGIMEN, words=None, minutes=0.01))
    resumed.budget = lambda: pytest.fail("it is measured once")
    assert resumed.resume(tmp_path)
    resumed.run(tmp_path, lambda moment: None)
    assert resumed.progress.total == training.progress.total


def test_no_words_are_no_training(tmp_path):
    before = {name: weight.clone() for name, weight in start().encoder.state_dict().items()}
    training = train(tmp_path, regimen=replace(REGIMEN, words=0))
    assert all(torch.equal(weight, before[name]) for name, weight in training.encoder.state_dict().items())
    assert [moment.words_seen for moment in training.progress.history] == [0]


def test_every_sentence_is_read_about_once_in_an_epoch():
    training = start()
    rows, place = [], training.progress.place()
    while place.epoch == 0:
        batch = training.prepare(place)
        rows.append(batch.starts)
        place = batch.after
    read = np.concatenate(rows[:-1])
    assert len(np.unique(read)) == len(read) == (training.training.total - read.min()) // 16


def test_an_empty_development_part_is_no_fault(tmp_path):
    assert start(corpus=without_development()).validate() == (None, None)


@pytest.mark.parametrize(("objective", "rate"), [({"detection": 1.0}, 0.4), ({"masked": 1.0}, VALIDATION_RATE)])
def test_detection_is_judged_at_the_share_of_hidden_words_that_it_has_learned(monkeypatch, objective, rate):
    rates, hide = [], Pretraining.hide

    def noted(training, *arguments, rate, **rates_of_fates):
        rates.append(rate)
        return hide(training, *arguments, rate=rate, **rates_of_fates)

    monkeypatch.setattr(Pretraining, "hide", noted)
    start(replace(REGIMEN, objective=objective, final_mask_rate=0.4)).validate()
    assert set(rates) == {rate}


def test_a_step_asks_for_one_word_at_least(tmp_path):
    training = train(tmp_path, regimen=replace(REGIMEN, mask_rate=1e-4, words=1_000))
    assert min(moment.loss for moment in training.progress.history if moment.loss is not None) > 0


def test_validation_hides_the_same_words_each_time():
    training = start()
    assert training.validate() == training.validate()


def test_no_checkpoint_is_written_of_weights_that_are_not_finite(tmp_path):
    training = spoiled(start(replace(REGIMEN, validate_every=100_000)), 3_001)
    with pytest.raises(NotFiniteError, match=r"step \d+, after 3\d+ words: weights that are not finite") as failure:
        training.run(tmp_path, lambda moment: None)
    assert failure.value.history[-1].words_seen == training.progress.words
    assert failure.value.history[-1].loss < 6
    kept = start(replace(REGIMEN, validate_every=100_000))
    assert kept.resume(tmp_path)
    assert all(weight.isfinite().all() for weight in kept.weights)


def test_a_training_whose_last_update_spoils_the_weights_fails(tmp_path):
    training = spoiled(start(replace(REGIMEN, words=300, checkpoint_seconds=99.0), without_development()), 200)
    with pytest.raises(NotFiniteError, match="weights that are not finite") as failure:
        training.run(tmp_path, lambda moment: None)
    seen = [moment.words_seen for moment in failure.value.history]
    assert seen == sorted(set(seen))
    assert seen[-1] == training.progress.words >= 300


def test_no_moment_is_kept_of_weights_that_are_not_finite(tmp_path):
    training = spoiled(start(replace(REGIMEN, checkpoint_seconds=99.0, validate_every=100_000)), 900)
    training.regimen.moments = [0, 1_000]
    training.regimen.keep = lambda history, folder: (folder / "kept").write_text("")
    with pytest.raises(NotFiniteError, match="weights that are not finite"):
        training.run(tmp_path, lambda moment: None)
    assert [path.parent.name for path in tmp_path.rglob("kept")] == ["0"]


@pytest.mark.parametrize("question", [{"surroundings": 0.5}, {"objective": {"masked": 0.5, "detection": 0.5}}, {}])
def test_a_batch_without_a_known_word_asks_nothing_and_spoils_nothing(question):
    training = start(replace(REGIMEN, **question))
    words = np.full((2, 16), training.training.symbols.unknown)
    for number in range(4):
        training.forget()
        asked = training.ask(words, np.zeros_like(words), np.array([0, 16]), np.random.default_rng(number), 0.5)
        loss = training.loss(asked)
        loss.backward()
        assert float(loss.detach()) == 0.0


def test_what_is_read_ahead_is_what_would_be_read_in_its_time(tmp_path):
    question = {"objective": {"masked": 0.5, "detection": 0.5}, "surroundings": 0.5, "first_batch": 64, "final_mask_rate": 0.1}
    regimen = replace(REGIMEN, **question)  # of more than an epoch
    ahead, in_main, prepare = start(regimen), [], Pretraining.prepare

    def spy(place):
        in_main.append(current_thread() is main_thread())
        return prepare(ahead, place)

    ahead.prepare, ahead.reads_ahead = spy, True
    ahead.run(tmp_path, lambda moment: None)
    assert in_main == [True] + [False] * (ahead.progress.step - 1)
    assert ahead.progress.epoch > 0
    in_time = start(regimen)
    in_time.progress.total = regimen.words
    while in_time.progress.words < regimen.words:
        in_time.step()
    assert in_time.progress.place() == ahead.progress.place()
    assert same(ahead, in_time)


@pytest.mark.parametrize("again", [True, False])
def test_a_training_that_reads_ahead_resumes_the_same_bit_for_bit(tmp_path, again):
    """By the training itself that was interrupted, or by another."""
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    whole.mkdir()
    pieces.mkdir()
    regimen = replace(REGIMEN, surroundings=0.5, validate_every=500)

    def kill(moment):
        if moment.words_seen >= 3_000:
            raise KilledError

    killed = start(regimen)
    killed.reads_ahead = True
    with pytest.raises(KilledError):
        killed.run(pieces, kill)
    resumed = killed if again else start(regimen)
    resumed.reads_ahead = True
    resumed.run(pieces, lambda moment: None)
    assert same(train(whole, regimen=regimen), resumed)


def test_every_word_may_be_hidden_beside_a_share_of_visible_ones(tmp_path):
    progress = train(tmp_path, regimen=replace(REGIMEN, surroundings=0.5, final_mask_rate=1.0, words=2_000)).progress
    assert progress.words >= 2_000


def test_a_validation_drops_nothing_of_what_is_trained_beside_either():
    training = start(replace(REGIMEN, objective={"detection": 1.0}))
    training.parts.train()
    training.validate()
    assert not any(part.training for part in training.parts.modules())


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"epochs": 1}, "words"),
        ({"words": None}, "minutes"),
        ({"context": "page"}, "page"),
        ({"decay": "step"}, "step"),
        ({"precision": "float16"}, "float16"),
        ({"device": "abacus"}, "abacus"),
        ({"objective": "masked"}, "objective: expected shares.*masked: 1.0.*'masked'"),
        ({"objective": {"masked": "all"}}, "objective: expected shares"),
        ({"rate": float("inf")}, "rate"),
        ({"validation_words": -1}, "validation_words"),
        ({"checkpoint_seconds": -1.0}, "checkpoint_seconds"),
        ({"candidate_exponent": float("nan")}, "candidate_exponent"),
        ({"mask_hidden": float("nan")}, "mask_hidden"),
        ({"threads": 0}, "threads"),
        ({"mask_rate": 0}, "mask_rate"),
        ({"mask_hidden": 1.0}, "mask_hidden"),
        ({"warm_up": 1.0}, "warm_up"),
        ({"batch": 0}, "batch"),
        ({"candidates": -1}, "candidates"),
        ({"words": -1}, "words"),
        ({"words": None, "epochs": -0.5}, "epochs"),
        ({"words": None, "minutes": 0}, "minutes"),
        ({"weight_decay": -0.1}, "weight_decay"),
        ({"second_moment": 1.0}, "second_moment"),
        ({"first_batch": 512}, "first_batch.* 1 to batch=256"),
        ({"batch_growth": 0.0}, "batch_growth"),
        ({"surroundings": 0.5, "objective": {"causal": 0.5, "detection": 0.5}}, "surroundings=0.5"),
    ],
)
def test_a_regimen_that_does_not_fit_is_refused_by_name(changes, named):
    with pytest.raises(StudyError, match=named):
        replace(REGIMEN, **changes).check_regimen()
