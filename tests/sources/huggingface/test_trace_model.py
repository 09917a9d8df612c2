"""Models by name, and what they are given to read: each way in, and one clear line for each way that fails."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy
import pytest
import torch
import transformers
from PIL import Image
from safetensors.torch import load_file, save_file
from tiny_models import CONFIGS, inputs, model, saved, tokenizer
from transformers import ViTImageProcessorPil

from attnviz import AttnvizError, trace_model
from attnviz.errors import UsageError
from attnviz.sources.huggingface.loading.loader import load_model
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.trace_model import trace

TEXT = "Your journey starts with one step"


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for name in ("Llama", "T5"):
        saved(name, folder / name)
    saved("ViT", folder / "ViT", with_tokenizer=False)
    ViTImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder / "ViT")
    return folder


@pytest.fixture
def llama(folders, tmp_path) -> Path:
    """A folder of its own, to be damaged."""
    return Path(shutil.copytree(folders / "Llama", tmp_path / "llama"))


def test_a_folder_a_name_and_a_loaded_model_give_the_same(folders):
    by_path, by_name = trace_model(folders / "Llama", TEXT), trace_model(str(folders / "Llama"), TEXT)
    loaded = trace_model(model("Llama"), TEXT, tokenizer=tokenizer())
    assert by_path.tokens == by_name.tokens == loaded.tokens == tuple(TEXT.split())
    for one, other in zip(by_path.layers, loaded.layers, strict=True):
        assert torch.equal(one.query, other.query)
    assert by_path.source["model"] == "Llama"


def test_ids_in_every_form_give_what_their_text_gives(folders):
    expected = trace_model(folders / "Llama", TEXT)
    ids = expected.source["ids"]
    for given in (ids, torch.tensor(ids), numpy.array([ids]), {"input_ids": torch.tensor([ids])}):
        trace = trace_model(model("Llama"), given, tokenizer=tokenizer())
        assert trace.tokens == expected.tokens
        assert torch.equal(trace.layers[1].key, expected.layers[1].key)


def test_the_source_says_where_the_numbers_come_from(folders):
    source = trace_model(folders / "Llama", TEXT).source
    assert json.loads(json.dumps(source)) == source
    assert (source["kind"], source["architecture"], source["dtype"]) == ("model", "LlamaModel", "float32")
    assert len(source["ids"]) == len(TEXT.split())


@pytest.mark.parametrize("dtype", ["bfloat16", "float64"])
def test_the_dtype_is_that_of_the_weights(folders, dtype):
    assert str(trace_model(folders / "Llama", TEXT, dtype=dtype).layers[0].query.dtype) == f"torch.{dtype}"


def test_a_device_map_spreads_the_weights(folders):
    pytest.importorskip("accelerate")
    trace = trace_model(folders / "Llama", TEXT, device_map="auto")
    assert torch.equal(trace.layers[0].query, trace_model(folders / "Llama", TEXT).layers[0].query)


def test_the_decoder_reads_the_text_or_the_target(folders):
    itself = trace_model(folders / "T5", "Your step", layer="cross")
    assert itself.layers[0].key_tokens == ("Your", "step")
    assert itself.tokens == ("<|endoftext|>", "Your")
    other = trace_model(folders / "T5", "Your step", target="Your cat sat", layer="cross 0")
    assert (other.tokens, other.key_tokens(other.layers[0])) == (("<|endoftext|>", "Your", "cat"), ("Your", "step"))


def test_the_chat_template_surrounds_the_text(folders):
    trace = trace_model(folders / "Llama", "Your step", chat=True)
    assert trace.tokens == ("<|user|>", "Your", "step", "\n", "<|assistant|>")
    assert trace.source["special"] == [0, 4]


def test_patches_of_an_image_are_tokens(folders, tmp_path):
    Image.new("RGB", (50, 40), "teal").save(tmp_path / "image.png")
    trace = trace_model(folders / "ViT", tmp_path / "image.png")
    assert trace.tokens[:6] == ("[CLS]", "0,0", "0,1", "0,2", "0,3", "1,0")
    assert len(trace.tokens) == 17
    assert trace_model(model("ViT"), inputs("ViT")).tokens == trace.tokens


def test_a_file_that_is_no_image_is_one_clear_line(folders, tmp_path):
    (tmp_path / "image.png").write_bytes(b"no image")
    with pytest.raises(AttnvizError, match="is not a readable image"):
        trace_model(folders / "ViT", tmp_path / "image.png")
    with pytest.raises(AttnvizError, match="does not exist"):
        trace_model(folders / "ViT", tmp_path / "nothing.png")


@pytest.mark.parametrize(
    ("name", "text", "options", "message"),
    [
        ("Llama", "Your" + " one" * 64, {}, "the text has 65 tokens, more than the 64 positions of this model"),
        ("Llama", "", {}, "the tokenizer makes no tokens of this text"),
        ("Llama", "a", {"target": "b"}, "LlamaModel has no decoder to read a target"),
        ("Llama", "a", {"device": "cuda:77"}, "torch cannot use the device cuda:77"),
        ("Llama", "a", {"device": "nonsense"}, "torch cannot use the device nonsense"),
        ("Llama", "a", {"device": "cpu", "device_map": "auto"}, "--device and --device-map: give one of the two"),
    ],
)
def test_what_does_not_fit_the_model_is_one_clear_line(folders, name, text, options, message):
    with pytest.raises(AttnvizError) as error:
        trace_model(folders / name, text, **options)
    assert error.value.message.startswith(message)


def test_the_positions_of_roberta_begin_behind_its_padding():
    from transformers import RobertaConfig, RobertaModel

    config = RobertaConfig(
        vocab_size=99, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2
    )
    config.max_position_embeddings = 10
    network = RobertaModel(config).eval()
    assert len(trace_model(network, [5] * 8).tokens) == 8
    with pytest.raises(AttnvizError, match="the text has 9 tokens, more than the 8 positions"):
        trace_model(network, [5] * 9)


def test_without_a_chat_template_there_is_no_chat(llama):
    (llama / "chat_template.jinja").unlink()
    with pytest.raises(AttnvizError, match="has no chat template"):
        trace_model(llama, TEXT, chat=True)


def rewrite(file: Path, **changes: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_pickled_weights_are_refused_unread(llama):
    torch.save(load_file(llama / "model.safetensors"), llama / "pytorch_model.bin")
    (llama / "model.safetensors").unlink()
    with pytest.raises(AttnvizError, match=r"only in pytorch_model\.bin, .* a pickle can run any code") as error:
        trace_model(llama, TEXT)
    assert "save_pretrained" in error.value.hint


def test_code_that_a_model_brings_is_never_run(llama):
    code = "open('run', 'w').close()\n"
    for module in ("configuration", "modeling", "tokenization"):
        (llama / f"{module}.py").write_text(f"from pathlib import Path\nPath({str(llama / 'run')!r}).touch()\n{code}")
    rewrite(
        llama / "config.json", model_type="own", auto_map={"AutoConfig": "configuration.C", "AutoModel": "modeling.M"}
    )
    rewrite(llama / "tokenizer_config.json", auto_map={"AutoTokenizer": ["tokenization.T", None]})
    with pytest.raises(AttnvizError, match="needs code of its own, which attnviz never runs"):
        trace_model(llama, TEXT)
    rewrite(llama / "config.json", model_type="llama", auto_map={"AutoConfig": "configuration.C"})
    trace_model(llama, TEXT)
    assert not (llama / "run").exists()


def test_a_folder_without_a_tokenizer(llama):
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        (llama / name).unlink(missing_ok=True)
    with pytest.raises(AttnvizError, match="has no tokenizer, so a text cannot be cut"):
        trace_model(llama, TEXT)
    assert trace_model(llama, [5, 6, 7]).tokens == ("5", "6", "7")


def test_an_unknown_architecture(llama):
    rewrite(llama / "config.json", model_type="martian")
    with pytest.raises(AttnvizError, match=r"has an architecture that transformers .* does not know"):
        trace_model(llama, TEXT)


def test_a_folder_without_weights(llama):
    (llama / "model.safetensors").unlink()
    with pytest.raises(AttnvizError, match=r"holds no weights: expected model\.safetensors"):
        trace_model(llama, TEXT)


def test_weights_that_are_missing_are_not_drawn_at_random(llama):
    weights = load_file(llama / "model.safetensors")
    del weights["model.layers.1.self_attn.k_proj.weight"]
    save_file(weights, llama / "model.safetensors", {"format": "pt"})
    with pytest.raises(AttnvizError, match=r"lacks weights: layers\.1\.self_attn\.k_proj\.weight"):
        trace_model(llama, TEXT)


def test_weights_that_are_cut_short_or_of_another_shape(llama):
    whole = (llama / "model.safetensors").read_bytes()
    (llama / "model.safetensors").write_bytes(whole[:5000])
    with pytest.raises(AttnvizError, match="cannot be loaded"):
        trace_model(llama, TEXT)
    (llama / "model.safetensors").write_bytes(whole)
    rewrite(llama / "config.json", hidden_size=64)
    with pytest.raises(AttnvizError, match=r"has weights whose shapes do not match its config\.json"):
        trace_model(llama, TEXT)


def test_a_folder_that_is_none(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    for name, message in (
        (tmp_path / "file", "is a file: expected a folder"),
        (tmp_path / "nothing", "does not exist"),
        (tmp_path / "empty", r"holds no config\.json"),
        ("./nothing", "does not exist"),
    ):
        with pytest.raises(AttnvizError, match=message):
            trace_model(name, TEXT)


def test_a_lost_shard_is_named(llama):
    model("Llama").model.save_pretrained(llama, max_shard_size="20kB")
    (llama / "model.safetensors").unlink()
    lost = sorted(llama.glob("model-*.safetensors"))[-1]
    lost.unlink()
    with pytest.raises(AttnvizError, match=f"lacks a part of its weights: {lost.name}"):
        trace_model(llama, TEXT)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("tokenizer.json", "{}", "the tokenizer of .* cannot be loaded"),
        ("config.json", "[]", r"config\.json of .* does not describe a model"),
        ("config.json", "{", r"config\.json of .* cannot be read"),
    ],
)
def test_a_damaged_file_is_named(llama, file, content, message):
    (llama / file).write_text(content)
    with pytest.raises(AttnvizError, match=message):
        trace_model(llama, TEXT)


def test_a_tokenizer_of_another_model(llama):
    other = transformers.LlamaConfig(**(CONFIGS["Llama"] | {"vocab_size": 100}))
    transformers.LlamaModel(other).save_pretrained(llama)
    with pytest.raises(AttnvizError, match=r"the text has the token \d+, but the model knows 0 to 99") as error:
        trace_model(llama, TEXT)
    assert error.value.hint == "its tokenizer belongs to another model"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (torch.ones(2, 5, dtype=torch.long), r"the ids have the shape \(2, 5\)"),
        ([1.5, 2.0], "the ids are of float32: expected whole numbers"),
        ([], "the tokenizer makes no tokens"),
        ({}, "the inputs are empty"),
        ([1, 9999], "the text has the token 9999, but the model knows 0 to 329"),
    ],
)
def test_ids_that_are_none(given, message):
    with pytest.raises(AttnvizError, match=message):
        trace_model(model("Llama"), given)


def test_names_that_can_be_none():
    with pytest.raises(UsageError, match="the model's name is empty"):
        trace_model("", TEXT)


def test_a_way_to_spread_weights_that_does_not_exist(folders):
    with pytest.raises(UsageError, match="--device-map is 'banana': expected auto, balanced"):
        trace_model(folders / "Llama", TEXT, device_map="banana")


def test_a_text_is_no_image_and_no_sound(folders):
    with pytest.raises(AttnvizError, match="ViTModel looks at an image, not at a text"):
        trace_model(folders / "ViT", TEXT)
    sound = transformers.WhisperModel(transformers.WhisperConfig(d_model=48, encoder_layers=1, decoder_layers=1))
    with pytest.raises(AttnvizError, match="WhisperModel reads input_features, not a text"):
        trace_model(sound, TEXT)


def test_a_hub_that_nobody_answers_for_is_told_soon(monkeypatch):
    from attnviz.sources.huggingface.loading import hub

    monkeypatch.setattr(hub, "_reachable", lambda: False)
    with pytest.raises(
        AttnvizError, match="there is no folder nobody/nothing, and the Hugging Face hub cannot be reached"
    ):
        trace_model("nobody/nothing", TEXT)


def test_an_unknown_name_while_offline_says_what_to_do(monkeypatch):
    import huggingface_hub

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(AttnvizError, match="there is no folder nobody/nothing, and HF_HUB_OFFLINE keeps") as error:
        trace_model("nobody/nothing", TEXT)
    assert "hf download" in error.value.hint


def test_nothing_of_transformers_is_heard(folders, capfd):
    load_model(str(folders / "Llama"), None, None, None)
    trace_model(folders / "Llama", TEXT)
    assert capfd.readouterr() == ("", "")


def test_progress_tells_of_every_layer(folders):
    steps = []
    trace(Model.load(str(folders / "T5")), "Your step", progress=lambda *step: steps.append(step))
    assert steps == [(number, 8) for number in range(1, 9)]
