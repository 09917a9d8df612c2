"""What transformers does not promise, and attnviz rests on; each message says what no longer works where a test fails."""

from __future__ import annotations

import copy
import json

import pytest
import torch
import transformers
from tiny_models import CONFIGS, inputs, model
from transformers import AutoConfig, AutoModel, BertConfig, PreTrainedConfig

from attnviz.sources.huggingface import seams
from attnviz.sources.huggingface.loading.loader import KINDS
from attnviz.sources.huggingface.seams import Complaint, accepted, complains, eager_attention, first_known, switched


def error_of(call) -> Exception:
    try:
        call()
    except Exception as error:
        return error
    raise AssertionError("transformers raises nothing here any more")


def rewritten(folder, **changes) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_configuration_is_switched_by_its_private_name_and_back():
    network = model("Llama")
    assert hasattr(network.config, "_attn_implementation_internal"), "no model can be watched: the switch was renamed"
    before = network.config._attn_implementation
    with switched(network, "attnviz"):
        read = network.config._attn_implementation
        assert read == "attnviz", "no model can be watched: the configuration does not say what it was switched to"
        assert set(seams.implementations(network).values()) == {"attnviz"}
    assert network.config._attn_implementation == before, "a watched model would stay switched"


def test_a_switch_ends_when_a_model_fails():
    network = model("Llama")
    with pytest.raises(RuntimeError), switched(network, "attnviz"):
        raise RuntimeError
    assert network.config._attn_implementation == "sdpa"


def test_every_part_of_a_model_made_of_models_is_switched():
    bert = BertConfig(**CONFIGS["Bert"])
    decoder = BertConfig(**CONFIGS["Bert"], is_decoder=True, add_cross_attention=True)
    network = transformers.EncoderDecoderModel(
        encoder=AutoModel.from_config(bert), decoder=transformers.BertLMHeadModel(decoder)
    )
    with switched(network, "attnviz"):
        parts = (network.config, network.encoder.config, network.decoder.config)
        assert {part._attn_implementation for part in parts} == {"attnviz"}, "a part of the model would not be watched"


@pytest.mark.parametrize("name", ["Llama", "Gemma2", "GptOss", "Splinter", "NllbMoe"])
def test_the_file_of_a_model_has_its_plain_attention(name):
    network = model(name)
    attention = next(module for module in network.modules() if type(module).__name__.endswith("Attention"))
    kernel = eager_attention(attention)
    assert kernel is not None, "models with softcap or sinks cannot be watched: eager_attention_forward was renamed"
    query = torch.randn(1, 4, 3, 8)
    options = {"scaling": 0.3, "s_aux": torch.zeros(4)}
    attention = copy.deepcopy(attention)  # which other tests share
    attention.num_key_value_groups = 1
    attention.sinks = torch.nn.Parameter(torch.zeros(4))
    output, _ = kernel(attention, query, query, query, None, **options)
    assert output.shape == (1, 3, 4, 8), "its output was (batch, queries, heads, d_v)"


def test_a_module_without_a_plain_attention_has_none():
    assert eager_attention(torch.nn.Linear(1, 1)) is None


def test_the_fast_kernel_and_the_masks_are_where_they_were():
    query = torch.randn(1, 2, 3, 4)
    output, _ = seams.sdpa_attention_forward(torch.nn.Module(), query, query, query, None, is_causal=False)
    assert output.shape == (1, 3, 2, 4), "its output was (batch, queries, heads, d_v)"
    assert callable(seams.eager_mask), "a watched model would get no mask: eager_mask was renamed"
    assert callable(seams.sdpa_mask), "a watched model would get no mask: sdpa_mask was renamed"


@pytest.mark.parametrize(
    ("config", "kind"),
    [("LlamaConfig", "AutoModel"), ("T5Config", "AutoModel"), ("ViTConfig", "AutoModel"), ("CLIPConfig", "AutoModel")],
)
def test_the_kind_of_a_model_is_found_in_the_private_table(config, kind):
    found = first_known(KINDS, getattr(transformers, config)())
    assert found is getattr(transformers, kind), "no model can be loaded by its name: _model_mapping was changed"


def test_a_configuration_that_no_model_has_is_of_no_kind():
    assert first_known(KINDS, PreTrainedConfig()) is None


def test_options_are_those_that_a_forward_pass_names():
    wanted = {"use_cache": False, "logits_to_keep": 1}
    assert accepted(model("Llama"), wanted) == wanted, "all logits of a long text would be held"
    assert accepted(model("ViT"), wanted) == {}
    model("ViT")(**inputs("ViT"), **accepted(model("ViT"), wanted))


def test_the_complaint_about_code_that_a_model_brings(llama):
    rewritten(llama, model_type="own", auto_map={"AutoConfig": "configuration.C"})
    (llama / "configuration.py").write_text("")
    error = error_of(lambda: AutoConfig.from_pretrained(llama, trust_remote_code=False))
    assert complains(error, Complaint.OWN_CODE), f"a model with code of its own gets a vague line: {error}"


def test_the_complaint_about_an_unknown_architecture(llama):
    rewritten(llama, model_type="martian")
    error = error_of(lambda: AutoConfig.from_pretrained(llama))
    assert complains(error, Complaint.UNKNOWN_ARCHITECTURE), f"a model that is too new gets a vague line: {error}"


def test_the_complaint_about_a_folder_that_describes_no_model(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    error = error_of(lambda: AutoConfig.from_pretrained(tmp_path))
    assert complains(error, Complaint.UNKNOWN_ARCHITECTURE), f"a config.json of nothing gets a vague line: {error}"


def test_the_complaint_about_weights_of_other_shapes(llama):
    rewritten(llama, hidden_size=64)
    error = error_of(lambda: AutoModel.from_pretrained(llama))
    assert complains(error, Complaint.OTHER_SHAPES), f"weights of other shapes get a vague line: {error}"


def test_the_complaint_about_weights_that_are_no_safetensors(llama):
    torch.save({}, llama / "pytorch_model.bin")
    (llama / "model.safetensors").unlink()
    error = error_of(lambda: AutoModel.from_pretrained(llama, use_safetensors=True))
    assert complains(error, Complaint.NO_SAFETENSORS), f"pickled weights on the hub get a vague line: {error}"
    assert not complains(ValueError("safetensors"), Complaint.NO_SAFETENSORS)


def test_the_complaint_about_too_little_memory():
    error = error_of(lambda: torch.empty(1 << 60))
    assert complains(error, Complaint.NO_MEMORY), f"a text too long for the memory gets a vague line: {error}"
    assert complains(torch.OutOfMemoryError("CUDA"), Complaint.NO_MEMORY)


def test_no_complaint_has_the_words_of_another():
    words = [word for complaint in Complaint for word in complaint.value]
    assert len(words) == len(set(words))
    assert not any(complains(OSError("the disk is full"), complaint) for complaint in Complaint)
