"""A real model in place of the toy."""

from typing import Annotated

import typer

from attnviz.cli.options.panels import MODEL
from attnviz.cli.typer_groups import Options


class ModelOptions(Options):
    """A real model in place of the toy."""

    model: Annotated[
        str | None,
        typer.Option(
            metavar="DIR_OR_ID", help="A model's folder, or its id on the Hugging Face hub.", rich_help_panel=MODEL
        ),
    ] = None
    device_map: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="auto: spread its weights over all devices there are.", rich_help_panel=MODEL
        ),
    ] = None
    target: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="What its decoder reads, if it has one (default: the text).", rich_help_panel=MODEL
        ),
    ] = None
    chat: Annotated[
        bool, typer.Option("--chat", help="Put the text into its chat template.", rich_help_panel=MODEL)
    ] = False
