"""Where a text comes from."""

from pathlib import Path
from typing import Annotated

import typer

from attnviz.cli.options.panels import FROM_TEXT
from attnviz.cli.typer_groups import Options


class TextOptions(Options):
    """A text."""

    text: Annotated[
        str | None,
        typer.Argument(
            help="The text; - is standard input. Without one: a file, a pipe, or else a sample sentence.",
            show_default=False,
        ),
    ] = None
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            "-f",
            help="Read the text from a file; - is standard input.",
            metavar="PATH",
            rich_help_panel=FROM_TEXT,
        ),
    ] = None


class SourceOptions(TextOptions):
    """A text, or a file of arrays in its place."""

    from_: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="Arrays query, key, value, or weights alone (.npz, .npy, .safetensors, .json), or a saved trace; - is standard input. TEXT, split at its spaces, are the tokens of arrays without any.",
            metavar="PATH",
            rich_help_panel=FROM_TEXT,
        ),
    ] = None


class LinesOptions(Options):
    """Many texts in one run."""

    lines: Annotated[
        bool, typer.Option("--lines", help="Take every line as a text of its own.", rich_help_panel=FROM_TEXT)
    ] = False
