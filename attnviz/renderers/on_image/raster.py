"""The pixels that are drawn: the picture in the size of a panel, and the colours of weights over it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy

from attnviz.renderers.on_image.heat import heat

if TYPE_CHECKING:
    from PIL.Image import Image

    from attnviz.renderers.on_image.decided import OnImage

LUMINANCE = (0.2126, 0.7152, 0.0722)  # of red, green and blue (Rec. 709)
UNSEEN = 0.55  # how much of white is mixed into what no key shows


def resized(image: Image, side: int) -> numpy.ndarray:
    """``image`` with a longer side of ``side`` pixels, (rows, columns, 3) from 0 to 255."""
    from PIL.Image import Resampling

    factor = side / max(image.size)
    size = max(1, round(image.width * factor)), max(1, round(image.height * factor))
    how = Resampling.LANCZOS if factor < 1 else Resampling.BICUBIC
    return numpy.asarray(image.resize(size, how))


def weight_map(picture: OnImage, number: int, shape: tuple[int, ...]) -> numpy.ndarray:
    """The weights of a panel at each pixel of this ``shape``."""
    size, weights = picture.image.size, picture.panels[number].values[0]
    return heat(picture.boxes[number], weights, size, (shape[0], shape[1]), picture.overlay.smooth)


def tinted(base: numpy.ndarray, values: numpy.ndarray, colours: Any, norm: Any, opacity: float) -> numpy.ndarray:
    """``base`` in grey under the colours of ``values``, so that no colour of the picture is taken for one of the scale; what no key
    shows is pale. (rows, columns, 3) from 0 to 255."""
    grey: numpy.ndarray = (base @ numpy.array(LUMINANCE))[..., None]
    seen = ~numpy.isnan(values)
    tint = 255 * numpy.asarray(colours(norm(numpy.where(seen, values, 0.0))))[..., :3]
    over = (1 - opacity) * grey + opacity * tint
    unseen = (1 - UNSEEN) * grey + UNSEEN * 255
    mixed: numpy.ndarray = numpy.where(seen[..., None], over, unseen).round().astype(numpy.uint8)
    return mixed
