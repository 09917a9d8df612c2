"""What explain shows, and how."""

from pathlib import Path
from typing import Annotated

import typer

from attnviz.choices import Language, Step
from attnviz.cli.options.panels import OUTPUT, SHOW
from attnviz.cli.output.formats import TableFormat
from attnviz.cli.typer_groups import Options


class TableOptions(Options):
    """What explain shows of them, and how."""

    step: Annotated[
        list[Step], typer.Option(metavar="NAME", help="Only these steps, such as scores,weights.", rich_help_panel=SHOW)
    ] = ()  # type: ignore[assignment]
    query: Annotated[
        str | None,
        typer.Option(
            help="Only this query: a token or its position (3, or @3 where 3 is a token too).",
            metavar="TOKEN",
            rich_help_panel=SHOW,
        ),
    ] = None
    key: Annotated[
        str | None,
        typer.Option(
            help="Only this key, of a long text the queries that look at it most; with --query, their arithmetic.",
            metavar="TOKEN",
            rich_help_panel=SHOW,
        ),
    ] = None
    precision: Annotated[
        int, typer.Option(metavar="N", help="Decimals at the most.", min=0, max=17, rich_help_panel=SHOW)
    ] = 4
    max_tokens: Annotated[
        int,
        typer.Option(
            metavar="N", help="Rows and columns at the most; the middle is left out.", min=2, rich_help_panel=SHOW
        ),
    ] = 16
    top: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="The N keys that a query looks at most, or queries that look at --key most; a long text is shown so (10).",
            min=1,
            rich_help_panel=SHOW,
        ),
    ] = None
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Only the numbers, no sentences.", rich_help_panel=SHOW)
    ] = False
    lang: Annotated[
        Language,
        typer.Option(
            metavar="NAME", help="Language of the sentences: en or vi.", envvar="ATTNVIZ_LANG", rich_help_panel=SHOW
        ),
    ] = Language.EN
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Write to a file; its suffix picks the format.",
            metavar="PATH",
            rich_help_panel=OUTPUT,
        ),
    ] = None
    format: Annotated[
        TableFormat | None,
        typer.Option(
            metavar="NAME",
            help="table (the default), json, csv, markdown or safetensors; overrides the suffix.",
            rich_help_panel=OUTPUT,
        ),
    ] = None
