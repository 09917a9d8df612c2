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
from attnviz.renderers.page.selected import kv_places, selected_rule, selected_vectors
from attnviz.trace.layer import Layer
from attnviz.trace.selection import LayerSelection
from attnviz.trace.slices import some_rows

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
    return PackedLayer(arrays | _rule_arrays(selected_rule(selected), selected.layer.key.shape[1]), error)


def _rule_arrays(rule: Rule, keys: int) -> dict[str, numpy.ndarray]:
    """What the rule adds and hides; the mask in bits, (…, queries, keys / 8)."""
    arrays = {}
    if rule.mask is not None:
        mask = numpy.broadcast_to(rule.mask != 0, (*rule.mask.shape[:-1], keys))
        arrays["mask"] = numpy.packbits(mask, axis=-1, bitorder="little")
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
    """The largest difference of a weight computed from ``arrays``, in float64 as a browser does, from the trace's own."""
    own, rounded = (_in_float64(selected, vectors) for vectors in (selected_vectors(selected), arrays))
    queries, keys = own.query.shape[1], own.key.shape[1]
    size = max(1, cells // (own.heads * keys))
    worst = 0.0
    for start in range(0, queries, size):
        stop = min(start + size, queries)
        exact, ours = (some_rows(layer, start, stop).steps().weights for layer in (own, rounded))
        worst = max(worst, float(numpy.abs(ours - exact).max()))
    return worst


def _in_float64(selected: LayerSelection, vectors: dict[str, numpy.ndarray]) -> Layer:
    """A layer of ``vectors``, each selected head with a key and a value of its own."""
    kept = numpy.array(kv_places(selected))
    query, key, value = (vectors[name].astype(numpy.float64) for name in ("query", "key", "value"))
    return Layer(query, key[kept], value[kept], selected_rule(selected))
