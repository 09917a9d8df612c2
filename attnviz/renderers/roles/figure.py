"""The picture of the roles as a figure: PNG, SVG, PDF."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch
from matplotlib.path import Path

from attnviz.renderers.heatmap import fonts
from attnviz.renderers.heatmap.attention_figure import AttentionFigure
from attnviz.renderers.heatmap.measures import POINT, text_width
from attnviz.renderers.heatmap.settings import own_settings
from attnviz.renderers.heatmap.text_artist import INK, PALE, PlacedText, TextArtist
from attnviz.renderers.roles.picture import RolesPicture, Strip, decide
from attnviz.renderers.shared.colours import dark, rgb
from attnviz.text.lessons import lessons
from attnviz.trace.roles import Roles

TITLE, STRIP, WORD, NUMBER, LINE = 17.0, 13.0, 13.0, 9.5, 10.0  # points
MARGIN, BETWEEN = 0.3, 0.5  # inches: around all, and from column to column
TOP = 0.75  # inches that the title takes
TILE, GAP, LEAST = 0.42, 0.07, 0.56  # inches: the height of a tile, from tile to tile, and the least width of one
PAD, ROUND = 0.24, 0.06  # inches: beside a word on its tile, and of a tile's corners
ARC = 0.34  # inches that the arrow rises above the tiles
ABOVE, BELOW = 0.95, 0.5  # inches: from the top of a strip to its tiles, and from their bottom to its end
MARK = "#d95f02"  # of the true word and of the arrow: told from every colour of the tiles
BACK = "#efefef"  # of the tile of what comes next
ARROW = "→"
ON_TILES = 3  # a layer above theirs
HINTING = 1.05  # at few pixels it widens text


class Placed(NamedTuple):
    """A strip, the left end and the width of each of its tiles, the answer's last, and how wide all of it is; inches."""

    strip: Strip
    tiles: tuple[tuple[float, float], ...]
    width: float


def draw(picture: RolesPicture) -> tuple[AttentionFigure, str]:
    """The figure of ``picture``, and the characters for which this machine has no font."""
    with own_settings():
        families, missing = fonts.families([*picture.texts, ARROW])
        placed = [_placed(strip, families) for strip in picture.strips]
        columns = 1 if len(placed) < 3 else 2
        widths = [max(one.width for one in placed[column::columns]) for column in range(columns)]
        height = ABOVE + TILE + BELOW
        head = HINTING * max(
            text_width((picture.title,), families, TITLE, True), text_width((picture.subtitle,), families, LINE)
        )
        width = 2 * MARGIN + max(sum(widths) + BETWEEN * (columns - 1), head)
        rows = -(-len(placed) // columns)
        figure = AttentionFigure((width, MARGIN + TOP + rows * height))
        top = figure.get_figheight() - MARGIN
        texts = [
            PlacedText(picture.title, MARGIN, top - TITLE * POINT, TITLE, across=0, up=0, bold=True),
            PlacedText(picture.subtitle, MARGIN, top - (TITLE + LINE + 7) * POINT, LINE, across=0, up=0, colour=PALE),
        ]
        for number, one in enumerate(placed):
            row, column = divmod(number, columns)
            corner = MARGIN + sum(widths[:column]) + BETWEEN * column, top - TOP - row * height
            texts += _drawn(figure, one, corner)
        artist = TextArtist(texts, families)
        artist.set_zorder(ON_TILES)
        figure.add_artist(artist)
    return figure, missing


def to_figure(found: Roles, path: str | os.PathLike[str] | None = None) -> AttentionFigure:
    """The figure of ``found`` in its own language; saved to ``path``, if there is one."""
    figure, _ = draw(decide(found, lessons(found.language)))
    if path is not None:
        figure.save(path)
    return figure


def _placed(strip: Strip, families: Sequence[str]) -> Placed:
    """Where the tiles of ``strip`` stand, from its left end."""
    tiles, x = [], 0.0
    for word in (*(tile.word for tile in strip.tiles), f"{ARROW} {strip.answer}"):
        width = max(text_width((word,), tuple(families), WORD) + PAD, LEAST)
        tiles.append((x, width))
        x += width + GAP
    lines = [text_width((line,), tuple(families), LINE) for line in strip.lines]
    title = text_width((strip.title,), tuple(families), STRIP, True)
    return Placed(strip, tuple(tiles), max(x - GAP, HINTING * title, *(HINTING * line for line in lines)))


def _drawn(figure: Figure, placed: Placed, corner: tuple[float, float]) -> Iterator[PlacedText]:
    """Draw the tiles of a strip, whose upper left corner is given; what comes back are its texts."""
    (x, y), strip = corner, placed.strip
    yield PlacedText(strip.title, x, y - STRIP * POINT, STRIP, across=0, up=0, bold=True)
    for number, line in enumerate(strip.lines, start=1):
        yield PlacedText(line, x, y - (STRIP + number * LINE * 1.4) * POINT, LINE, across=0, up=0, colour=PALE)
    bottom = y - ABOVE - TILE
    for number, (tile, (left, width)) in enumerate(zip(strip.tiles, placed.tiles, strict=False)):
        colour = rgb(tile.weight)
        _tile(figure, (x + left, bottom), width, _hex(colour), MARK if number == strip.true else None)
        middle = x + left + width / 2
        yield PlacedText(tile.word, middle, bottom + TILE / 2, WORD, colour="white" if dark(colour) else INK)
        yield PlacedText(tile.number, middle, bottom - 0.08, NUMBER, up=1, colour=PALE)
    left, width = placed.tiles[-1]
    _tile(figure, (x + left, bottom), width, BACK)
    yield PlacedText(f"{ARROW} {strip.answer}", x + left + width / 2, bottom + TILE / 2, WORD, colour=PALE)
    middles = [x + left + width / 2 for left, width in placed.tiles]
    if strip.most != len(strip.tiles) - 1:
        _arrow(figure, middles[len(strip.tiles) - 1], middles[strip.most], bottom + TILE + 0.05)


def _tile(figure: Figure, corner: tuple[float, float], width: float, colour: str, frame: str | None = None) -> None:
    box = f"round,pad=0,rounding_size={ROUND}"
    figure.add_artist(
        FancyBboxPatch(
            corner,
            width,
            TILE,
            boxstyle=box,
            facecolor=colour,
            edgecolor=frame or colour,
            linewidth=3.0 if frame else 0.0,
            transform=figure.dpi_scale_trans,
        )
    )


def _arrow(figure: Figure, start: float, end: float, y: float) -> None:
    """An arc above the tiles, from the last word to the one that it looks at most."""
    head = 0.07
    curve = Path(
        [(start, y), (start, y + ARC), (end, y + ARC), (end, y + head)],
        [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4],
    )
    point = Path([(end, y), (end - head / 2, y + head * 1.3), (end + head / 2, y + head * 1.3), (end, y)], closed=True)
    place = figure.dpi_scale_trans
    figure.add_artist(PathPatch(curve, fill=False, edgecolor=MARK, linewidth=1.8, transform=place))
    figure.add_artist(PathPatch(point, facecolor=MARK, linewidth=0, transform=place))


def _hex(colour: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
