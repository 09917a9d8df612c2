"""How a text becomes Q, K and V."""

from pathlib import Path
from typing import Annotated

import typer

from attnviz.choices import DIMENSION, DIMENSION_LIMITS, HEAD_DIMENSION, HEADS_LIMITS, Position, Tokenizer
from attnviz.cli.options.listed import listed
from attnviz.cli.options.panels import TOY
from attnviz.cli.typer_groups import Options
from attnviz.text.message import Message


class ToyOptions(Options):
    """How a text becomes Q, K and V. None means that the option was not given."""

    heads: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Attention heads (default 1); several come with projections.",
            min=HEADS_LIMITS.min,
            rich_help_panel=TOY,
        ),
    ] = None
    dim: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help=Message(
                "Numbers in an embedding (default {dimension}, or {head_dimension} for each of several heads).",
                dimension=DIMENSION,
                head_dimension=HEAD_DIMENSION,
            ),
            min=DIMENSION_LIMITS.min,
            rich_help_panel=TOY,
        ),
    ] = None
    tokenizer: Annotated[
        Tokenizer | None,
        typer.Option(
            metavar="NAME",
            help=Message("How the text is cut: {choices}.", choices=listed(Tokenizer, Tokenizer.WORD)),
            rich_help_panel=TOY,
        ),
    ] = None
    seed: Annotated[
        int | None,
        typer.Option(metavar="N", help="Seed of the drawn vectors and matrices (default 0).", rich_help_panel=TOY),
    ] = None
    position: Annotated[
        Position | None,
        typer.Option(
            metavar="NAME",
            help=Message("Position encoding: {choices}.", choices=listed(Position, Position.NONE)),
            rich_help_panel=TOY,
        ),
    ] = None
    project: Annotated[
        bool | None,
        typer.Option("--project", help="Draw W_Q, W_K, W_V and W_O for one head, too.", rich_help_panel=TOY),
    ] = None
    embeddings: Annotated[
        Path | None,
        typer.Option(
            help="Your own vectors: .json {word: vector}, .csv word,1,2,… or .npy (tokens, d).",
            metavar="PATH",
            rich_help_panel=TOY,
        ),
    ] = None
    weights: Annotated[
        Path | None,
        typer.Option(
            help="Your own W_Q, W_K, W_V and W_O: .npz, .safetensors or .json.", metavar="PATH", rich_help_panel=TOY
        ),
    ] = None
