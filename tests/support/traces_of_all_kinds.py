"""Traces that hold all that a trace can hold, and what it takes for two of them to be the same."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import numpy
from numpy.testing import assert_array_equal

from attnviz.attention.rule import Rule
from attnviz.errors import AttnvizError
from attnviz.trace.layer import Layer
from attnviz.trace.projection import Projection
from attnviz.trace.trace import Trace, load, numbered


def normal(*shape: int) -> numpy.ndarray:
    return numpy.random.default_rng(shape).normal(size=shape)


def self_layer() -> Layer:
    rule = Rule(
        scale=0.3,
        causal=True,
        query_offset=1,
        window=2,
        softcap=7.5,
        mask=numpy.array([[True, True, False]] * 3),
        bias=numpy.where(numpy.eye(3) == 1, -numpy.inf, normal(4, 3, 3)).astype(numpy.float32),
        sinks=normal(4),
    )
    return Layer(
        normal(4, 3, 2),
        normal(2, 3, 2).astype(numpy.float16),
        normal(2, 3, 5).astype(numpy.float32),
        rule,
        index=3,
        name="decoder.ế.attention",
        embeddings=normal(3, 8),
        positions=normal(3, 8),
        projections={
            "query": Projection(normal(8, 8), normal(8)),
            "key": Projection(normal(8, 4)),
            "value": Projection(normal(8, 10), normal(10)),
            "output": Projection(normal(20, 8), normal(8)),
        },
    )


def cross_layer() -> Layer:
    tokens = {"tokens": ("le", "chat"), "key_tokens": ("the", "big", "cat", "\n", "👩‍👧")}
    return Layer(
        normal(1, 2, 3), normal(1, 5, 3), normal(1, 5, 3), Rule(), index=7, name="cross", kind="cross", **tokens
    )


def full_trace() -> Trace:
    source = {"kind": "model", "path": "ế", "seed": 3, "nested": {"list": [1, None, 0.1]}}
    return Trace(("a", '"b"', "\x1b[31m"), (self_layer(), cross_layer(), replace(self_layer(), index=4)), source)


def plain_trace(rule: Rule | None = None, tokens: int = 3) -> Trace:
    query = normal(2, tokens, 2)
    return Trace(numbered(tokens), (Layer(query, query[:1], query[:1], rule or Rule()),))


def parts(layer: Layer) -> dict[str, object]:
    """Everything that ``layer`` holds, by name."""
    projections = {
        f"{name} {part}": getattr(projection, part)
        for name, projection in layer.projections.items()
        for part in ("weight", "bias")
    }
    own = {name: value for name, value in vars(layer).items() if name not in ("rule", "projections", "scale")}
    return own | vars(layer.rule) | projections


def assert_same(loaded: Trace, saved: Trace) -> None:
    assert (loaded.tokens, loaded.source, len(loaded.layers)) == (saved.tokens, saved.source, len(saved.layers))
    for ours, theirs in zip(loaded.layers, saved.layers, strict=True):
        assert parts(ours).keys() == parts(theirs).keys()
        for name, value in parts(theirs).items():
            if isinstance(value, numpy.ndarray):
                assert parts(ours)[name].dtype == value.dtype, name
                assert_array_equal(parts(ours)[name], value)
            else:
                assert parts(ours)[name] == value, name


def opened(path, content: bytes) -> None:
    """Load ``content`` and compute all of it: AttnvizError is the only thing that may go wrong."""
    path.write_bytes(content)
    with suppress(AttnvizError):
        trace = load(path)
        assert repr(trace).startswith("Trace(")
        for layer in trace.layers:
            words = (*trace.query_tokens(layer), *trace.key_tokens(layer), layer.name, layer.kind)
            assert {type(word) for word in words} == {str}
            assert type(layer.index) is int
            layer.steps()
            for head in range(layer.heads):
                layer.steps(head)
