"""Which chapter of the course is shown, about which sentence, and where to."""

from pathlib import Path
from typing import Annotated

import typer

from attnviz.choices import CHAPTER_LIMITS, Language
from attnviz.cli.options.listed import listed
from attnviz.cli.options.output import format_option, language_option, output_option
from attnviz.cli.options.panels import SHOW
from attnviz.cli.output.formats import CourseFormat
from attnviz.cli.typer_groups import Options
from attnviz.text.message import Message


class CourseOptions(Options):
    """Which chapter of the course is shown, about which sentence, and where to."""

    chapter: Annotated[
        int | None,
        typer.Argument(
            metavar="CHAPTER",
            help=Message(
                "A chapter, {min} to {max}. Without one: the list of chapters; with -o, all.",
                min=CHAPTER_LIMITS.min,
                max=CHAPTER_LIMITS.max,
            ),
            min=CHAPTER_LIMITS.min,
            max=CHAPTER_LIMITS.max,
            show_default=False,
        ),
    ] = None
    text: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="Compute with this sentence (default: the textbook's).", rich_help_panel=SHOW
        ),
    ] = None
    lang: Annotated[Language, language_option()] = Language.EN
    output: Annotated[Path | None, output_option()] = None
    format: Annotated[
        CourseFormat | None, format_option(Message("{choices}.", choices=listed(CourseFormat, CourseFormat.TERM)))
    ] = None
