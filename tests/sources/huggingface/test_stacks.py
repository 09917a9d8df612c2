"""Where an attention layer stands in a model."""

from __future__ import annotations

import pytest
import torch
import transformers
from tiny_models import CONFIGS, LAYERS, inputs, model
from watched_models import made

from attnviz import trace_model


@pytest.mark.parametrize("name", ["T5", "Bart", "NllbMoe"])
def test_stacks_of_unequal_depth_are_named(name):
    trace = trace_model(model(name), inputs(name))
    assert [layer.name for layer in trace.layers] == [
        *("encoder 0", "encoder 1"),
        *("decoder 0", "decoder 1", "decoder 2"),
        *("cross 0", "cross 1", "cross 2"),
    ]
    assert [layer.kind for layer in trace.layers] == ["self"] * 5 + ["cross"] * 3
    assert trace.layers[5].query.shape[1:] == (7, 8)
    assert trace.layers[5].key.shape[1:] == (12, 8)


def test_every_part_of_a_model_made_of_models_is_watched():
    bert = transformers.BertConfig(**CONFIGS["Bert"])
    decoder = transformers.BertConfig(**CONFIGS["Bert"], is_decoder=True, add_cross_attention=True)
    network = transformers.EncoderDecoderModel(encoder=made(bert), decoder=transformers.BertLMHeadModel(decoder)).eval()
    given = {"input_ids": torch.arange(9)[None], "decoder_input_ids": torch.arange(5)[None]}
    assert [layer.title for layer in trace_model(network, given).layers] == [
        f"{stack} {number}" for stack in ("encoder", "decoder", "cross") for number in (0, 1)
    ]


def test_digits_in_the_name_of_a_module_are_no_layer():
    config = transformers.Wav2Vec2Config(
        **LAYERS,
        vocab_size=20,
        conv_dim=[16, 16],
        conv_kernel=[3, 3],
        conv_stride=[2, 2],
        num_feat_extract_layers=2,
        num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2,
    )
    trace = trace_model(made(config, transformers.AutoModelForCTC), {"input_values": torch.randn(1, 200)})
    assert [layer.title for layer in trace.layers] == ["layer 0", "layer 1"]
