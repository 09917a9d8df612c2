"""A real model instead of the toy."""

from pathlib import Path
from typing import Annotated

import typer

from attnviz.choices import Verify
from attnviz.cli.options.panels import MODEL
from attnviz.cli.typer_groups import Options


class NamedModelOptions(Options):
    """Which model, and where its weights go."""

    model: Annotated[
        str | None,
        typer.Option(
            metavar="DIR_OR_ID",
            help="tiny, the model in the package; or a model's folder, its .gguf file, or its id on the Hugging Face hub.",
            rich_help_panel=MODEL,
        ),
    ] = None
    device_map: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="auto: spread the weights over all devices.", rich_help_panel=MODEL),
    ] = None
    adapter: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="A LoRA adapter to put into the model.", rich_help_panel=MODEL),
    ] = None


class LoadOptions(NamedModelOptions):
    """A model, and how its text is read."""

    chat: Annotated[
        bool, typer.Option("--chat", help="Put the text into the model's chat template.", rich_help_panel=MODEL)
    ] = False


class ModelOptions(LoadOptions):
    """A real model instead of the toy."""

    target: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="What the decoder reads, if there is one (default: the text).", rich_help_panel=MODEL
        ),
    ] = None
    pair: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="A second text that the model reads with the first, as a pair: A: and B: mark whose a token is.",
            rich_help_panel=MODEL,
        ),
    ] = None
    verify: Annotated[
        Verify,
        typer.Option(
            help="Which queries of a long text are compared with the model's own output: a sample of them, or all.",
            rich_help_panel=MODEL,
        ),
    ] = Verify.SAMPLE
    image: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The image that the model looks at, beside a text where it reads one.",
            rich_help_panel=MODEL,
        ),
    ] = None
