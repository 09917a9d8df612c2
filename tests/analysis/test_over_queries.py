"""What metrics come to in blocks of queries adds up to what they come to at once."""

from __future__ import annotations

import numpy
import pytest
from metric_texts import trace
from numpy.testing import assert_allclose

from attnviz.analysis import measure
from attnviz.analysis.head_names import CHANCED
from attnviz.analysis.metrics import Metric
from attnviz.analysis.over_queries import Totals
from attnviz.choices import Pool


def three_blocks(pool):
    """A layer measured as one block, and its queries in three."""
    made = trace(causal=True)
    layer, metrics = made.layers[0], list(Metric)
    looked_at = measure._looked_at(made, layer, None, None, 3, True, 1 << 20)
    every = slice(0, layer.heads)
    cuts = [slice(0, 5), slice(5, 6), slice(6, layer.queries)]
    some = [measure._of_block(layer, (every, rows), looked_at, metrics, CHANCED, pool)[0] for rows in cuts]
    whole = measure._of_block(layer, (every, slice(0, layer.queries)), looked_at, metrics, CHANCED, pool)[0]
    return metrics, layer.heads, some, whole


@pytest.mark.parametrize("pool", Pool)
def test_what_is_found_in_blocks_adds_up_to_what_is_found_at_once(pool):
    metrics, heads, some, whole = three_blocks(pool)
    totals, at_once = Totals(metrics, CHANCED, heads), Totals(metrics, CHANCED, heads)
    for found in some:
        totals.add(slice(0, heads), found)
    at_once.add(slice(0, heads), whole)
    for mine, theirs in zip(totals.answers(pool), at_once.answers(pool), strict=True):
        assert_allclose(mine, theirs, atol=1e-12)
    assert numpy.isnan(whole.largest).all() == (pool is Pool.MEAN)


def test_nothing_was_found_before_any_block():
    values, counts, even = Totals(list(Metric), CHANCED, 2).answers(Pool.MEAN)
    assert numpy.isnan(values).all()
    assert not counts.any()
    assert numpy.isnan(even).all()


def test_no_metric_has_no_even_sums():
    metrics, heads, _, whole = three_blocks(Pool.MEAN)
    assert whole.even.shape == (len(CHANCED), heads)
    assert whole.sums.shape == (len(metrics), heads)
    made = trace(causal=True)
    looked_at = measure._looked_at(made, made.layers[0], None, None, 3, True, 1 << 20)
    cut = (slice(0, heads), slice(0, 14))
    assert measure._of_block(made.layers[0], cut, looked_at, [], [], Pool.MEAN)[0].even.shape == (0, heads)
