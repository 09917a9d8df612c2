"""The numbers in which a page holds heads, and about how many bytes these take."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum

import numpy

from attnviz.attention.arrays import to_numpy
from attnviz.attention.toeplitz import is_spread
from attnviz.renderers.page.levels import compressed_share
from attnviz.renderers.page.limits import USUAL, Limits
from attnviz.renderers.page.selected import kv_heads, selected_vectors
from attnviz.trace.contribution import is_known
from attnviz.trace.selection import LayerSelection

BASE64 = 4 / 3  # bytes of base64 for each byte
LEFT_OF_LEVELS = 0.8  # what compression leaves of 8-bit weights that are much alike
LARGEST = float(numpy.finfo(numpy.float32).max)  # that single precision has, in which the ends of 16 bits are held


class Form(StrEnum):
    """The numbers that a page holds of a head, from the most to the least that they tell.

    exact    Query, Key and Value as the trace has them
    float32  the same in single precision
    int16    the same in whole numbers of 16 bits, between the smallest and the largest of each dimension of a head
    given    weights alone, as the trace has them
    weights  8 bits of each weight
    pooled   16 bits of each cell of many weights
    """

    EXACT = "exact"
    SINGLE = "float32"
    SHORT = "int16"
    GIVEN = "given"
    WEIGHTS = "weights"
    POOLED = "pooled"

    @property
    def computes(self) -> bool:
        """Whether a browser can compute every step from it."""
        return self in (Form.EXACT, Form.SINGLE, Form.SHORT)


def single(array: numpy.ndarray) -> numpy.ndarray:
    """``array`` in single precision, if its numbers are within the range of that and need it."""
    fits = array.dtype == numpy.float64 and float(numpy.abs(array).max(initial=0.0)) <= LARGEST
    return array.astype(numpy.float32) if fits else array


def best_form(selected_layers: Sequence[LayerSelection], limits: Limits = USUAL, beyond: float = 0) -> Form | None:
    """The most exact form that has room and from which every step can be computed; None where there is none. So many bytes
    ``beyond`` are not for arrays."""
    sizes = {form: packed_size(selected_layers, form) for form in _computing(selected_layers)}
    easy = [form for form, size in sizes.items() if size <= limits.easy - beyond]
    smallest = min(sizes, key=sizes.__getitem__)
    if easy:
        return easy[0]
    return smallest if sizes[smallest] <= limits.computed_room - beyond else None


def smallest_form(selected_layers: Sequence[LayerSelection]) -> Form:
    """The form that takes the least room of those from which every step can be computed."""
    return min(_computing(selected_layers), key=lambda form: packed_size(selected_layers, form))


def packed_size(selected_layers: Sequence[LayerSelection], form: Form, room: float = math.inf) -> int:
    """About how many bytes of base64 the arrays of ``selected_layers`` take in this form. Weights that seem too many for so
    many bytes of ``room`` are looked at: where few keys take most of them, they are compressed to a fraction.
    """
    size = round(sum(_bytes(selected, form) for selected in selected_layers) * BASE64)
    if form is Form.WEIGHTS and size > room:
        size = round(sum(_cells(selected) * compressed_share(selected) for selected in selected_layers) * BASE64)
    return size


def _computing(selected_layers: Sequence[LayerSelection]) -> list[Form]:
    """The forms from which every step can be computed, the most exact first."""
    return [Form.EXACT, *([Form.SINGLE, Form.SHORT] if all(map(_in_range, selected_layers)) else [])]


def _in_range(selected: LayerSelection) -> bool:
    """Whether the numbers of ``selected`` are within the range of single precision."""
    return max(float(numpy.abs(array).max()) for array in selected_vectors(selected).values()) <= LARGEST


def _bytes(selected: LayerSelection, form: Form) -> float:
    """Bytes of one layer before they are base64."""
    layer, rule = selected.layer, selected.layer.rule
    queries, keys, cells = layer.queries, layer.keys, _cells(selected)
    if form is Form.WEIGHTS:
        return cells * (0.5 if rule.causal and queries == keys else 1.0) * LEFT_OF_LEVELS
    if form is Form.GIVEN:
        return float(cells * to_numpy(layer.queried[:1, :1]).dtype.itemsize)
    d_k, d_v = int(layer.query.shape[-1]), int(layer.value.shape[-1])
    kept = len(kv_heads(selected))
    numbers = len(selected.heads) * queries * d_k + kept * keys * (d_k + d_v)
    width: int = {Form.SINGLE: 4, Form.SHORT: 2}.get(form, to_numpy(layer.query[:1, :1]).dtype.itemsize)
    ends = 8 * (len(selected.heads) * d_k + kept * (d_k + d_v)) if form is Form.SHORT else 0
    bias = 0 if rule.bias is None or is_spread(rule.bias) else 8 * min(cells, math.prod(rule.bias.shape))
    return numbers * width + ends + bias + _carried(selected, width)


def _carried(selected: LayerSelection, width: int) -> int:
    """Bytes of what weights are multiplied with to be contributions, of ``width`` bytes a number of Query, Key and Value."""
    layer, heads = selected.layer, len(selected.heads)
    if not is_known(layer):
        return 0
    if layer.toward is not None and layer.toward.turns:
        return heads * layer.queries * int(layer.value.shape[-1]) * width
    return heads * layer.keys * max(width, 4)


def _cells(selected: LayerSelection) -> int:
    """How many pairs the maps of the selected heads have."""
    return len(selected.heads) * selected.layer.queries * selected.layer.keys
