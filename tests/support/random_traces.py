"""Traces of seeded numbers, in any size."""

from __future__ import annotations

from typing import Any

import numpy

from attnviz import Layer, Rule, Trace
from attnviz.trace.projection import Projection
from attnviz.trace.trace import numbered


def random_trace(layers: int, heads: int, tokens: int, dimension: int, dtype: str = "float32", **rule: Any) -> Trace:
    """``layers`` alike, each of ``heads`` with keys of their own; ``rule`` is that of all."""
    draw = numpy.random.default_rng(0)
    made = [
        Layer(
            *(draw.standard_normal((heads, tokens, dimension)).astype(dtype) for _ in range(3)), Rule(**rule), index=i
        )
        for i in range(layers)
    ]
    return Trace(tuple(f"w{place}" for place in range(tokens)), tuple(made))


def long_trace(tokens: int, **rule: Any) -> Trace:
    """Four heads, of which two share their keys."""
    draw = numpy.random.default_rng(3)
    arrays = (draw.standard_normal((heads, tokens, 8)) * 2 for heads in (4, 2, 2))
    return Trace(tuple(f"w{place}" for place in range(tokens)), (Layer(*arrays, Rule(**rule)),))


def unnamed_trace(tokens: int, **source: Any) -> Trace:
    """The same of arrays that came without tokens."""
    return Trace(numbered(tokens), long_trace(tokens, causal=True).layers, {"kind": "arrays", **source})


def projected_trace(outputs: int = 7) -> Trace:
    """Four heads that share two key/value heads, with projections and their biases; W_O makes so many numbers of theirs."""
    draw = numpy.random.default_rng(11)
    embeddings = draw.standard_normal((5, 6))
    made = {
        name: Projection(draw.standard_normal(shape), draw.standard_normal(shape[1]))
        for name, shape in (("query", (6, 12)), ("key", (6, 6)), ("value", (6, 4)), ("output", (8, outputs)))
    }
    vectors = {
        name: numpy.stack(numpy.split(made[name](embeddings), heads, axis=1))
        for name, heads in (("query", 4), ("key", 2), ("value", 2))
    }
    return Trace(tuple("abcde"), (Layer(**vectors, embeddings=embeddings, projections=made),))
