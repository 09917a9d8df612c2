"""Models whose weights are packed into 4 or 8 bits: their attention against the one that transformers hands out, and their W_O.

`pip install --no-deps bitsandbytes torchao` brings what packs them, on a processor, too.
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
        lacking(f"{LIBRARIES[kind]} is not installed: pip install --no-deps bitsandbytes torchao")
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
