"""What pooling attend()'s weights gives, and problems to pool: the oracle of every engine."""

from __future__ import annotations

import math

import numpy
import pytest
from hypothesis import strategies as st
from tolerances import Arithmetic, Widest, bounded, require_near, softmax

from attnviz import Rule, attend

torch = pytest.importorskip("torch")

KINDS = {"numpy": numpy.asarray, "torch": torch.as_tensor}
ROWS = ("entropy", "largest", "first_key", "sink")


def expected(query, key, rule, pooled):
    """What average and maximum pooling of attend()'s weights gives, and the measures of the weights' rows."""
    steps = attend(query, key, key, **vars(rule))
    weights, visible = _three(steps.weights), _three(~steps.hidden)
    sink = numpy.clip(1 - weights.sum(axis=-1), 0, 1) if rule.sinks is not None else numpy.zeros(weights.shape[:2])
    area = numpy.diff(pooled.query_edges)[:, None] * numpy.diff(pooled.key_edges)
    rows = slice(pooled.query_edges[0], pooled.query_edges[-1])
    return {
        "mean": _cells(pooled, numpy.add, weights) / area,
        "maximum": _cells(pooled, numpy.maximum, weights),
        "visible": _cells(pooled, numpy.add, visible.astype(float)) / area,
        "entropy": (-plogp(weights).sum(axis=-1) - plogp(sink))[:, rows],
        "sink": sink[:, rows],
        "largest": weights.max(axis=-1)[:, rows],
        "first_key": weights[:, rows, 0],
        "weights": weights[:, rows],
    }


def allowed(query, key, rule, pooled, kind):
    """What rounding in ``kind`` may make of the difference of each of these, when attend() computes in the type of ``query``.

    Both add the bias to their logits in the same way: what that rounds off, it takes from both alike. So the logits that
    attend() has with it count as exact, and may differ by what was rounded before it.
    """
    mine, theirs = (
        Arithmetic.of(kind, exp=8, argument=3),
        Arithmetic.of(query.dtype),
    )  # two shifts: to the tile's, to the row's
    plain = {"scale": rule.scale, "softcap": rule.softcap}
    before = sum(bounded(query, key, key, one, plain).errors.scaled for one in (mine, theirs))
    logits = numpy.asarray(attend(query, key, key, **vars(rule)).masked, Widest)
    sinks = None if rule.sinks is None else numpy.asarray(rule.sinks, Widest)[:, None, None]
    before = numpy.where(numpy.isinf(logits), 0, before)
    weights, wide = softmax(logits, before, mine, sinks)
    wide = wide + softmax(logits, 0 * before, theirs, sinks)[1]
    weights, wide = _three(weights), _three(wide)
    keys = weights.shape[-1]
    sums = mine.gamma(keys + 16) + theirs.gamma(keys + 16)
    rest = wide.sum(axis=-1) + sums if rule.sinks is not None else numpy.zeros(weights.shape[:2])
    area = numpy.diff(pooled.query_edges)[:, None] * numpy.diff(pooled.key_edges)
    rows = slice(pooled.query_edges[0], pooled.query_edges[-1])
    top = numpy.max(logits, axis=-1, keepdims=True)
    top = numpy.where(numpy.isinf(top), 0, top)
    far = numpy.where(weights > 0, abs(_three(logits - top)), 0)  # of the row's largest, which ends in the entropy
    far = far + (0 if rule.bias is not None else numpy.where(weights > 0, abs(_three(logits)), 0) + abs(_three(top)))
    terms = (weights + wide) * (far + abs(numpy.log2(numpy.where(weights > 0, weights, 1))))
    entropy = plogp_error(weights, wide).sum(axis=-1) + plogp_error(1 - weights.sum(axis=-1), rest)
    entropy = entropy + 2 / math.log(2) * sums * (terms.sum(axis=-1) + math.log(keys) + 1)
    counts = mine.gamma(int(area.max()) + 8)
    return {
        "mean": _cells(pooled, numpy.add, wide + counts * (weights + wide)) / area,
        "maximum": _cells(pooled, numpy.maximum, wide),
        "visible": mine.gamma(3),
        "entropy": entropy[:, rows],
        "sink": rest[:, rows],
        "largest": wide.max(axis=-1)[:, rows],
        "first_key": wide[:, rows, 0],
    }


def plogp_error(shares, wide):
    """What p · log₂ p may change by where p does by ``wide``: by the slope at its lower end, or from 0 where that is 0."""
    near = wide * (abs(numpy.log2(numpy.where(shares > 0, shares, 1))) + 2.5)
    high = numpy.clip(shares + wide, 1e-300, None)
    return numpy.where(shares >= 2 * wide, near, 3 * wide * (abs(numpy.log2(high)) + 3))


def _three(array):
    return array if array.ndim > 2 else array[None]


def _cells(pooled, reduce, array):
    """(heads, queries, keys) reduced by the cells of ``pooled``."""
    starts = pooled.query_edges[:-1], pooled.key_edges[:-1]
    array = array[:, : pooled.query_edges[-1], : pooled.key_edges[-1]]
    return reduce.reduceat(reduce.reduceat(array, starts[0], axis=1), starts[1], axis=2)


def plogp(shares):
    return shares * numpy.log2(numpy.where(shares > 0, shares, 1))


def agree(pooled, wanted, tolerance):
    """Raise AssertionError where ``pooled`` is not what is ``wanted``; ``tolerance`` is a number for all, or of ``allowed``."""
    at = numpy.take_along_axis(wanted["weights"], numpy.asarray(pooled.largest_key)[..., None], axis=-1)[..., 0]
    if isinstance(tolerance, dict):
        for name in ("mean", "maximum", "visible", *ROWS):
            require_near(getattr(pooled, name), wanted[name], tolerance[name], name)
        require_near(at, wanted["largest"], 2 * tolerance["largest"], "largest_key")  # of two that are as good as equal
        return
    for name in ("mean", "maximum", "visible", *ROWS):
        numpy.testing.assert_allclose(
            numpy.asarray(getattr(pooled, name)), wanted[name], rtol=tolerance, atol=tolerance, err_msg=name
        )
    numpy.testing.assert_allclose(at, wanted["largest"], rtol=tolerance, atol=tolerance, err_msg="largest_key")


def lower(draw, random, bias, row, cell):
    """Some whole rows and single cells of ``bias`` as masks that are added make them."""
    bias[..., random.random(bias.shape[-2]) < 0.3, :] += draw(st.sampled_from(row))
    bias[random.random(bias.shape) < 0.2] = draw(st.sampled_from(cell))


def lowest(dtype):
    return [0.0, -1e4, -1e9, float(numpy.finfo(dtype).min)]


@st.composite
def whole_numbers(draw):
    """Scores in float32 that come out the same in whatever order they are summed, so that what vanishes does in both."""
    queries, keys, kind = draw(st.integers(1, 40)), draw(st.integers(1, 40)), numpy.float32
    random = numpy.random.default_rng(draw(st.integers(0, 2**32)))
    size = draw(st.sampled_from([1, 3, 1000]))
    query, key = (random.integers(-size, size + 1, (2, tokens, 4)).astype(kind) for tokens in (queries, keys))
    bias = random.integers(-3, 4, (queries, keys)).astype(kind)
    lower(draw, random, bias, lowest(kind), lowest(kind))
    rule = Rule(
        scale=draw(st.sampled_from([0.5, 2.0, 256.0])),
        causal=draw(st.booleans()),
        query_offset=draw(st.integers(-5, 50)),
        mask=random.random((queries, keys)) < 0.7 if draw(st.booleans()) else None,
        bias=bias if draw(st.booleans()) else None,
        sinks=numpy.asarray([0.0, draw(st.sampled_from([-1e9, 1e3, 1e9]))], kind) if draw(st.booleans()) else None,
    )
    return query, key, rule, draw(st.integers(1, 50))


@st.composite
def problems(draw):
    group, kv_heads = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    queries, keys = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    random = numpy.random.default_rng(draw(st.integers(0, 2**32)))
    heads = group * kv_heads
    size = draw(st.sampled_from([0.1, 1.0, 30.0]))  # calm scores, usual ones, and some that need the shift
    query = size * random.standard_normal((heads, queries, 4))
    key = size * random.standard_normal((kv_heads, keys, 4))
    shape = draw(
        st.sampled_from([(queries, keys), (heads, queries, keys), (1, queries, keys), (1, keys), (heads, queries, 1)])
    )
    bias = random.standard_normal(shape)
    bias[random.random(shape) < 0.2] = -math.inf
    lower(draw, random, bias, [0.0, -1e4], lowest(float))
    rule = Rule(
        scale=draw(st.sampled_from([None, 0.0, -0.5, 2.0])),
        causal=draw(st.booleans()),
        query_offset=draw(st.integers(-50, 50)),
        window=draw(st.none() | st.integers(1, 50)),
        softcap=draw(st.none() | st.floats(0.5, 50)),
        mask=random.random(shape) < 0.7 if draw(st.booleans()) else None,
        bias=bias if draw(st.booleans()) else None,
        sinks=draw(st.sampled_from([3, 2000])) * random.standard_normal(heads) if draw(st.booleans()) else None,
    )
    return query, key, rule, draw(st.integers(1, 50))


def part_of(draw, count):
    """Some of so many positions that follow each other."""
    start = draw(st.integers(0, count - 1))
    return range(start, draw(st.integers(start + 1, count)))
