"""Whether and how weights are laid over the picture that a model has read."""

from pathlib import Path
from typing import Annotated

import typer

from attnviz.choices import OPACITY, OPACITY_LIMITS, Interpolation
from attnviz.cli.options.listed import listed
from attnviz.cli.options.panels import SHOW
from attnviz.cli.typer_groups import Options
from attnviz.text.message import Message


class PageImageOptions(Options):
    """Whether the picture is shown."""

    on_image: Annotated[
        Path | None,
        typer.Option(
            "--on-image",
            metavar="[FILE]",
            help="Lay the weights over the image that a model looks at: FILE, or the one that --model reads.",
            rich_help_panel=SHOW,
        ),
    ] = None


class OnImageOptions(PageImageOptions):
    """Whether and how weights are laid over it."""

    interpolation: Annotated[
        Interpolation | None,
        typer.Option(
            metavar="NAME",
            help=Message(
                "How the weights of patches become colours on the image: {choices}.",
                choices=listed(Interpolation, Interpolation.BILINEAR),
            ),
            rich_help_panel=SHOW,
        ),
    ] = None
    opacity: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help=Message("How much the colours hide of the image, from 0 to 1 (default {opacity}).", opacity=OPACITY),
            min=OPACITY_LIMITS.min,
            max=OPACITY_LIMITS.max,
            rich_help_panel=SHOW,
        ),
    ] = None
    contour: Annotated[
        str | None,
        typer.Option(
            metavar="PERCENT",
            help="Draw a line around the smallest part of the image with so many percent of the weight on it; two with a comma between.",
            rich_help_panel=SHOW,
        ),
    ] = None
