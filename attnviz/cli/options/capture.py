"""What capture keeps, and where."""

from pathlib import Path
from typing import Annotated

import typer

from attnviz.cli.options.panels import OUTPUT
from attnviz.cli.typer_groups import Options


class CaptureOptions(Options):
    """What capture keeps, and where."""

    layer: Annotated[
        list[str],
        typer.Option(help="Keep only these layers: 0,4-7 or all.", metavar="N…", rich_help_panel=OUTPUT),
    ] = ()  # type: ignore[assignment]
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The file: NAME.safetensors.", metavar="PATH", rich_help_panel=OUTPUT),
    ] = None
