"""Where everything of a heat map stands, in inches: decided before anything is drawn."""

from __future__ import annotations

from typing import NamedTuple

from attnviz.renderers.heatmap import fonts
from attnviz.renderers.heatmap.axis_labels import AxisLabels, axis_labels
from attnviz.renderers.heatmap.colour_bar import ColourBar, colour_bar
from attnviz.renderers.heatmap.measures import GAP, text_width
from attnviz.renderers.heatmap.panel_grid import PanelGrid, panel_grid
from attnviz.renderers.heatmap.picture import Picture
from attnviz.renderers.heatmap.title_block import PanelTitles, TitleBlock, panel_titles, title_block, title_font


class Layout(NamedTuple):
    """Places in inches, from the lower left corner.

    column   the room for a panel and what stands above and below it, which may be wider
    bottom   the room below the panels
    """

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
            max(_width(grid, self.labels, self.column, self.bar), 2 * GAP + self.title.width),
            self.bottom + grid.rows * panel + (grid.rows - 1) * GAP + self.title.height,
        )

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
    """Where everything of ``picture`` stands."""
    grid = panel_grid(picture)
    size = title_font(grid)
    labels = axis_labels(picture, grid, size, families)
    heads = panel_titles(picture, labels.font, size, families)
    height = grid.rows * grid.panel[1] + (grid.rows - 1) * (heads.height + GAP)  # of all panels
    bar = colour_bar(picture, max(size * 0.62, labels.font * 0.85), height, families)
    widths = heads.width, text_width((labels.column_name,), families, labels.name_font)
    column = max(grid.panel[0], *(1.05 * width for width in widths))  # hinting at few pixels widens text
    title = title_block(picture, size, _width(grid, labels, column, bar) - 2 * GAP, families)
    return Layout(grid, labels, heads, bar, title, column, max(labels.bottom, GAP + bar.height - height))


def _width(grid: PanelGrid, labels: AxisLabels, column: float, bar: ColourBar) -> float:
    """How wide the panels are together, with what stands at their left and at their right."""
    return labels.left + grid.columns * column + (grid.columns - 1) * GAP + bar.room
