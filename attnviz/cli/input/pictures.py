"""From options to the picture over which weights are laid."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attnviz.choices import CONTOUR_LIMITS, CONTOURS, listed_words
from attnviz.cli.bare_options import ALONE
from attnviz.cli.input.traces import Making
from attnviz.cli.options.on_image import OnImageOptions, PageImageOptions
from attnviz.cli.options.source import SourceOptions
from attnviz.cli.typer_groups import dashed
from attnviz.errors import UsageError

if TYPE_CHECKING:
    from PIL.Image import Image

    from attnviz.renderers.on_image.decided import Overlay

PERCENT = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,6})?")


def picture_of(options: PageImageOptions, source: SourceOptions, making: Making) -> tuple[Image | None, Making]:
    """The picture that --on-image means, None without it; and ``making`` with that picture, where a model is to read it.

    FILE is the picture that a saved trace was made of, or what a model reads where none is named otherwise; alone, --on-image means
    the picture that the model reads.
    """
    if options.on_image is None:
        return None, making
    from attnviz.sources.files.pictures import read_picture

    model, alone = making.model, str(options.on_image) == ALONE
    read = model.image or (None if source.text is not None else source.file)
    if model.model is None and alone:
        raise UsageError("--on-image needs the image that was read", "name it: --on-image FILE")
    if alone and read is None:
        raise UsageError("--on-image means the image that the model looks at, and none is given", "add --image FILE")
    if alone or (model.model is not None and read is None):
        picture = read_picture(options.on_image if read is None else read)
        return picture, making._replace(picture=picture)
    return read_picture(options.on_image), making


def overlay_of(options: OnImageOptions) -> Overlay:
    """How the weights are laid over the picture."""
    from attnviz.choices import OPACITY, Interpolation
    from attnviz.renderers.on_image.decided import Overlay

    opacity = OPACITY if options.opacity is None else options.opacity
    return Overlay(options.interpolation is not Interpolation.NEAREST, opacity, _shares(options.contour))


def require_picture(options: OnImageOptions) -> None:
    """Refuse what only the picture knows where none is asked for."""
    for name in ("interpolation", "opacity", "contour"):
        if options.on_image is None and getattr(options, name) is not None:
            raise UsageError("--{name} is for weights on an image", "add --on-image", name=dashed(name))


def _shares(words: str | None) -> tuple[float, ...]:
    """The shares that --contour names."""
    shares = []
    for word in () if words is None else listed_words(words):
        percent = word.strip().removesuffix("%").strip()
        share = float(percent[:9]) / 100 if PERCENT.fullmatch(percent) else 0.0
        if not CONTOUR_LIMITS.min <= share <= (CONTOUR_LIMITS.max or 1):
            raise UsageError(
                "--contour {words}: expected percents from 0.1 to 99.9, two with a comma between", words=words
            )
        shares.append(share)
    if len(shares) > CONTOURS:
        raise UsageError("--contour {words}: at most {most} lines can be told apart", words=words, most=CONTOURS)
    return tuple(sorted(shares))
