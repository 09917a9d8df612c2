"""What computes, and with which numbers."""

from typing import Annotated

import typer

from attnviz.choices import Backend, Dtype
from attnviz.cli.options.listed import listed
from attnviz.cli.options.panels import OUTPUT
from attnviz.cli.typer_groups import Options
from attnviz.text.message import Message


class DeviceOptions(Options):
    """Where torch computes, and with which numbers."""

    device: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="The device on which torch computes: auto, cpu, cuda, mps, …", rich_help_panel=OUTPUT
        ),
    ] = None
    dtype: Annotated[
        Dtype | None,
        typer.Option(
            metavar="NAME",
            help=Message("Type of the numbers: {choices} (default: as they come).", choices=listed(Dtype)),
            rich_help_panel=OUTPUT,
        ),
    ] = None


class EngineOptions(DeviceOptions):
    """What computes, and with which numbers."""

    backend: Annotated[
        Backend | None,
        typer.Option(
            metavar="NAME",
            help=Message("Compute with {choices}.", choices=listed(Backend, Backend.NUMPY)),
            rich_help_panel=OUTPUT,
        ),
    ] = None
