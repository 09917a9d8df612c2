"""How a page holds attention: as Q, K and V, which the browser computes with, or as 8-bit weights where these are smaller."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any, NamedTuple

import numpy

from attnviz.arrays import to_numpy
from attnviz.attention import Rule
from attnviz.distances import gathered
from attnviz.rows import row_blocks, some_rows
from attnviz.selection import Part
from attnviz.trace import Layer

BASE64 = 4 / 3
EASY = 8_000_000  # bytes of base64: below it a page opens at once, and Q, K and V tell more than weights
LEVELS = 254  # of a visible weight; 0 is a hidden cell
ALL_COMPARED = 512  # queries; of more, SAMPLE of them
SAMPLE = 64


class Form(StrEnum):
    """The numbers that a page holds, from the most exact to the smallest."""

    EXACT = "exact"
    SINGLE = "float32"
    HALF = "float16"
    WEIGHTS = "weights"


class Packed(NamedTuple):
    """The arrays of one layer as a page holds them, and the largest difference of a weight from the trace's."""

    arrays: dict[str, numpy.ndarray]
    error: float


def chosen_form(parts: Sequence[Part]) -> Form:
    """The most exact form that stays easy to open, else the smaller of half precision and weights."""
    for form in (Form.EXACT, Form.SINGLE, Form.HALF):
        if estimate(parts, form) <= EASY and all(_fits(part, form) for part in parts):
            return form
    half = estimate(parts, Form.HALF) if all(_fits(part, Form.HALF) for part in parts) else numpy.inf
    return Form.HALF if half < estimate(parts, Form.WEIGHTS) else Form.WEIGHTS


def estimate(parts: Sequence[Part], form: Form) -> int:
    """About how many bytes of base64 the parts take."""
    return round(sum(_raw(part, form) for part in parts) * BASE64)


def pack(part: Part, form: Form) -> Packed:
    """The arrays by which a page shows ``part``."""
    if form is Form.WEIGHTS:
        return _weights(part)
    arrays = {name: _typed(array, form) for name, array in _vectors(part).items()}
    error = 0.0 if form is Form.EXACT else _error(part, arrays)
    rule, keys = _rule(part), part.layer.key.shape[1]
    if rule.mask is not None:
        mask = to_numpy(rule.mask) != 0
        arrays["mask"] = numpy.packbits(
            numpy.broadcast_to(mask, (*mask.shape[:-1], keys)), axis=-1, bitorder="little"
        )  # (…, queries, keys / 8)
    if (by_distance := gathered(part.layer.rule.bias)) is not None:
        rows = list(part.heads) if len(by_distance) > 1 else slice(None)
        arrays["biasByDistance"] = _typed(by_distance[rows], Form.EXACT)
    elif rule.bias is not None:
        arrays["bias"] = _typed(to_numpy(rule.bias), Form.EXACT)
    if rule.sinks is not None:
        arrays["sinks"] = _typed(rule.sinks, Form.EXACT)
    return Packed(arrays, error)


def kv_places(part: Part) -> list[int]:
    """For each selected head, which of the packed key/value heads it reads."""
    kept = _kv_heads(part)
    return [kept.index(part.layer.kv_head(head)) for head in part.heads]


def _kv_heads(part: Part) -> list[int]:
    return list(dict.fromkeys(part.layer.kv_head(head) for head in part.heads))


def _vectors(part: Part) -> dict[str, numpy.ndarray]:
    """Query, key and value of the selected heads alone, (heads, tokens, d)."""
    layer, kept = part.layer, _kv_heads(part)
    return {
        "query": to_numpy(layer.query)[list(part.heads)],
        "key": to_numpy(layer.key)[kept],
        "value": to_numpy(layer.value)[kept],
    }


def _rule(part: Part) -> Rule:
    """The layer's rule, its arrays those of the selected heads."""
    rule, heads = part.layer.rule, list(part.heads)

    def cut(array: Any) -> Any:
        return array if array is None or array.ndim < 3 or array.shape[0] == 1 else to_numpy(array)[heads]

    sinks = None if rule.sinks is None else to_numpy(rule.sinks)[heads]
    return replace(rule, mask=cut(rule.mask), bias=cut(rule.bias), sinks=sinks)


def _typed(array: numpy.ndarray, form: Form) -> numpy.ndarray:
    """``array`` in the numbers of ``form``. Half precision stays what it is: it is exact already."""
    if form is Form.EXACT:
        return array if array.dtype in (numpy.float16, numpy.float32, numpy.float64) else array.astype(numpy.float64)
    if form is Form.SINGLE:
        return array if array.dtype == numpy.float16 else array.astype(numpy.float32)
    return array.astype(numpy.float16)


def _fits(part: Part, form: Form) -> bool:
    """Whether the numbers of ``part`` are within the range of ``form``."""
    if form is not Form.HALF:
        return True
    largest = max(float(numpy.abs(array).max()) for array in _vectors(part).values())
    return largest <= 65504.0  # the largest half


def _raw(part: Part, form: Form) -> float:
    """Bytes of one layer before they are base64."""
    layer, rule = part.layer, part.layer.rule
    queries, keys = int(layer.query.shape[1]), int(layer.key.shape[1])
    cells = len(part.heads) * queries * keys
    if form is Form.WEIGHTS:
        shown = 0.5 if rule.causal and queries == keys else 1.0
        return cells * shown * 0.8  # what compression leaves of 8 bits
    width, wide = int(layer.query.shape[-1]), int(layer.value.shape[-1])
    numbers = len(part.heads) * queries * width + len(_kv_heads(part)) * keys * (width + wide)
    size: int = {Form.SINGLE: 4, Form.HALF: 2}.get(form, to_numpy(layer.query[:1, :1]).dtype.itemsize)
    bias = 0 if rule.bias is None or gathered(rule.bias) is not None else 8 * min(cells, math.prod(rule.bias.shape))
    return numbers * size + bias


def _weights(part: Part) -> Packed:
    """Each row's weights in steps of its largest; a hidden cell is 0, the weight 0 is 1."""
    levels, scales, error = [], [], 0.0
    for weights, hidden in _maps(part):
        scale = weights.max(axis=-1, keepdims=True).astype(numpy.float32)  # (…, queries, 1)
        steps = numpy.rint(weights * (LEVELS / numpy.where(scale > 0, scale, 1)))
        error = max(error, float(numpy.abs(weights - steps * (scale / LEVELS)).max()))
        levels.append(numpy.where(hidden, 0, steps + 1).astype(numpy.uint8).reshape(-1, weights.shape[-1]))
        scales.append(scale.reshape(-1))
    shape = (len(part.heads), part.layer.query.shape[1])
    arrays = {
        "levels": numpy.concatenate(levels).reshape(*shape, -1),
        "scales": numpy.concatenate(scales).reshape(shape),
    }
    return Packed(arrays, error)


def _maps(part: Part) -> Iterator[tuple[numpy.ndarray, numpy.ndarray]]:
    """The weights of the selected heads and which cells are hidden, (…, queries, keys), in order."""
    if part.heads != tuple(range(part.layer.heads)):
        for head in part.heads:
            steps = part.layer.steps(head)
            yield to_numpy(steps.weights), to_numpy(steps.hidden)
        return
    for block in row_blocks(part.layer):
        yield to_numpy(block.steps.weights), to_numpy(block.steps.hidden)


def _error(part: Part, arrays: dict[str, numpy.ndarray]) -> float:
    """The largest difference of a weight computed from ``arrays`` from the trace's own."""
    kept = numpy.array(kv_places(part))
    rule = _rule(part)
    numpy_rule = replace(rule, mask=_numpy(rule.mask), bias=_numpy(rule.bias))
    own, packed = (
        Layer(one["query"], one["key"][kept], one["value"][kept], numpy_rule) for one in (_vectors(part), arrays)
    )
    worst = 0.0
    for rows in _compared(own.query.shape[1]):
        ours, theirs = (some_rows(layer, rows.start, rows.stop).steps().weights for layer in (packed, own))
        worst = max(worst, float(numpy.abs(ours - theirs).max()))
    return worst


def _compared(queries: int) -> list[range]:
    """The queries that are compared: all of them, or runs of eight spread over a long text."""
    if queries <= ALL_COMPARED:
        return [range(queries)]
    return [range(start, start + 8) for start in numpy.linspace(0, queries - 8, SAMPLE // 8).astype(int).tolist()]


def _numpy(array: Any) -> Any:
    return None if array is None else to_numpy(array)
