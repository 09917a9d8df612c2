"""How a page holds attention: as Q, K and V, which the browser computes with, or as 8-bit weights where these are smaller."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple

import numpy

from attnviz.analysis.blocks import CELLS
from attnviz.attention.rule import Rule
from attnviz.attention.toeplitz import gathered, is_spread
from attnviz.renderers.page.forms import Form, forms
from attnviz.renderers.page.levels import LEVELS, layer_in_levels
from attnviz.renderers.page.limits import USUAL, Limits
from attnviz.renderers.page.lowered import lowered_cells, packed_bits
from attnviz.renderers.page.selected import selected_rule, selected_vectors, vectors_by_head
from attnviz.trace.layer import Layer
from attnviz.trace.selection import LayerSelection
from attnviz.trace.slices import some_queries

WORST = 0.5 / LEVELS  # of a weight: what 8 bits of it are off by; numbers that give worse are not taken
FLOATING = (numpy.float16, numpy.float32, numpy.float64)  # the types that a page's script reads


class PackedLayer(NamedTuple):
    """The arrays of one layer as a page holds them, and the largest difference of a weight from the trace's."""

    arrays: dict[str, numpy.ndarray]
    error: float


class PackedLayers(NamedTuple):
    """The arrays of all layers, in the same numbers."""

    form: Form
    layers: list[PackedLayer]

    @property
    def error(self) -> float:
        """The largest difference of a weight from the trace's."""
        return max(layer.error for layer in self.layers)


def pack_layers(
    selected_layers: Sequence[LayerSelection], limits: Limits = USUAL, run: Callable[..., Iterable[PackedLayer]] = map
) -> PackedLayers:
    """The layers in the first of ``forms`` whose weights are as near to the trace's as 8 bits can be at the least.

    ``run`` is a ``map`` that may work on several layers at once.
    """
    for form in forms(selected_layers, limits):
        packed = PackedLayers(form, list(run(partial(pack_layer, form=form), selected_layers)))
        if packed.error <= WORST or form is Form.WEIGHTS:
            break
    return packed


def pack_layer(selected: LayerSelection, form: Form, cells: int = CELLS) -> PackedLayer:
    """The arrays by which a page shows ``selected``; what has queries × keys cells is computed so many of them at a time."""
    if form is Form.WEIGHTS:
        levels, scales, error = layer_in_levels(selected, cells)
        return PackedLayer({"levels": levels, "scales": scales}, error)
    arrays = {name: _typed(array, form) for name, array in selected_vectors(selected).items()}
    error = 0.0 if form is Form.EXACT else _error(selected, arrays, cells)
    arrays |= _rule_arrays(selected_rule(selected), selected.layer.key.shape[1])
    if (lowered := lowered_cells(selected, cells)) is not None:
        arrays["lowered"] = lowered
    return PackedLayer(arrays, error)


def _rule_arrays(rule: Rule, keys: int) -> dict[str, numpy.ndarray]:
    """What the rule adds and hides; the mask in bits, (…, queries, keys / 8)."""
    arrays = {}
    if rule.mask is not None:
        arrays["mask"] = packed_bits(rule.mask != 0, keys)
    if is_spread(rule.bias):
        arrays["biasByDistance"] = _typed(numpy.atleast_2d(gathered(rule.bias)), Form.EXACT)
    elif rule.bias is not None:
        arrays["bias"] = _typed(rule.bias, Form.EXACT)
    if rule.sinks is not None:
        arrays["sinks"] = _typed(rule.sinks, Form.EXACT)
    return arrays


def _typed(array: numpy.ndarray, form: Form) -> numpy.ndarray:
    """``array`` in the numbers of ``form``. Half precision stays what it is: it is exact already."""
    if form is Form.EXACT:
        return array if array.dtype in FLOATING else array.astype(numpy.float64)
    if form is Form.SINGLE:
        return array if array.dtype == numpy.float16 else array.astype(numpy.float32)
    return array.astype(numpy.float16)


def _error(selected: LayerSelection, arrays: dict[str, numpy.ndarray], cells: int) -> float:
    """The largest difference of a weight computed from ``arrays`` from the trace's own."""
    rule = selected_rule(selected)
    own, rounded = (Layer(*vectors_by_head(selected, vectors), rule) for vectors in (None, arrays))
    queries, keys = own.query.shape[1], own.key.shape[1]
    size = max(1, cells // (own.heads * keys))
    worst = 0.0
    for start in range(0, queries, size):
        stop = min(start + size, queries)
        exact, ours = (some_queries(layer, start, stop).steps().weights for layer in (own, rounded))
        worst = max(worst, float(numpy.abs(ours - exact).max()))
    return worst
