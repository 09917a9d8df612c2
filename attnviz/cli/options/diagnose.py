"""Which dump is diagnosed, what was meant by it, and how the answer is shown."""

from pathlib import Path
from typing import Annotated

import typer

from attnviz.choices import Language, Rounding
from attnviz.cli.options.listed import listed
from attnviz.cli.options.output import format_option, language_option, output_option
from attnviz.cli.options.panels import MEANT
from attnviz.cli.options.rule import RuleOptions
from attnviz.cli.output.formats import DiagnosisFormat
from attnviz.cli.typer_groups import Options
from attnviz.text.message import Message


class DumpOptions(Options):
    """A dump: what attention got, and what the code made of it."""

    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            help="A file (.npz, .safetensors, .json) that holds query, key, value, and the output or the weights that your code computed; - is standard input.",
            show_default=False,
        ),
    ] = ...  # type: ignore[assignment]  # Typer's sign of what must be given


class MeantOptions(RuleOptions):
    """What was meant, beside the rule, where the file does not say it."""

    rope_theta: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="Query and Key are from before RoPE, which was meant with this base.",
            rich_help_panel=MEANT,
        ),
    ] = None
    rope_dims: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="RoPE turns only so many of their numbers (default: all).", min=2, rich_help_panel=MEANT
        ),
    ] = None
    rope_interleaved: Annotated[
        bool | None,
        typer.Option(
            "--rope-interleaved/--rope-halves",
            help="RoPE turns neighbours together, or the two halves (default).",
            show_default=False,
            rich_help_panel=MEANT,
        ),
    ] = None
    dtype: Annotated[
        Rounding | None,
        typer.Option(
            metavar="NAME",
            help=Message(
                "The arithmetic of your code: {choices} (default: that of the output).", choices=listed(Rounding)
            ),
            rich_help_panel=MEANT,
        ),
    ] = None


class DiagnoseOptions(Options):
    """How the answer is shown."""

    lang: Annotated[Language, language_option()] = Language.EN
    output: Annotated[Path | None, output_option()] = None
    format: Annotated[
        DiagnosisFormat | None,
        format_option(Message("{choices}.", choices=listed(DiagnosisFormat, DiagnosisFormat.TABLE))),
    ] = None
