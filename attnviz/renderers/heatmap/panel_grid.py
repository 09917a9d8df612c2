"""How large the cells of a picture are, and how its panels stand in rows and columns."""

from __future__ import annotations

import math
from typing import NamedTuple

from attnviz.renderers.heatmap.measures import LEADING, SMALLEST_FONT
from attnviz.renderers.heatmap.picture import SIDE, SIDE_OF_SEVERAL, Picture

LEAST_CELL = 1.001 * SMALLEST_FONT * LEADING / 72  # inches: while it lasts, every token keeps its label
LEAST_ROWS = 10  # cells of the least size that a side has room for: few queries of a long text would be a line
USUAL_SIDE, USUAL_SIDE_OF_SEVERAL = 4.4, 3.4  # inches of a panel whose cells are neither very small nor very large
LARGEST_CELL, LARGEST_CELL_OF_SEVERAL = 0.75, 0.6  # inches
MOST_CELLS, MOST_CELLS_OF_SEVERAL = 90, 72  # of the least size along a side: beyond, cells get smaller


class PanelGrid(NamedTuple):
    """The panels, all of one size; lengths are in inches.

    cell           the side of a cell, while a panel is not held open by its least side
    columns, rows  how many panels stand beside and below each other
    panel          the width and the height of each
    pitch          from one column of cells to the next, and from one row to the next
    """

    cell: float
    columns: int
    rows: int
    panel: tuple[float, float]
    pitch: tuple[float, float]


def panel_grid(picture: Picture) -> PanelGrid:
    """The grid of the panels of ``picture``: near a square, its cells as large as can be read."""
    queries, keys, panels = len(picture.queries), len(picture.keys), len(picture.panels)
    cell = _cell(picture, max(queries, keys), several=panels > 1)
    columns = columns_of(panels, queries / keys)
    panel = (_side(keys, cell), _side(queries, cell))
    return PanelGrid(cell, columns, math.ceil(panels / columns), panel, (panel[0] / keys, panel[1] / queries))


def _cell(picture: Picture, most: int, several: bool) -> float:
    """The side of a cell, of which there are ``most`` along the longer side of a panel."""
    if picture.pooled and picture.dpi:
        room = SIDE_OF_SEVERAL if several else SIDE
        return max(1, int(room * picture.dpi / most)) / picture.dpi  # whole pixels
    side, largest, cells = (
        (USUAL_SIDE_OF_SEVERAL, LARGEST_CELL_OF_SEVERAL, MOST_CELLS_OF_SEVERAL)
        if several
        else (USUAL_SIDE, LARGEST_CELL, MOST_CELLS)
    )
    return min(max(side / most, LEAST_CELL), largest, cells * LEAST_CELL / most)


def _side(cells: int, cell: float) -> float:
    """How long the side of a panel is."""
    return max(cells * cell, min(cells, LEAST_ROWS) * LEAST_CELL)


def columns_of(panels: int, shape: float) -> int:
    """A grid near a square, in which as few places as possible stay empty; ``shape`` is height by width of a panel."""
    side = math.sqrt(panels * shape)
    near = [columns for columns in range(1, panels + 1) if side * 0.99 <= columns <= max(side * 1.7, 3)] or [panels]
    return min(near, key=lambda columns: (-panels % columns / panels, columns))


def resized(grid: PanelGrid, factor: float) -> PanelGrid:
    """The same grid of panels, ``factor`` times as large."""
    (wide, high), (across, down) = grid.panel, grid.pitch
    panel, pitch = (wide * factor, high * factor), (across * factor, down * factor)
    return grid._replace(cell=grid.cell * factor, panel=panel, pitch=pitch)
