"""What diff compares, and how the answer is shown."""

from pathlib import Path
from typing import Annotated

import typer

from attnviz.choices import TOP, TOP_LIMITS, Language, Pool
from attnviz.cli.options.listed import listed
from attnviz.cli.options.model import ModelOptions
from attnviz.cli.options.output import format_option, language_option, output_option
from attnviz.cli.options.panels import MODEL, OUTPUT, SHOW
from attnviz.cli.output.formats import DiffFormat
from attnviz.cli.typer_groups import Options
from attnviz.text.message import Message


class BothOptions(Options):
    """What stands on the left and on the right."""

    first: Annotated[
        str | None,
        typer.Argument(
            metavar="LEFT",
            help="A saved trace or a file of arrays (.safetensors, .npz, .npy, .json), or else a text; - is standard input.",
            show_default=False,
        ),
    ] = None
    second: Annotated[
        str | None,
        typer.Argument(
            metavar="RIGHT",
            help="The second, in the same way; not needed where a text is given two models.",
            show_default=False,
        ),
    ] = None
    left: Annotated[
        str | None,
        typer.Option(
            metavar="LAYER.HEAD", help="Compare only this head of the left, such as 3.4 …", rich_help_panel=SHOW
        ),
    ] = None
    right: Annotated[
        str | None,
        typer.Option(
            metavar="LAYER.HEAD", help="… with this one of the right, or of the same trace.", rich_help_panel=SHOW
        ),
    ] = None


class ModelsOptions(ModelOptions):
    """One model for both texts, or two for one."""

    model: Annotated[
        list[str],
        typer.Option(
            metavar="DIR_OR_ID",
            help="The model that reads the text, as in other commands; given twice, the first is on the left.",
            rich_help_panel=MODEL,
        ),
    ] = ()  # type: ignore[assignment]


class DiffOptions(Options):
    """How the answer is shown."""

    pool: Annotated[
        Pool,
        typer.Option(
            metavar="NAME",
            help="A head's divergence is the mean over its queries, or the max, which finds heads that differ only once.",
            rich_help_panel=SHOW,
        ),
    ] = Pool.MEAN
    top: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help=Message("Only the N heads that are furthest apart (default: a table has {top}, data all).", top=TOP),
            min=int(TOP_LIMITS.min),
            rich_help_panel=SHOW,
        ),
    ] = None
    show: Annotated[
        bool,
        typer.Option("--show", help="Draw the heads that are furthest apart in the terminal.", rich_help_panel=OUTPUT),
    ] = False
    lang: Annotated[Language, language_option()] = Language.EN
    output: Annotated[Path | None, output_option()] = None
    format: Annotated[
        DiffFormat | None, format_option(Message("{choices}.", choices=listed(DiffFormat, DiffFormat.TABLE)))
    ] = None
