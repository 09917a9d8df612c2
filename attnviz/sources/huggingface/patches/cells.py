"""The cells into which a model's first layer cuts a picture, and the box of each in the picture."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy
import torch

from attnviz.sources.huggingface.patches.axis import Axis, fitted
from attnviz.sources.huggingface.patches.lattice import lattice
from attnviz.sources.huggingface.patches.ramps import Coordinates


class Cells(NamedTuple):
    """What comes out of the first layer, one after the other.

    places  (cells, 3): in which part of the picture (a crop, a tile), row and column of it
    boxes   (cells, 4): left, top, right and bottom in pixels of the picture; not a number where it shows none of it
    shape   of the cells in what comes out: (items,), (items, rows, columns)
    """

    places: numpy.ndarray
    boxes: numpy.ndarray
    shape: tuple[int, ...]


class Window(NamedTuple):
    """How a layer moves over one side: the size of its kernel, its step, the padding before, and the distance in the kernel."""

    kernel: int
    stride: int
    padding: int
    dilation: int

    @property
    def reach(self) -> int:
        """From the first pixel that a cell reads to behind its last."""
        return self.dilation * (self.kernel - 1) + 1

    def steps(self, side: int) -> int:
        """How many cells a side of so many pixels gives."""
        return (side + 2 * self.padding - self.reach) // self.stride + 1

    def of(self, place: int) -> tuple[int, int]:
        """The first pixel that the cell at ``place`` reads, and the one behind its last."""
        start = place * self.stride - self.padding
        return start, start + self.reach


def cells_of(layer: Any, given: Coordinates, size: tuple[int, int], count: int) -> Cells | None:
    """The cells of ``layer``, to which numbers from these places were given; None where they do not lie in rows and columns.

    ``size`` is the picture's width and height, and ``count`` how many vectors came out.
    """
    items = count if isinstance(layer, torch.nn.Linear) else given.known.shape[0]
    if count == items > 1:  # each is one patch, cut out by the processor
        return _single(Coordinates(*(array.reshape(count, -1) for array in given)), size)
    if isinstance(layer, torch.nn.Linear):
        return None
    windows = [
        Window(*one) for one in zip(layer.kernel_size, layer.stride, _padding(layer), layer.dilation, strict=True)
    ]
    down, across = windows[-2:]
    rows, columns = down.steps(given.known.shape[-2]), across.steps(given.known.shape[-1])
    if count != items * rows * columns:
        return None
    parts = [Coordinates(*(array[item].reshape(-1, *array.shape[-2:]) for array in given)) for item in range(items)]
    boxes = [_boxes(part, (down, across), (rows, columns), size) for part in parts]
    places = numpy.indices((items, rows, columns)).reshape(3, -1).T
    return Cells(places, numpy.concatenate(boxes), (items, rows, columns))


def _single(given: Coordinates, size: tuple[int, int]) -> Cells | None:
    """The cells where each reads one patch, (cells, numbers), and nothing but where it was tells how the patches lie."""
    shown = numpy.asarray(given.known.any(axis=1))
    if not shown.any():
        return None
    across, down = (
        lattice(array[shown], given.known[shown], side) for array, side in zip(given[:2], size, strict=True)
    )
    if across is None or down is None:
        return None
    (columns, left, right), (rows, top, bottom) = across, down
    places = numpy.zeros((len(shown), 3), dtype=numpy.int64)
    places[shown, 1], places[shown, 2] = rows, columns
    places[~shown] = -1
    boxes = numpy.full((len(shown), 4), math.nan)
    boxes[shown] = numpy.stack([left, top, right, bottom], axis=1)
    return Cells(places, boxes, (len(shown),))


def _boxes(
    given: Coordinates, windows: tuple[Window, Window], counts: tuple[int, int], size: tuple[int, int]
) -> numpy.ndarray:
    """The boxes of the cells of one part, (rows · columns, 4); none shows anything where its pixels lie on no straight lines."""
    known = numpy.asarray(given.known.any(axis=0))  # (rows, columns), of any colour
    tall, wide = (numpy.asarray(known.any(axis=axis)) for axis in (1, 0))
    sides = []
    if (known == tall[:, None] & wide).all():
        inside = numpy.ix_(tall, wide)
        across = _line(numpy.stack([channel[inside] for channel in given.across]).mean(axis=(0, 1)), wide, size[0])
        down = _line(numpy.stack([channel[inside] for channel in given.down]).mean(axis=(0, 2)), tall, size[1])
        sides = [
            _edges(axis, window, count, seen, side)
            for axis, window, count, seen, side in zip(
                (down, across), windows, counts, (tall, wide), size[::-1], strict=True
            )
            if axis is not None
        ]
    if len(sides) < 2:
        return numpy.full((counts[0] * counts[1], 4), math.nan)
    (top, bottom), (left, right) = (
        side[:, :, None] if number == 0 else side[:, None, :] for number, side in enumerate(sides)
    )
    boxes = numpy.stack(numpy.broadcast_arrays(left, top, right, bottom), axis=-1).reshape(-1, 4)
    boxes[numpy.isnan(boxes).any(axis=1)] = math.nan
    return boxes


def _line(places: numpy.ndarray, seen: numpy.ndarray, size: int) -> Axis | None:
    return fitted(numpy.flatnonzero(seen) + 0.5, places, size)


def _edges(axis: Axis, window: Window, count: int, seen: numpy.ndarray, size: int) -> numpy.ndarray:
    """Where each cell begins and ends along a side, (2, cells), of what it reads of the picture; not a number where that is nothing."""
    first, last = int(numpy.flatnonzero(seen)[0]), int(numpy.flatnonzero(seen)[-1]) + 1
    edges = numpy.full((2, count), math.nan)
    for place in range(count):
        start, stop = window.of(place)
        start, stop = max(start, first), min(stop, last)
        if start < stop:
            edges[:, place] = min(max(axis.at(start), 0.0), size), min(max(axis.at(stop), 0.0), size)
    return edges


def _padding(layer: Any) -> tuple[int, ...]:
    """The padding before each side of a convolution, which may have a name."""
    if layer.padding == "valid":
        return (0,) * len(layer.kernel_size)
    if layer.padding == "same":
        sizes = zip(layer.kernel_size, layer.dilation, strict=True)
        return tuple(dilation * (kernel - 1) // 2 for kernel, dilation in sizes)
    return tuple(map(int, layer.padding))
