"""Traces of which the weights alone are known: as another program hands them out, from traces of which all is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy

from attnviz import trace_text
from attnviz.attention.rule import Rule
from attnviz.trace.layer import Layer
from attnviz.trace.row_sums import row_sums
from attnviz.trace.trace import Trace

TEXT = "one step and one more step"
RANDOM = numpy.random.default_rng(7)
RULES = {
    "plain": Rule(),
    "causal": Rule(causal=True),
    "window": Rule(causal=True, window=5),
    "mask": Rule(mask=RANDOM.random((3, 30, 30)) < 0.6),
    "sinks": Rule(causal=True, sinks=numpy.array([1.0, 0.0, -1.0])),
}


def told_rule(rule: Rule) -> Rule:
    """What of ``rule`` can be told of weights: which keys a query sees."""
    return Rule(causal=rule.causal, query_offset=rule.query_offset, window=rule.window, mask=rule.mask)


def layer_alone(layer: Layer) -> Layer:
    """The weights of ``layer``, and what hides some of them."""
    return Layer(
        weights=layer.steps().weights,
        rule=told_rule(layer.rule),
        index=layer.index,
        name=layer.name,
        kind=layer.kind,
        tokens=layer.tokens,
        key_tokens=layer.key_tokens,
    )


def alone(trace: Trace) -> Trace:
    """``trace``, of whose layers the weights alone are known."""
    return replace(trace, layers=tuple(map(layer_alone, trace.layers)), source={"kind": "arrays"})


def trace_of(rule: Rule) -> Trace:
    """Three heads over thirty tokens, of which some stand several times, with ``rule``."""
    vectors = RANDOM.standard_normal((3, 30, 4))
    return Trace(tuple(f"w{place % 7}" for place in range(30)), (Layer(vectors, vectors, vectors, rule),))


def with_a_sink(rows: Collection[int] = (1,)) -> Trace:
    """Weights of which some rows of head 1 lack a half."""
    given = trace_text(TEXT, heads=2).layers[0].steps().weights.copy()
    for row in rows:
        given[1, row] *= 0.5
    layer = Layer(weights=given, index=3)
    return Trace(tuple(TEXT.split()), (layer,), {"kind": "arrays", "row_sums": row_sums([layer])._asdict()})
