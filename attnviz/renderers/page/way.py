"""The two ends of the way through a layer, where they are known: tokens → X → Q, K, V before the scores, and all heads'
outputs → Concat → W_O after them. A page holds them beside Query, Key and Value, if there is room.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy

from attnviz.analysis.blocks import CELLS
from attnviz.attention.arrays import to_numpy
from attnviz.choices import Step
from attnviz.renderers.page.blobs import Blobs, compressed
from attnviz.renderers.page.forms import BASE64, single
from attnviz.renderers.page.packing import PackedPart, Part
from attnviz.renderers.page.selected import held_projection, kv_heads
from attnviz.trace.selection import LayerSelection
from attnviz.trace.slices import some_queries
from attnviz.trace.steps import HeadByHead

SIDES = ("query", "key", "value")
ROWS_PART = 0.08  # of a page that what large W_Os make of the outputs may take: it would open later
EXACT_TYPES = (numpy.float16, numpy.float32)  # the narrowest first: a model's weights are often whole numbers of these


def add_ways(
    record: dict[str, Any], parts: Sequence[Part], packed: Sequence[PackedPart], blobs: Blobs, room: float
) -> bool:
    """Put both ends of the way of each part into the ``record`` of a page, and their arrays into ``blobs``: of all parts of
    which every step can be computed if they fit into so many bytes of base64 beside the ``packed`` arrays; in single
    precision if only that fits; else of none. The record says which, and the answer is whether they were left out.
    """
    computed = [place for place, part in enumerate(parts) if part.form.computes]
    ways = [way_arrays(parts[place].selected) for place in computed]
    held = [part.arrays for part in packed]
    in_single = not _fits(ways, held, room)
    if in_single:
        ways = [{name: single(array) for name, array in arrays.items()} for arrays in ways]
    left_out = in_single and not _fits(ways, held, room)
    for place, arrays in zip(computed, ways, strict=True):
        said, selected = record["layers"][place], parts[place].selected
        kept = {} if left_out else arrays
        said |= way_facts(selected, kept, left_out and bool(arrays)) | (
            {"singleWay": True} if in_single and kept else {}
        )
        said |= {name: blobs.add(array) for name, array in kept.items()}
    _add_projected(record, {place: parts[place].selected for place in computed}, blobs, room * ROWS_PART)
    return left_out and any(ways)


def _add_projected(record: dict[str, Any], computed: Mapping[int, LayerSelection], blobs: Blobs, room: float) -> None:
    """Where W_O is too large for a page, what it makes of the outputs, if those of all parts fit into so many bytes."""
    large = {
        place: selected
        for place, selected in computed.items()
        if "output" in selected.layer.projections and held_projection(selected) is None
    }
    fits = BASE64 * sum(map(_projected_size, large.values())) <= room
    for place, selected in large.items():
        rows = {"projectedRows": blobs.add(narrowed(_projected(selected)))} if fits else {"rowsLeftOut": True}
        record["layers"][place] |= rows


def _projected_size(selected: LayerSelection) -> int:
    """Bytes of all numbers of ``_projected`` in single precision."""
    layer = selected.layer
    return 4 * layer.queries * int(layer.projections["output"].weight.shape[1])


def _projected(selected: LayerSelection) -> numpy.ndarray:
    """What W_O makes of the outputs of all heads, (queries, d_out)."""
    every = HeadByHead(selected.layer, (), {Step.PROJECTED})
    deque(every, maxlen=0)
    assert every.together is not None
    rows: numpy.ndarray = to_numpy(every.together.projected)
    return rows


def way_arrays(selected: LayerSelection) -> dict[str, numpy.ndarray]:
    """What is known of both ends, by the names that the page's script reads:

    embeddings, positions            (tokens, d)
    queryWeight, keyWeight, …        (heads, d, d_k): the columns of W_Q, W_K and W_V of each head that the page holds
    queryBias, keyBias, …            (heads, d_k)
    outputWeight, outputBias         (heads · d_v, d_out), (d_out,): W_O of all heads of the layer, where it is small
    otherOutputs                     (heads, queries, d_v): the outputs of the heads that the page does not hold
    """
    layer = selected.layer
    found: dict[str, Any] = {"embeddings": layer.embeddings, "positions": layer.positions}
    for side in SIDES:
        found |= _of_heads(selected, side)
    if (output := held_projection(selected)) is not None:
        found |= {"outputWeight": output.weight, "outputBias": output.bias, "otherOutputs": _other_outputs(selected)}
    return {name: narrowed(to_numpy(array)) for name, array in found.items() if array is not None}


def way_facts(selected: LayerSelection, arrays: dict[str, numpy.ndarray], left_out: bool) -> dict[str, Any]:
    """What the page says of both ends beside their ``arrays``; ``left_out`` where there was no room for these."""
    layer = selected.layer
    return {
        "headCount": layer.heads,
        "otherHeads": other_heads(selected) if "otherOutputs" in arrays else [],
        "rotary": layer.rotary,
        "bare": layer.bare,
        "leftOut": left_out,
    }


def _fits(ways: Sequence[dict[str, numpy.ndarray]], held: Sequence[dict[str, numpy.ndarray]], room: float) -> bool:
    """Whether these arrays fit into so many bytes of base64; only where that is in doubt they are compressed to know."""
    arrays = [array for layer in (*ways, *held) for array in layer.values()]
    if not any(ways) or BASE64 * sum(array.nbytes for array in arrays) <= room:
        return True
    left = room
    for array in arrays:
        left -= BASE64 * len(compressed(array.tobytes()))
        if left < 0:
            return False
    return True


def other_heads(selected: LayerSelection) -> list[int]:
    """The heads of the layer that the page does not hold."""
    others: list[int] = numpy.setdiff1d(numpy.arange(selected.layer.heads), selected.heads).tolist()
    return others


def narrowed(array: numpy.ndarray) -> numpy.ndarray:
    """``array`` in the narrowest type that holds each of its numbers exactly."""
    for kind in EXACT_TYPES:
        with numpy.errstate(over="ignore"):
            narrow = array.astype(kind)
        if numpy.array_equal(narrow.astype(numpy.float64), array.astype(numpy.float64)):
            return narrow
    return array.astype(numpy.float64)


def _of_heads(selected: LayerSelection, side: str) -> dict[str, Any]:
    """The columns of each head of one projection, and its bias."""
    layer, projection = selected.layer, selected.layer.projections.get(side)
    if projection is None:
        return {}
    heads = selected.heads if side == "query" else kv_heads(selected)
    width = getattr(layer, side).shape[-1]
    weight = to_numpy(projection.weight).reshape(-1, getattr(layer, side).shape[0], width)  # (d, heads, d_k)
    found = {f"{side}Weight": weight[:, list(heads)].swapaxes(0, 1)}
    if projection.bias is not None:
        found[f"{side}Bias"] = to_numpy(projection.bias).reshape(-1, width)[list(heads)]
    return found


def _other_outputs(selected: LayerSelection) -> numpy.ndarray | None:
    """The outputs of the heads that the page does not hold, a few queries at a time; None where it holds them all."""
    layer, heads = selected.layer, other_heads(selected)
    if not heads:
        return None
    queries = layer.queries
    size = max(1, CELLS // (layer.heads * layer.keys))
    blocks = [
        to_numpy(some_queries(layer, start, min(start + size, queries)).steps().output)[heads]
        for start in range(0, queries, size)
    ]
    return numpy.concatenate(blocks, axis=1)
