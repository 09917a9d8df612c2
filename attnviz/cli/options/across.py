"""Whether and how attention is followed through several layers."""

from typing import Annotated

import typer

from attnviz.choices import RESIDUAL, RESIDUAL_LIMITS, Across, HeadsAs
from attnviz.cli.options.listed import listed
from attnviz.cli.options.panels import SHOW
from attnviz.cli.typer_groups import Options
from attnviz.text.message import Message


class AcrossOptions(Options):
    """Whether and how attention is followed."""

    across: Annotated[
        Across | None,
        typer.Option(
            metavar="NAME",
            help=Message(
                "Follow attention through all layers, or those of --layer, down to the tokens: {choices}.",
                choices=listed(Across),
            ),
            rich_help_panel=SHOW,
        ),
    ] = None
    heads_as: Annotated[
        HeadsAs | None,
        typer.Option(
            metavar="NAME",
            help=Message(
                "With --across, what stands for the heads of a layer: {choices}.",
                choices=listed(HeadsAs, HeadsAs.MEAN),
            ),
            rich_help_panel=SHOW,
        ),
    ] = None
    residual: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help=Message(
                "With --across, how much of a token goes past the heads of a layer, from 0 to 1 (default {residual}).",
                residual=RESIDUAL,
            ),
            min=RESIDUAL_LIMITS.min,
            max=RESIDUAL_LIMITS.max,
            rich_help_panel=SHOW,
        ),
    ] = None
