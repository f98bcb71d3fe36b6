import pytest
import torch

from study.model.anatomy import Anatomy
from study.model.bert import from_bert, layers, to_bert
from study.model.transformer import Encoder
from tests.model.small_encoder import ANATOMY

LIKE_BERT = {"positions": "learned", "norm_place": "after", "norm_epsilon": 1e-12, "biases": True, "expansion": 4, "blocks": 3}
WORDS, LENGTH = 23, 12

transformers = pytest.importorskip(
    "transformers", reason="transformers is not installed: pip install 'embedding-study[pretrained]'"
)


@pytest.fixture
def bert():
    torch.manual_seed(0)
    settings = transformers.BertConfig(
        vocab_size=WORDS,
        hidden_size=16,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=LENGTH,
    )
    model = transformers.BertModel(settings, add_pooling_layer=False).eval()
    for weight in model.parameters():  # biases start at zero: let a wrong one show
        torch.nn.init.normal_(weight, std=0.3)
    return model


@pytest.fixture
def encoder():
    torch.manual_seed(1)
    return Encoder(Anatomy(**ANATOMY | LIKE_BERT), WORDS, torch.full((WORDS - 3,), 1 / 20)).eval()


def words():
    return torch.randint(0, WORDS, (4, LENGTH), generator=torch.Generator().manual_seed(2))


@torch.no_grad()
def test_with_the_weights_of_bert_the_encoder_has_its_hidden_states(bert, encoder):
    missing, unexpected = encoder.load_state_dict(from_bert(bert.state_dict()), strict=False)
    assert (missing, unexpected) == (["bias"], [])
    wanted = bert(words(), output_hidden_states=True).hidden_states
    states = encoder(words())
    assert len(states) == len(wanted) == 4
    for ours, theirs in zip(states, wanted, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-5)


@torch.no_grad()
def test_with_the_weights_of_the_encoder_bert_has_its_hidden_states(bert, encoder):
    for weight in encoder.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    missing, unexpected = bert.load_state_dict(to_bert(encoder.state_dict()), strict=False)
    assert missing == []
    assert unexpected == []
    for ours, theirs in zip(encoder(words()), bert(words(), output_hidden_states=True).hidden_states, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-5)


def test_there_and_back_again_gives_the_same_numbers(bert, encoder):
    encoder.load_state_dict(from_bert(bert.state_dict()), strict=False)
    again = from_bert(to_bert(encoder.state_dict()))
    assert layers(to_bert(encoder.state_dict())) == 3
    assert all(torch.equal(weight, encoder.state_dict()[name]) for name, weight in again.items())
