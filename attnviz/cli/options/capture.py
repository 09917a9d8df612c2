"""What capture keeps, and where."""

from pathlib import Path
from typing import Annotated

import typer

from attnviz.choices import ALTERNATIVES_LIMITS, Language
from attnviz.cli.options.output import language_option, output_option
from attnviz.cli.options.panels import OUTPUT
from attnviz.cli.typer_groups import Options


class CaptureOptions(Options):
    """What capture keeps, and where."""

    layer: Annotated[
        list[str],
        typer.Option(help="Keep only these layers: 0,4-7 or all.", metavar="N…", rich_help_panel=OUTPUT),
    ] = ()  # type: ignore[assignment]
    no_output_projection: Annotated[
        bool,
        typer.Option(
            "--no-output-projection",
            help="Leave out W_O, which mixes what the heads have found.",
            rich_help_panel=OUTPUT,
        ),
    ] = False
    predictions: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Keep the N likeliest next tokens after each position, too.",
            min=ALTERNATIVES_LIMITS.min,
            rich_help_panel=OUTPUT,
        ),
    ] = None
    lang: Annotated[Language, language_option()] = Language.EN
    output: Annotated[Path | None, output_option("The file: NAME.safetensors.")] = None
