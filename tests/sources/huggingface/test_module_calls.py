"""Which attention modules ran, and which could not be watched."""

from __future__ import annotations

import pytest
import torch
import transformers
from tiny_models import CONFIGS, inputs
from watched_models import made

from attnviz import AttnvizError, trace_model


def test_stacks_that_cannot_be_watched_are_named():
    config = transformers.LongT5Config(
        vocab_size=50, d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4, decoder_start_token_id=0
    )
    network, given = made(config), {"input_ids": torch.arange(9)[None], "decoder_input_ids": torch.arange(5)[None]}
    trace = trace_model(network, given)
    assert {layer.stack for layer in trace.layers} == {"decoder", "cross"}
    assert trace.source["unseen"] == ["encoder.block.N.layer.N.LocalSelfAttention"]
    with pytest.raises(AttnvizError, match="there are no encoder layers") as error:
        trace_model(network, given, layer="encoder")
    assert "encoder.block.N.layer.N.LocalSelfAttention computes attention in its own way" in (error.value.hint or "")


def test_two_maps_of_one_layer_are_refused():
    network = made(transformers.DiffLlamaConfig(**CONFIGS["Llama"]))
    with pytest.raises(AttnvizError, match="DiffLlamaModel computes attention in pieces"):
        trace_model(network, inputs("Llama"))
