"""Which cells a finite bias hides: those that attend() hides and nothing else does."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pytest
from generated_rules import generated_layers

from attnviz import Layer, Rule, Trace
from attnviz.renderers.page.lowered import lowered_cells, packed_bits
from attnviz.trace.selection import select

QUERIES, KEYS = 5, 11


def unpacked(bits: numpy.ndarray | None, shape: tuple[int, ...]) -> numpy.ndarray:
    if bits is None:
        return numpy.zeros(shape, bool)
    return numpy.broadcast_to(numpy.unpackbits(bits, axis=-1, count=shape[-1], bitorder="little") > 0, shape)


@pytest.mark.parametrize("layer", generated_layers(60, QUERIES, KEYS), ids=lambda layer: f"{layer.index}")
@pytest.mark.parametrize("heads", [(), ("3", "0")], ids=["all", "some"])
@pytest.mark.some(24)
def test_nothing_else_hides_these_cells(layer, heads):
    trace = Trace(tuple("abcde"), (layer,))
    [selected] = select(trace, head=heads).layers
    chosen = list(selected.heads)
    hidden = layer.steps().hidden[chosen]
    without = replace(layer, rule=replace(layer.rule, bias=numpy.where(layer.rule.bias > -numpy.inf, 0.0, -numpy.inf)))
    expected = hidden & ~without.steps().hidden[chosen]
    lowered = unpacked(lowered_cells(selected), hidden.shape)
    assert ((lowered & ~without.steps().hidden[chosen]) == expected).all()
    assert (lowered <= hidden).all()
    by_rows = unpacked(lowered_cells(selected, cells=KEYS * len(chosen)), hidden.shape)
    assert (by_rows == lowered).all()


def lowered_of(**rule):
    vectors = numpy.ones((2, 3, 4))
    [selected] = select(Trace(tuple("abc"), (Layer(vectors, vectors, vectors, Rule(**rule)),))).layers
    return lowered_cells(selected)


def test_nothing_is_said_where_no_cell_is_hidden_by_a_number():
    assert lowered_of() is None
    assert lowered_of(causal=True, bias=numpy.array([0.0, -5.0, -numpy.inf])) is None
    assert lowered_of(bias=numpy.array([[0.0], [-1e9], [0.0]])) is None  # a row as a whole


def test_what_all_heads_hide_is_said_once():
    bias = numpy.zeros((2, 3, 3))
    bias[:, 1, 2] = -1e9
    assert lowered_of(bias=bias).tolist() == [[[0], [0b100], [0]]]
    bias[1, 0, 0] = -1e9
    assert lowered_of(bias=bias).tolist() == [[[0], [0b100], [0]], [[1], [0b100], [0]]]


def test_eight_keys_are_a_byte_and_one_may_stand_for_all():
    assert packed_bits(numpy.eye(1, 10, 9) > 0, 10).tolist() == [[0, 0b10]]
    assert packed_bits(numpy.array([[True], [False]]), 10).tolist() == [[255, 0b11], [0, 0]]


@pytest.mark.parametrize("shape", [(9, 9), (1, 9, 9), (4, 9, 9), (1, 9), (9,)])
@pytest.mark.parametrize("cells", [1, 9 * 4 * 2, 10**6])
def test_a_bias_that_heads_or_queries_share_is_read_in_blocks_of_any_size(shape, cells):
    random = numpy.random.default_rng(0)
    query, key = (random.standard_normal((count, 9, 3)) for count in (4, 2))
    bias = numpy.where(random.random(shape) < 0.4, -1e9, 0.0)
    layer = Layer(query, key, key, Rule(bias=bias))
    [selected] = select(Trace(tuple("abcdefghi"), (layer,))).layers
    found = lowered_cells(selected, cells)
    assert found.ndim == 3
    assert found.shape[0] == (4 if shape[0] == 4 else 1)
    hidden = layer.steps().hidden
    bits = numpy.unpackbits(found, axis=-1, count=9, bitorder="little").astype(bool)
    assert numpy.array_equal(numpy.broadcast_to(bits, hidden.shape), hidden)
