"""What stats shows, and how."""

from pathlib import Path
from typing import Annotated

import typer

from attnviz.analysis.metrics import Metric
from attnviz.choices import NEAR, NEAR_LIMITS, Language, MeasuredStep, Pool
from attnviz.cli.options.listed import listed
from attnviz.cli.options.output import format_option, language_option, output_option
from attnviz.cli.options.panels import SHOW
from attnviz.cli.output.formats import PICTURES, TABLES, StatsFormat
from attnviz.cli.typer_groups import Options
from attnviz.text.message import Message


class StatsOptions(Options):
    """What stats shows, and how."""

    sort: Annotated[
        Metric | None,
        typer.Option(metavar="NAME", help="Sort by a metric, the largest first.", rich_help_panel=SHOW),
    ] = None
    metric: Annotated[
        Metric | None,
        typer.Option(metavar="NAME", help="Draw this metric as a map of layers × heads.", rich_help_panel=SHOW),
    ] = None
    step: Annotated[
        MeasuredStep,
        typer.Option(
            metavar="NAME",
            help=Message("What the metrics are of: {choices}.", choices=listed(MeasuredStep)),
            rich_help_panel=SHOW,
        ),
    ] = MeasuredStep.WEIGHTS
    near: Annotated[
        int,
        typer.Option(
            metavar="N", help="Keys at a distance below this are near.", min=NEAR_LIMITS.min, rich_help_panel=SHOW
        ),
    ] = NEAR
    pool: Annotated[
        Pool,
        typer.Option(
            metavar="NAME",
            help="A head's value is the mean over its queries, or the max, which finds heads that act only once.",
            rich_help_panel=SHOW,
        ),
    ] = Pool.MEAN
    threshold: Annotated[
        list[str],
        typer.Option(
            metavar="NAME=NUMBER",
            help="What a head must reach to be given a name, such as induction=0.4.",
            rich_help_panel=SHOW,
        ),
    ] = ()  # type: ignore[assignment]
    lang: Annotated[Language, language_option()] = Language.EN
    output: Annotated[Path | None, output_option()] = None
    format: Annotated[
        StatsFormat | None,
        format_option(
            Message("{choices}; with --metric {pictures}.", choices=listed(TABLES), pictures=listed(PICTURES))
        ),
    ] = None
