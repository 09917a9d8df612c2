"""The pooled map on a GPU in one pass over QKᵀ: Triton kernels, loaded only where CUDA and Triton are.

A program takes a block of queries and walks over the tiles of keys that they see. For each query and cell of keys it
writes the largest score and the sum of the exponentials relative to it into its own strip of scratch, and carries the
row's normaliser along (Milakov & Gimelshein 2018, 1805.02867, as FlashAttention does). At the end of the walk the
normaliser is known: the program reads its strip back, rescales it and reduces it over the queries of each cell.

Scores live in units of log₂, so that one fused multiply-add and one exp2 turn a dot product into an exponential.

Written in what Triton has had since 3.1, which came with torch 2.5: no tuples among the arguments, no max() of constants.
"""

# ruff: noqa: N803, N806, SIM108  (Triton: compile-time constants are capitals, and what they choose are statements)

from __future__ import annotations

import triton
import triton.language as tl

HIDDEN = tl.constexpr(-1.0e30)  # the score of what is hidden: finite, so that differences of two stay numbers


@triton.jit
def tanh(x):
    """To some float32 ulps of tanh, as a large cap multiplies its errors: 1 − e^(−2|x|) would cancel where |x| is small, and
    takes the polynomial of Cephes' tanhf (Moshier) there."""
    square = x * x
    series = ((-5.70498872745e-3 * square + 2.06390887954e-2) * square - 5.37397155531e-2) * square + 1.33314422036e-1
    near = x + x * square * (series * square - 3.33332819422e-1)
    small = tl.exp2(-2.8853900817779268 * tl.abs(x))  # exp(−2|x|)
    size = (1.0 - small) / (1.0 + small)
    return tl.where(tl.abs(x) < 0.625, near, tl.where(x < 0, -size, size))


@triton.jit
def _store_pair(place, first, second):
    """Write two float32 side by side, in whatever threads hold them: tl.store would move them first, at a barrier."""
    tl.inline_asm_elementwise(
        "st.global.v2.f32 [$1], {$2, $3}; mov.u32 $0, 0;",
        "=r,l,f,f",
        [place.to(tl.int64), first, second],
        dtype=tl.int32,
        is_pure=False,
        pack=1,
    )


@triton.jit
def _places(
    tile,
    cell_keys,
    KEY_BLOCK: tl.constexpr,
    CELL: tl.constexpr,
    TILES_A_CELL: tl.constexpr,
):
    """Which key each column of a tile is, and its place inside its cell."""
    column = tl.arange(0, KEY_BLOCK)
    if CELL >= KEY_BLOCK:
        inside = (tile % TILES_A_CELL) * KEY_BLOCK + column
        start = tile // TILES_A_CELL * cell_keys
        index = start + inside
    else:
        inside = column % CELL
        start = tile * (KEY_BLOCK // CELL) * cell_keys
        index = start + (column // CELL) * cell_keys + inside
    return index, inside


@triton.jit
def _dot(
    query,
    keys_of,  # this head's
    key_stride,
    dimension,
    keys,
    cell_keys,
    tile,
    GUARDED: tl.constexpr,
    KEY_BLOCK: tl.constexpr,
    DIMENSION: tl.constexpr,
    CELL: tl.constexpr,
    TILES_A_CELL: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """QKᵀ of the block of queries and one tile of keys; GUARDED where some of its keys may not exist."""
    index, _ = _places(tile, cell_keys, KEY_BLOCK, CELL, TILES_A_CELL)
    dimensions = tl.arange(0, DIMENSION)
    present = (dimensions < dimension)[None, :]
    if GUARDED:
        present = present & (index < keys)[:, None]
    key = tl.load(keys_of + index[:, None] * key_stride + dimensions[None, :], mask=present, other=0.0)
    return tl.dot(query, key.T, input_precision=PRECISION)  # (queries, keys)


@triton.jit
def _walk(
    largest,
    total,
    spread,
    best,
    cell_largest,
    cell_total,
    query,
    keys_of,  # this head's
    key_stride,
    dimension,
    strip,
    rows,  # (queries,) places of the queries in the strip
    positions,  # (queries,) positions of the queries among the keys
    keys,
    cell_keys,
    factor,
    inner,
    softcap,
    first,
    last,
    before,
    after,
    CHECKED: tl.constexpr,
    PADDED: tl.constexpr,
    SOFTCAP: tl.constexpr,
    QUERY_BLOCK: tl.constexpr,
    KEY_BLOCK: tl.constexpr,
    DIMENSION: tl.constexpr,
    CELL: tl.constexpr,
    TILES_A_CELL: tl.constexpr,
    PRECISION: tl.constexpr,
    STAGES: tl.constexpr,
):
    """Visit the tiles first … last − 1 of keys; CHECKED ones hold cells that some of the queries do not see."""
    CELLS: tl.constexpr = KEY_BLOCK // CELL if KEY_BLOCK > CELL else 1  # of a tile
    for tile in tl.range(first, last, num_stages=STAGES):
        score = _dot(query, keys_of, key_stride, dimension, keys, cell_keys, tile, CHECKED or PADDED, KEY_BLOCK, DIMENSION,
            CELL, TILES_A_CELL, PRECISION)  # fmt: skip
        if CELLS == 1:
            cell = tile // TILES_A_CELL
        else:
            cell = tile * CELLS
        index, inside = _places(tile, cell_keys, KEY_BLOCK, CELL, TILES_A_CELL)
        if SOFTCAP:
            score = softcap * tanh(score * inner)
        if CHECKED:
            seen = (index[None, :] <= (positions + after)[:, None]) & (index[None, :] >= (positions - before)[:, None])
            seen = seen & ((index < keys) & (inside < cell_keys))[None, :]
            score = tl.where(seen, score, float("-inf"))
        elif PADDED:
            score = tl.where((inside < cell_keys)[None, :], score, float("-inf"))

        if CELLS == 1:
            peak = tl.maximum(tl.max(score, 1) * factor, HIDDEN)  # (queries,)
            relative = score * factor - peak[:, None]
            exponential = tl.exp2(relative)
            mass = tl.sum(exponential, 1)
            if CHECKED or PADDED:
                relative = tl.where(exponential > 0, relative, 0.0)
            moment = tl.sum(exponential * relative, 1)
            tile_peak = peak
            if TILES_A_CELL > 1:
                fresh = tile % TILES_A_CELL == 0
                cell_largest = tl.where(fresh, HIDDEN, cell_largest)
                cell_total = tl.where(fresh, 0.0, cell_total)
                higher = tl.maximum(cell_largest, peak)
                cell_total = cell_total * tl.exp2(cell_largest - higher) + mass * tl.exp2(peak - higher)
                cell_largest = higher
                _store_pair(strip + cell * QUERY_BLOCK + rows, cell_largest, cell_total)
            else:
                _store_pair(strip + cell * QUERY_BLOCK + rows, peak, mass)
            winner = tl.zeros([QUERY_BLOCK], tl.int32) + cell
        else:
            split = tl.reshape(score, (QUERY_BLOCK, CELLS, CELL))
            peaks = tl.maximum(tl.max(split, 2) * factor, HIDDEN)  # (queries, cells)
            split = split * factor - peaks[:, :, None]
            exponentials = tl.exp2(split)
            masses = tl.sum(exponentials, 2)
            places_of = strip + (cell + tl.arange(0, CELLS))[None, :] * QUERY_BLOCK + rows[:, None]
            _store_pair(places_of, peaks, masses)
            tile_peak, winner = tl.max(peaks, 1, return_indices=True)
            winner = winner + cell
            lower = peaks - tile_peak[:, None]
            shares = tl.exp2(lower)
            mass = tl.sum(masses * shares, 1)
            split = tl.where(exponentials > 0, split, 0.0)
            moments = tl.sum(exponentials * split, 2)
            moment = tl.sum(shares * (moments + masses * lower), 1)

        higher = tl.maximum(largest, tile_peak)
        best = tl.where(tile_peak > largest, winner, best)
        old, new = largest - higher, tile_peak - higher
        old_share, new_share = tl.exp2(old), tl.exp2(new)
        spread = old_share * (spread + total * old) + new_share * (moment + mass * new)
        total = old_share * total + new_share * mass
        largest = higher
    return largest, total, spread, best, cell_largest, cell_total


@triton.jit
def pool_rows(
    heads_of,
    query_of,
    keys_of,
    sinks_of,
    mean_of,
    maximum_of,
    entropy_of,
    largest_of,
    best_of,
    normaliser_of,
    scratch,
    counter,
    heads,
    group,
    queries,
    keys,
    dimension,
    query_head_stride,
    query_stride,
    key_head_stride,
    key_stride,
    cell_queries,
    cell_keys,
    query_cells,
    key_cells,
    strip_cells,
    blocks,
    offset,
    before,
    after,
    factor,
    inner,
    softcap,
    PADDED: tl.constexpr,
    SOFTCAP: tl.constexpr,
    SINKS: tl.constexpr,
    BANDED: tl.constexpr,
    QUERY_BLOCK: tl.constexpr,
    KEY_BLOCK: tl.constexpr,
    DIMENSION: tl.constexpr,
    QUERY_CELL: tl.constexpr,
    BLOCKS_A_CELL: tl.constexpr,
    KEY_CELL: tl.constexpr,
    TILES_A_CELL: tl.constexpr,
    CELL_BLOCK: tl.constexpr,
    PRECISION: tl.constexpr,
    STAGES: tl.constexpr,
):
    """One program of as many as fit the card: takes the next block of queries of any head until none is left.

    ``heads_of`` says which heads: what is read lies at a head's number, what is written at its place among them.
    """
    CELLS: tl.constexpr = KEY_BLOCK // KEY_CELL if KEY_BLOCK > KEY_CELL else 1  # of keys, in a tile
    QUERY_CELLS: tl.constexpr = QUERY_BLOCK // QUERY_CELL if QUERY_BLOCK > QUERY_CELL else 1  # in a block
    rows = tl.arange(0, QUERY_BLOCK)
    dimensions = tl.arange(0, DIMENSION)
    strip = scratch + tl.program_id(0).to(tl.int64) * strip_cells * QUERY_BLOCK
    items = heads * blocks
    item = tl.atomic_add(counter, 1)
    while item < items:
        head_place = item % heads
        head = tl.load(heads_of + head_place)
        block = blocks - 1 - item // heads  # the longest rows of a causal map first
        if QUERY_CELLS == 1:
            query_cell = block // BLOCKS_A_CELL
            inside = (block % BLOCKS_A_CELL) * QUERY_BLOCK + rows
            index = query_cell * cell_queries + inside
        else:
            query_cell = block * QUERY_CELLS
            inside = rows % QUERY_CELL
            index = (query_cell + rows // QUERY_CELL) * cell_queries + inside
        present = (index < queries) & (inside < cell_queries)
        places = query_of + head.to(tl.int64) * query_head_stride + index[:, None] * query_stride + dimensions[None, :]
        query = tl.load(places, mask=present[:, None] & (dimensions < dimension)[None, :], other=0.0)

        kv_head = head // group
        key_base = keys_of + kv_head.to(tl.int64) * key_head_stride

        # Keys begin … end − 1 are seen by some query of the block, full_begin … full_end − 1 by all of them.
        positions = index + offset
        low = tl.min(tl.where(present, positions, 2147483647), 0)
        high = tl.max(tl.where(present, positions, -2147483648), 0)
        begin, end, full_begin, full_end = 0, keys, 0, keys
        if BANDED:
            end = tl.maximum(tl.minimum(keys, high + after + 1), 0)
            begin = tl.minimum(tl.maximum(low - before, 0), end)
            full_end = tl.maximum(tl.minimum(keys, low + after + 1), 0)
            full_begin = tl.maximum(high - before, 0)
        if CELLS == 1:
            if TILES_A_CELL == 1:
                tile_begin, tile_end = begin // cell_keys, tl.cdiv(end, cell_keys)
                full_first, full_last = tl.cdiv(full_begin, cell_keys), full_end // cell_keys
            else:  # whole cells, each TILES_A_CELL tiles
                tile_begin, tile_end = begin // cell_keys * TILES_A_CELL, tl.cdiv(end, cell_keys) * TILES_A_CELL
                full_first = tl.cdiv(full_begin, cell_keys) * TILES_A_CELL
                full_last = full_end // cell_keys * TILES_A_CELL
        else:
            tile_keys = CELLS * cell_keys
            tile_begin, tile_end = begin // tile_keys, tl.cdiv(end, tile_keys)
            full_first, full_last = tl.cdiv(full_begin, tile_keys), full_end // tile_keys
        full_first = tl.minimum(tl.maximum(full_first, tile_begin), tile_end)
        full_last = tl.minimum(tl.maximum(full_last, full_first), tile_end)

        nothing = tl.zeros([QUERY_BLOCK], tl.float32)
        largest, total, spread, best = nothing + HIDDEN, nothing, nothing, tl.zeros([QUERY_BLOCK], tl.int32)
        cell_largest, cell_total = nothing + HIDDEN, nothing
        if BANDED:
            largest, total, spread, best, cell_largest, cell_total = _walk(
                largest, total, spread, best, cell_largest, cell_total, query, key_base, key_stride, dimension, strip, rows,
                positions, keys, cell_keys, factor, inner, softcap, tile_begin, full_first, before, after, True, PADDED, SOFTCAP,
                QUERY_BLOCK, KEY_BLOCK, DIMENSION, KEY_CELL, TILES_A_CELL, PRECISION, 1,
            )  # fmt: skip
        largest, total, spread, best, cell_largest, cell_total = _walk(
            largest, total, spread, best, cell_largest, cell_total, query, key_base, key_stride, dimension, strip, rows,
            positions, keys, cell_keys, factor, inner, softcap, full_first, full_last, before, after, False, PADDED, SOFTCAP,
            QUERY_BLOCK, KEY_BLOCK, DIMENSION, KEY_CELL, TILES_A_CELL, PRECISION, STAGES,
        )  # fmt: skip
        largest, total, spread, best, cell_largest, cell_total = _walk(
            largest, total, spread, best, cell_largest, cell_total, query, key_base, key_stride, dimension, strip, rows,
            positions, keys, cell_keys, factor, inner, softcap, full_last, tile_end, before, after, True, PADDED, SOFTCAP,
            QUERY_BLOCK, KEY_BLOCK, DIMENSION, KEY_CELL, TILES_A_CELL, PRECISION, 1,
        )  # fmt: skip

        top = largest
        whole = total
        if SINKS:
            sink = tl.load(sinks_of + head) * 1.4426950408889634
            top = tl.maximum(largest, sink)
            whole = total * tl.exp2(largest - top) + tl.exp2(sink - top)
        normaliser = tl.where(whole > 0, top + tl.log2(tl.where(whole > 0, whole, 1.0)), 0.0)
        share = tl.exp2(largest - normaliser)
        row = head_place.to(tl.int64) * queries + index
        tl.store(largest_of + row, share, mask=present)
        tl.store(entropy_of + row, share * (total * (normaliser - largest) - spread), mask=present)
        tl.store(best_of + row, best, mask=present)
        tl.store(normaliser_of + row, normaliser, mask=present)
        normaliser = tl.where(present, normaliser, float("inf"))  # 2^−∞: rows that are not there weigh nothing

        tl.debug_barrier()  # the strip is written by other threads of the program than read it
        cell_first, cell_last = (
            tile_begin * CELLS // TILES_A_CELL,
            tl.minimum(tile_end * CELLS // TILES_A_CELL, key_cells),
        )
        for chunk in tl.range(cell_first, cell_last, CELL_BLOCK, num_stages=2):
            cell = chunk + tl.arange(0, CELL_BLOCK)
            there = cell < cell_last
            places_of = strip + cell[:, None] * QUERY_BLOCK + rows[None, :]
            pair = tl.load(places_of, mask=there[:, None], other=0, cache_modifier=".cg")
            peak = pair.to(tl.int32).to(tl.float32, bitcast=True)
            mass = (pair >> 32).to(tl.int32).to(tl.float32, bitcast=True)
            weight = tl.exp2(peak - normaliser[None, :])  # (cells, queries)
            height = tl.minimum(keys - cell * cell_keys, cell_keys)
            if QUERY_CELLS == 1:
                width = tl.minimum(queries - query_cell * cell_queries, cell_queries)
                maximum = tl.max(weight, 1)
                mean = tl.sum(weight * mass, 1) / (width.to(tl.float32) * height.to(tl.float32))
                place = (head_place.to(tl.int64) * query_cells + query_cell) * key_cells + cell
                if BLOCKS_A_CELL == 1:
                    tl.store(maximum_of + place, maximum, mask=there)
                    tl.store(mean_of + place, mean, mask=there)
                else:
                    tl.atomic_max(maximum_of + place, maximum, mask=there)
                    tl.atomic_add(mean_of + place, mean, mask=there)
            else:
                cells_of = query_cell + tl.arange(0, QUERY_CELLS)
                width = tl.minimum(queries - cells_of * cell_queries, cell_queries)
                maxima = tl.max(tl.reshape(weight, (CELL_BLOCK, QUERY_CELLS, QUERY_CELL)), 2)
                means = tl.sum(tl.reshape(weight * mass, (CELL_BLOCK, QUERY_CELLS, QUERY_CELL)), 2)
                area = width.to(tl.float32)[None, :] * height.to(tl.float32)[:, None]
                means = means / tl.maximum(area, 1.0)
                place = (head_place.to(tl.int64) * query_cells + cells_of)[None, :] * key_cells + cell[:, None]
                inside_map = there[:, None] & (cells_of < query_cells)[None, :]
                tl.store(maximum_of + place, maxima, mask=inside_map)
                tl.store(mean_of + place, means, mask=inside_map)
        tl.debug_barrier()  # nor may the next block overwrite what is still read
        item = tl.atomic_add(counter, 1)
