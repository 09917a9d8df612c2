"""What is said to be the most that a step is off by: attend() on the rounded numbers never is by more, nor by much less."""

from __future__ import annotations

import numpy
import pytest
from random_traces import projected_trace

from attnviz import Layer, Rule, Trace, attend
from attnviz.renderers.page.digits import Errors, errors, rounded_up
from attnviz.renderers.page.selected import kv_indices, selected_vectors
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


def short(trace, **selected):
    [selected] = select(trace, **selected).layers
    return selected, {name: shortened(array).numbers for name, array in selected_vectors(selected).items()}


@pytest.mark.parametrize("heads", [["0", "1", "2", "3"], ["3", "1"]])
def test_weights_outputs_and_what_w_o_makes_of_them_are_measured(heads):
    """No more is said than attend() and W_O differ by."""
    trace = projected_trace()
    selected, rounded = short(trace, head=heads)
    [layer], kept = trace.layers, [int(head) for head in heads]
    said = errors(selected, rounded, cells=7)
    parts = [
        numpy.asarray(array, float)[[kv_indices(selected), range(len(kept))][name == "query"]]
        for name, array in rounded.items()
    ]
    ours = attend(*parts, causal=layer.rule.causal, scale=layer.scale)
    own = layer.steps()
    assert said.weights == pytest.approx(numpy.abs(own.weights[kept] - ours.weights).max(), rel=1e-6)
    assert said.output == pytest.approx(numpy.abs(own.output[kept] - ours.output).max(), rel=1e-6)
    outputs = own.output.copy()
    outputs[kept] = ours.output
    projected = numpy.abs(layer.projected(layer.concat(own.output)) - layer.projected(layer.concat(outputs)))
    assert said.projected == pytest.approx(projected.max(), rel=1e-6)


def test_what_has_too_many_pairs_to_be_measured_is_bounded():
    selected, rounded = short(projected_trace())
    measured, derived = errors(selected, rounded), errors(selected, rounded, measured=0)
    assert measured[:3] == derived[:3]
    assert all(0 < one < other for one, other in zip(measured[3:6], derived[3:6], strict=True))


def test_scores_that_are_far_apart_leave_digits():
    """As a bound, a weight could be off by all it is; measured, one key takes it in both."""
    draw = numpy.random.default_rng(1)
    vectors = [
        1000 * draw.standard_normal((1, 5, 8)),
        1000 * draw.standard_normal((1, 5, 8)),
        draw.standard_normal((1, 5, 8)),
    ]
    selected, rounded = short(Trace(tuple("abcde"), (Layer(*vectors),)))
    assert errors(selected, rounded, measured=0).weights > 0.99
    assert errors(selected, rounded).weights == 0
    assert errors(selected, rounded).output < 1e-4


def test_what_is_not_rounded_is_not_off():
    vectors = [numpy.random.default_rng(0).standard_normal((1, 5, 4)) for _ in range(3)]
    [selected] = select(Trace(tuple("abcde"), (Layer(*vectors),))).layers
    assert errors(selected, selected_vectors(selected)) == (0,) * len(Errors._fields)


@pytest.mark.parametrize(
    ("error", "said"), [(0.0, 0.0), (1.0, 1.0), (0.1201, 0.13), (9.95e-7, 1e-6), (3e-300, 3e-300), (412.3, 420.0)]
)
def test_an_error_is_said_in_two_digits_and_never_as_less_than_it_is(error, said):
    assert rounded_up(error) == pytest.approx(said, rel=1e-12)
    assert rounded_up(error) >= error * (1 - 1e-15)
