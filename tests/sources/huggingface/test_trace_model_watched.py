"""A trace holds what was watched: layers, tokens, numbers as they came."""

from __future__ import annotations

import copy

import numpy
import pytest
import tiny_models
import torch
from tiny_models import inputs, model
from watched_models import clip

from attnviz import AttnvizError, load, trace_model
from attnviz.sources.recording.agreement import TOLERANCES


def test_how_exactly_is_stored_for_every_layer(traced):
    _, _, _, trace = traced
    known = trace.source["agreement"]
    assert sorted(known["errors"]) == sorted(layer.title for layer in trace.layers)
    assert 0 <= known["largest_error"] == max(known["errors"].values()) < 1e-5
    assert known["checked_queries"] == max(layer.query.shape[1] for layer in trace.layers)


def test_a_saved_trace_gives_the_same_weights(traced, tmp_path):
    _, _, _, trace = traced
    trace.save(tmp_path / "t.safetensors")
    for layer, again in zip(trace.layers, load(tmp_path / "t.safetensors").layers, strict=True):
        numpy.testing.assert_allclose(again.steps().weights, layer.steps().weights, atol=1e-6)
        assert (again.title, again.kind, again.rule.window) == (layer.title, layer.kind, layer.rule.window)
    numbers = sum(
        array.nbytes
        for layer in trace.layers
        for array in (layer.query, layer.key, layer.value, layer.projections["output"].weight)
    )
    assert (tmp_path / "t.safetensors").stat().st_size < 1.5 * numbers + 20_000  # T5's bias is not spread out


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("name", ["Llama", "Gemma2", "T5"])
def test_numbers_are_kept_as_they_came(name, dtype, tmp_path):
    trace = trace_model(model(name, dtype), inputs(name))
    assert {layer.query.dtype for layer in trace.layers} == {dtype}
    assert trace.source["dtype"] == str(dtype).removeprefix("torch.")
    assert trace.source["agreement"]["largest_error"] < TOLERANCES[trace.source["dtype"]]
    trace.save(tmp_path / "t.safetensors")
    arrays = load(tmp_path / "t.safetensors").layers[0]
    numpy.testing.assert_array_equal(
        arrays.query, trace.layers[0].query.to(torch.float64).numpy().astype(arrays.query.dtype)
    )


def test_only_the_chosen_layers_are_kept():
    def names(**options):
        return [layer.name for layer in trace_model(model("T5"), inputs("T5"), **options).layers]

    assert names(layer="cross") == ["cross 0", "cross 1", "cross 2"]
    assert names(layer="cross 1-2") == ["cross 1", "cross 2"]
    assert names(layer=1) == ["encoder 1", "decoder 1", "cross 1"]
    assert names(layer=["encoder 0", "decoder 2"]) == ["encoder 0", "decoder 2"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("9", "layer 9 does not exist: the model has layers 0 to 2"),
        ("0,9", "layer 9 does not exist: the model has layers 0 to 2"),
        ("encoder 2", "layer 2 does not exist: the model's encoder stack has layers 0 to 1"),
        ("vision", "there are no vision layers: the model has encoder, decoder, cross"),
    ],
)
def test_a_layer_that_does_not_exist_is_told_with_those_that_do(words, message):
    with pytest.raises(AttnvizError) as error:
        trace_model(model("T5"), inputs("T5"), layer=words)
    assert error.value.message == message


def test_patches_never_get_the_tokens_of_a_text():
    given = {"input_ids": inputs("Llama", 17)["input_ids"], "pixel_values": inputs("ViT")["pixel_values"]}
    trace = trace_model(clip(), given)
    text, image = (next(layer for layer in trace.layers if layer.stack == stack) for stack in ("", "vision"))
    assert trace.query_tokens(text)[0] == str(int(given["input_ids"][0, 0]))
    patches = [f"r{row}c{column}" for row in range(4) for column in range(4)]
    assert trace.query_tokens(image) == ("[CLS]", *patches)  # as many, and yet no words


def test_what_a_model_misses_is_one_clear_line():
    with pytest.raises(AttnvizError, match=r"^CLIPModel cannot read this: "):
        trace_model(clip(), inputs("Llama"))
    with pytest.raises(AttnvizError, match=r"^LlamaModel cannot read this: "):
        trace_model(
            model("Llama").model, {**inputs("Llama"), "nonsense": torch.zeros(1, 1), "position_ids": torch.ones(3)}
        )


def test_a_module_that_does_not_train_is_left_so():
    network = copy.deepcopy(model("Llama")).train()
    network.model.layers[0].eval()
    trace_model(network, inputs("Llama"))
    assert network.training
    assert not network.model.layers[0].training


def test_memory_grows_with_the_length_of_the_text():
    def size(tokens):
        given = tiny_models.inputs("Mistral", tokens)
        layer = trace_model(model("Mistral"), given).layers[0]
        arrays = (layer.query, layer.key, layer.value, layer.rule.mask, layer.rule.bias)
        return sum(array.nbytes for array in arrays if array is not None)

    assert size(200) == 20 * size(10)
