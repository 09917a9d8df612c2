"""Rows of a map reduced to cells: what a plain loop over the cells finds, however the rows are cut."""

import math

import numpy
import pytest

from attnviz.analysis.cells import Cells, reduced
from attnviz.choices import Pool

QUERIES, KEYS = range(3, 20, 4), range(2, 15, 5)


@pytest.fixture
def values():
    drawn = numpy.random.default_rng(0).standard_normal((25, 18))
    drawn[:, 6:9] = -math.inf
    drawn[4:8] = -math.inf
    return drawn


def by_hand(values, reduce):
    """Cell by cell, of what is not hidden."""
    cells = numpy.full((len(QUERIES), len(KEYS)), -math.inf)
    for row, query in enumerate(QUERIES):
        for column, key in enumerate(KEYS):
            some = values[query : min(query + 4, 20), key : min(key + 5, 15)]
            if (some > -math.inf).any():
                cells[row, column] = reduce(some[some > -math.inf])
    return cells


@pytest.mark.parametrize("size", [1, 3, 17])
@pytest.mark.parametrize(("pool", "reduce"), [(Pool.MEAN, numpy.mean), (Pool.MAX, numpy.max)])
def test_blocks_of_rows_in_any_order_give_what_a_loop_over_the_cells_gives(values, size, pool, reduce):
    cells = Cells((len(QUERIES), len(KEYS)))
    for start in reversed(range(QUERIES.start, QUERIES.stop, size)):
        rows = values[start : min(start + size, QUERIES.stop), 1:]  # keys from 1 on: the others are not computed
        cells.add(reduced(QUERIES, KEYS, start, rows, 1))
    assert numpy.allclose(cells.values(pool), by_hand(values, reduce), rtol=1e-12)


def test_rows_whose_keys_are_outside_have_nothing_in_any_cell():
    rows = reduced(QUERIES, KEYS, 3, numpy.ones((4, 2)), 15)
    assert not rows.pairs.any()
