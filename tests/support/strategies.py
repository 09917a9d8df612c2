"""Inputs for the property-based tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy
from hypothesis import strategies as st

from attnviz.attention.formula import Steps, attend


@dataclass(frozen=True)
class Case:
    """Arguments of attend(), in NumPy float64."""

    query: numpy.ndarray
    key: numpy.ndarray
    value: numpy.ndarray
    options: dict[str, Any]

    @property
    def scores_shape(self) -> tuple[int, ...]:
        return (*self.query.shape[:-1], self.key.shape[-2])

    def but(self, **options: Any) -> Case:
        return replace(self, options=self.options | options)

    def attend(self, convert: Callable[[numpy.ndarray], Any] = numpy.asarray) -> Steps:
        """Run attend() on the arrays as ``convert`` makes them; the steps come back as NumPy arrays."""
        options = {
            name: convert(value) if isinstance(value, numpy.ndarray) else value for name, value in self.options.items()
        }
        steps = attend(convert(self.query), convert(self.key), convert(self.value), **options)
        return Steps(*map(numpy.asarray, steps))


@st.composite
def attention_cases(draw: st.DrawFn) -> Case:
    """Every option of attend() and their combinations, in small shapes."""
    random = numpy.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = st.integers(1, 6)
    queries, keys = draw(st.one_of(st.tuples(size, size), size.map(lambda both: (both, both))))
    d_k, d_v = draw(size), draw(size)
    if draw(st.booleans()):
        batch = draw(st.sampled_from([(), (1,), (2,), (2, 3)]))
        kv_heads, group = draw(st.integers(1, 3)), draw(st.integers(1, 3))
        query_axes, key_axes = (*batch, kv_heads * group), (*batch, kv_heads)
    else:
        query_axes, key_axes = (), ()
    scores = (*query_axes, queries, keys)

    causal, window = draw(st.booleans()), draw(st.none() | st.integers(1, 5))
    offsets = st.sampled_from([0, keys - queries]) | st.integers(-4, 7)
    guessable = queries == keys or not (causal or window)
    options = {
        "scale": draw(st.none() | st.floats(-2, 2)),
        "causal": causal,
        "window": window,
        "query_offset": draw(st.none() | offsets if guessable else offsets),
        "softcap": draw(st.none() | st.floats(0.5, 20)),
        "mask": draw(st.none() | broadcastable(scores).map(lambda shape: random.random(shape) < 0.7)),
        "bias": draw(st.none() | broadcastable(scores).map(lambda shape: _bias(random, shape))),
        "sinks": random.normal(size=query_axes[-1:] or 1) if draw(st.booleans()) else None,
    }
    return Case(
        random.normal(size=(*query_axes, queries, d_k)),
        random.normal(size=(*key_axes, keys, d_k)),
        random.normal(size=(*key_axes, keys, d_v)),
        options,
    )


@st.composite
def broadcastable(draw: st.DrawFn, shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape that broadcasts to ``shape``."""
    axes = draw(st.integers(1, len(shape)))
    return tuple(draw(st.sampled_from([1, size, size])) for size in shape[-axes:])


def _bias(random: numpy.random.Generator, shape: tuple[int, ...]) -> numpy.ndarray:
    return numpy.where(random.random(shape) < 0.2, -numpy.inf, random.normal(size=shape))


def json_values() -> st.SearchStrategy[Any]:
    """Anything that JSON can say, and NaN and infinities, which Python's reader takes too."""
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
    numbers = st.lists(st.floats(-2, 2) | st.integers(-2, 2), min_size=1, max_size=3)
    return st.recursive(
        leaves | numbers | st.lists(numbers, max_size=3),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
        max_leaves=6,
    )


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """``content`` cut short, with bytes changed, or with other bytes put in."""
    for _ in range(draw(st.integers(1, 3))):
        begin = draw(st.integers(0, len(content)))
        end = draw(st.sampled_from([begin, min(begin + 1, len(content)), len(content)]))
        content = content[:begin] + draw(st.binary(max_size=4)) + content[end:]
    return content


SIZES = {"float16": (1e-3, 1.0, 30.0, 1e3), "bfloat16": (1e-12, 1.0, 30.0, 1e12), "float32": (1e-12, 1.0, 30.0, 1e12)}
SIZES["float64"] = (1e-100, 1.0, 30.0, 1e100)


@st.composite
def typed_cases(draw: st.DrawFn, **options: Any) -> Case:
    """The same in every type that attend() computes with or from, with numbers from far below 1 to far above it."""
    case = draw(attention_cases())
    kind = draw(st.sampled_from(sorted(SIZES)))
    arrays = {
        name: typed(draw(st.sampled_from(SIZES[kind])) * getattr(case, name), kind)
        for name in ("query", "key", "value")
    }
    bias = case.options["bias"]
    if bias is not None:
        bias = draw(st.sampled_from([1.0, 30.0])) * bias
    return replace(case, **arrays, options=case.options | {"bias": bias} | options)


def typed(array: numpy.ndarray, kind: str) -> numpy.ndarray:
    """``array`` in the type of this name, bfloat16 as ml_dtypes has it."""
    import ml_dtypes

    return array.astype(ml_dtypes.bfloat16 if kind == "bfloat16" else kind)
