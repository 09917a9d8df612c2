"""Where everything of a heat map stands, in inches: decided before anything is drawn."""

from __future__ import annotations

import itertools
import math
import re
from typing import NamedTuple

from attnviz.renderers.heatmap import fonts
from attnviz.renderers.heatmap.picture import SIDE, SIDE_OF_SEVERAL, Picture
from attnviz.renderers.heatmap.text_artist import CAPITAL, POINT, text_width
from attnviz.renderers.shared.labels import TICKS, round_positions
from attnviz.renderers.shared.scale import Scale, beyond

SMALLEST_FONT = 5.5  # points: smaller labels are thinned out instead
LEADING = 1.12  # from line to line, in ems
WIDE = 27.5  # inches of panels: seen whole, a label of the smallest font is a speck beside so many
LEAST_CELL = 1.001 * SMALLEST_FONT * LEADING / 72  # inches: while it lasts, every token keeps its label
LEAST_ROWS = (
    10  # cells of the least size that a side of a panel has room for: few queries of a long text would be a line
)
LEAST_TITLE = 5.5  # inches: a title that is longer than this and than the panels goes on in another line
SUBTITLE = 0.7  # of the title's font
LINE = 1.25  # from line to line of a title, in ems
LEAST_BAR = 0.9  # inches: the height of the colour bar, its tips not counted
TIP = 1.2  # widths of the colour bar: the height of the tip that says that there is more
FEW_DECADES = 2.0  # a scale that has fewer has ticks between the powers of ten
GAP = 0.14  # inches between panels, and around the whole
BOTH_AXES = "{} ↑  {} →"  # below a panel that is too low for the name of a query at its side
NEAR = 3.5 * POINT  # between a panel and its labels


class Layout(NamedTuple):
    """Places in inches, from the lower left corner."""

    cell: float
    columns: int
    rows: int
    left: float  # room for the query labels
    bottom: float  # room for the key labels
    top: float  # room for the titles
    right: float  # room for the colour bar
    panel: tuple[float, float]
    wide: float  # room for a panel and its title, which may be wider
    pitch: tuple[float, float]  # from one column of cells to the next, and from one row
    head: float  # room for a panel's title
    font: float  # of the token labels
    head_font: float  # of a panel's title
    title_font: float
    axis_font: float  # of the words "query" and "key"
    upright: bool  # key labels read upwards
    places: tuple[tuple[str, ...], tuple[str, ...]]  # positions beside the token labels; "" or () where there are none
    beyond_labels: tuple[float, float]  # from a panel to the positions beside its query labels, below its key labels
    titles: tuple[str, ...]  # the lines of the title
    subtitles: tuple[str, ...]  # and of what stands below it
    least_width: float  # of the titles
    bar_font: float  # of the colour bar's numbers
    bar_width: float
    bar_height: float
    names_query: bool  # whether "query" has room beside its axis

    @property
    def size(self) -> tuple[float, float]:
        height = self.panel[1]
        return (
            max(self.left + self.columns * self.wide + (self.columns - 1) * GAP + self.right, self.least_width),
            self.bottom + self.rows * (height + self.head) + (self.rows - 1) * GAP + self.top,
        )

    def corner(self, number: int) -> tuple[float, float]:
        """The lower left corner of panel ``number``, counted from the upper left."""
        row, column = divmod(number, self.columns)
        height = self.panel[1]
        x = self.left + column * (self.wide + GAP)
        y = self.bottom + (self.rows - 1 - row) * (height + self.head + GAP)
        return x, y


def layout(picture: Picture, families: tuple[str, ...] = (fonts.BASE,)) -> Layout:
    """Where everything of ``picture`` stands."""
    queries, keys, panels = len(picture.queries), len(picture.keys), len(picture.panels)
    most = max(queries, keys)
    side, largest, small = (4.4, 0.75, LEAST_CELL) if panels == 1 else (3.4, 0.6, LEAST_CELL)
    cell = min(max(side / most, small), largest, (90 if panels == 1 else 72) * LEAST_CELL / most)
    if picture.pooled and picture.dpi:
        room = SIDE if panels == 1 else SIDE_OF_SEVERAL
        cell = max(1, int(room * picture.dpi / most)) / picture.dpi  # whole pixels
    columns = _columns(panels, queries / keys)
    panel = (_side(keys, cell), _side(queries, cell))
    title = min(max(columns * panel[0] * 1.6, 11.0), 26.0)
    font = max(min(cell / POINT * 0.72, 10.0), SMALLEST_FONT)
    if (
        picture.pooled or columns * panel[0] > WIDE
    ):  # few labels have room to be larger: positions, or those that are left
        font = max(title * 0.5, font)
    longest_key = text_width(picture.keys, families, font)
    upright = longest_key > _room_for_a_key(picture, panel[0] / keys)
    axis = max(font * 1.15, title * 0.55)
    beside = NEAR + axis * CAPITAL * POINT + NEAR * 2 + GAP  # the word "query" or "key", and what surrounds it
    places = _places(picture, panel, upright, families, font)
    labels = text_width(picture.queries, families, font), longest_key if upright else font * CAPITAL * POINT
    positions = (
        text_width(places[0], families, font) if any(places[0]) else 0.0,
        (text_width(places[1], families, font) if upright else font * CAPITAL * POINT) if any(places[1]) else 0.0,
    )
    left = labels[0] + positions[0] + NEAR * 2 * any(places[0]) + beside
    bottom = labels[1] + positions[1] + NEAR * 2 * any(places[1]) + beside + NEAR
    rows = math.ceil(panels / columns)
    head_font = max(font * 1.15, title * 0.62)
    head = (head_font + 5) * POINT if panels > 1 else 0.0
    names_query = panel[1] > 1.1 * text_width((picture.axes[0],), families, axis)
    names = picture.axes[1] if names_query else BOTH_AXES.format(*picture.axes)
    widths = [panel[0], text_width((names,), families, axis)]
    widths += [text_width(tuple(one.title for one in picture.panels), families, head_font)] if panels > 1 else []
    bar_font = max(title * 0.62, font * 0.85)
    bar_width = max(0.14, bar_font * 1.4 * POINT)
    grid = rows * panel[1] + (rows - 1) * (head + GAP)
    scale = picture.scale
    bar_height = max(grid, LEAST_BAR + scale.below * TIP * bar_width)
    bar_words = [f"{tick:z.6g}" for tick in ticks(scale, most=24 if scale.decades else 6)]
    bar_words += [picture.blank] * picture.hidden
    bar_words += [beyond(scale.largest)] * scale.above + [beyond(scale.least)] * scale.below
    right = GAP * 2.6 + bar_width + NEAR + 1.1 * text_width(tuple(bar_words), families, bar_font)
    wide = max(widths[0], *(1.05 * width for width in widths[1:]))  # hinting at few pixels widens text
    room_for_titles = max(left + columns * wide + (columns - 1) * GAP + right - 2 * GAP, LEAST_TITLE)
    title_lines, titles_width = _wrapped(picture.title, room_for_titles, families, title, bold=True)
    subtitle_lines, subtitles_width = _wrapped(picture.subtitle, room_for_titles, families, title * SUBTITLE)
    more = (len(title_lines) - 1) * LINE + (len(subtitle_lines) - 1) * LINE * SUBTITLE
    return Layout(
        cell=cell,
        columns=columns,
        rows=rows,
        left=left,
        bottom=max(bottom, GAP + bar_height - grid),
        top=title * (2.9 + more) * POINT + GAP,
        right=right,
        panel=panel,
        wide=wide,
        pitch=(panel[0] / keys, panel[1] / queries),
        head=head,
        font=font,
        head_font=head_font,
        title_font=title,
        axis_font=axis,
        upright=upright,
        places=places,
        beyond_labels=(labels[0] + NEAR * 3, labels[1] + NEAR * 3),
        titles=title_lines,
        subtitles=subtitle_lines,
        least_width=2 * GAP + max(titles_width, subtitles_width),
        bar_font=bar_font,
        bar_width=bar_width,
        bar_height=bar_height,
        names_query=names_query,
    )


def _room_for_a_key(picture: Picture, pitch: float) -> float:
    """How wide the label of a key may be that reads across: as its cell, or up to the next label and the panel's end."""
    if not picture.pooled:
        return pitch * 0.94
    named = [place for place, label in enumerate(picture.keys) if label]
    apart = min((after - before for before, after in itertools.pairwise(named)), default=len(picture.keys))
    return pitch * min(apart * 0.8, 2 * (len(picture.keys) - named[-1]))


def _places(
    picture: Picture, panel: tuple[float, float], upright: bool, families: tuple[str, ...], font: float
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Round positions for a second line of labels, as many as have room."""
    line = font * LEADING * POINT
    sides: list[tuple[str, ...]] = []
    for positions, there, length, flat in zip(
        picture.positions, picture.placed, (panel[1], panel[0]), (False, not upright), strict=True
    ):
        each = text_width((f"@{positions[-1]:,}",), families, font) + NEAR if there and flat else line
        most = min(max(int(length / (1.5 * each)), 1), TICKS)
        found = round_positions(positions, most=most) if there else ()
        sides.append(tuple(f"@{label}" if label else "" for label in found))
    return sides[0], sides[1]


def _wrapped(
    text: str, width: float, families: tuple[str, ...], size: float, bold: bool = False
) -> tuple[tuple[str, ...], float]:
    """``text`` in lines no wider than ``width`` where its words allow it, and the width of the longest, in inches."""

    def measured(line: str) -> float:
        return 1.1 * text_width((line,), families, size, bold)  # hinting at few pixels widens text

    parts = [text] if measured(text) <= width else re.split("(?<=[,·]) ", text)  # "keys 1,000–1,059" stays together
    words = [word for part in parts for word in ([part] if measured(part) <= width else part.split(" "))]

    def filled(width: float) -> list[str]:
        lines: list[str] = []
        for word in words:
            if lines and measured(f"{lines[-1]} {word}") <= width:
                lines[-1] += f" {word}"
            else:
                lines.append(word)
        return lines

    # As narrow as the same number of lines may be, down to the half: no word stands alone in the last.
    choices = [filled(width * tenths / 10) for tenths in range(5, 11)]
    lines = next(lines for lines in choices if len(lines) == len(choices[-1]))
    return tuple(lines), max(map(measured, lines))


def _side(cells: int, cell: float) -> float:
    """How long the side of a panel is, in inches."""
    return max(cells * cell, min(cells, LEAST_ROWS) * LEAST_CELL)


def ticks(scale: Scale, most: int) -> list[float]:
    """Round numbers on ``scale``, at most ``most`` of them; where it grows by factors, its ends and powers of ten."""
    low, high = scale.low, scale.high
    if scale.decades:
        return _factor_ticks(scale, most)
    from matplotlib.ticker import MaxNLocator

    values = MaxNLocator(nbins=min(most, 6), steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    slack = (high - low) * 1e-6
    return [float(value) for value in values if low - slack <= value <= high + slack]


def _factor_ticks(scale: Scale, most: int) -> list[float]:
    """The ends first, then powers of ten, then their doubles and fives, each where it has room beside the ones before."""
    first, last = (math.floor(math.log10(end)) for end in (scale.low, scale.high))
    powers = range(last, first - 1, -1)
    few = math.log10(scale.high) - math.log10(scale.low) < FEW_DECADES
    exponents = [(1, power) for power in powers[:: math.ceil(len(powers) / most)]]
    exponents += [(factor, power) for factor in (2, 5) for power in powers if few]
    found = [scale.low, scale.high]
    for factor, power in exponents:
        value = float(f"{factor}e{power}")
        apart = min(abs(scale.place(value) - scale.place(other)) for other in found)
        if scale.low < value < scale.high and apart >= 0.7 / most:
            found.append(value)
    return sorted(found)


def _columns(panels: int, shape: float) -> int:
    """A grid near a square, in which as few places as possible stay empty; ``shape`` is height by width of a panel."""
    side = math.sqrt(panels * shape)
    near = [columns for columns in range(1, panels + 1) if side * 0.99 <= columns <= max(side * 1.7, 3)] or [panels]
    return min(near, key=lambda columns: (-panels % columns / panels, columns))
