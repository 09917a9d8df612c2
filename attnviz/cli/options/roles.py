"""Which model is asked for its heads' roles, how many questions, and how the answer is shown."""

from pathlib import Path
from typing import Annotated

import typer

from attnviz.choices import CASES_LIMITS, MODEL_CASES, SEED_LIMITS, TINY, TINY_CASES, Language
from attnviz.cli.options.listed import listed
from attnviz.cli.options.model import NamedModelOptions
from attnviz.cli.options.output import format_option, language_option, output_option
from attnviz.cli.options.panels import MODEL, SHOW
from attnviz.cli.output.formats import RolesFormat
from attnviz.cli.typer_groups import Options
from attnviz.text.message import Message

SEED = 0


class AskedModelOptions(NamedModelOptions):
    """Which model is asked."""

    model: Annotated[
        str,
        typer.Option(
            metavar="DIR_OR_ID",
            help=Message(
                "{tiny} (the model in the package), a model's folder, or its id on the Hugging Face hub.", tiny=TINY
            ),
            rich_help_panel=MODEL,
        ),
    ] = TINY


class RolesOptions(Options):
    """How many questions, and how the answer is shown."""

    cases: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help=Message(
                "Questions of each role (default: {tiny_cases:,} for {tiny}, {model_cases} for another model, which takes longer).",
                tiny_cases=TINY_CASES,
                tiny=TINY,
                model_cases=MODEL_CASES,
            ),
            min=CASES_LIMITS.min,
            max=CASES_LIMITS.max,
            rich_help_panel=SHOW,
        ),
    ] = None
    seed: Annotated[
        int,
        typer.Option(
            metavar="N", help="Draw other questions.", min=SEED_LIMITS.min, max=SEED_LIMITS.max, rich_help_panel=SHOW
        ),
    ] = SEED
    lang: Annotated[Language, language_option()] = Language.EN
    output: Annotated[Path | None, output_option()] = None
    format: Annotated[
        RolesFormat | None, format_option(Message("{choices}.", choices=listed(RolesFormat, RolesFormat.TABLE)))
    ] = None
