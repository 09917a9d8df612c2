"""What a pooled map says of itself beside its numbers."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy
import pytest
from numpy.testing import assert_allclose

from attnviz import Rule, attend
from attnviz.pooling.pool import pool_arrays
from attnviz.pooling.result import Measures

QUERY = numpy.random.default_rng(0).standard_normal((2, 23, 4))


def test_a_cell_covers_so_many_queries_and_keys():
    pooled = pool_arrays(QUERY, QUERY[:, :17], Rule(), cells=5)
    assert pooled.cell == (5, 4)
    assert pooled.query_edges == (0, 5, 10, 15, 20, 23)
    assert pooled.key_edges == (0, 4, 8, 12, 16, 17)


@pytest.mark.parametrize("rule", [Rule(), Rule(causal=True), Rule(window=3), Rule(causal=True, window=3)])
@pytest.mark.parametrize("queries", [None, range(4, 20)])
def test_the_visible_share_needs_no_counting_where_a_rule_is_of_lengths_alone(rule, queries):
    pooled = pool_arrays(QUERY, QUERY, rule, cells=6, queries=queries)
    assert pooled.counted is None
    seen = (~attend(QUERY, QUERY, QUERY, **vars(rule)).hidden).astype(float)
    rows, columns = numpy.array(pooled.query_edges), numpy.array(pooled.key_edges)
    some = seen[:, : rows[-1], : columns[-1]]
    counted = numpy.add.reduceat(numpy.add.reduceat(some, rows[:-1], axis=1), columns[:-1], axis=2)
    assert_allclose(pooled.visible, counted / (numpy.diff(rows)[:, None] * numpy.diff(columns)))


def test_what_was_counted_is_not_reckoned():
    pooled = pool_arrays(QUERY, QUERY, Rule(mask=numpy.eye(23, dtype=bool)), cells=23)
    assert pooled.visible is pooled.counted
    other = replace(pooled, counted=pooled.counted + 1)
    assert_allclose(other.visible, pooled.counted + 1)


def test_the_normaliser_is_the_logarithm_of_the_sum_of_the_exponentials():
    zeros = numpy.zeros((1, 1))
    measures = Measures(
        zeros, zeros, None, zeros, zeros, zeros, zeros, top=numpy.array([[3.0]]), whole=numpy.array([[2.0]])
    )
    assert_allclose(measures.normaliser, math.log(2 * math.exp(3)))
