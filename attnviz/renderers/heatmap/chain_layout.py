"""Where everything of a chain of maps stands, in inches: as wide as a slide, or as a person says."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from attnviz.errors import AttnvizError
from attnviz.renderers.heatmap.axis_labels import AxisLabels, axis_labels
from attnviz.renderers.heatmap.chain import Between, Chain
from attnviz.renderers.heatmap.measures import CAPITAL, GAP, HINTING, NEAR, POINT, PRINTED_FONT, text_width
from attnviz.renderers.heatmap.panel_grid import PanelGrid
from attnviz.renderers.heatmap.picture import MILLIMETRES, Picture
from attnviz.renderers.heatmap.title_block import TitleBlock, title_block

SLIDE, DPI = 12.8, 125  # inches, and pixels of each: 1,600 across
TITLE, MAP, SIGN, NUMBER = (
    17.0,
    13.0,
    13.0,
    9.5,
)  # points on a slide: of titles, of what stands over arrows, of the bars
LARGEST_CELL, LARGEST_SIDE = 0.62, 3.6  # inches on a slide
LEAST_CELL = 0.004  # inches
LEAST_BETWEEN = 0.55  # inches on a slide
BAR = 0.11  # inches: how high a bar is
MARGIN = 0.25  # inches on a slide
HALVINGS = 20  # of the range in which the size of the cells is looked for
LEAST_COLUMNS = 4  # cells across an output, however few keys there are


class ChainLayout(NamedTuple):
    """Places in inches, from the lower left corner; fonts in points.

    lefts   the left end of each map; middles, where each sign stands
    bottom  of the maps; bars, of the bars below them
    grids, labels  of each map
    fonts   of the titles of maps, of what stands over arrows, and of the numbers of bars
    """

    size: tuple[float, float]
    title: TitleBlock
    lefts: tuple[float, ...]
    middles: tuple[float, ...]
    arrow: float
    bottom: float
    bars: float
    grids: tuple[PanelGrid, ...]
    labels: tuple[AxisLabels, ...]
    fonts: tuple[float, float, float]


class _Columns(NamedTuple):
    """The maps side by side, with the room of each and of all, for one size of the cells."""

    grids: list[PanelGrid]
    labels: list[AxisLabels]
    rooms: list[float]
    needed: float


def chain_layout(chain: Chain, families: tuple[str, ...]) -> ChainLayout:
    """Where everything of ``chain`` stands; AttnvizError where its width is too little."""
    width = chain.width or SLIDE
    share = width / SLIDE
    title_font, map_font, sign_font, number_font = (
        max(font * share, PRINTED_FONT) for font in (TITLE, MAP, SIGN, NUMBER)
    )
    gaps = [_between(one, sign_font, families, share) for one in chain.between]
    title = _title(chain, width, max(title_font, PRINTED_FONT / 0.7 * 1.001), families)

    def laid_out(cell: float) -> _Columns:
        grids = [_grid(one, cell, chain.maps[0]) for one in chain.maps]
        labels = [axis_labels(one, grid, map_font, families) for one, grid in zip(chain.maps, grids, strict=True)]
        rooms = [
            _room(one, grid, label, map_font, number_font, families)
            for one, grid, label in zip(chain.maps, grids, labels, strict=True)
        ]
        return _Columns(grids, labels, rooms, MARGIN * share * 2 + labels[0].left + sum(gaps) + sum(rooms))

    cell = _largest_cell(chain, width, share, laid_out)
    grids, labels, rooms, needed = laid_out(cell)
    if needed > width + 1e-6:
        raise AttnvizError(
            f"the figure does not fit into {width * MILLIMETRES:g} mm: what leads from map to map leaves no room for the maps",
            f"give it a larger --width, about {(needed + 0.2) * MILLIMETRES:.0f} or more",
        )
    spare = (width - needed) / len(gaps)
    x, lefts, middles = MARGIN * share + labels[0].left, [], []
    for room, grid, gap in zip(rooms, grids, [*gaps, 0.0], strict=True):
        lefts.append(x + (room - grid.panel[0]) / 2)
        middles.append(x + room + (gap + spare) / 2)
        x += room + gap + spare
    below = max(label.bottom for label in labels)
    bars = MARGIN * share + number_font * 2.6 * POINT
    bottom = bars + BAR * share + below
    high = max(grids[0].panel[1], sign_font * 5 * POINT)
    height = bottom + high + map_font * 2 * POINT + title.height
    arrow = max(min(gaps) * 0.5, 0.2 * share)
    return ChainLayout(
        (width, height), title, tuple(lefts), tuple(middles[:-1]), arrow, bottom, bars, tuple(grids), tuple(labels),
        (map_font, sign_font, number_font),
    )  # fmt: skip


def _largest_cell(chain: Chain, width: float, share: float, laid_out: Callable[[float], _Columns]) -> float:
    """The side of a cell with which everything fits."""
    first = chain.maps[0]
    low, high = LEAST_CELL, share * min(LARGEST_CELL, LARGEST_SIDE / max(len(first.queries), len(first.keys)))
    if laid_out(high).needed <= width:
        return high
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if laid_out(middle).needed <= width else (low, middle)
    return low


def _grid(picture: Picture, cell: float, first: Picture) -> PanelGrid:
    """The cells of a map; an output of few dimensions, or of many, is at least half as wide as a map of the keys, and no
    wider."""
    wide = max(len(first.keys), LEAST_COLUMNS) * cell
    across = min(max(cell * len(picture.keys), wide / 2), wide) / len(picture.keys)
    across = cell if len(picture.keys) == len(first.keys) else across
    queries = len(picture.queries)
    return PanelGrid(cell, 1, 1, (across * len(picture.keys), cell * queries), (across, cell))


def _room(
    picture: Picture,
    grid: PanelGrid,
    labels: AxisLabels,
    map_font: float,
    number_font: float,
    families: tuple[str, ...],
) -> float:
    """The width of a map, its title, its name of columns and the words of its bar, one above the other."""
    words = (
        text_width((picture.title,), families, map_font, True),
        text_width((picture.measure,), families, number_font),
        text_width((labels.column_name,), families, labels.name_font),
    )
    return max(grid.panel[0], *(HINTING * width for width in words))


def _between(between: Between, font: float, families: tuple[str, ...], share: float) -> float:
    """The room of a sign and what stands above and below it."""
    words = HINTING * text_width((between.sign, between.above, between.below), families, font)
    return max(words + 4 * NEAR * share, LEAST_BETWEEN * share)


def _title(chain: Chain, width: float, font: float, families: tuple[str, ...]) -> TitleBlock:
    """The title above all maps."""
    wide = chain.maps[0]._replace(title=chain.title, subtitle=chain.subtitle, width=width)
    return title_block(wide, font, width - 2 * GAP, families)


def over_the_sign(font: float) -> float:
    """How far above and below a sign its words stand."""
    return font * CAPITAL * POINT * 0.9
