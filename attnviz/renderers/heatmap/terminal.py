"""The heat map in a terminal: a title, the panels, and the colour scale."""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from attnviz.choices import Pool
from attnviz.renderers.heatmap.picture import Picture
from attnviz.renderers.heatmap.terminal_cells import DIM, HIDDEN, SHADES, painter, shade, style
from attnviz.renderers.heatmap.terminal_grid import BESIDE, GAP, LABEL_CELLS, Grid, Room
from attnviz.renderers.shared.scale import Scale, beyond
from attnviz.text.lessons import Lessons, lessons

BAR_CELLS = 24
LEAST_BAR_CELLS = 4
LEAST_CELLS = 16  # across a map
NATURAL_WIDTH = 160  # of a picture that is not drawn in a terminal
AROUND = 11  # lines of a terminal: the title, the legend, what else surrounds the map, and the prompt


def room(console: Console, panels: int, height: int | None = None) -> int:
    """How many cells of a long text fit across the console, of a few panels beside each other, and into its height."""
    beside = min(panels, BESIDE)
    cells = (min(console.width, NATURAL_WIDTH) - LABEL_CELLS - GAP * (beside - 1)) // beside
    if height is not None:
        cells = min(cells, _lines_left(height) * (2 if _coloured(console) else 1))
    return max(cells, LEAST_CELLS)


def _lines_left(height: int) -> int:
    """The lines that a terminal of ``height`` lines has for a map."""
    return max(height - AROUND, LEAST_CELLS // 2)


def _coloured(console: Console) -> bool:
    return console.color_system in ("truecolor", "256") and not console.no_color


class TerminalMap:
    """A Rich renderable of a picture, as wide as the console. ``height`` is the lines of a terminal into which it has to
    fit where it has a choice, as the map of a long text has; None: any number. ``words`` are the reader's; None: English."""

    def __init__(
        self, picture: Picture, cmap: str | None = None, height: int | None = None, words: Lessons | None = None
    ) -> None:
        self.picture, self.height, self.say = picture, height, (words or lessons()).say
        self.paint = painter(cmap, picture.scale.diverging)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, coloured = min(options.max_width, NATURAL_WIDTH), _coloured(console)
        lines = None if self.height is None else _lines_left(self.height)
        grid = Grid(self.picture, Room(width, lines, coloured), self.paint)
        yield Text(self.picture.title, style=Style(bold=True))
        yield Text(self.picture.subtitle, style=DIM)
        rows, columns = self.picture.axes
        yield Text(self.say("picture.sides", rows=rows, columns=columns), style=DIM)
        if grid.pooled > 1:
            high = min(grid.pooled, len(self.picture.queries))
            what = "picture.cell_mean" if self.picture.pool is Pool.MEAN else "picture.cell_max"
            yield Text(self.say(what, rows=high, columns=grid.pooled), style=DIM)
        if grid.roles:
            yield Text(grid.roles, style=DIM)
        for numbers in grid.rows():
            yield Segment.line()
            yield from grid.row(numbers)
        yield Segment.line()
        yield self._legend(grid.scale, width, coloured)

    def _legend(self, scale: Scale, width: int, coloured: bool) -> Text:
        """The colour scale from its smallest value to its largest, and the sign of a hidden cell."""
        low, high = (f"{limit:.4g}" for limit in (scale.low, scale.high))
        low += f" ({beyond(scale.least)})" if scale.below else ""
        high += f" ({beyond(scale.largest)})" if scale.above else ""
        cells = max(min(BAR_CELLS, width - len(low) - len(high) - 2), LEAST_BAR_CELLS)
        legend = Text(f"{low} ")
        for place in range(cells):
            tint = place / (cells - 1)
            legend.append("█" if coloured else shade(tint), style(self.paint(tint)) if coloured else None)
        legend.append(f" {high}")
        if scale.decades:
            steps, step = (cells - 1, "block") if coloured else (len(SHADES), "shade")
            factor = (scale.high / scale.low) ** (1 / steps)
            legend.append(f"   × {factor:.2g} a {step}")
        if self.picture.hidden:
            legend.append(f"   {HIDDEN} {self.picture.blank}")
        return legend
