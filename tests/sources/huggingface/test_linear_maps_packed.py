"""Models whose weights are packed into 4 or 8 bits: their attention against the one that transformers hands out, and their W_O.

`pip install --no-deps bitsandbytes torchao compressed-tensors loguru` brings what packs them, on a processor, too.
"""

from __future__ import annotations

import copy
import warnings
from importlib.util import find_spec

import pytest
import torch
import transformers
from lacking import lacking
from tiny_models import PLAIN, tokenizer

from attnviz import trace_model

pytestmark = pytest.mark.slow
TEXT = "the cat sat on the mat, and the cat slept"
LIBRARIES = {"4 bits": "bitsandbytes", "8 bits": "bitsandbytes", "8 bits of torchao": "torchao"}


def packing(kind):
    """How transformers is asked for weights of this ``kind``."""
    if find_spec(LIBRARIES[kind]) is None:
        lacking(
            f"{LIBRARIES[kind]} is not installed: pip install --no-deps bitsandbytes torchao compressed-tensors loguru"
        )
    if kind == "4 bits":
        return transformers.BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_compute_dtype=torch.float32)
    if kind == "8 bits":
        return transformers.BitsAndBytesConfig(load_in_8bit=True)
    from torchao.quantization import Int8WeightOnlyConfig

    return transformers.TorchAoConfig(Int8WeightOnlyConfig())


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A Llama whose rows fill the blocks of 64 numbers that weights of 4 bits come in."""
    torch.manual_seed(0)
    config = transformers.LlamaConfig(**PLAIN | {"hidden_size": 64, "intermediate_size": 128, "initializer_range": 0.3})
    folder = tmp_path_factory.mktemp("plain")
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder


@pytest.mark.parametrize("kind", LIBRARIES)
def test_packed_weights_are_watched_as_others_are(plain, tmp_path, kind):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries that warn each other
        packed = transformers.AutoModelForCausalLM.from_pretrained(
            plain, quantization_config=packing(kind), dtype=torch.float32
        ).eval()
        if LIBRARIES[kind] == "bitsandbytes":
            packed.save_pretrained(tmp_path)  # before it runs, which packs its weights in another order on a processor
        trace = trace_model(packed, TEXT, tokenizer=tokenizer())
        exact = trace_model(str(plain), TEXT)
        packed.set_attn_implementation("eager")
        with torch.no_grad():
            theirs = packed(torch.tensor([trace.source.text.ids]), output_attentions=True).attentions
        if LIBRARIES[kind] == "bitsandbytes":
            tokenizer().save_pretrained(tmp_path)
            loaded = trace_model(str(tmp_path), TEXT)
            for layer, same in zip(trace.layers, loaded.layers, strict=True):
                torch.testing.assert_close(layer.steps().weights, same.steps().weights, atol=1e-5, rtol=0)
    for layer, other, weights in zip(trace.layers, exact.layers, theirs, strict=True):
        torch.testing.assert_close(layer.steps().weights, weights[0], atol=1e-5, rtol=0)
        assert (layer.steps().weights - other.steps().weights).abs().max() > 1e-4  # what the packing has changed
        if kind == "8 bits of torchao":  # exactly what the packed numbers stand for
            wanted = copy.copy(packed.model.layers[layer.index].self_attn.o_proj.weight).dequantize().T
            assert type(layer.projections["output"].weight) is torch.Tensor
            torch.testing.assert_close(layer.projections["output"].weight, wanted, atol=1e-6, rtol=0)
        else:  # bitsandbytes rounds what goes into a map, too, so no matrix is its W_O
            assert "output" not in layer.projections
            assert layer.title in trace.source.unprojected


@pytest.mark.parametrize(
    ("form", "numbers"),
    [
        (
            "pack-quantized",
            {"num_bits": 4, "type": "int", "strategy": "group", "group_size": 32},
        ),  # as GPTQ and AWQ pack
        ("float-quantized", {"num_bits": 8, "type": "float", "strategy": "channel"}),  # FP8
    ],
)
def test_a_folder_of_compressed_tensors_is_what_its_numbers_stand_for(plain, tmp_path, form, numbers):
    if find_spec("compressed_tensors") is None:
        lacking("compressed-tensors is not installed: pip install --no-deps compressed-tensors loguru")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rounded = compressed(plain, tmp_path, form, numbers)
        trace = trace_model(str(tmp_path), TEXT)
        rounded.set_attn_implementation("eager")
        with torch.no_grad():
            theirs = rounded(torch.tensor([trace.source.text.ids]), output_attentions=True).attentions
    exact = trace_model(str(plain), TEXT)
    for layer, other, weights in zip(trace.layers, exact.layers, theirs, strict=True):
        torch.testing.assert_close(layer.steps().weights, weights[0], atol=1e-5, rtol=0)
        assert (layer.steps().weights - other.steps().weights).abs().max() > 1e-4
        wanted = rounded.model.layers[layer.index].self_attn.o_proj.weight.T
        torch.testing.assert_close(layer.projections["output"].weight, wanted, atol=1e-6, rtol=0)


def compressed(plain, folder, form, numbers):
    """Write the model to ``folder``, its linear maps packed by compressed-tensors; the same with each weight rounded by hand."""
    from compressed_tensors.compressors import ModelCompressor
    from compressed_tensors.quantization import (
        QuantizationArgs,
        QuantizationConfig,
        QuantizationScheme,
        apply_quantization_config,
    )

    network = transformers.LlamaForCausalLM.from_pretrained(plain, dtype=torch.float32).eval()
    rounded = copy.deepcopy(network)
    scheme = QuantizationScheme(targets=["Linear"], weights=QuantizationArgs(symmetric=True, **numbers))
    config = QuantizationConfig(
        config_groups={"all": scheme}, ignore=["lm_head"], format=form, quantization_status="frozen"
    )
    apply_quantization_config(network, config)
    largest = 7 if numbers["type"] == "int" else torch.finfo(torch.float8_e4m3fn).max
    for name, module in network.named_modules():
        if not hasattr(module, "weight_scale"):
            continue
        own = rounded.get_submodule(name).weight.data
        blocks = own.view(len(own), -1, numbers.get("group_size", own.shape[1]))  # (out, blocks, numbers of one scale)
        scale = blocks.abs().amax(-1, keepdim=True) / largest
        module.weight_scale.data = scale[..., 0].to(module.weight_scale.dtype)
        steps = (blocks / scale).clamp(-largest, largest)
        steps = steps.round() if numbers["type"] == "int" else steps.to(torch.float8_e4m3fn).float()
        own.copy_((steps * scale).view_as(own))
    compressor = ModelCompressor.from_pretrained_model(network, quantization_format=form)
    compressor.compress_model(network)
    network.save_pretrained(folder)
    compressor.update_config(folder)
    tokenizer().save_pretrained(folder)
    return rounded
