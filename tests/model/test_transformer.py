import pytest
import torch
import yaml

from study import paths
from study.contracts import StudyError
from study.model.anatomy import Anatomy
from study.model.transformer import MLP, Encoder
from tests.model.small_encoder import ANATOMY

WORDS = 11


def encoder(**changes):
    torch.manual_seed(0)
    anatomy = Anatomy(**(ANATOMY | changes))
    anatomy.check_anatomy()
    frequencies = torch.arange(1, WORDS + 1) / torch.arange(1, WORDS + 1).sum()
    return Encoder(anatomy, WORDS + 3, frequencies)


def words(rows=3, length=12):
    return torch.randint(0, WORDS + 3, (rows, length), generator=torch.Generator().manual_seed(1))


PARTS = {
    "head_width": [None, 6],
    "projections": ["separate", "shared", "none"],
    "scaling": [True, False],
    "attention": ["softmax", "uniform"],
    "mask": ["full", "causal"],
    "positions": ["rotary", "relative", "alibi", "sinusoidal", "learned", "none"],
    "activation": ["gelu", "relu", "sigmoid", "geglu", "linear", "none"],
    "residual": [True, False],
    "norm": ["layer", "rms", "batch", "none"],
    "norm_place": ["before", "after"],
    "biases": [False, True],
    "tied": [True, False],
}
each_part = pytest.mark.parametrize(("part", "kind"), [(part, kind) for part, kinds in PARTS.items() for kind in kinds])


@each_part
def test_every_part_can_be_exchanged_and_gets_a_gradient(part, kind):
    network = encoder(**{part: kind}, dropout=0.1)
    states = network(words())
    assert [tuple(state.shape) for state in states] == [(3, 12, 16)] * 3
    table, bias = network.output()
    (states[-1] @ table[:WORDS].T + bias).square().sum().backward()
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in network.parameters())


@each_part
def test_gradients_are_those_of_finite_differences(part, kind):
    settings = {"width": 8, "blocks": 1, "length": 4} | {part: kind}
    network = encoder(**settings).double()
    row = words(1, 4)
    names = [name for name, weight in network.named_parameters() if name not in ("table.weight", "output_table.weight", "bias")]
    chosen = [weight.detach().clone().requires_grad_() for name, weight in network.named_parameters() if name in names]

    def last(*weights):
        buffers = {name: buffer.clone() for name, buffer in network.named_buffers()}  # running means change as they are used
        return torch.func.functional_call(network, dict(zip(names, weights, strict=True)) | buffers, (row,))[-1]

    assert torch.autograd.gradcheck(last, chosen, atol=1e-4)


@each_part
def test_what_attention_shows_is_what_the_encoder_uses(part, kind):
    network = encoder(**{part: kind}).eval()
    segments = torch.tensor([[0] * 5 + [1] * 7] * 3)
    weights, heads = network.attention(words(), segments)
    assert [tuple(part.shape) for part in weights] == [(3, 2, 12, 12)] * 2
    assert all(torch.allclose(part.sum(-1), torch.ones(3, 2, 12), atol=1e-5) for part in weights)
    assert (weights[0][:, :, :5, 5:] == 0).all()
    block, x = network.blocks[0], network.embedded(words())
    answer = block.attention(block.reads(x), network.mask(words(), segments))
    bias = 0 if block.attention.answer.bias is None else block.attention.answer.bias
    assert torch.allclose(heads[0].sum(1) + bias, answer, atol=1e-5)


def test_a_linear_block_without_norm_and_attention_is_linear():
    network = encoder(attention="uniform", activation="linear", norm="none", positions="none", blocks=1).eval()
    block, (x, y) = network.blocks[0], torch.randn(2, 1, 5, 16)
    assert torch.allclose(block(x + 2 * y, None, None), block(x, None, None) + 2 * block(y, None, None), atol=1e-4)


def test_without_residual_a_word_that_attention_does_not_see_is_forgotten():
    kept, lost = (
        encoder(residual=residual, attention="uniform", positions="none", activation="none").eval() for residual in (True, False)
    )
    row = torch.tensor([[0, 1, 2, 3]])
    assert torch.allclose(lost(row)[-1][0, 0], lost(row)[-1][0, 3], atol=1e-6)
    assert not torch.allclose(kept(row)[-1][0, 0], kept(row)[-1][0, 3], atol=1e-2)


def test_a_causal_encoder_hears_nothing_of_later_words():
    network, row = encoder(mask="causal").eval(), words(1)
    other = row.clone()
    other[0, 8] = (other[0, 8] + 1) % WORDS
    before, after = network(row)[-1], network(other)[-1]
    assert torch.equal(before[0, :8], after[0, :8])
    assert not torch.allclose(before[0, 8:], after[0, 8:], atol=1e-3)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("norm", ["layer", "batch"])
def test_asking_for_some_places_gives_the_same_vectors_as_asking_for_all(norm, training):
    places, found = torch.tensor([0, 5, 17, 35]), []
    for asked in (None, places):
        network = encoder(norm=norm)
        network(words(5), None, asked)  # a batch norm begins to learn its means
        found.append(network.train(training)(words(), None, asked)[-1])
    assert found[1].shape == (4, 16)
    assert torch.allclose(found[0].flatten(0, 1)[places], found[1], atol=1e-6)


@pytest.mark.parametrize("positions", ["learned", "sinusoidal"])
@pytest.mark.parametrize(("place", "norm"), [("before", "layer"), ("before", "none"), ("after", "layer"), ("after", "none")])
def test_positions_are_of_the_size_of_the_words_that_they_are_added_to(positions, place, norm):
    network = encoder(positions=positions, norm_place=place, norm=norm)
    read = network.table(words())
    read = network.first_norm(read) if place == "before" else read
    assert 0.5 < network.positions.square().mean().sqrt() / read.square().mean().sqrt() < 2


def test_sentences_packed_in_one_row_are_read_as_if_they_stood_alone():
    network, row = encoder(), words(1, 9)
    packed = network(row, torch.tensor([[0] * 4 + [1] * 5]))
    assert torch.allclose(packed[-1][:, :4], network(row[:, :4])[-1], atol=1e-5)
    assert torch.allclose(packed[-1][:, 4:], network(row[:, 4:])[-1], atol=1e-5)


def test_only_positions_tell_the_order_of_words():
    row = words(1)
    bag, ordered = encoder(positions="none"), encoder(positions="rotary")
    assert torch.allclose(bag(row)[-1].flip(1), bag(row.flip(1))[-1], atol=1e-5)
    assert not torch.allclose(ordered(row)[-1].flip(1), ordered(row.flip(1))[-1], atol=1e-3)


def test_an_untrained_encoder_predicts_about_by_frequency():
    network = encoder()
    table, bias = network.output()
    predicted = (network(words())[-1] @ table[:WORDS].T + bias).softmax(dim=-1)
    frequencies = torch.arange(1, WORDS + 1) / torch.arange(1, WORDS + 1).sum()
    assert torch.allclose(predicted, frequencies.expand_as(predicted), rtol=0.4)


def test_a_tied_output_has_no_table_of_its_own():
    tied, free = encoder(), encoder(tied=False)
    assert tied.output()[0] is tied.table.weight
    assert free.output()[0] is not free.table.weight
    more = sum(weight.numel() for weight in free.parameters()) - sum(weight.numel() for weight in tied.parameters())
    assert more == WORDS * 16


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"heads": 3}, "16"),
        ({"activation": "tanh"}, "tanh"),
        ({"positions": "absolute"}, "absolute"),
        ({"blocks": 0}, "blocks"),
        ({"length": 2}, "length"),
        ({"dropout": 1.0}, "dropout"),
        ({"norm": "group"}, "group"),
        ({"norm_epsilon": 0.0}, "norm_epsilon"),
        ({"norm_place": "between"}, "between"),
        ({"attention": "cosine"}, "cosine"),
        ({"projections": "none", "head_width": 5, "positions": "none"}, "head_width"),
        ({"head_width": 5}, "even"),
        ({"head_width": 0}, "head_width"),
        ({"expansion": 0.01}, "expansion"),
        ({"attention": "uniform", "positions": "relative"}, "positions=relative"),
        ({"attention": "uniform", "positions": "alibi"}, "positions=alibi"),
        ({"mask": "forwards"}, "forwards"),
    ],
)
def test_parts_that_do_not_fit_are_refused_by_name(changes, named):
    with pytest.raises(StudyError, match=named):
        encoder(**changes)


def test_the_gated_mlp_of_the_anatomy_is_as_large_as_the_others():
    models = yaml.safe_load((paths.configuration() / "experiment" / "anatomy.yaml").read_text(encoding="utf-8"))["models"]
    whole = yaml.safe_load((paths.configuration() / "model" / "transformer.yaml").read_text(encoding="utf-8"))["expansion"]
    gated = models["gated_mlp"]
    sizes = [
        sum(weight.numel() for weight in MLP(Anatomy(**(ANATOMY | {"width": 128} | changes))).parameters())
        for changes in ({"expansion": whole}, {"expansion": gated.get("expansion", whole), "activation": gated["activation"]})
    ]
    assert sizes[1] == pytest.approx(sizes[0], rel=0.005)
