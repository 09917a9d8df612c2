"""Which numbers a page holds: Q, K and V in one of three precisions, or 8-bit weights where these are smaller."""

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
from attnviz.trace.selection import LayerSelection

BASE64 = 4 / 3  # bytes of base64 for each byte
LEFT_OF_LEVELS = 0.8  # what compression leaves of 8-bit weights that are much alike


class Form(StrEnum):
    """The numbers that a page holds, from the most exact to the smallest."""

    EXACT = "exact"
    SINGLE = "float32"
    HALF = "float16"
    WEIGHTS = "weights"


LARGEST = {Form.EXACT: math.inf, Form.SINGLE: 3.4028234663852886e38, Form.HALF: 65504.0}


def forms(selected_layers: Sequence[LayerSelection], limits: Limits = USUAL) -> list[Form]:
    """The forms to try: the most exact that stay easy to open, then the smaller of half precision and weights."""
    most = min(limits.easy, limits.room)
    fitting = [
        form
        for form in (Form.EXACT, Form.SINGLE, Form.HALF)
        if all(_in_range(selected, form) for selected in selected_layers)
    ]
    easy = [form for form in fitting if packed_size(selected_layers, form) <= most]
    last = sorted({Form.WEIGHTS, *fitting[2:]}, key=lambda form: packed_size(selected_layers, form, limits.room))
    return [*easy, *(form for form in last if form not in easy)]


def packed_size(selected_layers: Sequence[LayerSelection], form: Form, room: float = math.inf) -> int:
    """About how many bytes of base64 the arrays of ``selected_layers`` take in this form. Weights that seem too many for so
    many bytes of ``room`` are looked at: where few keys take most of them, they are compressed to a fraction.
    """
    size = round(sum(_bytes(selected, form) for selected in selected_layers) * BASE64)
    if form is Form.WEIGHTS and size > room:
        size = round(sum(_cells(selected) * compressed_share(selected) for selected in selected_layers) * BASE64)
    return size


def _in_range(selected: LayerSelection, form: Form) -> bool:
    """Whether the numbers of ``selected`` are within the range of ``form``."""
    largest = max(float(numpy.abs(array).max()) for array in selected_vectors(selected).values())
    return largest <= LARGEST[form]


def _bytes(selected: LayerSelection, form: Form) -> float:
    """Bytes of one layer before they are base64."""
    layer, rule = selected.layer, selected.layer.rule
    queries, keys, cells = int(layer.query.shape[1]), int(layer.key.shape[1]), _cells(selected)
    if form is Form.WEIGHTS:
        return cells * (0.5 if rule.causal and queries == keys else 1.0) * LEFT_OF_LEVELS
    d_k, d_v = int(layer.query.shape[-1]), int(layer.value.shape[-1])
    numbers = len(selected.heads) * queries * d_k + len(kv_heads(selected)) * keys * (d_k + d_v)
    width: int = {Form.SINGLE: 4, Form.HALF: 2}.get(form, to_numpy(layer.query[:1, :1]).dtype.itemsize)
    bias = 0 if rule.bias is None or is_spread(rule.bias) else 8 * min(cells, math.prod(rule.bias.shape))
    return numbers * width + bias


def _cells(selected: LayerSelection) -> int:
    """How many pairs the maps of the selected heads have."""
    return len(selected.heads) * int(selected.layer.query.shape[1]) * int(selected.layer.key.shape[1])
