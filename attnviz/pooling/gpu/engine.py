"""The road to the GPU kernels: which inputs they take, how the work is cut into blocks, what is launched."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from subprocess import CalledProcessError
from typing import Any

from attnviz.attention.arrays import Array
from attnviz.attention.rule import Rule
from attnviz.pooling.array_engine import pool_blocks
from attnviz.pooling.result import Measures
from attnviz.progress import Progress

SCRATCH = 1 << 30  # bytes at most, whatever the number of tokens and heads
FAR = 1 << 30  # a distance that no two tokens have
SAFE = 1e30  # numbers below it, and above 1 / SAFE, are float32's with room for what is multiplied with them
LARGEST_SCORE = 1e3  # beyond it, the logarithm that a normaliser adds to a row's largest score loses digits in it
ADDRESSES = 1 << 31  # what the kernels count the numbers of a head with
LOOKED_UP = 1 << 14  # bytes of queries or keys at once, where the largest score is looked up: any card holds them
LOG2_E = 1.4426950408889634


@dataclass(frozen=True)
class Launch:
    """How the kernel is cut and compiled.

    query_block, key_block   rows and columns of a tile of scores
    warps, stages            of a program; tiles of keys in flight
    programs                 on one multiprocessor at a time, so that one's exponentials run beside another's products
    registers                of a thread at most: what lets so many programs fit; None leaves it to the compiler
    """

    query_block: int = 128
    key_block: int = 128
    warps: int = 8
    stages: int = 2
    programs: int = 2
    registers: int | None = 128


class LaunchError(Exception):
    """Triton could not compile or start a kernel here; the cause is what it raised."""


def takes(query: Array, key: Array, rule: Rule, bound: float, shown: range) -> bool:
    """Whether the kernels compute this: CUDA and Triton are there, all keys are shown, the rule is one of lengths and
    numbers alone, and no score or place is beyond what float32 and int32 hold exactly enough. ``bound``: no scaled score
    exceeds it. Why they do not is logged, for those who wonder that it takes so long."""
    reason = _refusal(query, key, rule, bound, shown)
    if reason is not None:
        _log_once(reason)
    return reason is None


@cache
def _log_once(reason: str) -> None:
    logging.getLogger("attnviz").info("attnviz: torch pools instead of the GPU kernels: %s", reason)


def _refusal(query: Array, key: Array, rule: Rule, bound: float, shown: range) -> str | None:
    """Why the kernels do not compute this; None where they do."""
    import torch

    queries, keys, dimension = query.shape[1], key.shape[1], query.shape[-1]
    scale = abs(rule.scale_for(dimension))
    types = [str(array.dtype).rpartition(".")[2] for array in (query, key)]
    if torch.version.hip is not None:  # whose tensors are "cuda" too, and whose cards do not read the kernels' PTX
        return "they are for Nvidia's cards"
    if find_spec("triton") is None:
        return "Triton is not installed"
    if (shown.start, shown.stop) != (0, keys):
        return "they show all keys, not some"
    if rule.mask is not None or rule.bias is not None:
        return "they know no mask and no bias"
    if types[0] != types[1] or types[0] not in ("bfloat16", "float16", "float32"):
        return f"query is {types[0]} and key {types[1]}"
    if dimension > 256:
        return f"{dimension} dimensions are more than 256"
    if max(queries, keys) * dimension >= ADDRESSES or abs(rule.offset_for(queries, keys)) >= FAR // 2:
        return "positions are beyond int32"  # each of them, and FAR beyond it
    if rule.sinks is not None and not float(abs(rule.sinks).max()) < LARGEST_SCORE:
        return f"a sink is not below {LARGEST_SCORE:,.0f}"
    if not all(1 / SAFE < number < SAFE for number in (scale, *_numbers(rule, scale))):
        return "the scale or the softcap is too small or too large"
    # Products are summed before they are scaled: they may overflow where scores do not, which attend() says.
    if not (max(bound, bound / scale) < SAFE and _largest_score(query, key, rule, bound) < LARGEST_SCORE):
        return f"scores may reach {LARGEST_SCORE:,.0f}"
    return None


def _largest_score(query: Array, key: Array, rule: Rule, bound: float) -> float:
    """A number that no score exceeds: ``bound`` where that is low enough already, or |q · k| ≤ |q| |k|, or the cap."""
    import torch

    if bound >= LARGEST_SCORE:
        bound = abs(rule.scale_for(query.shape[-1]))
        for array in (query, key):
            bound *= float(torch.linalg.vector_norm(array, dim=-1, dtype=torch.float64).max())  # no square is 0 or ∞
    return bound if rule.softcap is None else min(bound, rule.softcap)


def _numbers(rule: Rule, scale: float) -> tuple[float, float, float]:
    """What the kernels multiply with to make scores in units of log₂: all of them; before the cap; and the cap."""
    return (scale * LOG2_E, 1.0, 1.0) if rule.softcap is None else (LOG2_E, scale / rule.softcap, rule.softcap)


def launches_for(query: Array, cell_keys: int) -> Iterator[Launch]:
    """The launch that was fastest on an H100, by the width of the numbers and the dimension; then ones that take ever less
    of a multiprocessor's shared memory, for other cards and other versions of Triton.

    None is searched for by timing: to compile a launch takes seconds, and a map milliseconds.
    """
    dimension, wide = query.shape[-1], query.dtype.itemsize == 4
    key_block = 128
    while key_block > 16 and key_block >= 2 * max(cell_keys, 16) and _padded(cell_keys) != cell_keys:
        key_block //= 2  # one cell a tile, where a cell is not a power of two
    if wide and dimension > 128:
        launch = Launch(32, min(key_block, 64), 4, 1, 1, None)
    elif wide or dimension > 128:
        launch = Launch(64, min(key_block, 64), 4, 2, 2 if dimension <= 64 else 1, None)
    else:
        launch = Launch(key_block=key_block)
    yield launch
    while max(launch.query_block, launch.key_block) > 16:
        queries, keys = launch.query_block, launch.key_block
        if launch.stages == 1:
            queries, keys = (queries // 2, keys) if queries >= keys else (queries, keys // 2)
        launch = Launch(queries, keys, min(launch.warps, max(1, queries // 16)), 1, 1, None)
        yield launch


def pool_on_gpu(
    query: Array,
    key: Array,
    rule: Rule,
    heads: Sequence[int],
    cell_queries: int,
    shown: range,
    bound: float,
    report: Progress,
) -> Measures:
    """All measures of some heads of query (heads, queries, d) and key (kv_heads, keys, d).

    Where Triton cannot compile a kernel for the card, or the card has too little memory for it, torch computes the same
    block by block (blocks.py), slower and no less exactly; a warning is logged.
    """
    import torch
    from triton.runtime.errors import OutOfResources

    reason: Exception | None = None
    for launch in launches_for(query, shown.step):
        try:
            measures = run(query, key, rule, heads, cell_queries, shown.step, launch)
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

    from attnviz.pooling.gpu.largest_key_kernel import find_keys
    from attnviz.pooling.gpu.pool_kernel import pool_rows

    _, queries, dimension = query.shape
    group, keys, count = query.shape[0] // key.shape[0], key.shape[1], len(heads)
    query, key = (array if _reachable(array) else array.contiguous() for array in (query, key))
    scale = rule.scale_for(dimension)
    if scale < 0:
        query, scale = -query, -scale
    before, after, offset = _band(rule, queries, keys)
    query_cells, key_cells = math.ceil(queries / cell_queries), math.ceil(keys / cell_keys)
    blocks_a_cell = math.ceil(cell_queries / launch.query_block)
    tiles_a_cell = math.ceil(cell_keys / launch.key_block)
    cells_a_block = max(1, launch.query_block // _padded(cell_queries))
    blocks = query_cells * blocks_a_cell if blocks_a_cell > 1 else math.ceil(query_cells / cells_a_block)
    key_cells_padded = key_cells + launch.key_block  # the last tile of cells may reach beyond the map

    def new(*shape: int, dtype: Any = torch.float32) -> Array:
        return torch.empty(shape, dtype=dtype, device=query.device)

    mean, maximum = torch.zeros((2, count, query_cells, key_cells), device=query.device)
    entropy, largest, normaliser, first = new(4, count, queries)
    best, found = new(2, count, queries, dtype=torch.int32)
    strip = key_cells_padded * launch.query_block * 8
    processors = torch.cuda.get_device_properties(query.device).multi_processor_count
    programs = max(1, min(count * blocks, processors * launch.programs, SCRATCH // strip))
    scratch = new(programs * strip // 8, dtype=torch.int64)
    counter = torch.zeros(1, dtype=torch.int32, device=query.device)
    numbers = torch.tensor(heads, dtype=torch.int32, device=query.device)
    capped = rule.softcap is not None
    sinks = None if rule.sinks is None else torch.as_tensor(rule.sinks, dtype=torch.float32, device=query.device)
    padded = _padded(cell_keys) != cell_keys and cell_keys % launch.key_block != 0
    precision = "tf32x3" if query.dtype == torch.float32 else "ieee"
    factor, inner, softcap = _numbers(rule, scale)
    # Scale and shift of a score in one instruction, which Triton 3.10 no longer does unasked.
    options: dict[str, Any] = {"enable_fp_fusion": True}
    limit = {} if launch.registers is None else {"maxnreg": launch.registers}
    with torch.cuda.device(query.device):
        _launch(
            pool_rows, (programs,),
            numbers, query, key, sinks if sinks is not None else query, mean, maximum, entropy, largest, best, normaliser,
            scratch, counter, count, group, queries, keys, dimension,
            query.stride(0), query.stride(1), key.stride(0), key.stride(1),
            cell_queries, cell_keys, query_cells, key_cells, key_cells_padded, blocks, offset, before, after, factor, inner, softcap,
            PADDED=padded, SOFTCAP=capped, SINKS=sinks is not None, BANDED=min(before, after) < FAR,
            QUERY_BLOCK=launch.query_block, KEY_BLOCK=launch.key_block, DIMENSION=max(16, _padded(dimension)),
            QUERY_CELL=_padded(cell_queries), BLOCKS_A_CELL=blocks_a_cell, KEY_CELL=_padded(cell_keys),
            TILES_A_CELL=tiles_a_cell, CELL_BLOCK=32, PRECISION=precision, STAGES=launch.stages,
            num_warps=launch.warps, **limit, **options,
        )  # fmt: skip
        order = torch.argsort(best, dim=1)
        most = LOOKED_UP // (_padded(dimension) * query.dtype.itemsize)
        rows, width = min(32, most), max(16, min(64, most, _padded(cell_keys)))
        _launch(
            find_keys, (math.ceil(queries / rows), count),
            numbers, order, best, query, key, found, normaliser, first, group, queries, keys, dimension,
            query.stride(0), query.stride(1), key.stride(0), key.stride(1), cell_keys, offset, before, after, factor, inner, softcap,
            SOFTCAP=capped, ROWS=rows, KEY_BLOCK=width, DIMENSION=max(16, _padded(dimension)), PRECISION=precision, num_warps=4, **options,
        )  # fmt: skip
    return Measures(
        mean, maximum, None, entropy, largest, found, first, normaliser / LOG2_E, torch.ones_like(normaliser)
    )


def _launch(kernel: Any, grid: tuple[int, ...], *given: Any, **options: Any) -> None:
    """Start a kernel; LaunchError where Triton cannot, OutOfResources where the card has too little shared memory for it.

    A missing compiler and a pass that fails are RuntimeErrors of Triton; of a compiler that cannot be run or fails, and a cache
    that cannot be written, come Python's own errors. They are caught around a launch alone: elsewhere a
    RuntimeError is torch's word on a mistake of ours, which the slower road would hide.
    """
    from triton.errors import TritonError
    from triton.runtime.errors import OutOfResources

    try:
        kernel[grid](*given, **options)
    except OutOfResources:
        raise
    except (TritonError, RuntimeError, CalledProcessError, OSError) as error:
        raise LaunchError(str(error)) from error


def _reachable(array: Array) -> bool:
    """Whether the kernels can read a head of ``array`` where it lies."""
    _, tokens, dimension = array.shape
    return bool(array.stride(-1) == 1 and tokens * array.stride(1) + dimension < ADDRESSES)


def _band(rule: Rule, queries: int, keys: int) -> tuple[int, int, int]:
    """How many keys before and after its own position a query sees, and the first query's position."""
    reach = FAR if rule.window is None else min(rule.window - 1, FAR)
    return reach, 0 if rule.causal else reach, rule.offset_for(queries, keys)


def _padded(size: int) -> int:
    """The next power of two."""
    return 1 << (size - 1).bit_length()
