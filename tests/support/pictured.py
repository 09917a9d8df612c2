"""Pictures with one bright patch, and traces of pictures made by hand."""

from __future__ import annotations

import numpy
from PIL import Image

from attnviz.trace.layer import Layer
from attnviz.trace.trace import Trace

TOKENS = ("[CLS]", "r0c0", "r0c1", "r0c2", "r1c0", "r1c1", "r1c2")


def bright(size: tuple[int, int], box: tuple[float, float, float, float]) -> Image.Image:
    """A black picture, white inside ``box``: left, top, right, bottom."""
    picture = Image.new("RGB", size)
    left, top, right, bottom = map(round, box)
    picture.paste((255, 255, 255), (left, top, right, bottom))
    return picture


def grid_boxes(rows: int, columns: int, side: float, before: int = 0, after: int = 0) -> numpy.ndarray:
    """The boxes of patches row by row, between tokens that show nothing."""
    row, column = numpy.indices((rows, columns)).reshape(2, -1)
    boxes = side * numpy.stack([column, row, column + 1, row + 1], axis=1).astype(float)
    nothing = numpy.full((1, 4), numpy.nan)
    return numpy.concatenate([nothing.repeat(before, 0), boxes, nothing.repeat(after, 0)])


def pictured_trace(heads: int = 2, layers: int = 2, words: tuple[str, ...] = ()) -> Trace:
    """[CLS] and 2 × 3 patches of a picture of 30 × 20 pixels, and behind them ``words`` of a text."""
    tokens = (*TOKENS, *words)
    generator = numpy.random.default_rng(3)
    boxes = grid_boxes(2, 3, 10.0, before=1, after=len(words))
    made = []
    for index in range(layers):
        vectors = generator.standard_normal((3, heads, len(tokens), 4))
        made.append(Layer(*vectors, index=index, boxes=boxes))
    source = {
        "kind": "model",
        "model": "seer",
        "picture": {"width": 30, "height": 20},
        "agreement": {"largest_error": 1e-6},
    }
    return Trace(tokens, tuple(made), source | ({"ids": [*range(len(tokens))]} if words else {}))
