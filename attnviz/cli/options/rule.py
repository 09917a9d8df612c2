"""What turns scores into weights."""

from typing import Annotated

import typer

from attnviz.cli.options.panels import RULE
from attnviz.cli.typer_groups import Options


class RuleOptions(Options):
    """What turns scores into weights. None means: as the source says."""

    causal: Annotated[
        bool | None,
        typer.Option(
            "--causal/--no-causal", help="Hide the keys after each query.", show_default=False, rich_help_panel=RULE
        ),
    ] = None
    scale: Annotated[
        float | None, typer.Option(metavar="X", help="Factor of the scores (default 1/√d_k).", rich_help_panel=RULE)
    ] = None
    no_scale: Annotated[bool, typer.Option("--no-scale", help="The same as --scale 1.", rich_help_panel=RULE)] = False
    window: Annotated[
        int | None,
        typer.Option(metavar="N", help="See only keys at a distance below this.", min=1, rich_help_panel=RULE),
    ] = None
    softcap: Annotated[
        float | None,
        typer.Option(metavar="X", help="Cap the scaled scores: softcap · tanh(x / softcap).", rich_help_panel=RULE),
    ] = None
    query_offset: Annotated[
        int | None, typer.Option(metavar="N", help="Position of the first query among the keys.", rich_help_panel=RULE)
    ] = None
