"""A model from a folder, and a clear line for whatever is wrong with it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from tiny_models import model

from attnviz import AttnvizError, trace_model
from attnviz.errors import UsageError
from attnviz.sources.huggingface.loading.loader import load_image_processor, load_model, load_processor, load_tokenizer

TEXT = "Your journey starts with one step"


@pytest.mark.parametrize("dtype", ["bfloat16", "float64"])
def test_the_dtype_is_that_of_the_weights(folders, dtype):
    assert str(trace_model(folders / "Llama", TEXT, dtype=dtype).layers[0].query.dtype) == f"torch.{dtype}"


def test_a_device_map_spreads_the_weights(folders):
    pytest.importorskip("accelerate")
    trace = trace_model(folders / "Llama", TEXT, device_map="auto")
    assert torch.equal(trace.layers[0].query, trace_model(folders / "Llama", TEXT).layers[0].query)


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


def test_a_folder_that_is_none(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    for name, message in (
        (tmp_path / "file", "is a file: expected a .gguf file, or a folder"),
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


def test_names_that_can_be_none():
    with pytest.raises(UsageError, match="the model's name is empty"):
        trace_model("", TEXT)


def test_a_way_to_spread_weights_that_does_not_exist(folders):
    with pytest.raises(UsageError, match="--device-map is 'banana': expected auto, balanced"):
        trace_model(folders / "Llama", TEXT, device_map="banana")


def test_a_device_and_a_way_to_spread_are_too_much(folders):
    with pytest.raises(UsageError, match="--device and --device-map: give one of the two"):
        load_model(str(folders / "Llama"), "cpu", None, "auto")


def test_a_tokenizer_that_brings_code_of_its_own_is_refused(llama):
    (llama / "tokenizer.json").unlink()
    (llama / "tokenization.py").write_text("")
    rewrite(llama / "tokenizer_config.json", auto_map={"AutoTokenizer": ["tokenization.T", None]}, tokenizer_class="T")
    rewrite(llama / "config.json", model_type="own", auto_map={"AutoConfig": "c.C"})
    with pytest.raises(AttnvizError, match="needs code of its own, which attnviz never runs"):
        load_tokenizer(str(llama))


def test_a_name_that_is_nowhere_has_no_tokenizer(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(AttnvizError, match="nobody/nothing has no tokenizer"):
        load_tokenizer("nobody/nothing")


@pytest.mark.parametrize(
    "file", ["tokenizer.json", "merges.txt", "chat_template.jinja", "additional_chat_templates/a.jinja"]
)
def test_a_tokenizer_larger_than_any_is_not_read(llama, file):
    (llama / "additional_chat_templates").mkdir()
    (llama / file).touch()
    os.truncate(llama / file, (1 << 27) + 1)  # of holes: it takes no room on the disk
    with pytest.raises(AttnvizError, match=r"has 134,217,729 bytes, more than the 134,217,728 of any tokenizer"):
        load_tokenizer(str(llama))


def test_an_image_processor_that_is_missing_is_told(llama):
    with pytest.raises(AttnvizError, match=rf"^{llama} has no preprocessor_config\.json, so no image can be prepared"):
        load_image_processor(str(llama))
    (llama / "preprocessor_config.json").write_text('{"image_processor_type": "Martian"}')
    with pytest.raises(AttnvizError, match=r"^images cannot be prepared: "):
        load_image_processor(str(llama))


def test_a_configuration_of_a_part_that_is_no_model_by_itself_is_told(llama):
    (llama / "config.json").write_text(json.dumps({"model_type": "owlvit_vision_model"}))
    with pytest.raises(AttnvizError, match="transformers has no model that OwlViTVisionConfig describes"):
        load_model(str(llama), None, None, None)


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (ImportError("it requires the Torchvision library"), "needs torchvision, which is not installed"),
        (ImportError("no module named martian"), "cannot be loaded: no module named martian"),
        (ValueError("nothing\nhere"), "cannot be loaded: nothing here"),
    ],
)
def test_a_processor_that_does_not_load_is_one_clear_line(llama, monkeypatch, failure, said):
    def fail(*_, **__):
        raise failure

    monkeypatch.setattr(transformers.AutoProcessor, "from_pretrained", fail)
    with pytest.raises(AttnvizError) as error:
        load_processor(str(llama))
    assert error.value.message.startswith(f"the processor of {llama} {said}")


def test_memory_that_a_processor_lacks_is_told_elsewhere(llama, monkeypatch):
    def fail(*_, **__):
        raise MemoryError

    monkeypatch.setattr(transformers.AutoProcessor, "from_pretrained", fail)
    with pytest.raises(MemoryError):
        load_processor(str(llama))


def test_a_tokenizer_is_no_processor_of_pictures(llama):
    with pytest.raises(AttnvizError, match=rf"^{llama} reads no image beside a text$"):
        load_processor(str(llama))
