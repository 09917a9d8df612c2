"""Along what contributions are measured."""

from typing import Annotated

import typer

from attnviz.choices import OUTPUT
from attnviz.cli.options.panels import SHOW
from attnviz.cli.typer_groups import Options
from attnviz.text.message import Message


class DirectionOptions(Options):
    """Along what contributions are measured."""

    toward: Annotated[
        str | None,
        typer.Option(
            metavar="TOKEN",
            help=Message(
                "With --step contribution or summed: how far each goes toward the logit of a token, or {output}, the layer's own.",
                output=OUTPUT,
            ),
            rich_help_panel=SHOW,
        ),
    ] = None
