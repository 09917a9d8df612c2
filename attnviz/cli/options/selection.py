"""Which layers, heads and positions."""

from typing import Annotated

import typer

from attnviz.cli.options.panels import SHOW
from attnviz.cli.typer_groups import Options


class SpecialOptions(Options):
    """Tokens that stand for no text."""

    skip_special: Annotated[
        bool,
        typer.Option("--skip-special", help="Hide special tokens, and say what they took.", rich_help_panel=SHOW),
    ] = False


class WordsOptions(Options):
    """Words in place of tokens."""

    words: Annotated[
        bool,
        typer.Option(
            "--words",
            help="Merge the tokens of a word: weights to it are summed, and from it averaged.",
            rich_help_panel=SHOW,
        ),
    ] = False


class PartOptions(Options):
    """Which layers and heads."""

    layer: Annotated[
        list[str], typer.Option(help="Layers: numbers and ranges (0,4-7) or all.", metavar="N…", rich_help_panel=SHOW)
    ] = ()  # type: ignore[assignment]
    head: Annotated[
        list[str], typer.Option(help="Heads: numbers and ranges (0,4-7) or all.", metavar="N…", rich_help_panel=SHOW)
    ] = ()  # type: ignore[assignment]


class RegionOptions(Options):
    """Which positions. Of a token that stands at several of them, one must be named."""

    query: Annotated[
        str | None,
        typer.Option(
            metavar="WHICH",
            help="Only this query: a token, its position (@3), or a range A:B.",
            rich_help_panel=SHOW,
        ),
    ] = None
    key: Annotated[
        str | None,
        typer.Option(
            metavar="WHICH", help="Only this key: a token, its position (@3), or a range A:B.", rich_help_panel=SHOW
        ),
    ] = None
