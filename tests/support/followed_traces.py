"""Traces of several layers that differ, for attention to be followed through."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy

from attnviz import Layer, Rule, Trace
from attnviz.attention.rule import Rule as AnyRule
from attnviz.trace.projection import Projection

RULES: Mapping[str, Callable[[int], AnyRule]] = {
    "plain": lambda _: Rule(),
    "causal": lambda _: Rule(causal=True),
    "window": lambda _: Rule(causal=True, window=2),
    "sinks": lambda _: Rule(causal=True, sinks=numpy.array([1.0, 0.0, -1.0, 2.0])),
    "mask": lambda tokens: Rule(mask=numpy.random.default_rng(4).random((4, tokens, tokens)) < 0.3),  # some see nothing
}


def layered(layers: int, tokens: int = 6, rule: str = "plain", **facts: Any) -> Trace:
    """Layers of four heads that share two of keys, each with numbers and a W_O of its own."""
    draw = numpy.random.default_rng(layers * tokens).standard_normal
    made = (
        Layer(
            *(draw((heads, tokens, 3)) for heads in (4, 2, 2)),
            RULES[rule](tokens),
            number,
            projections={"output": Projection(draw((12, 5)))},
            **facts,
        )
        for number in range(layers)
    )
    return Trace(tuple(f"w{place}" for place in range(tokens)), tuple(made))


def weights_of(trace: Trace) -> list[numpy.ndarray]:
    """The weights of each layer, (heads, queries, keys), from the first to the last."""
    return [numpy.asarray(layer.steps().weights) for layer in trace.layers]
