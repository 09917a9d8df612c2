"""What html writes, and how."""

from pathlib import Path
from typing import Annotated

import typer

from attnviz.choices import PAGE_MEGABYTES, PAGE_MEGABYTES_LIMITS, Language, MapStep, Pool
from attnviz.cli.options.listed import listed
from attnviz.cli.options.output import language_option, output_option
from attnviz.cli.options.panels import OUTPUT, SHOW
from attnviz.cli.output.formats import PAGE_FILE
from attnviz.cli.typer_groups import Options
from attnviz.text.message import Message


class PageOptions(Options):
    """What html writes, and how."""

    step: Annotated[
        MapStep | None,
        typer.Option(
            metavar="NAME",
            help=Message("Open it with the map of this step: {choices}.", choices=listed(MapStep)),
            rich_help_panel=SHOW,
        ),
    ] = None
    lang: Annotated[Language, language_option()] = Language.EN
    pool: Annotated[
        Pool,
        typer.Option(
            metavar="NAME",
            help="Of a long text, a cell of many tokens shows their mean, or their max.",
            rich_help_panel=SHOW,
        ),
    ] = Pool.MEAN
    max_size: Annotated[
        float,
        typer.Option(
            metavar="MB",
            help="Largest page to write, in megabytes. A larger one tells more of more heads.",
            min=PAGE_MEGABYTES_LIMITS.min,
            rich_help_panel=OUTPUT,
        ),
    ] = PAGE_MEGABYTES
    open: Annotated[bool, typer.Option("--open", help="Open it in the browser.", rich_help_panel=OUTPUT)] = False
    output: Annotated[
        Path | None,
        output_option(Message("Write to a file (default {page_file}); - is standard output.", page_file=PAGE_FILE)),
    ] = None
