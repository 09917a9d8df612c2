"""A picture that moves: a map row by row, as its queries come, or the steps of a head one after the other.

The first frame is the whole picture, which stands for all of it wherever nothing moves. In every other frame each thing that
is there already stands where it stands in the first.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable

from matplotlib.figure import Figure
from PIL import Image

from attnviz.renderers.heatmap.chain import Chain
from attnviz.renderers.heatmap.chain_figure import draw_chain
from attnviz.renderers.heatmap.chain_layout import DPI as SLIDE_DPI
from attnviz.renderers.heatmap.figure import draw
from attnviz.renderers.heatmap.film import film
from attnviz.renderers.heatmap.picture import Picture
from attnviz.renderers.heatmap.settings import missing_glyphs_unspoken, own_settings

MOST_FRAMES = 48  # of more rows, several come at once
WHOLE = 3  # times as long as the others, the whole picture stays
SMALLER_DPI = 100  # of a map that moves

Report = Callable[[int, int], None]


def animated(
    picture: Picture | Chain,
    form: str,
    seconds: float,
    report: Report,
    *,
    cmap: str | None = None,
    annotate: bool | None = None,
    dpi: int | None = None,
) -> tuple[bytes, str]:
    """The bytes of a GIF or a WebP that starts again at its end, and the characters for which this machine has no font."""
    if isinstance(picture, Chain):
        whole, missing = draw_chain(picture, cmap=cmap, annotate=annotate)
        resolution = dpi or picture.dpi or SLIDE_DPI
        numbers = range(1, len(picture.maps))
        figures = (draw_chain(picture, cmap=cmap, annotate=annotate, shown=number)[0] for number in numbers)
    else:
        whole, missing = draw(picture, cmap=cmap, annotate=annotate)
        resolution = dpi or picture.dpi or SMALLER_DPI
        numbers = _rows(len(picture.queries))
        figures = (draw(picture, cmap=cmap, annotate=annotate, rows=number)[0] for number in numbers)
    frames = [pixels_of(whole, resolution)]
    for done, figure in enumerate(figures, start=1):
        frames.append(pixels_of(figure, resolution))
        report(done, len(numbers))
    milliseconds = round(seconds * 1000)
    durations = [milliseconds * WHOLE, *[milliseconds] * (len(frames) - 1)]
    return film(frames, form, durations, like=frames[0]), missing


def _rows(queries: int) -> range:
    """How many rows each frame shows, but the whole picture."""
    step = math.ceil(queries / MOST_FRAMES)
    return range(step, queries, step)


def pixels_of(figure: Figure, dpi: int) -> Image.Image:
    """``figure`` as a picture."""
    with own_settings(), missing_glyphs_unspoken():
        content = io.BytesIO()
        figure.savefig(content, format="png", dpi=dpi, pil_kwargs={"compress_level": 0})
    return Image.open(content).convert("RGB")
