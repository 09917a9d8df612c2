"""The picture that a model has read, as a page holds it, and where tokens stand in it."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy

from attnviz.renderers.page.forms import Form
from attnviz.renderers.page.packing import Part
from attnviz.trace.boxes import boxes_of_queries

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE = 1024  # pixels of the longer side: more than a window shows
QUALITY = 88  # of a JPEG
DECIMALS = 2  # of a box, in pixels of the picture


def image_record(image: Image | None, parts: Sequence[Part]) -> dict[str, Any]:
    """What the record of a page says of ``image``: its size, itself as a data address, and of each part which boxes its queries
    and its keys have, by their places among ``boxes``; nothing without a picture."""
    if image is None:
        return {}
    lists: list[list[list[float] | None]] = []
    return {
        "image": {
            "width": image.width,
            "height": image.height,
            "address": _address(image),
            "boxes": lists,
            "layers": [[_place(lists, boxes) for boxes in _boxes(part)] for part in parts],
        }
    }


def _boxes(part: Part) -> tuple[Any, Any]:
    """The boxes of the queries and of the keys of ``part``; None where its cells are of many tokens, or show no picture."""
    layer = part.selected.layer
    return (None, None) if part.form is Form.POOLED else (boxes_of_queries(layer), layer.boxes)


def _place(lists: list[list[list[float] | None]], boxes: Any) -> int | None:
    """The place of ``boxes`` among ``lists``, each different one once."""
    if boxes is None:
        return None
    rounded = [None if numpy.isnan(box[0]) else [round(float(side), DECIMALS) for side in box] for box in boxes]
    if rounded not in lists:
        lists.append(rounded)
    return lists.index(rounded)


def _address(image: Image) -> str:
    """``image``, no larger than a window shows, as a data address."""
    from PIL.Image import Resampling

    smaller = image.copy()
    smaller.thumbnail((SIDE, SIDE), Resampling.LANCZOS)
    content = io.BytesIO()
    smaller.save(content, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(content.getvalue()).decode("ascii")
