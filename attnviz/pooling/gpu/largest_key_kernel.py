"""What the pooled map leaves to be looked up on a GPU: which key has a row's largest weight, and the first key's weight."""

# ruff: noqa: N803  (Triton: compile-time constants are capitals)

from __future__ import annotations

import triton
import triton.language as tl

from attnviz.pooling.gpu.pool_kernel import tanh


@triton.jit
def find_keys(
    heads_of,
    order_of,
    best_of,
    query_of,
    keys_of,
    found_of,
    normaliser_of,
    first_of,
    group,
    queries,
    keys,
    dimension,
    query_head_stride,
    query_stride,
    key_head_stride,
    key_stride,
    cell_keys,
    offset,
    before,
    after,
    factor,
    inner,
    softcap,
    SOFTCAP: tl.constexpr,
    ROWS: tl.constexpr,
    KEY_BLOCK: tl.constexpr,
    DIMENSION: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """The key of each row's largest score, looked up in the one cell that holds it, and the weight of the first key.

    Rows come sorted by that cell, so that a program meets few cells. ``heads_of`` is as in pool_rows.
    """
    head_place = tl.program_id(1).to(tl.int64)
    head = tl.load(heads_of + head_place).to(tl.int64)
    place = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    there = place < queries
    row = tl.load(order_of + head_place * queries + place, mask=there, other=0).to(tl.int32)
    wanted = tl.load(best_of + head_place * queries + row, mask=there, other=2147483647)
    dimensions = tl.arange(0, DIMENSION)
    wide = (dimensions < dimension)[None, :]
    query = tl.load(
        query_of + head * query_head_stride + row[:, None] * query_stride + dimensions[None, :],
        mask=there[:, None] & wide,
        other=0.0,
    )
    base = keys_of + head // group * key_head_stride
    first_key = tl.load(base + dimensions, mask=dimensions < dimension, other=0.0)
    first_score = tl.sum(query.to(tl.float32) * first_key.to(tl.float32)[None, :], 1)  # (rows,)
    if SOFTCAP:
        first_score = softcap * tanh(first_score * inner)
    normaliser = tl.load(normaliser_of + head_place * queries + row, mask=there, other=0.0)
    seen_first = (row + offset <= before) & (row + offset >= -after)
    weight = tl.where(seen_first, tl.exp2(first_score * factor - normaliser), 0.0)
    tl.store(first_of + head_place * queries + row, weight, mask=there)
    largest = tl.full([ROWS], float("-inf"), tl.float32)
    found = tl.zeros([ROWS], tl.int32)
    position = row + offset
    cell = tl.min(wanted, 0)
    while cell < 2147483647:
        for start in range(cell * cell_keys, tl.minimum((cell + 1) * cell_keys, keys), KEY_BLOCK):
            index = start + tl.arange(0, KEY_BLOCK)
            inside = index < tl.minimum((cell + 1) * cell_keys, keys)
            key = tl.load(
                base + index[:, None] * key_stride + dimensions[None, :], mask=inside[:, None] & wide, other=0.0
            )
            score = tl.dot(query, key.T, input_precision=PRECISION)  # (rows, keys)
            seen = (index[None, :] <= (position + after)[:, None]) & (index[None, :] >= (position - before)[:, None])
            score = tl.where(seen & inside[None, :], score, float("-inf"))
            peak, column = tl.max(score, 1, return_indices=True)
            higher = (peak > largest) & (wanted == cell)
            largest = tl.where(higher, peak, largest)
            found = tl.where(higher, start + column, found)
        cell = tl.min(tl.where(wanted > cell, wanted, 2147483647), 0)
    tl.store(found_of + head_place * queries + row, found, mask=there)
