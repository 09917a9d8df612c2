"""A Typer app with as many commands and options as attnviz has, and nothing else.

python typer_help.py NUMBERS ARGUMENTS…    NUMBERS: how many options each command has, such as explain=30,heatmap=28
"""

import inspect
import sys
from typing import Annotated

import typer

app = typer.Typer()


@app.callback()
def main(version: Annotated[bool, typer.Option(help="Print the version and stop.")] = False) -> None:
    """Do what the real program does."""


def add(name: str, options: int) -> None:
    def command(**values: object) -> None:
        """Show something, step by step.

        Example: program command
        """

    command.__signature__ = inspect.Signature(
        [
            inspect.Parameter(
                f"option_{number}",
                inspect.Parameter.KEYWORD_ONLY,
                default=None,
                annotation=Annotated[
                    str | None,
                    typer.Option(help="A sentence on what it does, as usual.", rich_help_panel=f"{number % 6}"),
                ],
            )
            for number in range(options)
        ]
    )
    command.__annotations__ = {
        parameter.name: parameter.annotation for parameter in command.__signature__.parameters.values()
    }
    app.command(name)(command)


for word in sys.argv[1].split(","):
    name, _, options = word.partition("=")
    add(name, int(options))
app(sys.argv[2:])
