"""What heatmap draws, and how."""

from pathlib import Path
from typing import Annotated

import typer

from attnviz.choices import (
    COLOUR_LIMITS,
    DPI,
    DPI_LIMITS,
    LARGE_DPI,
    SECONDS,
    SECONDS_LIMITS,
    WIDTH_LIMITS,
    Comparison,
    DrawnStep,
    Language,
    Pool,
)
from attnviz.cli.options.listed import listed
from attnviz.cli.options.output import format_option, language_option, output_option
from attnviz.cli.options.panels import OUTPUT, SHOW
from attnviz.cli.output.formats import PICTURE_FILE, PictureFormat
from attnviz.cli.typer_groups import Options
from attnviz.text.message import Message


def colour_maps(incomplete: str) -> list[str]:
    """The names of matplotlib's colour maps that begin so, for a shell that completes --cmap."""
    import matplotlib

    return [name for name in matplotlib.colormaps if name.startswith(incomplete)]


class PictureOptions(Options):
    """What heatmap draws, and how."""

    step: Annotated[
        DrawnStep,
        typer.Option(
            metavar="NAME",
            help=Message(
                "Which step is drawn: {choices}, which draws one head's side by side.", choices=listed(DrawnStep)
            ),
            rich_help_panel=SHOW,
        ),
    ] = DrawnStep.WEIGHTS
    compare: Annotated[
        Comparison | None,
        typer.Option(
            metavar="NAME",
            help=Message(
                "Draw the weights of one head with and without it, and their difference: {choices}.",
                choices=listed(Comparison),
            ),
            rich_help_panel=SHOW,
        ),
    ] = None
    pool: Annotated[
        Pool,
        typer.Option(
            metavar="NAME",
            help="A cell of many tokens shows their mean, or their max, which keeps a needle visible.",
            rich_help_panel=SHOW,
        ),
    ] = Pool.MEAN
    title: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Title of the picture (default: what it shows).", rich_help_panel=SHOW),
    ] = None
    cmap: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Name of a matplotlib colour map.", autocompletion=colour_maps, rich_help_panel=SHOW
        ),
    ] = None
    vmin: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="The value of the first colour (default: 0, or as far below 0 as above it).",
            min=COLOUR_LIMITS.min,
            max=COLOUR_LIMITS.max,
            rich_help_panel=SHOW,
        ),
    ] = None
    vmax: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="The value of the last colour (default: the largest).",
            min=COLOUR_LIMITS.min,
            max=COLOUR_LIMITS.max,
            rich_help_panel=SHOW,
        ),
    ] = None
    lang: Annotated[Language, language_option()] = Language.EN
    annotate: Annotated[
        bool | None,
        typer.Option(
            "--annotate/--no-annotate",
            help="Write the values into the cells (default: while they fit).",
            show_default=False,
            rich_help_panel=SHOW,
        ),
    ] = None
    dpi: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help=Message(
                "Pixels per inch of a PNG (default {dpi}, {large_dpi} for large figures).", dpi=DPI, large_dpi=LARGE_DPI
            ),
            min=DPI_LIMITS.min,
            max=DPI_LIMITS.max,
            rich_help_panel=OUTPUT,
        ),
    ] = None
    seconds: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help=Message("How long each frame of a .gif or .webp is shown (default {seconds}).", seconds=SECONDS),
            min=SECONDS_LIMITS.min,
            max=SECONDS_LIMITS.max,
            rich_help_panel=OUTPUT,
        ),
    ] = None
    width: Annotated[
        float | None,
        typer.Option(
            metavar="MM",
            help="Width of the figure in millimetres, such as 84 for a column of a paper; no text gets smaller than 6 points.",
            min=WIDTH_LIMITS.min,
            max=WIDTH_LIMITS.max,
            rich_help_panel=OUTPUT,
        ),
    ] = None
    show: Annotated[bool, typer.Option("--show", help="Draw it in the terminal.", rich_help_panel=OUTPUT)] = False
    output: Annotated[
        Path | None,
        output_option(
            Message(
                "Write to a file (default {picture_file}); its suffix picks the format, - is standard output.",
                picture_file=PICTURE_FILE,
            )
        ),
    ] = None
    format: Annotated[
        PictureFormat | None,
        format_option(Message("{choices}; overrides the suffix.", choices=listed(PictureFormat, PictureFormat.PNG))),
    ] = None
