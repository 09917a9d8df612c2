"""Options of where a result goes, in which format and language; the words of the help differ from command to command."""

from typing import Any

import typer

from attnviz.choices import Language
from attnviz.cli.language import VARIABLE
from attnviz.cli.options.listed import listed
from attnviz.cli.options.panels import OUTPUT, SHOW
from attnviz.text.message import Message

BY_SUFFIX = "Write to a file; its suffix picks the format."


def output_option(words: str = BY_SUFFIX) -> Any:
    """-o PATH, which the help explains in these ``words``."""
    return typer.Option("--output", "-o", help=words, metavar="PATH", rich_help_panel=OUTPUT)


def format_option(words: str) -> Any:
    """--format NAME, which the help explains in these ``words``."""
    return typer.Option(metavar="NAME", help=words, rich_help_panel=OUTPUT)


def language_option(panel: str | None = SHOW) -> Any:
    """--lang NAME, the language of all that a person reads."""
    return typer.Option(
        metavar="NAME",
        help=Message(
            "Language of all words: {choices} (default: {variable}, or else the locale).",
            choices=listed(Language),
            variable=VARIABLE,
        ),
        show_default=False,
        rich_help_panel=panel,
    )


def no_pager_option() -> Any:
    """--no-pager."""
    return typer.Option(
        "--no-pager",
        help="Print more than a screen at once, without the pager ($PAGER, or less).",
        rich_help_panel=OUTPUT,
    )
