"""What stats shows, and how."""

from pathlib import Path
from typing import Annotated

import typer

from attnviz.analysis.metrics import Metric
from attnviz.choices import NEAR, Pool
from attnviz.cli.options.panels import OUTPUT, SHOW
from attnviz.cli.options.words import listed
from attnviz.cli.output.formats import PICTURES, TABLES, StatsFormat
from attnviz.cli.typer_groups import Options


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
    near: Annotated[
        int, typer.Option(metavar="N", help="Keys at a distance below this are near.", min=1, rich_help_panel=SHOW)
    ] = NEAR
    pool: Annotated[
        Pool,
        typer.Option(
            metavar="NAME",
            help="A head's value is the mean over its queries, or the max, which finds heads that act only once.",
            rich_help_panel=SHOW,
        ),
    ] = Pool.MEAN
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Write to a file; its suffix picks the format.",
            metavar="PATH",
            rich_help_panel=OUTPUT,
        ),
    ] = None
    format: Annotated[
        StatsFormat | None,
        typer.Option(
            metavar="NAME", help=f"{listed(TABLES)}; with --metric {listed(PICTURES)}.", rich_help_panel=OUTPUT
        ),
    ] = None
