"""Where everything of a chain of maps stands, in inches: as wide as a slide, or as a person says."""

from __future__ import annotations

import itertools
from typing import NamedTuple

from attnviz.errors import AttnvizError
from attnviz.renderers.heatmap.axis_labels import AxisLabels, axis_labels
from attnviz.renderers.heatmap.chain import Between, Chain
from attnviz.renderers.heatmap.measures import CAPITAL, GAP, HINTING, NEAR, POINT, PRINTED_FONT, text_width
from attnviz.renderers.heatmap.panel_grid import PanelGrid
from attnviz.renderers.heatmap.picture import MILLIMETRES, Picture
from attnviz.renderers.heatmap.title_block import SUBTITLE, TitleBlock, title_block
from attnviz.renderers.shared.scale import Scale, beyond

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
WIDER = 1.05  # times as wide is what is tried next, where a width is too little
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


class _Setting:
    """How a chain is set at one ``width``: its fonts, the room of its signs, and the maps for any size of their cells."""

    def __init__(self, chain: Chain, width: float, families: tuple[str, ...]) -> None:
        self.chain, self.width, self.share, self.families = chain, width, width / SLIDE, families
        self.title_font, self.map_font, self.sign_font, self.number_font = (
            max(font * self.share, PRINTED_FONT) for font in (TITLE, MAP, SIGN, NUMBER)
        )
        self.gaps = [_between(one, self.sign_font, families, self.share) for one in chain.between]

    def columns(self, cell: float) -> _Columns:
        """The maps side by side, with cells of that side."""
        maps = self.chain.maps
        grids = [_grid(one, cell, maps[0]) for one in maps]
        labels = [
            _labels(one, grid, self.map_font, self.families, place == 0)
            for place, (one, grid) in enumerate(zip(maps, grids, strict=True))
        ]
        rooms = [
            _room(one, grid, label, self.map_font, self.number_font, self.families)
            for one, grid, label in zip(maps, grids, labels, strict=True)
        ]
        needed = MARGIN * self.share * 2 + labels[0].left + sum(self.gaps) + sum(rooms)
        return _Columns(grids, labels, rooms, needed)

    def fits(self) -> bool:
        """Whether there is room for the smallest cells."""
        return self.columns(LEAST_CELL).needed <= self.width

    def largest(self) -> _Columns:
        """The maps with the largest cells for which there is room."""
        first = self.chain.maps[0]
        low, high = LEAST_CELL, self.share * min(LARGEST_CELL, LARGEST_SIDE / max(len(first.queries), len(first.keys)))
        if self.columns(high).needed <= self.width:
            return self.columns(high)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if self.columns(middle).needed <= self.width else (low, middle)
        return self.columns(low)


def chain_layout(chain: Chain, families: tuple[str, ...]) -> ChainLayout:
    """Where everything of ``chain`` stands; AttnvizError where its width is too little."""
    width = chain.width or SLIDE
    setting = _Setting(chain, width, families)
    if not setting.fits():
        wider = (width * WIDER**number for number in itertools.count(1))
        enough = next(one for one in wider if _Setting(chain, one, families).fits())
        raise AttnvizError(
            "the figure does not fit into {width:g} mm: what leads from map to map leaves no room for the maps",
            "give it a larger --width, about {enough:.0f} or more",
            width=width * MILLIMETRES,
            enough=enough * MILLIMETRES + 1,
        )
    grids, labels, rooms, needed = setting.largest()
    share, gaps = setting.share, setting.gaps
    title = _title(chain, width, max(setting.title_font, PRINTED_FONT / SUBTITLE), families)
    spare = (width - needed) / len(gaps)
    x, lefts, middles = MARGIN * share + labels[0].left, [], []
    for room, grid, gap in zip(rooms, grids, [*gaps, 0.0], strict=True):
        lefts.append(x + (room - grid.panel[0]) / 2)
        middles.append(x + room + (gap + spare) / 2)
        x += room + gap + spare
    bars = MARGIN * share + setting.number_font * 2.6 * POINT
    bottom = bars + BAR * share + max(label.bottom for label in labels)
    high = max(grids[0].panel[1], setting.sign_font * 5 * POINT)
    return ChainLayout(
        size=(width, bottom + high + setting.map_font * 2 * POINT + title.height),
        title=title,
        lefts=tuple(lefts),
        middles=tuple(middles[:-1]),
        arrow=max(min(gaps) * 0.5, 0.2 * share),
        bottom=bottom,
        bars=bars,
        grids=tuple(grids),
        labels=tuple(labels),
        fonts=(setting.map_font, setting.sign_font, setting.number_font),
    )


def _grid(picture: Picture, cell: float, first: Picture) -> PanelGrid:
    """The cells of a map; an output of few dimensions, or of many, is at least half as wide as a map of the keys, and no
    wider."""
    wide = max(len(first.keys), LEAST_COLUMNS) * cell
    across = min(max(cell * len(picture.keys), wide / 2), wide) / len(picture.keys)
    across = cell if len(picture.keys) == len(first.keys) else across
    queries = len(picture.queries)
    return PanelGrid(cell, 1, 1, (across * len(picture.keys), cell * queries), (across, cell))


def _labels(picture: Picture, grid: PanelGrid, font: float, families: tuple[str, ...], first: bool) -> AxisLabels:
    """The labels along a map: what a row is stands at the first one alone."""
    labels = axis_labels(picture, grid, font, families)
    name = labels.column_name if first else picture.axes[1]
    return labels._replace(name_font=min(labels.name_font, font), column_name=name)


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


def bar_ends(scale: Scale) -> tuple[str, str]:
    """What stands at the two ends of a bar; at the last, how far values go beyond it."""
    high = f"{scale.high:z.3g}"
    return f"{scale.low:z.3g}", f"{high} {beyond(scale.largest)}" if scale.above else high


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
