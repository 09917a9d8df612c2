"""What computes, and with which numbers."""

from typing import Annotated

import typer

from attnviz.choices import Backend, Dtype
from attnviz.cli.options.panels import OUTPUT
from attnviz.cli.typer_groups import Options


class EngineOptions(Options):
    """Who computes, and with which numbers."""

    backend: Annotated[
        Backend | None,
        typer.Option(metavar="NAME", help="Who computes: numpy (the default) or torch.", rich_help_panel=OUTPUT),
    ] = None
    device: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="auto, cpu, cuda, mps, …: brings --backend torch along.", rich_help_panel=OUTPUT
        ),
    ] = None
    dtype: Annotated[
        Dtype | None,
        typer.Option(
            metavar="NAME",
            help="Of the numbers: float16, bfloat16, float32 or float64 (default: as they come).",
            rich_help_panel=OUTPUT,
        ),
    ] = None
