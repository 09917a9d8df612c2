"""Two traces, or two heads of one, in one page, which opens with two maps side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from attnviz.analysis.difference.alignment import Alignment
from attnviz.renderers.page.forms import Form
from attnviz.renderers.page.packing import Part
from attnviz.trace.layer import Layer

Spot = tuple[Layer, int]  # a head


class Beside(NamedTuple):
    """What stands beside what.

    text      what is compared, in a line
    opens     the two heads that the page opens with, left and right
    names     what each side is called; () where both are of one trace
    right     the layers that are of the right side
    partners  two layers, and which of their queries and which of their keys are the same tokens
    """

    text: str
    opens: tuple[Spot, Spot]
    names: tuple[str, ...] = ()
    right: Sequence[Layer] = ()
    partners: Sequence[tuple[Layer, Layer, Alignment, Alignment]] = ()


def beside_record(beside: Beside, parts: Sequence[Part], layers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What the page knows of both sides; the records of its ``layers``, one for each of ``parts``, are told theirs."""
    left, right = (_spot(spot, parts) for spot in beside.opens)
    opened = {"text": beside.text, "opens": left | {"other": right}}
    if not beside.names:
        return opened
    for part, record in zip(parts, layers, strict=True):
        record["side"] = int(any(part.selected.layer is one for one in beside.right))
    return opened | {"sides": list(beside.names), "partners": list(_partners(beside, parts, layers).values())}


def _spot(spot: Spot, parts: Sequence[Part]) -> dict[str, int]:
    """Where a head is: the place of its part, and its own place in that."""
    layer, head = spot
    place = next(
        place for place, part in enumerate(parts) if part.selected.layer is layer and head in part.selected.heads
    )
    return {"layer": place, "head": parts[place].selected.heads.index(head)}


def _partners(
    beside: Beside, parts: Sequence[Part], layers: Sequence[dict[str, Any]]
) -> dict[tuple[int, int], dict[str, Any]]:
    """Which positions are the same, of each two texts once; a cell of many tokens has no partner."""
    found: dict[tuple[int, int], dict[str, Any]] = {}
    for left, right, *alignments in beside.partners:
        one, other = _record_of(left, parts, layers), _record_of(right, parts, layers)
        if one is None or other is None:
            continue
        for side, alignment in zip(("queryTexts", "keyTexts"), alignments, strict=True):
            texts = one[side], other[side]
            if texts[0] != texts[1]:
                found[texts] = {"texts": list(texts), "pairs": [list(alignment.left), list(alignment.right)]}
    return found


def _record_of(layer: Layer, parts: Sequence[Part], layers: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The record of a part of ``layer`` that holds single tokens."""
    whole = (
        record
        for part, record in zip(parts, layers, strict=True)
        if part.selected.layer is layer and part.form is not Form.POOLED
    )
    return next(whole, None)
