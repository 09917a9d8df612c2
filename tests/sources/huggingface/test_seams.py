"""What transformers does not promise, and attnviz rests on; each message says what no longer works where a test fails."""

from __future__ import annotations

import copy
import importlib
import json
import sys
import threading

import gguf
import pytest
import torch
import transformers
from gguf_files import gguf_llama
from huggingface_hub import HfApi, constants, hf_hub_download
from own_attention import plain, registered
from tiny_models import CONFIGS, inputs, model, tokenizer
from transformers import AutoConfig, AutoModel, AutoTokenizer, BertConfig, PreTrainedConfig
from transformers.integrations import hub_kernels

from attnviz.attention.memory import lacks_memory
from attnviz.sources.huggingface import seams
from attnviz.sources.huggingface.loading.loader import KINDS
from attnviz.sources.huggingface.seams import (
    Complaint,
    accepted,
    closed,
    complains,
    eager_attention,
    first_known,
    prepare,
    switched,
    unpickling_nothing,
)
from attnviz.sources.huggingface.switching import NAME


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


def test_a_gguf_file_is_unpacked_without_a_bar_and_an_unknown_one_is_complained_of(tmp_path, capsys, monkeypatch):
    known, unknown = (gguf_llama(tmp_path / f"{name}.gguf", architecture=name) for name in ("llama", "martian"))
    made = []
    table = gguf.get_tensor_name_map
    monkeypatch.setattr(gguf, "get_tensor_name_map", lambda *asked: made.append(asked) or table(*asked))
    with seams.unpacking_gguf():
        AutoModel.from_pretrained(known.parent, gguf_file=known.name)
    assert "GGUF" not in capsys.readouterr().err, "a bar of transformers is in the way"
    assert len(made) == 1, "a model of 30 layers takes ten seconds more"
    error = error_of(lambda: AutoConfig.from_pretrained(unknown.parent, gguf_file=unknown.name))
    assert complains(error, Complaint.GGUF_ARCHITECTURE), f"a .gguf of an unknown kind gets a vague line: {error}"


def test_the_complaint_about_too_little_memory():
    error = error_of(lambda: torch.empty(1 << 60))
    assert lacks_memory(error), f"a text too long for the memory gets a vague line: {error}"
    assert lacks_memory(torch.OutOfMemoryError("CUDA"))


def test_no_complaint_has_the_words_of_another():
    words = [word for complaint in Complaint for word in complaint.value]
    assert len(words) == len(set(words))
    assert not any(complains(OSError("the disk is full"), complaint) for complaint in Complaint)


def test_while_it_is_closed_no_hub_is_asked():
    """By the switch of the hub's library: whatever transformers wants of it."""
    before = constants.HF_HUB_OFFLINE
    with closed():
        error = error_of(lambda: HfApi().model_info("owner/model"))
        assert transformers.utils.hub.is_offline_mode(), "a model could ask the hub: transformers looks elsewhere"
    assert complains(error, Complaint.OFFLINE), f"a model could ask the hub: {error}"
    assert before == constants.HF_HUB_OFFLINE


def test_while_it_is_closed_a_kernel_is_not_fetched(monkeypatch):
    fetched = []
    monkeypatch.setattr(hub_kernels, "get_kernel", lambda *_, **__: fetched.append(True))
    monkeypatch.setattr(hub_kernels, "is_kernels_available", lambda *_, **__: True)
    with closed():
        error = error_of(lambda: hub_kernels.load_and_register_attn_kernel("owner/kernel"))
        assert hub_kernels.lazy_load_kernel("causal-conv1d") is None, "a model that can do without a kernel must go on"
    assert "attnviz runs no code from there" in str(error)
    assert not fetched, "a model could have a kernel fetched: get_kernel is called by another name"


def test_while_it_is_closed_the_library_of_kernels_fetches_none_either(monkeypatch, tmp_path):
    """Where it is installed: transformers takes get_kernel from there, too."""
    (tmp_path / "kernels.py").write_text("def get_kernel(*_): return 'code'\ndef load_kernel(*_): return 'code'\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "kernels", raising=False)
    kernels = importlib.import_module("kernels")
    with closed():
        for load in (kernels.get_kernel, kernels.load_kernel):
            assert "attnviz runs no code from there" in str(error_of(lambda load=load: load("owner/kernel")))
    assert kernels.get_kernel("owner/kernel") == kernels.load_kernel("owner/kernel") == "code"


def test_while_it_is_closed_only_other_threads_unpickle(tmp_path):
    torch.save({"a": 1}, tmp_path / "pickle.bin")
    elsewhere = []
    with closed():
        with pytest.raises(ValueError, match="a pickle, which can run any code"):
            torch.load(tmp_path / "pickle.bin")
        thread = threading.Thread(target=lambda: elsewhere.append(torch.load(tmp_path / "pickle.bin")))
        thread.start()
        thread.join()
    assert elsewhere == [{"a": 1}] == [torch.load(tmp_path / "pickle.bin")]


def test_every_configuration_is_prepared_for_plain_attention_or_the_choice_of_transformers():
    parts = {"text_config": {}, "vision_config": {}}
    config = transformers.CLIPConfig(
        **parts, attn_implementation={"text_config": "eager", "vision_config": "owner/kernel"}
    )
    config.own = [{"part": PreTrainedConfig(attn_implementation="owner/kernel")}]
    config.own[0]["part"].quantization_config = {"quant_method": "mxfp4"}
    prepare(config)
    asked = [config, config.text_config, config.vision_config, config.own[0]["part"]]
    assert [part._attn_implementation for part in asked] == [None, "eager", None, None], "a kernel could be fetched"
    assert asked[3].quantization_config["dequantize"], "packed weights would need a kernel"
    assert transformers.Mxfp4Config(dequantize=True).dequantize, "packed weights would need a kernel: it was renamed"


def test_a_tokenizer_reads_no_file_that_its_settings_name_elsewhere(llama, tmp_path):
    """transformers overrules such names with the files of the folder itself."""
    (tmp_path / "secret.json").write_text((llama / "tokenizer.json").read_text().replace('"journey"', '"secret"'))
    settings = json.loads((llama / "tokenizer_config.json").read_text())
    names = ("tokenizer_file", "vocab_file", "merges_file", "added_tokens_file", "special_tokens_map_file")
    settings |= dict.fromkeys(names, str(tmp_path / "secret.json"))
    (llama / "tokenizer_config.json").write_text(json.dumps(settings))
    own = AutoTokenizer.from_pretrained(llama)
    assert "secret" not in " ".join(own.get_vocab()), "a tokenizer's settings choose files outside its folder"


def test_templates_are_filled_in_by_the_function_of_transformers():
    module, function = seams.CHAT_RENDERER
    render = getattr(importlib.import_module(module), function)
    turns = [{"role": "user", "content": "a"}]
    texts, _ = render(conversations=[turns], chat_template=tokenizer().chat_template, add_generation_prompt=True)
    expected = tokenizer().apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    assert texts == [expected], "no chat template can be filled in: the function takes or gives something else"


def test_a_tokenizer_that_writes_chats_by_its_own_code_is_known():
    assert not seams.has_its_own_chat(tokenizer()), "every tokenizer would fill in its template without bounds"

    class Own(type(tokenizer())):
        def apply_chat_template(self, *_, **__):
            return ""

    own = copy.deepcopy(tokenizer())
    own.__class__ = Own
    assert seams.has_its_own_chat(own)


def test_the_complaint_about_what_lies_elsewhere():
    with closed():
        error = error_of(lambda: hf_hub_download("owner/model", "config.json"))
    assert complains(error, Complaint.OFFLINE), f"a model that needs another gets a vague line: {error}"


def test_attention_of_a_programs_own_is_known_by_its_name():
    with registered(plain, transformers.masking_utils.sdpa_mask) as own:
        assert seams.registered_attention(own) is plain, "what somebody registered is taken for sdpa"
        assert seams.registered_mask(own) is transformers.masking_utils.sdpa_mask
    assert seams.registered_mask(own) is None
    came_with_it = transformers.AttentionInterface().keys() - {
        NAME
    }  # where a model was watched before, this one is ours
    built_in = [*came_with_it, "kernels-community/flash-attn", None]
    assert [name for name in built_in if seams.registered_attention(name)] == [], "attnviz takes it for somebody's own"


def test_a_thread_that_runs_what_another_has_closed_unpickles_nothing_either(tmp_path):
    torch.save({"a": 1}, tmp_path / "pickle.bin")
    refused = []

    def loads():
        with unpickling_nothing():
            try:
                torch.load(tmp_path / "pickle.bin")
            except ValueError as error:
                refused.append(str(error))
        refused.append(torch.load(tmp_path / "pickle.bin"))  # as it may outside

    with closed():
        thread = threading.Thread(target=loads)
        thread.start()
        thread.join()
    assert refused[0].startswith("it keeps a part of itself in a pickle")
    assert refused[1:] == [{"a": 1}]
    with unpickling_nothing():  # where nobody has closed anything, nothing is refused
        assert torch.load(tmp_path / "pickle.bin") == {"a": 1}
