"""From which cells reach a token to the part of the picture that it shows: by changing half of them, by each digit of their places."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy

from attnviz.sources.huggingface.patches.cells import Cells
from attnviz.sources.huggingface.patches.probe import Place, Sides

Changed = Callable[[numpy.ndarray], Mapping[Place, Sides]]
AXES = 3  # of a cell's place: the part of the picture, its row, its column


class Patches(NamedTuple):
    """What each of some tokens shows of a picture.

    cells  (tokens, 3, 2): the first and the last part, row and column; -1 of a token that shows none
    boxes  (tokens, 4): left, top, right, bottom in pixels of the picture; not a number of such a token
    """

    cells: numpy.ndarray
    boxes: numpy.ndarray

    @property
    def there(self) -> numpy.ndarray:
        """Which tokens show a part of the picture."""
        there: numpy.ndarray = ~numpy.isnan(self.boxes[:, 0])
        return there


class _Found:
    """What is known so far of the places that reach each token of one side of a layer, (tokens, 3) each."""

    def __init__(self, reached: numpy.ndarray) -> None:
        self.reached = reached
        self.low = numpy.zeros((len(reached), AXES), dtype=numpy.int64)
        self.high = self.low.copy()
        self.open = self.low.copy()  # how many of the last digits of a place differ among the cells of a token


def reached(cells: Cells, changed: Changed) -> dict[Place, tuple[Patches, Patches]]:
    """For each layer, what its queries and what its keys show.

    A token that one cell reaches changes with one of the two halves, of the cells whose place has a certain binary digit and of
    those that have not, so its place is read digit by digit. Where both halves change a token, several cells reach it; from
    where to where is then found by letting the halves grow place by place.
    """
    known = cells.places[:, 0] >= 0
    sides = {place: tuple(map(_Found, both)) for place, both in changed(known).items()}
    for axis in range(AXES):
        places, most = cells.places[:, axis], int(cells.places[:, axis].max())
        for digit in range(most.bit_length()):
            halves = [changed(known & ((places >> digit & 1) == value)) for value in (0, 1)]
            for side, (zero, one) in _each(sides, halves):
                side.low[:, axis] |= (one & ~zero).astype(numpy.int64) << digit
                side.open[:, axis] = numpy.where(zero & one, digit + 1, side.open[:, axis])
        _refine(sides, axis, places, known, changed)
    return {place: (_patches(cells, both[0]), _patches(cells, both[1])) for place, both in sides.items()}


def _refine(
    sides: Mapping[Place, tuple[_Found, ...]], axis: int, places: numpy.ndarray, known: numpy.ndarray, changed: Changed
) -> None:
    """The first and last place along ``axis`` that reach each token, where these are several."""
    digits = max(int(side.open[:, axis].max(initial=0)) for both in sides.values() for side in both)
    size = 1 << digits
    firsts = {id(side): numpy.zeros(len(side.low), dtype=numpy.int64) for both in sides.values() for side in both}
    lasts = {name: numpy.full_like(first, size - 1) for name, first in firsts.items()}
    if digits:
        places = places % size
    for step in range(size - 1):
        both = [changed(known & (places <= step)), changed(known & (places > step))]
        for side, (upto, beyond) in _each(sides, both):
            firsts[id(side)] += ~upto
            lasts[id(side)] -= ~beyond
    for of_layer in sides.values():
        for side in of_layer:
            before = side.low[:, axis] >> digits << digits
            side.low[:, axis], side.high[:, axis] = before + firsts[id(side)], before + lasts[id(side)]


def _each(
    sides: Mapping[Place, tuple[_Found, ...]], halves: list[Mapping[Place, Sides]]
) -> Iterator[tuple[_Found, tuple[numpy.ndarray, ...]]]:
    """Each side of each layer, with what each of ``halves`` changed of it."""
    for place, both in sides.items():
        for number, side in enumerate(both):
            yield side, tuple(half[place][number] for half in halves)


def _patches(cells: Cells, side: _Found) -> Patches:
    """The boxes of the tokens of one side; none of a token that all cells reach, or cells of several parts."""
    span = numpy.stack([side.low, side.high], axis=-1)
    whole = cells.places.max(axis=0)
    everything = (side.low == 0).all(axis=1) & (side.high == whole).all(axis=1) & bool(whole.any())
    there = side.reached & ~everything & (side.low[:, 0] == side.high[:, 0])
    boxes = numpy.full((len(there), 4), math.nan)
    grid = _grid(cells)
    for token in numpy.flatnonzero(there):
        (part, _), (top, bottom), (left, right) = span[token]
        inside = grid[part, top : bottom + 1, left : right + 1].reshape(-1, 4)
        inside = inside[~numpy.isnan(inside[:, 0])]
        if len(inside):
            boxes[token] = [*inside[:, :2].min(axis=0), *inside[:, 2:].max(axis=0)]
    span[numpy.isnan(boxes[:, 0])] = -1
    return Patches(span, boxes)


def _grid(cells: Cells) -> numpy.ndarray:
    """The boxes by part, row and column."""
    grid = numpy.full((*(cells.places.max(axis=0) + 1), 4), math.nan)
    there = cells.places[:, 0] >= 0
    grid[tuple(cells.places[there].T)] = cells.boxes[there]
    return grid
