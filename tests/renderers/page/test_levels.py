"""Weights in whole numbers of steps: no more than half a step off, and a hidden cell is no small weight."""

from __future__ import annotations

import numpy
import pytest
from random_traces import random_trace

from attnviz import Layer, Rule, Trace
from attnviz.renderers.page.blobs import compressed
from attnviz.renderers.page.levels import LEVELS, compressed_share, in_levels, layer_in_levels
from attnviz.trace.selection import select


def weights_of(levels: numpy.ndarray, scales: numpy.ndarray) -> numpy.ndarray:
    """What the page's script makes of them, (heads, queries, keys)."""
    return numpy.where(levels > 0, levels - 1.0, 0) * scales[..., None] / LEVELS


def test_weights_lie_within_half_a_level():
    [selected] = select(random_trace(1, 3, 20, 8, causal=True)).layers
    levels, scales, error = layer_in_levels(selected)
    own = selected.layer.steps().weights
    assert (levels == 0).tolist() == (~numpy.tri(20, dtype=bool))[None].repeat(3, 0).tolist()
    assert numpy.abs(weights_of(levels, scales) - own).max() == pytest.approx(error, rel=1e-4)
    assert error <= 0.5 / LEVELS * own.max() * 1.001


@pytest.mark.parametrize("heads", [(), ("3,1",)], ids=["all", "some"])
def test_grouped_heads_that_are_computed_in_blocks_stay_in_order(heads):
    query, key = (numpy.random.default_rng(0).standard_normal((count, 60, 4)) for count in (4, 2))
    trace = Trace(tuple(map(str, range(60))), (Layer(query, key, key, Rule(causal=True)),))
    (selected,) = select(trace, head=heads).layers
    levels, scales, error = layer_in_levels(selected, cells=60 * 7)
    weights = trace.layers[0].steps().weights[list(selected.heads)]
    assert numpy.abs(weights_of(levels, scales) - weights).max() <= error * 1.001 + 1e-12


def test_a_row_that_a_mask_lowers_as_a_whole_keeps_its_weights():
    bias = numpy.array([[0.0, -1e4], [-1e4, -1e4]])
    [selected] = select(random_trace(1, 1, 2, 4, bias=bias)).layers
    levels, _, error = layer_in_levels(selected)
    assert (levels[0] > 0).tolist() == [[True, False], [True, True]]
    assert error <= 0.5 / LEVELS


def test_a_sink_that_takes_nearly_all_leaves_numbers():
    [selected] = select(random_trace(1, 1, 4, 4, sinks=numpy.array([95.0]))).layers
    levels, scales, error = layer_in_levels(selected)
    assert error < 1e-30
    assert (levels.max(), numpy.isfinite(scales).all()) == (LEVELS + 1, True)


def test_a_row_of_nothing_is_in_levels_without_a_division_by_it():
    """A sink that takes all, or a query that sees no key."""
    weights, hidden = numpy.array([[0.0, 0.0], [0.0, 0.0], [1.0, 0.0]]), numpy.zeros((3, 2), dtype=bool)
    hidden[1] = True
    levels, scales, error = in_levels(weights, hidden)
    assert levels.tolist() == [[1, 1], [0, 0], [LEVELS + 1, 1]]
    assert (scales.tolist(), error) == ([0.0, 0.0, 1.0], 0.0)


@pytest.mark.parametrize("sharpness", [1, 8])
@pytest.mark.parametrize("rule", [{}, {"causal": True}, {"causal": True, "window": 20}])
def test_a_few_queries_tell_how_well_all_are_compressed(rule, sharpness):
    trace = random_trace(1, 6, 200, 16, **rule)
    trace.layers[0].query[:] *= sharpness
    [selected] = select(trace, head=["0,2-4"]).layers
    levels = layer_in_levels(selected)[0].tobytes()
    assert compressed_share(selected) == pytest.approx(len(compressed(levels)) / len(levels), rel=0.35)
