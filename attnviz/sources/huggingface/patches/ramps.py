"""Pictures of coordinates: sent through a model's processor, they say of each number that comes out where it was in the picture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy

LEVELS = 255  # between black and white
LEAST_DIFFERENCE = (
    1e-3  # between black and white, in parts of the largest: with less a number is no part of the picture
)


class Coordinates(NamedTuple):
    """Where numbers come from, in pixels of the picture: ``across`` from its left edge, ``down`` from its upper edge.

    known  whether a number comes from the picture at all, and not from what its processor put around it
    All have the shape of those numbers.
    """

    across: numpy.ndarray
    down: numpy.ndarray
    known: numpy.ndarray


def coordinate_pictures(width: int, height: int) -> Iterator[Any]:
    """Four pictures of this size, grey: black, white, and two that grow brighter from left to right and from top to bottom."""
    from PIL import Image

    across = _ramp(width)[None, :].repeat(height, axis=0)
    yield Image.new("RGB", (width, height), (0, 0, 0))
    yield Image.new("RGB", (width, height), (LEVELS,) * 3)
    yield Image.fromarray(across).convert("RGB")
    yield Image.fromarray(_ramp(height)[:, None].repeat(width, axis=1)).convert("RGB")


def decoded(prepared: list[numpy.ndarray], size: tuple[int, int]) -> Coordinates:
    """The coordinates that the four pictures tell, as they came out of the processor, of a picture of this width and height.

    Each number is taken for what it is between the black picture's and the white one's: so it does not matter how a processor
    shifts, scales or orders colours.
    """
    black, white, across, down = (array.astype(numpy.float64) for array in prepared)
    range_ = white - black
    known = numpy.abs(range_) > LEAST_DIFFERENCE * max(float(numpy.abs(range_).max(initial=0.0)), 1e-30)
    safe = numpy.where(known, range_, 1.0)
    return Coordinates((across - black) / safe * size[0], (down - black) / safe * size[1], known)


def _ramp(size: int) -> numpy.ndarray:
    """The brightness of each pixel: how far its middle is along the side."""
    return numpy.round(LEVELS * (numpy.arange(size) + 0.5) / size).astype(numpy.uint8)
