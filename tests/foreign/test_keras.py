"""Keras' MultiHeadAttention and GroupQueryAttention (backend: torch), from their weights and inputs to what they show and yield."""

from __future__ import annotations

from typing import Any

import numpy
import pytest
from foreign_suites import Suite, library
from tolerances import Arithmetic, bounded, hidden, linear, require_near

from attnviz import attend

CASES = 60
OURS, THEIRS = Arithmetic.of(numpy.float32), Arithmetic.of(numpy.float32, exp=20, argument=3)


@pytest.fixture
def layers(monkeypatch, tmp_path):
    """Keras' layers; it reads its backend once, when it is imported, and leaves a file in its home."""
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    return library("keras.layers")


def drawn(random: numpy.random.Generator, layers: Any, number: int) -> tuple[Any, Any, dict[str, Any], int | None]:
    """A layer with random weights, the rows that it reads, (texts, tokens, width), the options of its call, and its window."""
    texts, kv_heads, group, queries, keys, d_k = random.integers(1, 5, 6)
    window = int(random.integers(1, 4)) if random.random() < 0.3 else None
    if number % 3 == 2:
        layer = layers.GroupQueryAttention(int(d_k), int(kv_heads * group), int(kv_heads), sliding_window=window)
    else:
        layer = layers.MultiHeadAttention(
            int(kv_heads),
            int(d_k),
            value_dim=int(random.integers(1, 5)),
            use_bias=bool(number % 2),
            sliding_window=window,
        )
    if random.random() < 0.5:
        keys = queries
    rows = tuple(random.standard_normal((texts, tokens, 6)).astype(numpy.float32) for tokens in (queries, keys))
    layer(*rows)
    layer.set_weights([random.standard_normal(weight.shape).astype(numpy.float32) for weight in layer.get_weights()])
    mask = random.random((texts, queries, keys)) < 0.6 if random.random() < 0.6 else None
    return layer, rows, {"attention_mask": mask, "use_causal_mask": bool(random.random() < 0.4)}, window


def projected(layer: Any, name: str, rows: numpy.ndarray) -> tuple[numpy.ndarray, numpy.ndarray]:
    """One text's rows as the layer projects them, and what they may be off by: (heads, tokens, d)."""
    dense = getattr(layer, f"_{name}_dense")
    kernel, *bias = (numpy.asarray(weight) for weight in dense.get_weights())
    width, heads, d = kernel.shape
    found = linear(rows, kernel.reshape(width, heads * d), bias[0].reshape(-1) if bias else None, THEIRS)
    return tuple(one.reshape(len(rows), heads, d).transpose(1, 0, 2) for one in found)


def compare(layer: Any, rows: Any, call: dict[str, Any], window: int | None, suite: Suite) -> None:
    """Both ways in which Keras computes a layer: with its weights shown, and fused without them."""
    shown, weights = layer(*rows, return_attention_scores=True, **call)
    fused = layer(*rows, **call)
    shown, weights, fused = (one.detach().numpy() for one in (shown, weights, fused))
    kernel, *bias = (numpy.asarray(weight) for weight in layer._output_dense.get_weights())

    def yielded(joined: Any, wide: Any) -> Any:
        """What the layer makes of the outputs of its heads, (tokens, heads · d), that are off by ``wide``."""
        return linear(joined, kernel.reshape(-1, kernel.shape[-1]), bias[0] if bias else None, THEIRS, wide)

    for text in range(len(rows[0])):
        sides = {"query": rows[0], "key": rows[1], "value": rows[1]}
        arrays, off = zip(*(projected(layer, name, side[text]) for name, side in sides.items()), strict=True)
        options = {
            "causal": call["use_causal_mask"],
            "query_offset": 0,
            "window": window,
            "mask": None if call["attention_mask"] is None else call["attention_mask"][text],
        }
        given = [array.astype(numpy.float32) for array in arrays]
        steps = attend(*given, **options)
        exact = bounded(*arrays, THEIRS, options, off)
        cast = tuple(abs(one - array) for one, array in zip(given, arrays, strict=True))
        ours = bounded(*arrays, OURS, options, cast)
        ours.require(steps)
        require_near(steps.weights, weights[text], ours.errors.weights + exact.errors.weights, "weights")
        joined, wide = (
            one.transpose(1, 0, 2).reshape(len(rows[0][text]), -1)
            for one in (steps.output, ours.errors.output + exact.errors.output)
        )
        result, error = yielded(joined, wide)
        require_near(result, shown[text], error, "output")
        lost = hidden(options, steps.weights.shape).all(axis=(0, -1))  # queries that see nothing
        require_near(result[~lost], fused[text][~lost], error[~lost], "output, fused")
        if (abs(result[lost] - fused[text][lost]) > error[lost]).any():
            suite.differs("a mean where a query sees nothing")
            heads = len(steps.weights) // len(arrays[2])
            values, wide = (numpy.repeat(one, heads, axis=0) for one in (arrays[2], off[2]))
            wide = wide.mean(axis=1) + THEIRS.gamma(values.shape[1] + 4) * (abs(values) + wide).mean(axis=1)
            mean, error = yielded(values.mean(axis=1).reshape(1, -1), wide.reshape(1, -1))
            for row in fused[text][lost]:
                require_near(row[None], mean, error, "mean")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy")  # of Keras' own variables
@pytest.mark.filterwarnings("ignore:(?s).*You are using a softmax over axis")  # of one key
def test_every_option_of_keras(layers):
    suite, random = Suite("keras"), numpy.random.default_rng(0)
    for number in range(CASES):
        suite.cases += 1
        layer, rows, call, window = drawn(random, layers, number)
        try:
            compare(layer, rows, call, window, suite)
        except Exception as error:
            error.add_note(f"case {number}: {type(layer).__name__} {call}")
            raise
    suite.require(CASES, "a mean where a query sees nothing")
