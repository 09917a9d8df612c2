"""What is said to be the most that a step is off by: attend() on the rounded numbers never is by more, nor by much less."""

from __future__ import annotations

import numpy
import pytest

from attnviz import Layer, Rule, Trace, attend
from attnviz.renderers.page.digits import errors
from attnviz.renderers.page.selected import selected_vectors
from attnviz.renderers.page.short import shortened
from attnviz.trace.selection import select

MASK = numpy.random.default_rng(3).random((90, 90)) < 0.6
RULES = [
    {},
    {"causal": True},
    {"window": 7, "scale": 0.7},
    {"softcap": 2.0},
    {"sinks": numpy.array([1.0, -2.0])},
    {"mask": MASK},
    {"bias": numpy.where(MASK, 0.5, -1e9)},
]


@pytest.mark.parametrize("rule", RULES, ids=[" ".join(rule) or "none" for rule in RULES])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_no_step_is_off_by_more_than_is_said(rule, dtype):
    draw = numpy.random.default_rng(2)
    vectors = [(2 * draw.standard_normal((heads, 90, 16))).astype(dtype) for heads in (2, 1, 1)]
    vectors[1][..., 3] += 20  # one dimension far above the others, as models have them
    [selected] = select(Trace(tuple(map(str, range(90))), (Layer(*vectors, Rule(**rule)),))).layers
    rounded = {name: shortened(array).numbers for name, array in selected_vectors(selected).items()}
    said = errors(selected, rounded, cells=1000)
    own = attend(*(array.astype("float64") for array in vectors), **rule)
    ours = attend(*(rounded[name].astype("float64") for name in ("query", "key", "value")), **rule)
    for name in ("scores", "scaled", "weights", "output"):
        off = numpy.abs(getattr(own, name) - getattr(ours, name)).max()
        noise = 1e-5 * numpy.abs(getattr(own, name)).max() if dtype == "float32" else 1e-12  # of the arithmetic
        assert off <= getattr(said, name) + noise, name
    assert said.scores <= 1.05 * numpy.abs(own.scores - ours.scores).max() + 1e-5
    relative = numpy.abs(own.weights - ours.weights) / numpy.where(own.weights > 1e-30, own.weights, numpy.inf)
    assert relative.max() <= numpy.expm1(2 * said.scaled) + 1e-4


def test_what_is_not_rounded_is_not_off():
    vectors = [numpy.random.default_rng(0).standard_normal((1, 5, 4)) for _ in range(3)]
    [selected] = select(Trace(tuple("abcde"), (Layer(*vectors),))).layers
    assert errors(selected, selected_vectors(selected)) == (0, 0, 0, 0, 0)
