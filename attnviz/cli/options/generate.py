"""How many tokens a model writes, how each is chosen, and how it is shown."""

from pathlib import Path
from typing import Annotated

import typer

from attnviz.choices import (
    ALTERNATIVES,
    ALTERNATIVES_LIMITS,
    SEED_LIMITS,
    TEMPERATURE_LIMITS,
    TOKENS,
    TOKENS_LIMITS,
    TOP_K_LIMITS,
    TOP_P_LIMITS,
    Language,
)
from attnviz.cli.options.listed import listed
from attnviz.cli.options.output import format_option, language_option, output_option
from attnviz.cli.options.panels import WRITE
from attnviz.cli.output.formats import WritingFormat
from attnviz.cli.typer_groups import Options
from attnviz.text.message import Message

SEED = 0


class WritingOptions(Options):
    """How many tokens are written, and how each is chosen."""

    tokens: Annotated[
        int,
        typer.Option(metavar="N", help="Write at most this many tokens.", min=TOKENS_LIMITS.min, rich_help_panel=WRITE),
    ] = TOKENS
    temperature: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="Draw each token, and divide the scores by X first: below 1 more surely, above 1 more freely. Without it, --top-k or --top-p the likeliest token is taken.",
            min=TEMPERATURE_LIMITS.min,
            max=TEMPERATURE_LIMITS.max,
            rich_help_panel=WRITE,
        ),
    ] = None
    top_k: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Draw from the N likeliest tokens.", min=TOP_K_LIMITS.min, rich_help_panel=WRITE
        ),
    ] = None
    top_p: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="Draw from the likeliest tokens that have the probability X together.",
            min=TOP_P_LIMITS.min,
            max=TOP_P_LIMITS.max,
            rich_help_panel=WRITE,
        ),
    ] = None
    seed: Annotated[
        int,
        typer.Option(
            metavar="N", help="Seed of the draw.", min=SEED_LIMITS.min, max=SEED_LIMITS.max, rich_help_panel=WRITE
        ),
    ] = SEED
    alternatives: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Keep the N likeliest tokens of each position.",
            min=ALTERNATIVES_LIMITS.min,
            rich_help_panel=WRITE,
        ),
    ] = ALTERNATIVES


class StepOptions(Options):
    """How a generation is shown, and where it goes."""

    lang: Annotated[Language, language_option()] = Language.EN
    output: Annotated[Path | None, output_option()] = None
    format: Annotated[
        WritingFormat | None,
        format_option(Message("{choices}; overrides the suffix.", choices=listed(WritingFormat, WritingFormat.TABLE))),
    ] = None
