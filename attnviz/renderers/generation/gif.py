"""The frames of a generation as a GIF, with the fonts and colours of the heat map."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from attnviz.renderers.generation.frames import Bar, Frame, Group
from attnviz.renderers.heatmap import fonts
from attnviz.renderers.heatmap.film import film
from attnviz.renderers.heatmap.measures import text_width
from attnviz.renderers.heatmap.settings import missing_glyphs_unspoken, own_settings
from attnviz.renderers.heatmap.text_artist import INK, PALE, PlacedText, TextArtist
from attnviz.renderers.shared.colours import SEQUENTIAL, colour_map

SIZE, DPI = (8.0, 4.5), 120  # inches, as a slide is wide and high; 960 × 540 pixels
MARGIN, TOP = 0.35, 4.0  # inches: of all sides, and where the line of the text stands
LEFT, RIGHT, WIDTH = MARGIN, 4.3, 3.35  # the two columns
LABEL, VALUE = 1.35, 0.75  # of each bar: room for its word, and for its number
TEXT, TITLE, WORD = 17.0, 12.5, 11.5  # points
ROW, SPACE = 0.25, 0.1  # inches from bar to bar, and between groups
CHOSEN, BAR = 0.35, 0.75  # places in the colour map
MILLISECONDS, LAST = 900, 3000  # that a frame is shown


def to_gif(frames: Sequence[Frame], report: Callable[[int, int], None]) -> tuple[bytes, str]:
    """The GIF of ``frames``, which starts again at its end, and the characters for which this machine has no font."""
    with own_settings(), missing_glyphs_unspoken():
        families, missing = fonts.families(_texts(frames))
        tops = _tops(frames)
        last = _image(frames[-1], tops, families)
        images = _images(frames, tops, families, report)
        return film(images, "gif", [MILLISECONDS] * (len(frames) - 1) + [LAST], like=last), missing


def _texts(frames: Sequence[Frame]) -> list[str]:
    groups = [group for frame in frames for group in (frame.next, *frame.heads)]
    labels = [text for group in groups for text in (group.title, *(bar.label for bar in group.bars))]
    return [*labels, *frames[-1].words, frames[-1].token, "…"]


def _images(
    frames: Sequence[Frame], tops: Sequence[float], families: tuple[str, ...], report: Callable[[int, int], None]
) -> Iterator[Image.Image]:
    for done, frame in enumerate(frames, start=1):
        yield _image(frame, tops, families)
        report(done, len(frames))


def _image(frame: Frame, tops: Sequence[float], families: tuple[str, ...]) -> Image.Image:
    figure = Figure(figsize=SIZE, dpi=DPI, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    texts = _line(frame, families)
    texts += _group(figure, frame.next, LEFT, TOP - 0.55, families)
    for group, top in zip(frame.heads, tops, strict=False):
        texts += _group(figure, group, RIGHT, top, families)
    figure.add_artist(TextArtist(texts, families))
    canvas.draw()  # type: ignore[no-untyped-call]
    image = Image.frombuffer("RGBA", canvas.get_width_height(), canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    return image.convert("RGB")


def _tops(frames: Sequence[Frame]) -> list[float]:
    """Where each group of heads begins: in every frame at the same place, below as many bars as any has above it."""
    tops = [TOP - 0.55]
    for groups in zip_longest(*(frame.heads for frame in frames)):
        bars = max(len(group.bars) for group in groups if group is not None)
        tops.append(tops[-1] - ROW * (bars + 1) - SPACE)
    return tops


def _line(frame: Frame, families: tuple[str, ...]) -> list[PlacedText]:
    """The end of the text, as much of it as there is room for, and the token that was chosen."""
    room = SIZE[0] - 2 * MARGIN - text_width((frame.token,), families, TEXT, True)
    words, space = list(frame.words), " "
    while words and text_width(("… " + space.join(words) + space,), families, TEXT) > room:
        words.pop(0)
    before = ("… " if len(words) < len(frame.words) else "") + space.join(words)
    start = MARGIN + text_width((before,), families, TEXT) + 0.09 if before else MARGIN
    return [
        PlacedText(before, MARGIN, TOP, TEXT, across=0, up=0),
        PlacedText(frame.token, start, TOP, TEXT, across=0, up=0, colour=_colour(CHOSEN), bold=True),
    ]


def _group(figure: Figure, group: Group, x: float, top: float, families: tuple[str, ...]) -> list[PlacedText]:
    """Draw the bars of ``group`` below its title, whose upper left corner is given; what comes back are its texts."""
    size = TITLE * min(1.0, WIDTH / text_width((group.title,), families, TITLE, True))
    texts = [PlacedText(group.title, x, top, size, across=0, colour=PALE, bold=True)]
    for row, bar in enumerate(group.bars, start=1):
        texts += _bar(figure, bar, x, top - row * ROW, families)
    return texts


def _bar(figure: Figure, bar: Bar, x: float, y: float, families: tuple[str, ...]) -> list[PlacedText]:
    start, longest = x + LABEL, WIDTH - LABEL - VALUE
    length = max(longest * bar.share, 0.01)
    colour = _colour(CHOSEN if bar.chosen else BAR)
    figure.add_artist(
        Rectangle((start, y - ROW * 0.3), length, ROW * 0.6, color=colour, lw=0, transform=figure.dpi_scale_trans)
    )
    size = WORD * min(1.0, (LABEL - 0.1) / text_width((bar.label,), families, WORD, bar.chosen))
    return [
        PlacedText(bar.label, start - 0.08, y, size, across=1, colour=INK, bold=bar.chosen),
        PlacedText(bar.value, start + length + 0.06, y, WORD - 1.5, across=0, colour=PALE),
    ]


def _colour(place: float) -> Any:
    from matplotlib.colors import to_hex

    return to_hex(colour_map(SEQUENTIAL)(place))
