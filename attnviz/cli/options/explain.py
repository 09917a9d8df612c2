"""What explain shows, and how."""

from pathlib import Path
from typing import Annotated

import typer

from attnviz.choices import MAX_TOKENS, MAX_TOKENS_LIMITS, PRECISION, PRECISION_LIMITS, TOP, TOP_LIMITS, Language, Step
from attnviz.cli.options.listed import listed
from attnviz.cli.options.output import format_option, language_option, no_pager_option, output_option
from attnviz.cli.options.panels import SHOW
from attnviz.cli.output.formats import TableFormat
from attnviz.cli.typer_groups import Options
from attnviz.text.message import Message


class TableOptions(Options):
    """What explain shows of them, and how."""

    step: Annotated[
        list[Step], typer.Option(metavar="NAME", help="Only these steps, such as scores,weights.", rich_help_panel=SHOW)
    ] = ()  # type: ignore[assignment]
    precision: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="At most this many decimals.",
            min=PRECISION_LIMITS.min,
            max=PRECISION_LIMITS.max,
            rich_help_panel=SHOW,
        ),
    ] = PRECISION
    max_tokens: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="At most this many rows and columns; the middle is left out.",
            min=MAX_TOKENS_LIMITS.min,
            rich_help_panel=SHOW,
        ),
    ] = MAX_TOKENS
    top: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help=Message(
                "Show the N keys a query looks at most, or the queries that look at --key most. Long texts are always shown so (N = {top}).",
                top=TOP,
            ),
            min=TOP_LIMITS.min,
            rich_help_panel=SHOW,
        ),
    ] = None
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Only the numbers, no sentences.", rich_help_panel=SHOW)
    ] = False
    lang: Annotated[Language, language_option()] = Language.EN
    output: Annotated[Path | None, output_option()] = None
    format: Annotated[
        TableFormat | None,
        format_option(Message("{choices}; overrides the suffix.", choices=listed(TableFormat, TableFormat.TABLE))),
    ] = None
    no_pager: Annotated[bool, no_pager_option()] = False
