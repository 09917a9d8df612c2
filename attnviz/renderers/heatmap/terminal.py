"""The heat map in a terminal: half blocks in colour, shade glyphs where there is no colour."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy
from rich.cells import cell_len
from rich.color import Color
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from attnviz.choices import Pool
from attnviz.renderers.heatmap.picture import Picture
from attnviz.renderers.shared import colours
from attnviz.renderers.shared.labels import TICKS, round_positions
from attnviz.renderers.shared.scale import Scale, beyond, scale_of
from attnviz.text.display import shorten

SHADES = "░▒▓█"  # a small weight is still something; what is hidden is a dot
HIDDEN = "·"
CUT = "…"  # a letter wider than its column
DIM = Style(dim=True)
LABEL_CELLS = 10  # of a query's token at the left
COLUMN_LABEL_LINES = 8  # of a key's token, which reads downwards
TICK = "╵"  # below a column, beside the position of its first token
LARGEST_CELL = 4  # pixels a side; a pixel is one character wide and half a line high, about a square
BAR_CELLS = 24
GAP = 3
WIDE = 40  # columns: narrower terminals have no room for positions beside tokens
LEAST_CELLS = 16  # across a map
NATURAL_WIDTH = 160  # of a picture that is not drawn in a terminal
AROUND = 11  # lines of a terminal: the title, the legend, what else surrounds the map, and the prompt

Paint = Callable[[float], tuple[int, int, int]]


def room(console: Console, panels: int, height: int | None = None) -> int:
    """How many cells of a long text fit across the console, of a few panels beside each other, and into its height."""
    beside = min(panels, 3)
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
    fit where it has a choice, as the map of a long text has; None: any number."""

    def __init__(self, picture: Picture, cmap: str | None = None, height: int | None = None) -> None:
        self.picture, self.height = picture, height
        self.paint = _painter(cmap, picture.scale.diverging)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = min(options.max_width, NATURAL_WIDTH)
        coloured = _coloured(console)
        lines = None if self.height is None else _lines_left(self.height)
        grid = Grid(self.picture, width, lines, coloured, self.paint)
        yield Text(self.picture.title, style=Style(bold=True))
        yield Text(self.picture.subtitle, style=DIM)
        yield Text("rows: query, columns: key", style=DIM)
        if grid.pooled > 1:
            rows = min(grid.pooled, len(self.picture.queries))
            what = "mean" if self.picture.pool is Pool.MEAN else "largest"
            yield Text(f"each cell is the {what} of {rows} × {grid.pooled} tokens", style=DIM)
        for first in range(0, len(self.picture.panels), grid.columns):
            yield Segment.line()
            yield from grid.row(range(first, min(first + grid.columns, len(self.picture.panels))))
        yield Segment.line()
        yield self._legend(grid.scale, width, coloured)

    def _legend(self, scale: Scale, width: int, coloured: bool) -> Text:
        """The colour scale from its smallest value to its largest, and the sign of a hidden cell."""
        low, high = (f"{limit:.4g}" for limit in (scale.low, scale.high))
        low += f" ({beyond(scale.least)})" if scale.below else ""
        high += f" ({beyond(scale.largest)})" if scale.above else ""
        cells = max(min(BAR_CELLS, width - len(low) - len(high) - 2), 4)
        legend = Text(f"{low} ")
        for place in range(cells):
            tint = place / (cells - 1)
            legend.append("█" if coloured else _shade(tint), _style(self.paint(tint), None) if coloured else None)
        legend.append(f" {high}")
        if scale.decades:
            steps, step = (cells - 1, "block") if coloured else (len(SHADES), "shade")
            factor = (scale.high / scale.low) ** (1 / steps)
            legend.append(f"   × {factor:.2g} a {step}")
        if self.picture.hidden:
            legend.append(f"   {HIDDEN} hidden")
        return legend


class Grid:
    """How the panels are laid out in a width and, while that is possible, in a number of lines; and what they become."""

    def __init__(self, picture: Picture, width: int, lines: int | None, coloured: bool, paint: Paint) -> None:
        self.picture, self.coloured, self.paint = picture, coloured, paint
        queries, keys, panels = len(picture.queries), len(picture.keys), len(picture.panels)
        labels = _row_labels(picture, width)
        self.label_width = max(map(cell_len, ("query", *labels)))
        self.pooled = math.ceil(keys / max(width - self.label_width - 1, 1))
        if self.pooled > 1:
            self.label_width = max(map(cell_len, ("query", f"{picture.positions[0][-1]:,}")))
        room = max(width - self.label_width - 1, 1)
        self.pooled = max(math.ceil(keys / room), min(self.pooled, 2))
        if self.pooled > 1 and lines is not None:
            self.pooled = max(self.pooled, math.ceil(queries / (2 * lines if coloured else lines)))
        self.long = picture.pooled or self.pooled > 1
        pixels = math.ceil(keys / self.pooled)
        # Large cells for one panel; for several, cells of two pixels (one line) before they stand below each other.
        aim = LARGEST_CELL if panels == 1 else 2
        if lines is not None:  # where each token has its label, each row keeps a line
            aim = min(aim, max(2 * lines // math.ceil(queries / self.pooled), 1 if self.long else 2))
        self.cell = max(min(aim, (room // min(panels, 3) - GAP) // pixels, room // pixels), 1)
        self.panel_width = pixels * self.cell
        self.columns = max(1, min(panels, (room + GAP) // (self.panel_width + GAP)))
        self.maps = [_pooled(panel.values, self.pooled, picture.pool) for panel in picture.panels]
        # Means are smaller than what they are the means of.
        self.scale = scale_of(self.maps, picture.step, pooled=True) if self.pooled > 1 else picture.scale
        self.labels = (
            list(round_positions(picture.positions[0], picture.cell[0] * self.pooled)) if self.long else labels
        )

    def row(self, numbers: range) -> Iterator[Segment]:
        """Panels side by side, the query labels at their left, the key labels below each."""
        if len(self.maps) > 1:
            titles = [shorten(self.picture.panels[number].title, self.panel_width) for number in numbers]
            filled = [title + " " * (self.panel_width + GAP - cell_len(title)) for title in titles]
            yield Segment(" " * (self.label_width + 1) + "".join(filled).rstrip())
            yield Segment.line()
        for line in range(self._lines()):
            label = self._label(line)
            yield Segment(" " * (self.label_width - cell_len(label)) + label + " ")
            for number in numbers:
                yield from self._pixels(self.maps[number], line)
                if number < numbers[-1]:
                    yield Segment(" " * GAP)
            yield Segment.line()
        for line in [] if self.long else range(COLUMN_LABEL_LINES):
            letters = [self._letter(column, line) for column in range(len(self.picture.keys))]
            if not any(letter.strip() for letter in letters):
                break
            yield from self._below("".join(letters), len(numbers))
        if self.long or self.picture.placed[1]:
            yield from self._below(self._ticks(), len(numbers))

    def _below(self, line: str, panels: int) -> Iterator[Segment]:
        """A line below each of some panels."""
        line += " " * (self.panel_width - cell_len(line))
        yield Segment(" " * (self.label_width + 1) + (" " * GAP).join([line] * panels).rstrip(), DIM)
        yield Segment.line()

    def _ticks(self) -> str:
        """Round positions at their columns: right of the tick, or left of it where the panel ends."""
        positions, size = self.picture.positions[1], self.picture.cell[1] * self.pooled
        most = max(self.panel_width // (len(f"{positions[-1]:,}") + 3), 1)
        line = ""
        for column, label in enumerate(round_positions(positions, size, min(most, TICKS))):
            start = column * self.cell + (self.cell - 1) // 2  # where the letters of a token stand
            if label and start + 1 + len(label) > self.panel_width:
                start, label = start - len(label), label + TICK
            elif label:
                label = TICK + label
            if label and start >= len(line):
                line = f"{line:{start}}{label}"
        return line

    def _lines(self) -> int:
        rows = len(self.maps[0])
        return math.ceil(rows * self.cell / 2) if self.coloured else rows * max(self.cell // 2, 1)

    def _label(self, line: int) -> str:
        """The token of the query whose middle lies on ``line``; of two on one line, the first."""
        if self.cell == 1:
            rows = slice(2 * line, 2 * line + 2) if self.coloured else slice(line, line + 1)
            return next(filter(None, self.labels[rows]), "")
        high = self.cell / 2 if self.coloured else max(self.cell // 2, 1)
        row = int(line // high)
        return self.labels[row] if line == math.ceil((row + 0.5) * high) - 1 else ""

    def _letter(self, column: int, line: int) -> str:
        """The character of a key's token on ``line`` below its column, as wide as the column."""
        from attnviz.text.characters import clusters

        letters = clusters(shorten(self.picture.keys[column], COLUMN_LABEL_LINES))
        letter = letters[line] if line < len(letters) else " "
        letter = letter if cell_len(letter) <= self.cell else CUT
        left = (self.cell - cell_len(letter)) // 2
        return " " * left + letter + " " * (self.cell - cell_len(letter) - left)

    def _pixels(self, values: numpy.ndarray, line: int) -> Iterator[Segment]:
        if not self.coloured:
            for value in values[line // max(self.cell // 2, 1)]:
                yield Segment((HIDDEN if value == -math.inf else _shade(self._tint(value))) * self.cell)
            return
        upper, lower = values[2 * line // self.cell], values[min((2 * line + 1) // self.cell, len(values) - 1)]
        if (2 * line + 1) // self.cell >= len(values):
            lower = numpy.full_like(upper, math.nan)  # below the last row: nothing
        for top, bottom in zip(upper.tolist(), lower.tolist(), strict=True):
            yield self._block(top, bottom)

    def _block(self, top: float, bottom: float) -> Segment:
        """One cell's width of a line: two pixels above each other in one character."""
        if top == -math.inf and not bottom > -math.inf:
            return Segment(HIDDEN * self.cell, DIM)
        if top == -math.inf:
            return Segment("▄" * self.cell, _style(self.paint(self._tint(bottom)), None))
        if not bottom > -math.inf:
            return Segment("▀" * self.cell, _style(self.paint(self._tint(top)), None))
        return Segment("▀" * self.cell, _style(self.paint(self._tint(top)), self.paint(self._tint(bottom))))

    def _tint(self, value: float) -> float:
        return round(self.scale.place(value) * 64) / 64


def _row_labels(picture: Picture, width: int) -> list[str]:
    """The tokens of the queries, in a region behind some of their positions."""
    labels = [shorten(label, LABEL_CELLS) for label in picture.queries]
    if not picture.placed[0] or width < WIDE:
        return labels
    places = round_positions(picture.positions[0])
    longest = max(map(cell_len, labels))
    return [
        f"@{place} {' ' * (longest - cell_len(label))}{label}" if place else label
        for place, label in zip(places, labels, strict=True)
    ]


def _painter(cmap: str | None, diverging: bool) -> Paint:
    """From a value between 0 and 1 to its colour."""
    if cmap is None and not diverging:
        return colours.rgb
    from attnviz.renderers.shared.colours import colour_map

    mapped = colour_map(cmap or colours.DIVERGING)
    return lambda tint: tuple(round(255 * channel) for channel in mapped(tint)[:3])


def _pooled(values: numpy.ndarray, size: int, pool: Pool) -> numpy.ndarray:
    """The mean of the visible cells of each block of ``size`` × ``size``, or the largest; −∞ where a block shows none."""
    if size == 1:
        return values
    rows, columns = (math.ceil(length / size) for length in values.shape)
    padded = numpy.full((rows * size, columns * size), -math.inf)
    padded[: values.shape[0], : values.shape[1]] = values
    blocks = padded.reshape(rows, size, columns, size)
    if pool is Pool.MAX:
        largest: numpy.ndarray = blocks.max(axis=(1, 3))
        return largest
    seen = blocks > -math.inf
    count = seen.sum(axis=(1, 3))
    total = numpy.where(seen, blocks, 0.0).sum(axis=(1, 3))
    return numpy.where(count > 0, total / numpy.maximum(count, 1), -math.inf)


def _shade(tint: float) -> str:
    return SHADES[min(int(tint * len(SHADES)), len(SHADES) - 1)]


@lru_cache(maxsize=4096)
def _style(front: tuple[int, int, int], back: tuple[int, int, int] | None) -> Style:
    return Style(color=Color.from_rgb(*front), bgcolor=None if back is None else Color.from_rgb(*back))
