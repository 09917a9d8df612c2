"""Weights over a picture as the bytes of a file that moves."""

from __future__ import annotations

from attnviz.progress import Progress
from attnviz.renderers.heatmap.animation import SMALLER_DPI, WHOLE, pixels_of
from attnviz.renderers.heatmap.film import film
from attnviz.renderers.on_image.decided import OnImage
from attnviz.renderers.on_image.figure import draw


def moving(
    picture: OnImage, form: str, cmap: str | None, dpi: int | None, seconds: float, report: Progress
) -> tuple[bytes, str]:
    """The bytes of ``picture`` as a "gif" or "webp"; and the characters for which this machine has no font."""
    smaller = picture._replace(frame=picture.frame._replace(dpi=dpi or SMALLER_DPI))
    whole, missing = draw(smaller, cmap=cmap)
    frames = [pixels_of(whole, dpi or SMALLER_DPI)]
    for done, one in enumerate(picture.frames, start=1):
        figure, _ = draw(one._replace(frame=one.frame._replace(dpi=dpi or SMALLER_DPI)), cmap=cmap)
        frames.append(pixels_of(figure, dpi or SMALLER_DPI).resize(frames[0].size))
        report(done, len(picture.frames))
    milliseconds = round(seconds * 1000)
    durations = [milliseconds * WHOLE, *[milliseconds] * (len(frames) - 1)]
    return film(frames, form, durations, like=frames[0]), missing
