"""Where a text comes from."""

from pathlib import Path
from typing import Annotated

import typer

from attnviz.choices import BATCH_LIMITS, FIELD, MAX_LENGTH_LIMITS
from attnviz.cli.options.panels import FROM_TEXT
from attnviz.cli.typer_groups import Options
from attnviz.errors import UsageError
from attnviz.text.message import Message

TEXT = Annotated[
    str | None,
    typer.Argument(
        help="The text; - is standard input. Without one: a file, a pipe, or else a sample sentence.",
        show_default=False,
    ),
]
FROM = Annotated[
    Path | None,
    typer.Option(
        "--from",
        help="Arrays query, key, value, or weights alone (.npz, .npy, .safetensors, .json), or a saved trace; - is standard input. TEXT, split at its spaces, are the tokens of arrays without any.",
        metavar="PATH",
        rich_help_panel=FROM_TEXT,
    ),
]


class TextOptions(Options):
    """A text."""

    text: TEXT = None
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

    from_: FROM = None


class TextsOptions(Options):
    """A text, or many."""

    text: TEXT = None
    file: Annotated[
        list[Path],
        typer.Option(
            "--file",
            "-f",
            help="Read the text from a file; - is standard input. Several, or a pattern ('data/*.jsonl.gz'), are many texts.",
            metavar="PATH",
            rich_help_panel=FROM_TEXT,
        ),
    ] = ()  # type: ignore[assignment]

    def one(self) -> SourceOptions:
        """The same, where one text is meant; UsageError where several are named."""
        if len(self.file) > 1:
            raise UsageError("several files are several texts, and one is expected", "give one --file")
        return SourceOptions(text=self.text, file=next(iter(self.file), None), from_=getattr(self, "from_", None))


class SourcesOptions(TextsOptions):
    """The same, or a file of arrays in its place."""

    from_: FROM = None


class LinesOptions(Options):
    """Many texts in one run."""

    lines: Annotated[
        bool, typer.Option("--lines", help="Take every line as a text of its own.", rich_help_panel=FROM_TEXT)
    ] = False
    field: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help=Message(
                "Which field of a row of .jsonl or .parquet is the text (default: {field}); then pipes and other files hold rows of JSON, too.",
                field=FIELD,
            ),
            rich_help_panel=FROM_TEXT,
        ),
    ] = None


class BatchOptions(Options):
    """How many texts are read at once, and how long they may be."""

    batch: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="How many texts a model reads at once (default: as many as memory allows, up to 512 tokens on a processor and 32 texts elsewhere).",
            min=BATCH_LIMITS.min,
            rich_help_panel=FROM_TEXT,
        ),
    ] = None
    max_length: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Skip a text of more tokens.",
            min=MAX_LENGTH_LIMITS.min,
            rich_help_panel=FROM_TEXT,
        ),
    ] = None
    cut: Annotated[
        bool,
        typer.Option(
            "--cut",
            help="Cut a text that is longer than --max-length, or than the model reads, instead.",
            rich_help_panel=FROM_TEXT,
        ),
    ] = False
