"""Frames as one picture that moves, a GIF or a WebP: the same colour is the same one in every frame."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

import numpy
from PIL import Image

COLOURS, WHITE = 255, (255, 255, 255)


def film(frames: Iterable[Image.Image], form: str, durations: Sequence[int], like: Image.Image) -> bytes:
    """The bytes of ``frames``, which start again at their end.

    form       "gif" or "webp"
    durations  how many milliseconds each is shown
    like       the frame whose colours a GIF has, for it holds all of them
    """
    options: dict[str, object] = {"lossless": True, "method": 4}
    if form == "gif":
        palette = _palette(like)
        frames = (_painted(frame, palette) for frame in frames)
        options = {"optimize": False, "disposal": 1}
    first, *others = frames
    content = io.BytesIO()
    first.save(content, form.upper(), save_all=True, append_images=others, duration=list(durations), loop=0, **options)
    return content.getvalue()


def _palette(like: Image.Image) -> numpy.ndarray:
    """The colours of all frames, (colours, 3): those of ``like``, white among them, or it would flicker."""
    palette = like.quantize(COLOURS, dither=Image.Dither.NONE).getpalette()
    assert palette is not None
    return numpy.array([*palette[: 3 * COLOURS], *WHITE], dtype=numpy.int32).reshape(-1, 3)


def _painted(frame: Image.Image, palette: numpy.ndarray) -> Image.Image:
    """``frame`` in the nearest colours of ``palette``: the same colour becomes the same one in every frame."""
    pixels = numpy.asarray(frame).astype(numpy.int32) @ (1 << 16, 1 << 8, 1)  # (rows, columns)
    colours, places = numpy.unique(pixels, return_inverse=True)
    channels = numpy.stack([colours >> 16, colours >> 8 & 255, colours & 255], axis=1)
    nearest = ((channels[:, None] - palette) ** 2).sum(axis=-1).argmin(axis=1).astype(numpy.uint8)
    image = Image.fromarray(nearest[places.reshape(pixels.shape)], "P")
    image.putpalette(palette.astype(numpy.uint8).tobytes())
    return image
