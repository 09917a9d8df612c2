"""How a page holds attention: as Q, K and V, which the browser computes with, or as 8-bit weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy

from attnviz.analysis.blocks import CELLS
from attnviz.attention.rule import Rule
from attnviz.attention.toeplitz import gathered, is_spread
from attnviz.renderers.page.carried import carried_arrays, with_carried
from attnviz.renderers.page.digits import Errors, errors
from attnviz.renderers.page.forms import Form
from attnviz.renderers.page.levels import given_weights, layer_in_levels
from attnviz.renderers.page.lowered import lowered_cells, packed_bits
from attnviz.renderers.page.selected import selected_rule, selected_vectors
from attnviz.renderers.page.short import shortened
from attnviz.trace.selection import LayerSelection

FLOATING = (numpy.float16, numpy.float32, numpy.float64)  # the types that a page's script reads


class Part(NamedTuple):
    """Some heads of a layer, and the form in which the page holds them."""

    selected: LayerSelection
    form: Form


class PackedPart(NamedTuple):
    """The arrays of a part as a page holds them.

    error   the largest difference of a weight from the trace's
    errors  the same of every step, where the browser computes them from rounded numbers
    """

    arrays: dict[str, numpy.ndarray]
    error: float
    errors: Errors | None = None


def pack_parts(parts: Sequence[Part], run: Callable[..., Iterable[PackedPart]] = map) -> list[PackedPart]:
    """The arrays of these parts; ``run`` is a ``map`` that may work on several at once."""
    return list(run(pack_part, parts))


def pack_part(part: Part, cells: int = CELLS) -> PackedPart:
    """The arrays by which a page shows ``part``; what has queries × keys cells is computed so many of them at a time."""
    selected, form = part
    if form is Form.WEIGHTS:
        levels, scales, error = layer_in_levels(selected, cells)
        return PackedPart({"levels": levels, "scales": scales}, error)
    if form is Form.GIVEN:
        return PackedPart({"weights": given_weights(selected)}, 0.0)
    arrays, rounded = _vectors(selected, form)
    found = None if rounded is None else errors(selected, rounded, cells)
    carried, read = carried_arrays(selected, form)
    if found is not None and rounded is not None:
        found = with_carried(found, selected, rounded, read, cells)
    arrays |= carried
    arrays |= _rule_arrays(selected_rule(selected), selected.layer.keys)
    if (lowered := lowered_cells(selected, cells)) is not None:
        arrays["lowered"] = lowered
    return PackedPart(arrays, 0.0 if found is None else found.weights, found)


def _vectors(selected: LayerSelection, form: Form) -> tuple[dict[str, numpy.ndarray], dict[str, numpy.ndarray] | None]:
    """Query, key and value as the page holds them; and, where that is not exactly, the numbers that its script reads."""
    own = selected_vectors(selected)
    if form is Form.SHORT:
        short = {name: shortened(array) for name, array in own.items()}
        held = {key: array for name, one in short.items() for key, array in one.named(name).items()}
        return held, {name: one.numbers for name, one in short.items()}
    arrays = {name: _typed(array, form) for name, array in own.items()}
    same = all(arrays[name].dtype == array.dtype for name, array in own.items())
    return arrays, None if form is Form.EXACT or same else arrays


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
    if form is Form.SINGLE and array.dtype != numpy.float16:
        return array.astype(numpy.float32)
    return array if array.dtype in FLOATING else array.astype(numpy.float64)
