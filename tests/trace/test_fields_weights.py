"""Weights alone are saved, moved and read again as they are."""

from __future__ import annotations

import numpy
import pytest
import torch
from safetensors.torch import load_file
from traces_of_all_kinds import assert_same

from attnviz.attention.rule import Rule
from attnviz.errors import AttnvizError
from attnviz.trace.layer import Layer
from attnviz.trace.trace import Trace, load

WEIGHTS = torch.softmax(torch.from_numpy(numpy.random.default_rng(2).standard_normal((2, 3, 3))), -1)


def a_trace(weights, rule=Rule()):  # noqa: B008  (immutable)
    return Trace(("a", "b", "c"), (Layer(weights=weights, rule=rule, index=4, name="decoder 4"),), {"kind": "arrays"})


@pytest.mark.parametrize("dtype", [numpy.float16, numpy.float32, numpy.float64])
def test_a_saved_trace_of_weights_is_read_as_it_was(tmp_path, dtype):
    mask = numpy.array([[True, True, False]] * 3)
    trace = a_trace(WEIGHTS.numpy().astype(dtype) * mask, Rule(mask=mask))
    trace.save(tmp_path / "weights.safetensors")
    assert_same(load(tmp_path / "weights.safetensors"), trace)


def test_bfloat16_stays_so_in_the_file(tmp_path):
    trace = a_trace(WEIGHTS.to(torch.bfloat16))
    trace.save(tmp_path / "weights.safetensors")
    assert load_file(tmp_path / "weights.safetensors")["layers.0.weights"].dtype == torch.bfloat16
    again = load(tmp_path / "weights.safetensors").layers[0].weights
    assert (torch.from_numpy(again) == WEIGHTS.to(torch.bfloat16).float()).all()


def test_it_moves_to_torch_and_back():
    trace = a_trace(WEIGHTS.numpy(), Rule(causal=False, mask=numpy.ones((3, 3), dtype=bool)))
    moved = trace.to("torch", dtype="float32")
    assert moved.layers[0].weights.dtype == torch.float32
    assert (moved.to("numpy").layers[0].weights == WEIGHTS.float().numpy()).all()


def test_a_record_that_has_weights_and_vectors_is_damaged(tmp_path):
    import json

    from safetensors import safe_open
    from safetensors.numpy import save_file

    a_trace(WEIGHTS.numpy()).save(tmp_path / "weights.safetensors")
    with safe_open(tmp_path / "weights.safetensors", framework="numpy") as file:
        metadata, weights = file.metadata(), file.get_tensor("layers.0.weights")
    assert json.loads(metadata["trace"])["layers"][0]["name"] == "decoder 4"
    for arrays, words in (
        ({"layers.0.weights": weights, "layers.0.query": weights}, "it has query and weights"),
        ({"layers.0.query": weights}, "it lacks key and value"),
    ):
        save_file(arrays, tmp_path / "wrong.safetensors", metadata)
        with pytest.raises(AttnvizError, match=words):
            load(tmp_path / "wrong.safetensors")
