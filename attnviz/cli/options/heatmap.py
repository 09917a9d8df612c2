"""What heatmap draws, and how."""

from pathlib import Path
from typing import Annotated

import typer

from attnviz.choices import MapStep, Pool
from attnviz.cli.options.panels import OUTPUT, SHOW
from attnviz.cli.output.formats import PictureFormat
from attnviz.cli.typer_groups import Options


class PictureOptions(Options):
    """What heatmap draws, and how."""

    step: Annotated[
        MapStep,
        typer.Option(
            metavar="NAME", help="Which step is drawn: scores, scaled, masked or weights.", rich_help_panel=SHOW
        ),
    ] = MapStep.WEIGHTS
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
        typer.Option(metavar="TEXT", help="Title in place of the one that says what it is.", rich_help_panel=SHOW),
    ] = None
    cmap: Annotated[str | None, typer.Option(metavar="NAME", help="A matplotlib colour map.", rich_help_panel=SHOW)] = (
        None
    )
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
            help="Pixels an inch of a PNG (default 150, 100 for large figures).",
            min=20,
            max=1200,
            rich_help_panel=OUTPUT,
        ),
    ] = None
    show: Annotated[bool, typer.Option("--show", help="Draw it in the terminal.", rich_help_panel=OUTPUT)] = False
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Write to a file (default attention.png); its suffix picks the format, - is standard output.",
            metavar="PATH",
            rich_help_panel=OUTPUT,
        ),
    ] = None
    format: Annotated[
        PictureFormat | None,
        typer.Option(
            metavar="NAME",
            help="png (the default), svg, pdf, term or safetensors; overrides the suffix.",
            rich_help_panel=OUTPUT,
        ),
    ] = None
