"""Who measures a corpus, and where what is finished is kept."""

from pathlib import Path
from typing import Annotated

import typer

from attnviz.cli.options.listed import listed
from attnviz.cli.options.panels import WORKERS
from attnviz.cli.typer_groups import Options
from attnviz.corpora.choices import (
    AUTO,
    EFFECTS_SHARD_SIZE,
    GPUS_LIMITS,
    NEEDLES_SHARD_SIZE,
    NO_GPUS,
    SHARD_LIMITS,
    SHARD_SIZE,
    Engine,
)
from attnviz.text.message import Message


class WorkersOptions(Options):
    """Who measures a corpus, and where what is finished is kept."""

    workers: Annotated[
        str,
        typer.Option(
            metavar="N",
            help="How many processes measure the texts, each with a model of its own; auto: one here, and on a cluster as many as have room.",
            rich_help_panel=WORKERS,
        ),
    ] = AUTO
    state: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Keep what is finished in this folder: the same command, run again, does only what is missing.",
            rich_help_panel=WORKERS,
        ),
    ] = None
    shard_size: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=SHARD_LIMITS.min,
            help=Message(
                "How many texts a worker is given at once (default: {usual}; of effects {effects}, of needles {needles}).",
                usual=SHARD_SIZE,
                effects=EFFECTS_SHARD_SIZE,
                needles=NEEDLES_SHARD_SIZE,
            ),
            rich_help_panel=WORKERS,
        ),
    ] = None
    engine: Annotated[
        Engine,
        typer.Option(
            metavar="NAME",
            help=Message(
                "What runs the workers: {choices}; ray takes many machines.", choices=listed(Engine, Engine.LOCAL)
            ),
            rich_help_panel=WORKERS,
        ),
    ] = Engine.LOCAL
    address: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="With --engine ray: the cluster, as ray start prints it (default: one on this machine).",
            rich_help_panel=WORKERS,
        ),
    ] = None
    gpus_per_worker: Annotated[
        float,
        typer.Option(
            metavar="N",
            min=GPUS_LIMITS.min,
            help="With --engine ray: accelerators for each worker, or a part of one such as 0.5.",
            rich_help_panel=WORKERS,
        ),
    ] = NO_GPUS
