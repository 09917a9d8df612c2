"""What is made of many texts beside their statistics."""

from pathlib import Path
from typing import Annotated

import typer

from attnviz.choices import TOP_TEXTS, TOP_TEXTS_LIMITS
from attnviz.cli.options.panels import FROM_TEXT, OUTPUT, SHOW
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
    by_text: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write a row for each text and head, with every metric, while they are measured: .parquet, .csv or .jsonl.",
            rich_help_panel=OUTPUT,
        ),
    ] = None
    quantiles: Annotated[
        list[str],
        typer.Option(
            metavar="NUMBERS",
            help="Show the values below which these shares of the texts lie, such as 0.05,0.5,0.95.",
            rich_help_panel=SHOW,
        ),
    ] = ()  # type: ignore[assignment]
    top_texts: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="For each metric of each head, name so many texts in which it is largest.",
            min=TOP_TEXTS_LIMITS.min,
            max=TOP_TEXTS_LIMITS.max,
            rich_help_panel=SHOW,
        ),
    ] = TOP_TEXTS
