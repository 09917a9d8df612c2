"""From groups of options to a command: each group is a class whose fields are the options.

A command takes whole groups (``source: SourceOptions``); Typer sees their fields as one flat signature. An option
is so defined once, for every command that has it, and a command's body is left with what it does.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, get_args, get_type_hints

import typer
from typer.core import TyperCommand, TyperGroup

from attnviz.cli.conversion import converter, if_given


class _Plain:
    """Lets the parameters of a command convert their own values, and lets its help end well where the reader of a pipe has gone.

    Typer converts with pydantic, whose import alone would take half as long again as all that explain does.
    """

    def get_params(self, context: Any) -> list[Any]:
        hints = getattr(inspect.unwrap(self.callback), "__annotations__", {})  # type: ignore[attr-defined]
        parameters: list[Any] = super().get_params(context)  # type: ignore[misc]
        for parameter in parameters:
            if "process_value" not in vars(parameter):
                hint = hints.get(parameter.name)
                parameter.process_value = converter(parameter, hint) if get_args(hint) else if_given(parameter)
        return parameters

    def format_help(self, context: Any, formatter: Any) -> None:
        from attnviz.cli.output.streams import guarded_stdout

        with guarded_stdout():
            super().format_help(context, formatter)  # type: ignore[misc]


class PlainCommand(_Plain, TyperCommand):
    """A command of plain parameters."""


class PlainGroup(_Plain, TyperGroup):
    """A group of such commands, its own parameters plain as well."""


def dashed(name: str) -> str:
    """An option as a person writes it, without its dashes in front."""
    return name.replace("_", "-")


class Options:
    """A group of options: its annotations declare them, its class attributes are their defaults."""

    def __init__(self, **values: Any) -> None:
        vars(self).update(values)


def add_command(app: typer.Typer, run: Callable[..., None]) -> None:
    """Make ``run``, whose parameters are annotated with groups of options, a command of ``app``."""
    groups = {name: hint for name, hint in get_type_hints(run).items() if name != "return"}
    fields = {name: _fields(group) for name, group in groups.items()}

    def command(**values: Any) -> None:
        run(**{name: group(**{field: values[field] for field in fields[name]}) for name, group in groups.items()})

    command.__name__, command.__doc__ = run.__name__, run.__doc__
    command.__annotations__ = {field: hint for hints in fields.values() for field, hint in hints.items()}
    command.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(
                field, inspect.Parameter.KEYWORD_ONLY, default=getattr(groups[name], field), annotation=hint
            )
            for name, hints in fields.items()
            for field, hint in hints.items()
        ]
    )
    app.command(cls=PlainCommand)(command)


def _fields(group: type) -> dict[str, Any]:
    """The options of a group, those of the groups that it extends first."""
    return {name: hint for base in reversed(group.__mro__[:-1]) for name, hint in base.__annotations__.items()}
