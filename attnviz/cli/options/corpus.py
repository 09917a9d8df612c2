"""What is made of many texts beside their statistics."""

from pathlib import Path
from typing import Annotated

import typer

from attnviz.cli.options.panels import FROM_TEXT
from attnviz.cli.typer_groups import Options


class CorpusOptions(Options):
    """What is made of many texts beside their statistics."""

    merge: Annotated[
        list[Path],
        typer.Option(
            metavar="FILE...",
            help="Measure nothing: join .stats files, which -o NAME.stats writes, as if one run had measured all of their texts.",
            rich_help_panel=FROM_TEXT,
        ),
    ] = ()  # type: ignore[assignment]
