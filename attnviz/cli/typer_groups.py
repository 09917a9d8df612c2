"""From groups of options to a command, and all that rests on how Typer works inside.

A group is a class whose fields are the options. A command takes whole groups (``source: SourceOptions``); Typer sees
their fields as one flat signature. An option is so defined once, for every command that has it, and a command's body is
left with what it does.

Typer 0.26 and later converts values with pydantic, whose import alone takes half as long again as all that explain does.
So each parameter gets a conversion of our own (conversion.py) by four things that Typer does not promise to keep:

- a command makes its parameters in ``get_params``, those of --help and of completion included;
- a parameter converts its value in ``process_value(context, value)``, which may be set on the instance;
- a command prints its help in ``format_help``, and an option there shows its ``metavar``, of a flag too;
- Typer's usage errors have a base class that it does not export, ClickException.

tests/cli/test_typer_groups.py checks that the installed Typer, and each supported one, still calls them: a Typer that has
renamed one of them would otherwise silently take ``--layer 0,4`` apart in another way, or import pydantic.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, get_args, get_type_hints

import typer
from typer.core import TyperCommand, TyperGroup

from attnviz.choices import Language
from attnviz.cli.conversion import converter, if_given
from attnviz.cli.language import spoken

USAGE_ERROR: Any = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")


class _Plain:
    """Lets the parameters of a command convert their own values, and its help end well where a pipe's reader has gone."""

    def get_params(self, context: Any) -> list[Any]:
        hints = getattr(inspect.unwrap(self.callback), "__annotations__", {})  # type: ignore[attr-defined]
        parameters: list[Any] = super().get_params(context)  # type: ignore[misc]
        for parameter in parameters:
            if "process_value" not in vars(parameter):
                hint = hints.get(parameter.name)
                parameter.process_value = converter(parameter, hint) if get_args(hint) else if_given(parameter)
            if getattr(parameter, "is_flag", False):
                parameter.metavar = ""  # not <bool>, as if it took a value
        return parameters

    def format_help(self, context: Any, formatter: Any) -> None:
        from attnviz.cli.help_words import help_in
        from attnviz.cli.output.streams import guarded_stdout

        translated = nullcontext() if spoken() is Language.EN else help_in(spoken(), self, context)
        with guarded_stdout(), translated:
            super().format_help(context, formatter)  # type: ignore[misc]

    def get_usage(self, context: Any) -> str:
        from attnviz.cli.help_words import usage_in

        return usage_in(spoken(), super().get_usage(context))  # type: ignore[misc]


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
    fields = {name: options_of(group) for name, group in groups.items()}

    def command(**values: Any) -> None:
        from attnviz.attention.memory import reserve

        reserve()
        if "lang" in values:  # which ATTNVIZ_LANG and the locale say as well, or the words before the command
            values["lang"] = spoken()
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


def given_options(group: Options) -> dict[str, Any]:
    """The options of a group that are not at their defaults; of a list, nothing is the default whatever it is made of."""
    usual = {name: getattr(type(group), name) for name in options_of(type(group))}
    return {name: getattr(group, name) for name, value in usual.items() if (getattr(group, name) or value) != value}


def options_of(group: type) -> dict[str, Any]:
    """The options of a group, those of the groups that it extends first."""
    return {name: hint for base in reversed(group.__mro__[:-1]) for name, hint in base.__annotations__.items()}
