"""Tiles hold whole cells or parts of one, each key and each query once."""

from __future__ import annotations

import itertools

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from attnviz import Rule
from attnviz.attention.visibility import Visibility
from attnviz.pooling.tiles import (
    cell_size,
    cells_of_keys,
    cells_of_queries,
    cut,
    row_blocks,
    sizes,
    tile_for,
    visible_share,
)


@given(tokens=st.integers(1, 300), cells=st.integers(1, 300))
def test_cells_cover_all_tokens_and_are_no_more_than_asked_for(tokens, cells):
    size = cell_size(tokens, cells)
    assert -(-tokens // size) <= cells
    assert size == 1 or -(-tokens // (size - 1)) > cells  # and no larger than that takes


@given(queries=st.integers(1, 200), cell=st.integers(1, 60), most=st.integers(1, 60))
def test_blocks_of_rows_hold_every_query_once_and_whole_cells(queries, cell, most):
    jobs = list(row_blocks(queries, cell, most))
    blocks = [block for job in jobs for block in job]
    assert [place for start, stop in blocks for place in range(start, stop)] == list(range(queries))
    assert all(stop - start <= most for start, stop in blocks)
    assert all(job[0][0] % cell == 0 for job in jobs)  # no two jobs share a cell


@given(
    ends=st.tuples(st.integers(0, 100), st.integers(0, 100)).map(sorted),
    shown=st.tuples(st.integers(0, 100), st.integers(0, 100)).map(sorted),
    cell=st.integers(1, 30),
    most=st.integers(1, 30),
)
def test_tiles_of_keys_hold_every_key_of_the_band_and_name_its_cell(ends, shown, cell, most):
    (begin, end), side = ends, range(*shown, cell)
    tiles = list(cut(begin, end, side, most))
    covered = [key for tile in tiles for key in range(tile.first, tile.last)]
    assert sorted(set(covered)) == covered
    assert set(range(begin, end)) <= set(covered)
    for tile in tiles:
        assert 0 < tile.last - tile.first <= max(most, cell if cell <= most else most)
        inside = [side.start <= key < side.stop for key in range(tile.first, tile.last)]
        assert all(inside) if tile.column is not None else not any(inside)
        if tile.column is not None:
            for slot in range(tile.slots):
                key = tile.first + slot * tile.cell
                assert (key - side.start) // cell == tile.column + slot


@pytest.mark.parametrize("cell", [1, 3, 4, 9])
def test_keys_and_queries_are_cut_into_cells_and_the_last_is_filled_up(cell):
    tile = numpy.arange(1.0, 9).reshape(4, 2)
    by_keys = cells_of_keys(numpy, tile, cell)
    assert_array_equal(by_keys.sum(axis=1).sum(axis=0), tile.sum(axis=0))
    assert by_keys.shape[1] == min(cell, 4)
    by_queries = cells_of_queries(numpy, tile.T, cell)
    assert_array_equal(by_queries.sum(axis=(1, 2)), tile.sum(axis=0))
    assert by_queries.shape[2] == min(cell, 4)


def test_sizes_of_cells():
    assert sizes(numpy.ones(1), range(3, 10, 3)).tolist() == [3, 3, 1]


@pytest.mark.parametrize("offset", [-4, 0, 3])
@pytest.mark.parametrize(("causal", "window"), list(itertools.product([False, True], [None, 1, 4])))
def test_the_share_of_a_cell_that_is_seen_is_counted_pair_by_pair(offset, causal, window):
    rule = Rule(causal=causal, window=window, query_offset=offset)
    rows, columns = numpy.array([0, 3, 6, 8]), numpy.array([0, 2, 4, 6, 7])
    visibility = Visibility.of(rule, 8, 7)
    seen = numpy.array(
        [[visibility.first(query) <= key <= visibility.last(query) for key in range(7)] for query in range(8)], float
    )
    counted = numpy.add.reduceat(numpy.add.reduceat(seen, rows[:-1], axis=0), columns[:-1], axis=1)
    area = numpy.diff(rows)[:, None] * numpy.diff(columns)
    assert_allclose(visible_share(numpy, rule, rows, columns, numpy.float64), counted / area)


@pytest.mark.parametrize("far", [1671938531203273, 2343478710948983, 2**53])  # whose squares are no int64
def test_the_share_that_is_seen_from_far_away_is_all_or_nothing(far):
    edges = numpy.array([0, 3, 6, 8])
    for rule, share in (
        (Rule(window=far), 1.0),
        (Rule(causal=True, query_offset=far), 1.0),
        (Rule(causal=True, query_offset=-far), 0.0),
        (Rule(window=3, query_offset=far), 0.0),
    ):
        assert (visible_share(numpy, rule, edges, edges, numpy.float64) == share).all()


def test_tiles_are_larger_where_it_is_no_cpu():
    torch = pytest.importorskip("torch")
    assert tile_for(torch.ones(1), (4, 5)) == (4, 5)
    assert tile_for(numpy.ones(1), (4, 5)) == (4, 5)
    assert tile_for(torch.empty(1, device="meta"), (4, 5)) == (32, 40)
