"""What a page holds of what each key brings through all heads of a layer together (trace/summed.py says what that is).

Along a direction its script adds up what the heads bring. Of lengths it needs the vectors v_j W_O^h of all heads h of a key, or a
triangle of numbers that stands for them: R of f = Q R, whose columns are these vectors, for ‖f α‖ = ‖R α‖ (Q turns, and no length
changes), and a number that is rounded changes the length by no more than it is off. A page holds triangles where they are asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy

from attnviz.attention.arrays import overflow_unspoken
from attnviz.attention.checks import require_finite
from attnviz.attention.threads import limit_blas
from attnviz.choices import MapStep
from attnviz.renderers.page.blobs import Blobs
from attnviz.renderers.page.carried import in_numpy
from attnviz.renderers.page.digits import rounded_up
from attnviz.renderers.page.forms import BASE64, Form, single
from attnviz.renderers.page.packing import PackedPart, Part
from attnviz.renderers.page.selected import computed_type
from attnviz.trace.contribution import YIELDED, is_known
from attnviz.trace.selection import LayerSelection
from attnviz.trace.summed import BLOCK, carried_by_heads


class Sums(NamedTuple):
    """What a page holds of one part.

    triangles  (keys, heads · (heads + 1) / 2): R of each key, row after row; None along a direction
    error      the most that a sum is off by, where the browser computes it from rounded numbers
    """

    triangles: numpy.ndarray | None
    error: float = 0.0


def add_sums(
    record: dict[str, Any], parts: Sequence[Part], packed: Sequence[PackedPart], blobs: Blobs, step: MapStep | None
) -> float:
    """Put into the ``record`` of a page that opens with the map of ``step`` what it holds of the sums over the heads of each part,
    and its arrays into ``blobs``. The answer is how many bytes of base64 these take at most."""
    taken = 0.0
    for said, part, arrays in zip(record["layers"], parts, packed, strict=True):
        sums = sums_of(part, arrays, step)
        if sums is None:
            continue
        said["sums"] = True
        if sums.triangles is not None:
            said["triangles"] = blobs.add(sums.triangles)
            taken += BASE64 * sums.triangles.nbytes
        if "errors" in said:
            said["errors"]["summed"] = rounded_up(sums.error)
    return taken


def sums_of(part: Part, packed: PackedPart, step: MapStep | None) -> Sums | None:
    """What a page that opens with the map of ``step`` holds of the sums over the heads of ``part``; None where it has none."""
    selected, form = part
    if not sums_up(part, step):
        return None
    errors = packed.errors
    if selected.layer.toward is not None:
        return Sums(None, 0.0 if errors is None else len(selected.heads) * errors.contribution)
    own = triangles(selected)
    held = own.astype(computed_type(selected)) if form is Form.EXACT else single(own)
    if errors is None:
        return Sums(held)
    # ‖Σ α f‖ − ‖Σ α′ f′‖ ≤ Σ |α − α′| ‖f‖ + Σ α′ ‖f − f′‖, and no weight is above 1
    return Sums(held, errors.weights * _lengths(own) + _lengths(own - held))


def sums_up(part: Part, step: MapStep | None) -> bool:
    """Whether a page that opens with the map of ``step`` can add up what the heads of ``part`` bring: all of its layer's."""
    layer = part.selected.layer
    if not (part.form.computes and is_known(layer) and len(part.selected.heads) == layer.heads):
        return False
    return layer.toward is not None or step is MapStep.SUMMED


def sums_size(selected_layers: Sequence[LayerSelection], step: MapStep | None) -> float:
    """About how many bytes of base64 they take, and not less."""
    parts = [Part(selected, Form.EXACT) for selected in selected_layers if not selected.layer.weights_alone]
    alike = (part.selected for part in parts if sums_up(part, step) and part.selected.layer.toward is None)
    return BASE64 * sum(
        selected.layer.keys * _numbers(selected) * numpy.dtype(computed_type(selected)).itemsize for selected in alike
    )


def triangles(selected: LayerSelection) -> numpy.ndarray:
    """R of each key, of the heads as they are selected, in float64.  (keys, heads · (heads + 1) / 2)"""
    layer, heads = in_numpy(selected.layer), selected.heads
    rows, columns = numpy.triu_indices(len(heads))
    found = numpy.zeros((layer.keys, len(rows)))
    with (
        limit_blas(1),
        overflow_unspoken(),
    ):  # each is small: threads would wait for each other longer than they compute
        for start in range(0, layer.keys, BLOCK):
            vectors = carried_by_heads(layer, heads, slice(start, start + BLOCK))
            require_finite(vectors, YIELDED)
            made = numpy.asarray(
                numpy.linalg.qr(vectors.transpose(0, 2, 1), mode="r")
            )  # (keys, min(d_out, heads), heads)
            there = rows < made.shape[1]  # the rows below, of vectors of fewer numbers than heads, are 0
            found[start : start + BLOCK, there] = made[:, rows[there], columns[there]]
    require_finite(found, YIELDED)
    return found


def _lengths(packed: numpy.ndarray) -> float:
    """The lengths of the columns of a key's triangle, added up; of the key where that is most."""
    count = round((2 * packed.shape[1]) ** 0.5 - 0.5)
    columns, squares = numpy.triu_indices(count)[1], numpy.zeros((len(packed), count))
    for place, column in enumerate(columns):
        squares[:, column] += packed[:, place] ** 2
    return float(numpy.sqrt(squares).sum(axis=1).max())


def _numbers(selected: LayerSelection) -> int:
    """How many numbers a triangle has."""
    return len(selected.heads) * (len(selected.heads) + 1) // 2
