"""Traces of seeded numbers, in any size."""

from __future__ import annotations

from typing import Any

import numpy

from attnviz import Layer, Rule, Trace
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
