"""The labels along both sides of a panel: tokens, positions, and what a row and a column are."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from attnviz.renderers.heatmap.measures import CAPITAL, GAP, LEADING, NEAR, POINT, least_font, text_width
from attnviz.renderers.heatmap.panel_grid import PanelGrid
from attnviz.renderers.heatmap.picture import Picture
from attnviz.renderers.heatmap.text_artist import INK, PALE, PlacedText
from attnviz.renderers.shared.labels import TICKS, round_positions

WIDE = 27.5  # inches of panels: seen whole, a label of the smallest font is a speck beside so many
LARGEST_FONT = 10.0  # points
BOTH_NAMES = "{} ↑  {} →"  # below a panel that is too low for the name of its rows at its side

Families = tuple[str, ...]


class AxisLabels(NamedTuple):
    """How the sides of the panels are labelled; lengths are in inches, fonts in points.

    font          of the tokens
    upright       whether the labels of columns read upwards
    every         of how many tokens each has a label: along the rows, along the columns
    positions     positions beside the tokens, for each row and each column; "" or () where there are none
    beyond        from a panel to the positions beside its rows, and below its columns
    name_font     of what a row and a column are
    row_name      what stands at the side of the rows, or "" where that is too low; column_name, below the columns
    left, bottom  how much room all of that takes
    """

    font: float
    upright: bool
    every: tuple[int, int]
    positions: tuple[tuple[str, ...], tuple[str, ...]]
    beyond: tuple[float, float]
    name_font: float
    row_name: str
    column_name: str
    left: float
    bottom: float


def axis_labels(picture: Picture, grid: PanelGrid, title_font: float, families: Families) -> AxisLabels:
    """How the panels of ``picture`` are labelled."""
    font = _font(picture, grid, title_font)
    longest_key = text_width(picture.keys, families, font)
    upright = longest_key > _room_for_a_key(picture, grid.pitch[0])
    every = 1 if picture.pooled else max(1, math.ceil(font * LEADING * POINT / grid.cell))
    positions = _positions(picture, grid.panel, upright, families, font)
    rows = text_width(picture.queries, families, font), _widest(positions[0], families, font)
    high = font * CAPITAL * POINT
    columns = longest_key if upright else high, _widest(positions[1], families, font) if upright else high
    name_font = max(font * 1.15, title_font * 0.55)
    beside = NEAR + name_font * CAPITAL * POINT + NEAR * 2 + GAP  # the name of an axis, and what surrounds it
    at_the_side = grid.panel[1] > 1.1 * text_width((picture.axes[0],), families, name_font)
    return AxisLabels(
        font=font,
        upright=upright,
        every=(every, every if upright else 1),
        positions=positions,
        beyond=(rows[0] + NEAR * 3, columns[0] + NEAR * 3),
        name_font=name_font,
        row_name=picture.axes[0] if at_the_side else "",
        column_name=picture.axes[1] if at_the_side else BOTH_NAMES.format(*picture.axes),
        left=_room(rows, positions[0]) + beside,
        bottom=_room(columns, positions[1]) + beside + NEAR,
    )


def row_texts(
    picture: Picture, labels: AxisLabels, grid: PanelGrid, corner: tuple[float, float]
) -> Iterator[PlacedText]:
    """The labels at the left of a panel whose lower left corner stands at ``corner``."""
    (x, y), high, pitch = corner, grid.panel[1], grid.pitch[1]

    def placed(row: int, label: str, right: float, colour: str) -> PlacedText:
        return PlacedText(label, right, y + high - (row + 0.5) * pitch, labels.font, across=1, colour=colour)

    for row in range(0, len(picture.queries), labels.every[0]):
        yield placed(row, picture.queries[row], x - NEAR, INK)
    for row, label in _named(labels.positions[0]):
        yield placed(row, label, x - labels.beyond[0], PALE)
    if labels.row_name:
        yield PlacedText(labels.row_name, GAP, y + high / 2, labels.name_font, up=1, colour=PALE, upright=True)


def column_texts(
    picture: Picture, labels: AxisLabels, grid: PanelGrid, corner: tuple[float, float], bottom: float
) -> Iterator[PlacedText]:
    """The labels below a panel whose lower left corner stands at ``corner``, as far above the lower end of its room."""
    x, y = corner
    across, up = (1.0, 0.5) if labels.upright else (0.5, 1.0)

    def placed(column: int, label: str, top: float, colour: str) -> PlacedText:
        middle = x + (column + 0.5) * grid.pitch[0]
        return PlacedText(label, middle, top, labels.font, across, up, colour, labels.upright)

    for column in range(0, len(picture.keys), labels.every[1]):
        yield placed(column, picture.keys[column], y - NEAR, INK)
    for column, label in _named(labels.positions[1]):
        yield placed(column, label, y - labels.beyond[1], PALE)
    base = y - bottom + GAP + 0.2 * labels.name_font * POINT
    yield PlacedText(labels.column_name, x + grid.panel[0] / 2, base, labels.name_font, up=0, colour=PALE)


def _font(picture: Picture, grid: PanelGrid, title_font: float) -> float:
    font = max(min(grid.cell / POINT * 0.72, LARGEST_FONT), least_font(picture))
    if picture.pooled or grid.columns * grid.panel[0] > WIDE:
        return max(title_font * 0.5, font)  # few labels have room to be larger: positions, or those that are left
    return font


def _room_for_a_key(picture: Picture, pitch: float) -> float:
    """How wide the label of a key may be that reads across: as its cell, or up to the next label and the panel's end."""
    if not picture.pooled:
        return pitch * 0.94
    named = [column for column, _ in _named(picture.keys)]
    apart = min((after - before for before, after in itertools.pairwise(named)), default=len(picture.keys))
    return pitch * min(apart * 0.8, 2 * (len(picture.keys) - named[-1]))


def _positions(
    picture: Picture, panel: tuple[float, float], upright: bool, families: Families, font: float
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Round positions for a second line of labels, as many as have room, of rows and of columns."""
    line = font * LEADING * POINT
    sides: list[tuple[str, ...]] = []
    for positions, wanted, length, across in zip(
        picture.positions, picture.shows_positions, (panel[1], panel[0]), (False, not upright), strict=True
    ):
        if not wanted:
            sides.append(())
            continue
        each = text_width((f"@{positions[-1]:,}",), families, font) + NEAR if across else line
        most = min(max(int(length / (1.5 * each)), 1), TICKS)
        sides.append(tuple(f"@{label}" if label else "" for label in round_positions(positions, most=most)))
    return sides[0], sides[1]


def _widest(positions: tuple[str, ...], families: Families, font: float) -> float:
    return text_width(positions, families, font) if any(positions) else 0.0


def _room(lengths: tuple[float, float], positions: tuple[str, ...]) -> float:
    """The room for tokens and, where there are any, the positions beyond them."""
    return lengths[0] + lengths[1] + NEAR * 2 if any(positions) else lengths[0]


def _named(labels: Sequence[str]) -> list[tuple[int, str]]:
    """The labels that are not empty, each with its place."""
    return [(place, label) for place, label in enumerate(labels) if label]
