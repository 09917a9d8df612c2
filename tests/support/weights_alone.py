"""Traces of which the weights alone are known: as another program hands them out, from traces of which all is."""

from __future__ import annotations

from dataclasses import replace

from attnviz.attention.rule import Rule
from attnviz.trace.layer import Layer
from attnviz.trace.trace import Trace


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
