"""A text with repeated words, and rules under which its heads are measured."""

from __future__ import annotations

import numpy

from attnviz import Layer, Rule, Trace

DRAW = numpy.random.default_rng(0)
TEXT = ["the", "cat", "sat", "on", "the", "mat", "and", "the", "cat", "slept", "on", "the", "mat", "again"]
RULES = {
    "plain": {},
    "causal": {"causal": True},
    "window": {"causal": True, "window": 3},
    "sinks": {"causal": True, "sinks": numpy.array([0.5, -1.0, 2.0, 0.0])},
    "blind": {"mask": numpy.arange(len(TEXT))[:, None] != 2},
    "left padding": {"causal": True, "mask": numpy.arange(len(TEXT)) > 2},
    "windowed padding": {"window": 4, "mask": numpy.arange(len(TEXT)) > 2},
    "offset": {"causal": True, "query_offset": 2},
    "window before": {"causal": True, "window": 3, "query_offset": -4},
    "a mask of pairs": {"causal": True, "mask": numpy.random.default_rng(1).random((len(TEXT), len(TEXT))) < 0.4},
    "padding as a bias": {
        "causal": True,
        "bias": numpy.where(numpy.arange(len(TEXT)) > 2, 0.0, numpy.finfo(float).min),
    },
}
WHOLE = range(len(TEXT))
LEFT = (1, 2, 4, 5, 6, 8, 9, 11, 12)  # the positions that are left where some are hidden


def trace(**rule) -> Trace:
    query, key = (DRAW.normal(size=(heads, len(TEXT), 6)) for heads in (4, 2))
    return Trace(tuple(TEXT), (Layer(query, key, key, Rule(**rule)),))
