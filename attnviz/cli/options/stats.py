"""What stats shows, and how."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from attnviz.analysis.metrics import Metric
from attnviz.choices import EFFECT, NEAR, NEAR_LIMITS, Ablation, Effect, Language, MeasuredStep, Pool
from attnviz.cli.options.listed import listed
from attnviz.cli.options.output import format_option, language_option, output_option
from attnviz.cli.options.panels import SHOW
from attnviz.cli.output.formats import PICTURES, TABLES, StatsFormat
from attnviz.cli.typer_groups import Options
from attnviz.text.message import Message

METRICS = {metric.name: metric.value for metric in Metric}
Measured = StrEnum("Measured", METRICS | {"EFFECT": EFFECT})  # type: ignore[misc]  # a metric stands in its file alone
Sorted = StrEnum("Sorted", METRICS | {effect.name: effect.value for effect in Effect})  # type: ignore[misc]  # the same

Choice = TypeVar("Choice", bound=StrEnum)


def among(kind: type[Choice], word: StrEnum | None) -> Choice | None:
    """The member of ``kind`` that ``word`` is; None where it is none of them."""
    return next((one for one in kind if word is not None and one.value == word.value), None)


class StatsOptions(Options):
    """What stats shows, and how."""

    sort: Annotated[
        Sorted | None,
        typer.Option(
            metavar="NAME",
            help=Message(
                "Sort by a metric, the largest first; with --metric {effect} by {effects}, the worst first.",
                effect=EFFECT,
                effects=listed(Effect),
            ),
            rich_help_panel=SHOW,
        ),
    ] = None
    metric: Annotated[
        Measured | None,
        typer.Option(
            metavar="NAME",
            help=Message(
                "Draw this metric as a map of layers × heads. {effect}: what changes of a model's predictions when a head is taken away, as a table or, with -o, a map.",
                effect=EFFECT,
            ),
            rich_help_panel=SHOW,
        ),
    ] = None
    step: Annotated[
        MeasuredStep,
        typer.Option(
            metavar="NAME",
            help=Message("What the metrics are of: {choices}.", choices=listed(MeasuredStep)),
            rich_help_panel=SHOW,
        ),
    ] = MeasuredStep.WEIGHTS
    answer: Annotated[
        str | None,
        typer.Option(
            metavar="TOKEN",
            help=Message(
                "With --metric {effect}: the token after the text, or in its gap, whose probability is measured (default: the likeliest).",
                effect=EFFECT,
            ),
            rich_help_panel=SHOW,
        ),
    ] = None
    ablate: Annotated[
        Ablation,
        typer.Option(
            metavar="NAME",
            help=Message(
                "With --metric {effect}: a head that is taken away gives at every token its mean over the text, or zero.",
                effect=EFFECT,
            ),
            rich_help_panel=SHOW,
        ),
    ] = Ablation.MEAN
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
            Message(
                "{choices}; with --metric {pictures}; {merged} for --merge.",
                choices=listed(TABLES),
                pictures=listed(PICTURES),
                merged=StatsFormat.STATS.value,
            )
        ),
    ] = None
