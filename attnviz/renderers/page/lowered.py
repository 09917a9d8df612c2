"""Which cells a finite bias hides: told to the page, which computes the rest of the rule itself."""

from __future__ import annotations

import math

import numpy

from attnviz.analysis.blocks import CELLS
from attnviz.attention.checks import bias_beside, boolean_mask
from attnviz.attention.visibility import Visibility, block_of, lowering
from attnviz.renderers.page.selected import selected_rule, vectors_by_head
from attnviz.trace.selection import LayerSelection


def lowered_cells(selected: LayerSelection, cells: int = CELLS) -> numpy.ndarray | None:
    """The cells that a finite bias hides, in bits, (heads, queries, ⌈keys / 8⌉), 1 head where all hide the same; None
    where it hides none. About so many ``cells`` are looked at together.
    """
    rule = selected_rule(selected)
    if rule.bias is None:
        return None
    query, key, _ = vectors_by_head(selected)
    heads, queries, keys = *query.shape[:2], key.shape[1]
    bias = bias_beside(query, rule.bias)
    mask = None if rule.mask is None else boolean_mask(rule.mask)
    lowers = lowering(query, key, rule, bias, Visibility.of(rule, queries, keys, mask))
    if lowers is None:
        return None
    size, columns = max(1, cells // (heads * keys)), numpy.arange(keys)[None, :]
    blocks = []
    for start in range(0, queries, size):
        rows = slice(start, min(start + size, queries))
        some = block_of(bias, rows, slice(0, keys))
        hidden = lowers.hides(some, numpy.arange(rows.start, rows.stop)[:, None], columns) & (some > -math.inf)
        blocks.append(packed_bits(hidden.reshape(-1, *hidden.shape[-2:]), keys))  # (heads or 1, rows, keys / 8)
    bits = numpy.concatenate(blocks, axis=1)
    if not bits.any():
        return None
    return bits[:1] if (bits == bits[:1]).all() else bits


def packed_bits(cells: numpy.ndarray, keys: int) -> numpy.ndarray:
    """(…, queries, keys), the last of which may be 1 → 8 keys a byte, the first of them its lowest bit."""
    return numpy.packbits(numpy.broadcast_to(cells, (*cells.shape[:-1], keys)), axis=-1, bitorder="little")
