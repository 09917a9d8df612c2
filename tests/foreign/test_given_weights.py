"""Weights that JAX and Keras hand out, as attnviz.trace_weights() takes them."""

from __future__ import annotations

import numpy
import pytest
from foreign_suites import library

import attnviz

pytestmark = pytest.mark.slow
TOKENS = ["the", "cat", "sat", "down", "today"]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_weights_of_jax_are_taken_as_they_are(dtype):
    jax = library("jax")
    scores = jax.random.normal(jax.random.key(0), (2, 1, 4, 5, 5))  # (layers, items, heads, queries, keys)
    given = jax.nn.softmax(scores, axis=-1).astype(dtype)
    for attentions in (given[:, 0], list(given)):
        trace = attnviz.trace_weights(attentions, TOKENS)
        assert "row_sums" not in trace.source
        for layer, weights in zip(trace.layers, given, strict=True):
            assert numpy.array_equal(numpy.asarray(layer.steps().weights, float), numpy.asarray(weights[0], float))


@pytest.mark.filterwarnings("ignore")  # Keras on torch speaks an older NumPy
def test_weights_of_keras_are_taken_as_they_are(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    keras = library("keras")
    x = numpy.random.default_rng(0).normal(size=(1, 5, 16)).astype("float32")
    _, weights = keras.layers.MultiHeadAttention(4, 8)(x, x, return_attention_scores=True)
    [layer] = attnviz.trace_weights([weights], TOKENS).layers
    expected = numpy.asarray(keras.ops.convert_to_numpy(weights))[0]
    assert numpy.array_equal(numpy.asarray(layer.steps().weights.detach()), expected)
