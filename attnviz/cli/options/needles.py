"""Needles that a model is asked to copy."""

from typing import Annotated

import typer

from attnviz.choices import NEEDLE_WORDS, NEEDLE_WORDS_LIMITS, NEEDLES, NEEDLES_LIMITS
from attnviz.cli.options.panels import SHOW
from attnviz.cli.typer_groups import Options
from attnviz.text.message import Message


class NeedleOptions(Options):
    """Needles that a model is asked to copy."""

    needles: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help=Message(
                "Find retrieval heads: hide this many sentences in a text, {usual} for instance, and have the model copy them.",
                usual=NEEDLES,
            ),
            min=NEEDLES_LIMITS.min,
            max=NEEDLES_LIMITS.max,
            rich_help_panel=SHOW,
        ),
    ] = None
    needle_words: Annotated[
        list[int],
        typer.Option(
            metavar="N",
            help=Message(
                "Words of the text around each needle (default: {usual}); give several lengths.", usual=NEEDLE_WORDS
            ),
            min=NEEDLE_WORDS_LIMITS.min,
            max=NEEDLE_WORDS_LIMITS.max,
            rich_help_panel=SHOW,
        ),
    ] = ()  # type: ignore[assignment]
