"""The pooled map on a GPU: how the work is cut into blocks for the kernels, and what is launched."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from attnviz.attention.arrays import Array
from attnviz.attention.rule import Rule
from attnviz.attention.visibility import Visibility
from attnviz.pooling.array_engine import pool_blocks
from attnviz.pooling.gpu.inputs import FAR, LOG2_E, reachable, score_numbers
from attnviz.pooling.gpu.launches import Launch, LaunchError, launches_for, padded, start
from attnviz.pooling.result import Measures
from attnviz.progress import Progress

SCRATCH = 1 << 30  # bytes at most, whatever the number of tokens and heads
LOOKED_UP = 1 << 14  # bytes of queries or keys at once, where the largest score is looked up: any card holds them


def pool_on_gpu(
    query: Array,
    key: Array,
    rule: Rule,
    heads: Sequence[int],
    cell_queries: int,
    shown: range,
    bound: float,
    report: Progress,
    run_kernels: Callable[..., Measures] | None = None,
) -> Measures:
    """All measures of some heads of query (heads, queries, d) and key (kv_heads, keys, d).

    Where Triton cannot compile a kernel for the card, or the card has too little memory for it, torch computes the same
    block by block (array_engine.py), slower and no less exactly; a warning is logged.
    """
    import torch
    from triton.runtime.errors import OutOfResources

    reason: Exception | None = None
    for launch in launches_for(query, shown.step):
        try:
            measures = (run_kernels or run)(query, key, rule, heads, cell_queries, shown.step, launch)
        except OutOfResources as error:  # a smaller one may fit
            reason = error
        except (LaunchError, torch.OutOfMemoryError) as error:
            reason = error
            break
        else:
            report(len(heads), len(heads))
            return measures
    words = " ".join(str(reason).split())[:200]
    logging.getLogger("attnviz").warning("attnviz: the GPU kernel does not run here, so torch pools: %s", words)
    return pool_blocks(query, key, rule, heads, cell_queries, shown, bound, report)


class _Problem(NamedTuple):
    """What both kernels read, in the words of their arguments."""

    query: Array
    key: Array
    group: int  # query heads that share a key head
    offset: int
    before: int
    after: int
    factor: float  # what makes scores in units of log₂: all of them; before the cap; and the cap
    inner: float
    softcap: float
    capped: bool

    @classmethod
    def of(cls, query: Array, key: Array, rule: Rule) -> _Problem:
        query, key = (array if reachable(array) else array.contiguous() for array in (query, key))
        scale = rule.scale_for(query.shape[-1])
        if scale < 0:
            query, scale = -query, -scale
        visibility = Visibility.of(rule, query.shape[1], key.shape[1])
        before, after = (int(min(distance, FAR)) for distance in (visibility.before, visibility.after))
        group, numbers = query.shape[0] // key.shape[0], score_numbers(rule, scale)
        return cls(query, key, group, visibility.offset, before, after, *numbers, rule.softcap is not None)

    @property
    def arguments(self) -> dict[str, Any]:
        query, key = self.query, self.key
        return {
            "query_of": query,
            "keys_of": key,
            "group": self.group,
            "queries": query.shape[1],
            "keys": key.shape[1],
            "dimension": query.shape[2],
            "query_head_stride": query.stride(0),
            "query_stride": query.stride(1),
            "key_head_stride": key.stride(0),
            "key_stride": key.stride(1),
            "offset": self.offset,
            "before": self.before,
            "after": self.after,
            "factor": self.factor,
            "inner": self.inner,
            "softcap": self.softcap,
            "SOFTCAP": self.capped,
            "DIMENSION": max(16, padded(query.shape[2])),
            "PRECISION": "tf32x3" if query.dtype.itemsize == 4 else "ieee",
            # Scale and shift of a score in one instruction, which Triton 3.10 no longer does unasked.
            "enable_fp_fusion": True,
        }


class _Cut(NamedTuple):
    """How queries and keys are cut into cells, blocks of queries and tiles of keys."""

    cell_queries: int
    cell_keys: int
    query_cells: int
    key_cells: int
    strip_cells: int  # the last tile of cells may reach beyond the map
    blocks: int
    blocks_a_cell: int
    tiles_a_cell: int

    @classmethod
    def of(cls, queries: int, keys: int, cell_queries: int, cell_keys: int, launch: Launch) -> _Cut:
        query_cells, key_cells = math.ceil(queries / cell_queries), math.ceil(keys / cell_keys)
        blocks_a_cell = math.ceil(cell_queries / launch.query_block)
        cells_a_block = max(1, launch.query_block // padded(cell_queries))
        blocks = query_cells * blocks_a_cell if blocks_a_cell > 1 else math.ceil(query_cells / cells_a_block)
        strip_cells, tiles_a_cell = key_cells + launch.key_block, math.ceil(cell_keys / launch.key_block)
        return cls(cell_queries, cell_keys, query_cells, key_cells, strip_cells, blocks, blocks_a_cell, tiles_a_cell)

    def arguments(self, launch: Launch) -> dict[str, Any]:
        uneven = padded(self.cell_keys) != self.cell_keys and self.cell_keys % launch.key_block != 0
        return {
            "cell_queries": self.cell_queries,
            "cell_keys": self.cell_keys,
            "query_cells": self.query_cells,
            "key_cells": self.key_cells,
            "strip_cells": self.strip_cells,
            "blocks": self.blocks,
            "PADDED": uneven,
            "QUERY_BLOCK": launch.query_block,
            "KEY_BLOCK": launch.key_block,
            "QUERY_CELL": padded(self.cell_queries),
            "BLOCKS_A_CELL": self.blocks_a_cell,
            "KEY_CELL": padded(self.cell_keys),
            "TILES_A_CELL": self.tiles_a_cell,
        }


class _Rows(NamedTuple):
    """What the kernels write of each row, (heads, queries), and the maps, (heads, query cells, key cells)."""

    mean: Array
    maximum: Array
    entropy: Array
    largest: Array
    normaliser: Array
    first: Array
    best: Array  # the cell that holds the largest score
    found: Array  # the key that has it


def run(
    query: Array,
    key: Array,
    rule: Rule,
    heads: Sequence[int],
    cell_queries: int,
    cell_keys: int,
    launch: Launch,
) -> Measures:
    """Launch the kernels for some heads of query (heads, queries, d) and key (kv_heads, keys, d)."""
    import torch

    problem = _Problem.of(query, key, rule)
    cut = _Cut.of(query.shape[1], key.shape[1], cell_queries, cell_keys, launch)
    numbers = torch.tensor(heads, dtype=torch.int32, device=query.device)
    rows = _empty_rows(problem.query, len(heads), cut)
    with torch.cuda.device(query.device):
        _pool(problem, cut, launch, numbers, rows, rule.sinks)
        _find(problem, cut, numbers, rows)
    whole = torch.ones_like(rows.normaliser)
    normaliser = rows.normaliser / LOG2_E
    return Measures(
        rows.mean, rows.maximum, None, rows.entropy, rows.largest, rows.found, rows.first, normaliser, whole
    )


def _empty_rows(query: Array, heads: int, cut: _Cut) -> _Rows:
    import torch

    shape, device = (heads, query.shape[1]), query.device
    mean, maximum = torch.zeros((2, heads, cut.query_cells, cut.key_cells), device=device)
    entropy, largest, normaliser, first = torch.empty((4, *shape), dtype=torch.float32, device=device)
    best, found = torch.empty((2, *shape), dtype=torch.int32, device=device)
    return _Rows(mean, maximum, entropy, largest, normaliser, first, best, found)


def _pool(problem: _Problem, cut: _Cut, launch: Launch, heads: Array, rows: _Rows, sinks: Array | None) -> None:
    """The maps, and of each row all but the key of its largest score."""
    import torch

    from attnviz.pooling.gpu.pool_kernel import pool_rows

    query, count = problem.query, int(heads.shape[0])
    strip = cut.strip_cells * launch.query_block * 8
    processors = torch.cuda.get_device_properties(query.device).multi_processor_count
    programs = max(1, min(count * cut.blocks, processors * launch.programs, SCRATCH // strip))
    sinks = None if sinks is None else torch.as_tensor(sinks, dtype=torch.float32, device=query.device)
    limit = {} if launch.registers is None else {"maxnreg": launch.registers}
    own = {
        "heads_of": heads,
        "sinks_of": query if sinks is None else sinks,
        "mean_of": rows.mean,
        "maximum_of": rows.maximum,
        "entropy_of": rows.entropy,
        "largest_of": rows.largest,
        "best_of": rows.best,
        "normaliser_of": rows.normaliser,
        "scratch": torch.empty((programs * strip // 8,), dtype=torch.int64, device=query.device),
        "counter": torch.zeros(1, dtype=torch.int32, device=query.device),
        "heads": count,
        "SINKS": sinks is not None,
        "BANDED": min(problem.before, problem.after) < FAR,
        "CELL_BLOCK": 32,
        "STAGES": launch.stages,
        "num_warps": launch.warps,
    }
    start(pool_rows, (programs,), problem.arguments | cut.arguments(launch) | own | limit)


def _find(problem: _Problem, cut: _Cut, heads: Array, rows: _Rows) -> None:
    """The key of each row's largest score, and the first key's weight."""
    import torch

    from attnviz.pooling.gpu.largest_key_kernel import find_keys

    query = problem.query
    most = LOOKED_UP // (padded(query.shape[2]) * query.dtype.itemsize)
    together, width = min(32, most), max(16, min(64, most, padded(cut.cell_keys)))
    own = {
        "heads_of": heads,
        "order_of": torch.argsort(rows.best, dim=1),
        "best_of": rows.best,
        "found_of": rows.found,
        "normaliser_of": rows.normaliser,
        "first_of": rows.first,
        "cell_keys": cut.cell_keys,
        "ROWS": together,
        "KEY_BLOCK": width,
        "num_warps": 4,
    }
    start(find_keys, (math.ceil(query.shape[1] / together), int(heads.shape[0])), problem.arguments | own)
