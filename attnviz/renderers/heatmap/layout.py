"""Where everything of a heat map stands, in inches: decided before anything is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from attnviz.choices import DPI
from attnviz.errors import AttnvizError
from attnviz.renderers.heatmap import fonts
from attnviz.renderers.heatmap.axis_labels import AxisLabels, axis_labels
from attnviz.renderers.heatmap.colour_bar import ColourBar, colour_bar
from attnviz.renderers.heatmap.measures import GAP, least_font, text_width
from attnviz.renderers.heatmap.panel_grid import PanelGrid, panel_grid, resized
from attnviz.renderers.heatmap.picture import MILLIMETRES, Picture
from attnviz.renderers.heatmap.title_block import PanelTitles, TitleBlock, panel_titles, title_block, title_font

LEAST_PANEL = 0.3  # inches: the longer side of a panel in which a person still sees cells
HALVINGS = 24  # of the range in which the size of the cells is looked for


class Layout(NamedTuple):
    """Places in inches, from the lower left corner.

    picture  what is laid out: in little room with shorter titles of its panels than it came with
    column   the room for a panel and what stands above and below it, which may be wider
    bottom   the room below the panels
    """

    picture: Picture
    grid: PanelGrid
    labels: AxisLabels
    heads: PanelTitles
    bar: ColourBar
    title: TitleBlock
    column: float
    bottom: float

    @property
    def size(self) -> tuple[float, float]:
        """The width and the height of the figure."""
        grid, panel = self.grid, self.grid.panel[1] + self.heads.height
        return (
            self.picture.width or self.needed,
            self.bottom + grid.rows * panel + (grid.rows - 1) * GAP + self.title.height,
        )

    @property
    def needed(self) -> float:
        """The width that everything takes."""
        return max(_width(self.grid, self.labels, self.column, self.bar), 2 * GAP + self.title.width)

    def corner(self, number: int) -> tuple[float, float]:
        """The lower left corner of panel ``number``, counted from the upper left."""
        row, column = divmod(number, self.grid.columns)
        x = self.labels.left + column * (self.column + GAP)
        y = self.bottom + (self.grid.rows - 1 - row) * (self.grid.panel[1] + self.heads.height + GAP)
        return x, y

    def leftmost(self, number: int) -> bool:
        """Whether no panel stands at the left of panel ``number``."""
        return number % self.grid.columns == 0

    def lowest(self, number: int, panels: int) -> bool:
        """Whether no panel stands below panel ``number`` of so many."""
        return number + self.grid.columns >= panels


def decide_layout(picture: Picture, families: tuple[str, ...] = (fonts.BASE,)) -> Layout:
    """Where everything of ``picture`` stands; AttnvizError where it has a width of its own that is too little."""
    grid = panel_grid(picture)
    if picture.width is None:
        return _laid_out(picture, grid, families)
    for titled in _titled(picture):
        layout = _fitted(titled, grid, picture.width, families)
        if layout is not None:
            return layout
    least = _laid_out(titled, resized(grid, LEAST_PANEL / max(grid.panel)), families).needed * MILLIMETRES
    raise AttnvizError(
        "the picture does not fit into {width:g} mm: its labels and its scale leave no room for its cells",
        "give it a larger --width, about {least:.0f} or more, or fewer heads with --head",
        width=picture.width * MILLIMETRES,
        least=least + 1,
    )


def _titled(picture: Picture) -> Iterator[Picture]:
    """``picture`` with the titles of its panels, then with shorter and shorter ones."""
    yield picture
    yield picture._replace(panels=tuple(panel._replace(title=panel.bare_title) for panel in picture.panels))
    yield picture._replace(panels=tuple(panel._replace(title=panel.short_title) for panel in picture.panels))


def _fitted(picture: Picture, grid: PanelGrid, width: float, families: tuple[str, ...]) -> Layout | None:
    """The layout with the largest cells that is no wider than ``width``; None where they would be too small to be seen."""
    fitting, low, high = None, LEAST_PANEL / max(grid.panel), width / grid.panel[0]
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        layout = _laid_out(picture, resized(grid, middle), families)
        if layout.needed <= width:
            fitting, low = layout, middle
        else:
            high = middle
    if fitting is None or (picture.pooled and fitting.grid.cell * (picture.dpi or DPI) < 1):  # a needle would be lost
        return None
    return fitting


def _laid_out(picture: Picture, grid: PanelGrid, families: tuple[str, ...]) -> Layout:
    size = title_font(picture, grid)
    labels = axis_labels(picture, grid, size, families)
    heads = panel_titles(picture, labels.font, size, families)
    height = grid.rows * grid.panel[1] + (grid.rows - 1) * (heads.height + GAP)  # of all panels
    bar = colour_bar(picture, max(size * 0.62, labels.font * 0.85, least_font(picture)), height, families)
    widths = heads.width, text_width((labels.column_name,), families, labels.name_font)
    column = max(grid.panel[0], *(1.05 * width for width in widths))  # hinting at few pixels widens text
    title = title_block(picture, size, _width(grid, labels, column, bar) - 2 * GAP, families)
    bottom = max(labels.bottom, GAP + bar.height - height)
    return Layout(picture, grid, labels, heads, bar, title, column, bottom)


def _width(grid: PanelGrid, labels: AxisLabels, column: float, bar: ColourBar) -> float:
    """How wide the panels are together, with what stands at their left and at their right."""
    return labels.left + grid.columns * column + (grid.columns - 1) * GAP + bar.room
