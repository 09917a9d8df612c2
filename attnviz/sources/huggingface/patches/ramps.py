"""Pictures of coordinates: sent through a model's processor, they say of each number that comes out where it was in the picture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy

LEVELS = 255  # between black and white
MOST_FOLDS, LEAST_FOLD = 8, 64  # of a finer ramp, and pixels of each
FOLD_EDGE = 0.12  # of a fold
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
    """Six pictures of this size, grey: black, white, two that grow brighter from left to right and from top to bottom, and two that
    do so several times, bright to dark and back: 256 levels are too few to tell 255 pixels from 256."""
    from PIL import Image

    yield Image.new("RGB", (width, height), (0, 0, 0))
    yield Image.new("RGB", (width, height), (LEVELS,) * 3)
    for folds in (_one, folds_of):
        across = _ramp(width, folds(width))[None, :].repeat(height, axis=0)
        yield Image.fromarray(across).convert("RGB")
        down = _ramp(height, folds(height))[:, None].repeat(width, axis=1)
        yield Image.fromarray(down).convert("RGB")


def decoded(prepared: list[numpy.ndarray], size: tuple[int, int]) -> Coordinates:
    """The coordinates that the six pictures tell, as they came out of the processor, of a picture of this width and height.

    Each number is taken for what it is between the black picture's and the white one's: so it does not matter how a processor
    shifts, scales or orders colours.
    """
    black, white, *ramps = (array.astype(numpy.float64) for array in prepared)
    range_ = white - black
    known = numpy.abs(range_) > LEAST_DIFFERENCE * max(float(numpy.abs(range_).max(initial=0.0)), 1e-30)
    safe = numpy.where(known, range_, 1.0)
    across, down, fine_across, fine_down = ((ramp - black) / safe for ramp in ramps)
    return Coordinates(_finer(across, fine_across, size[0]), _finer(down, fine_down, size[1]), known)


def folds_of(size: int) -> int:
    """How often the finer ramp of a side of so many pixels goes up or down: each wide enough to be seen after resizing."""
    return max(1, min(MOST_FOLDS, size // LEAST_FOLD))


def _one(_: int) -> int:
    return 1


def _ramp(size: int, folds: int) -> numpy.ndarray:
    """The brightness of each pixel: how far its middle is along the side, or along the fold that it lies in."""
    along = (numpy.arange(size) + 0.5) / size * folds
    return numpy.round(LEVELS * numpy.abs(along - 2 * numpy.round(along / 2))).astype(numpy.uint8)


def _finer(coarse: numpy.ndarray, fine: numpy.ndarray, size: int) -> numpy.ndarray:
    """The places that the finer ramp tells where the coarse one tells in which fold they lie; near the ends of a fold, where
    resizing mixes up and down, those of the coarse one. Both are shares of the brightness."""
    folds = folds_of(size)
    along = coarse * folds
    fold = numpy.floor(along)
    inside = numpy.abs(along - numpy.round(along)) > FOLD_EDGE
    finer = (fold + numpy.where(fold % 2 == 0, fine, 1 - fine)) / folds
    return numpy.where(inside & (folds > 1), finer, coarse) * size
