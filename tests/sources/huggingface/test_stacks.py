"""Where an attention layer stands in a model."""

from __future__ import annotations

import pytest
import torch
import transformers
from tiny_models import CONFIGS, LAYERS, inputs, model
from watched_models import NAMES, clip, made

from attnviz import AttnvizError, trace_model
from attnviz.sources.huggingface.stacks import LayerAddresses, known_layers, layer_count, layer_module


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


@pytest.mark.parametrize("name", NAMES)
def test_the_layers_that_are_known_beforehand_are_those_that_run(name):
    known = known_layers(model(name))
    ran = [(layer.stack, layer.index) for layer in trace_model(model(name), inputs(name)).layers]
    if name == "Albert":  # layers of shared weights: only a run tells how many there are
        assert known is None
    else:
        assert sorted(known) == sorted(ran)
        assert list(dict(known)) == list(dict(ran))  # the stacks, as an error lists them
    assert layer_count(model(name).config) == len(ran)


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("Llama", "45"),
        ("Llama", "0,1,7-9"),
        ("GPT2", "cross 3"),
        ("T5", "encoder 2"),
        ("T5", "cross 45"),
        ("Bart", "3"),
    ],
)
def test_a_layer_that_does_not_exist_is_told_before_the_model_runs_in_the_same_words(name, layer, monkeypatch):
    network = model(name)

    def error():
        with pytest.raises(AttnvizError) as told:
            trace_model(network, inputs(name), layer=layer)
        return type(told.value), told.value.message, told.value.hint

    with monkeypatch.context() as patch:
        patch.setattr("attnviz.sources.huggingface.trace_model.known_layers", lambda _: None)
        after = error()
    monkeypatch.setattr(type(network), "forward", lambda *_, **__: pytest.fail("the model runs"))
    assert error() == after


def test_layers_that_only_a_run_can_tell_are_not_known_beforehand():
    assert known_layers(model("XLNet")) is None  # attention in its own way, which the run has to say
    assert known_layers(clip()) is None  # towers run only where there is something for them to read
    with pytest.raises(AttnvizError, match="layer 45 does not exist: the model has layers 0 to 1"):
        trace_model(model("Albert"), inputs("Albert"), layer="45")


def test_a_module_or_a_path_that_is_no_part_of_the_model_is_named_by_itself_alone():
    network = model("Llama")
    addresses = LayerAddresses(network)
    path, attending = next(one for one in network.named_modules() if one[0].endswith("layers.1.self_attn"))
    assert addresses.of(torch.nn.Linear(1, 1)) == ("Linear", "", None)
    assert addresses.at("nowhere.3") == ("nowhere.3", "", None)
    assert addresses.of(attending) is addresses.at(path)
    assert addresses.at(path) == (path, "", 1)
    assert layer_module(network, path.partition("layers")[0] + "norm") is None
    assert layer_module(network, f"{path}.o_proj") is network.get_submodule(path.removesuffix(".self_attn"))
