"""How a page holds attention: as Q, K and V, which the browser computes with, or as 8-bit weights where these are smaller."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from enum import StrEnum
from functools import partial
from typing import Any, NamedTuple

import numpy

from attnviz.analysis.blocks import CELLS
from attnviz.attention.arrays import to_numpy
from attnviz.attention.rule import Rule
from attnviz.attention.toeplitz import gathered, is_spread
from attnviz.trace.layer import Layer
from attnviz.trace.selection import LayerSelection
from attnviz.trace.slices import some_rows

BASE64 = 4 / 3
WORST = 0.5 / 254  # of a weight: what 8 bits of it are off by; numbers that give worse are not taken
EASY = 8_000_000  # bytes of base64: below it a page opens at once, and Q, K and V tell more than weights
LEVELS = 254  # of a visible weight; 0 is a hidden cell


class Form(StrEnum):
    """The numbers that a page holds, from the most exact to the smallest."""

    EXACT = "exact"
    SINGLE = "float32"
    HALF = "float16"
    WEIGHTS = "weights"


LARGEST = {Form.EXACT: math.inf, Form.SINGLE: 3.4028234663852886e38, Form.HALF: 65504.0}


class Packed(NamedTuple):
    """The arrays of one layer as a page holds them, and the largest difference of a weight from the trace's."""

    arrays: dict[str, numpy.ndarray]
    error: float


class Attempt(NamedTuple):
    """One way to hold all layers: their arrays, in the same numbers."""

    form: Form
    layers: list[Packed]

    @property
    def error(self) -> float:
        """The largest difference of a weight from the trace's."""
        return max(one.error for one in self.layers)


def packed(
    selected_layers: Sequence[LayerSelection], most: float = math.inf, run: Callable[..., Iterable[Packed]] = map
) -> Attempt:
    """The layers in the first of ``forms`` whose weights are as near to the trace's as 8 bits can be at the least.

    ``most`` bytes of base64 are to be had; ``run`` is a ``map`` that may work on several layers at once.
    """
    for form in forms(selected_layers, most):
        attempt = Attempt(form, list(run(partial(pack, form=form), selected_layers)))
        if attempt.error <= WORST or form is Form.WEIGHTS:
            break
    return attempt


def forms(selected_layers: Sequence[LayerSelection], most: float = math.inf) -> list[Form]:
    """The forms to try: the most exact that stay easy to open, then the smaller of half precision and weights."""
    limit = min(EASY, most)
    fitting = [
        form
        for form in (Form.EXACT, Form.SINGLE, Form.HALF)
        if all(_fits(selected, form) for selected in selected_layers)
    ]
    easy = [form for form in fitting if estimate(selected_layers, form) <= limit]
    last = sorted({Form.WEIGHTS, *fitting[2:]}, key=lambda form: estimate(selected_layers, form))
    return [*easy, *(form for form in last if form not in easy)]


def estimate(selected_layers: Sequence[LayerSelection], form: Form) -> int:
    """About how many bytes of base64 the parts take."""
    return round(sum(_raw(selected, form) for selected in selected_layers) * BASE64)


def pack(selected: LayerSelection, form: Form) -> Packed:
    """The arrays by which a page shows ``selected``."""
    if form is Form.WEIGHTS:
        return _weights(selected)
    arrays = {name: _typed(array, form) for name, array in _vectors(selected).items()}
    error = 0.0 if form is Form.EXACT else _error(selected, arrays)
    rule, keys = _rule(selected), selected.layer.key.shape[1]
    if rule.mask is not None:
        mask = rule.mask != 0
        arrays["mask"] = numpy.packbits(
            numpy.broadcast_to(mask, (*mask.shape[:-1], keys)), axis=-1, bitorder="little"
        )  # (…, queries, keys / 8)
    if is_spread(rule.bias):
        arrays["biasByDistance"] = _typed(numpy.atleast_2d(gathered(rule.bias)), Form.EXACT)
    elif rule.bias is not None:
        arrays["bias"] = _typed(rule.bias, Form.EXACT)
    if rule.sinks is not None:
        arrays["sinks"] = _typed(rule.sinks, Form.EXACT)
    return Packed(arrays, error)


def kv_places(selected: LayerSelection) -> list[int]:
    """For each selected head, which of the packed key/value heads it reads."""
    kept = _kv_heads(selected)
    return [kept.index(selected.layer.kv_head(head)) for head in selected.heads]


def _kv_heads(selected: LayerSelection) -> list[int]:
    return list(dict.fromkeys(selected.layer.kv_head(head) for head in selected.heads))


def _vectors(selected: LayerSelection) -> dict[str, numpy.ndarray]:
    """Query, key and value of the selected heads alone, (heads, tokens, d)."""
    layer, kept = selected.layer, _kv_heads(selected)
    return {
        "query": to_numpy(layer.query)[list(selected.heads)],
        "key": to_numpy(layer.key)[kept],
        "value": to_numpy(layer.value)[kept],
    }


def _rule(selected: LayerSelection) -> Rule:
    """The layer's rule, its arrays those of the selected heads."""
    rule = selected.layer.rule.of_heads(list(selected.heads))
    return replace(rule, mask=_numpy(rule.mask), bias=_numpy(rule.bias), sinks=_numpy(rule.sinks))


def _typed(array: numpy.ndarray, form: Form) -> numpy.ndarray:
    """``array`` in the numbers of ``form``. Half precision stays what it is: it is exact already."""
    if form is Form.EXACT:
        return array if array.dtype in (numpy.float16, numpy.float32, numpy.float64) else array.astype(numpy.float64)
    if form is Form.SINGLE:
        return array if array.dtype == numpy.float16 else array.astype(numpy.float32)
    return array.astype(numpy.float16)


def _fits(selected: LayerSelection, form: Form) -> bool:
    """Whether the numbers of ``selected`` are within the range of ``form``."""
    largest = max(float(numpy.abs(array).max()) for array in _vectors(selected).values())
    return largest <= LARGEST[form]


def _raw(selected: LayerSelection, form: Form) -> float:
    """Bytes of one layer before they are base64."""
    layer, rule = selected.layer, selected.layer.rule
    queries, keys = int(layer.query.shape[1]), int(layer.key.shape[1])
    cells = len(selected.heads) * queries * keys
    if form is Form.WEIGHTS:
        shown = 0.5 if rule.causal and queries == keys else 1.0
        return cells * shown * 0.8  # what compression leaves of 8 bits
    width, wide = int(layer.query.shape[-1]), int(layer.value.shape[-1])
    numbers = len(selected.heads) * queries * width + len(_kv_heads(selected)) * keys * (width + wide)
    size: int = {Form.SINGLE: 4, Form.HALF: 2}.get(form, to_numpy(layer.query[:1, :1]).dtype.itemsize)
    bias = 0 if rule.bias is None or is_spread(rule.bias) else 8 * min(cells, math.prod(rule.bias.shape))
    return numbers * size + bias


def _weights(selected: LayerSelection) -> Packed:
    """Each row's weights in steps of its largest; a hidden cell is 0, the weight 0 is 1."""
    levels, scales, error = [], [], 0.0
    for weights, hidden in _maps(selected):
        some, scale, worst = in_levels(weights, hidden)
        error = max(error, worst)
        levels.append(some.reshape(-1, weights.shape[-1]))
        scales.append(scale.reshape(-1))
    shape = (len(selected.heads), selected.layer.query.shape[1])
    arrays = {
        "levels": numpy.concatenate(levels).reshape(*shape, -1),
        "scales": numpy.concatenate(scales).reshape(shape),
    }
    return Packed(arrays, error)


def in_levels(
    weights: numpy.ndarray, hidden: numpy.ndarray, levels: int = LEVELS
) -> tuple[numpy.ndarray, numpy.ndarray, float]:
    """Weights, (…, queries, keys), as whole numbers of steps up to the largest of their row; that, (…, queries); and how far
    they are off at the most. A hidden cell is 0, the weight 0 is 1.
    """
    scale = weights.max(axis=-1, keepdims=True).astype(numpy.float32)
    level = scale.astype(numpy.float64) / levels  # the largest weight of a row with a strong sink may be tiny
    steps = numpy.rint(weights / numpy.where(level > 0, level, 1.0))
    error = float(numpy.abs(weights - steps * level).max())
    hidden = hidden & (weights == 0)  # where a mask lowers all of a row alike, its keys share the weights after all
    return numpy.where(hidden, 0, steps + 1).astype(numpy.min_scalar_type(levels + 1)), scale[..., 0], error


def _maps(selected: LayerSelection) -> Iterator[tuple[numpy.ndarray, numpy.ndarray]]:
    """The weights of the selected heads and which cells are hidden, (rows, keys), head after head and row after row."""
    layer, queries = selected.layer, selected.layer.query.shape[1]
    size = max(1, CELLS // layer.key.shape[1])
    for head in selected.heads:
        for start in range(0, queries, size):
            steps = some_rows(layer, start, min(start + size, queries)).steps(head)
            yield to_numpy(steps.weights), to_numpy(steps.hidden)


def _error(selected: LayerSelection, arrays: dict[str, numpy.ndarray]) -> float:
    """The largest difference of a weight computed from ``arrays``, in float64 as a browser does, from the trace's own."""
    own, rounded = (_in_float64(selected, vectors) for vectors in (_vectors(selected), arrays))
    queries, keys = own.query.shape[1], own.key.shape[1]
    size = max(1, CELLS // (own.heads * keys))
    worst = 0.0
    for start in range(0, queries, size):
        stop = min(start + size, queries)
        exact, ours = (some_rows(layer, start, stop).steps().weights for layer in (own, rounded))
        worst = max(worst, float(numpy.abs(ours - exact).max()))
    return worst


def _in_float64(selected: LayerSelection, vectors: dict[str, numpy.ndarray]) -> Layer:
    """A layer of ``vectors``, each selected head with a key and a value of its own."""
    kept, rule = numpy.array(kv_places(selected)), _rule(selected)
    query, key, value = (vectors[name].astype(numpy.float64) for name in ("query", "key", "value"))
    return Layer(query, key[kept], value[kept], rule)


def _numpy(array: Any) -> Any:
    return None if array is None else to_numpy(array)
