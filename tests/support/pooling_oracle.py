"""What pooling attend()'s weights gives, and problems to pool: the oracle of every engine."""

from __future__ import annotations

import math

import numpy
import pytest
from hypothesis import strategies as st

from attnviz import Rule, attend

torch = pytest.importorskip("torch")

KINDS = {"numpy": numpy.asarray, "torch": torch.as_tensor}
ROWS = ("entropy", "largest", "first_key", "sink")


def expected(query, key, rule, pooled):
    """What average and maximum pooling of attend()'s weights gives, and the measures of the weights' rows."""
    steps = attend(query, key, key, **vars(rule))
    weights, visible = steps.weights, ~steps.hidden
    weights = weights if weights.ndim > 2 else weights[None]
    sink = numpy.clip(1 - weights.sum(axis=-1), 0, 1) if rule.sinks is not None else numpy.zeros(weights.shape[:2])

    def cells(reduce, array):
        starts = pooled.query_edges[:-1], pooled.key_edges[:-1]
        array = array[:, : pooled.query_edges[-1], : pooled.key_edges[-1]]
        return reduce.reduceat(reduce.reduceat(array, starts[0], axis=1), starts[1], axis=2)

    area = numpy.diff(pooled.query_edges)[:, None] * numpy.diff(pooled.key_edges)
    rows = slice(pooled.query_edges[0], pooled.query_edges[-1])
    return {
        "mean": cells(numpy.add, weights) / area,
        "maximum": cells(numpy.maximum, weights),
        "visible": cells(numpy.add, visible.astype(float)) / area,
        "entropy": (-plogp(weights).sum(axis=-1) - plogp(sink))[:, rows],
        "sink": sink[:, rows],
        "largest": weights.max(axis=-1)[:, rows],
        "first_key": weights[:, rows, 0],
        "weights": weights[:, rows],
    }


def plogp(shares):
    return shares * numpy.log2(numpy.where(shares > 0, shares, 1))


def agree(pooled, wanted, tolerance):
    for name in ("mean", "maximum", "visible", *ROWS):
        numpy.testing.assert_allclose(
            numpy.asarray(getattr(pooled, name)), wanted[name], rtol=tolerance, atol=tolerance, err_msg=name
        )
    at = numpy.take_along_axis(wanted["weights"], numpy.asarray(pooled.largest_key)[..., None], axis=-1)[..., 0]
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
