"""From groups of options to a command: each group is a class whose fields are the options.

A command takes whole groups (``source: SourceOptions``); Typer sees their fields as one flat signature. An option
is so defined once, for every command that has it, and a command's body is left with what it does.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_type_hints

import typer
from typer.core import TyperCommand, TyperGroup


class _Plain:
    """Lets the parameters of a command convert their own values, and its help end well when nobody reads it.

    Typer converts with pydantic, whose import alone would take half as long again as all that explain does.
    """

    def get_params(self, context: Any) -> list[Any]:
        hints = getattr(inspect.unwrap(self.callback), "__annotations__", {})  # type: ignore[attr-defined]
        parameters: list[Any] = super().get_params(context)  # type: ignore[misc]
        for parameter in parameters:
            if "process_value" not in vars(parameter):
                hint = hints.get(parameter.name)
                parameter.process_value = _converter(parameter, hint) if get_args(hint) else _if_given(parameter)
        return parameters

    def format_help(self, context: Any, formatter: Any) -> None:
        from attnviz.cli.output import guarded_stdout

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


def _kind(hint: Any) -> Any:
    """The type of one value: int for ``int | None``, Step for ``list[Step]``."""
    if isinstance(hint, UnionType):
        hint = next(option for option in get_args(hint) if option is not NoneType)
    arguments = get_args(hint)
    return arguments[0] if arguments else hint


def _converter(parameter: Any, hint: Any) -> Callable[[Any, Any], Any]:
    kind, info = _kind(get_args(hint)[0]), get_args(hint)[1]

    def process_value(context: Any, value: Any) -> Any:
        try:
            if isinstance(value, list | tuple):
                return [_convert(word, kind, info) for one in value for word in one.split(",")]
            return None if value is None else _convert(value, kind, info)
        except ValueError as error:
            raise typer.BadParameter(str(error), ctx=context, param=parameter) from None

    return process_value


def _if_given(parameter: Any) -> Callable[[Any, Any], Any]:
    """Typer's own conversion, for its own options (--help, --install-completion), when they are used."""
    convert = parameter.process_value
    return lambda context, value: convert(context, value) if value else value


def _convert(value: Any, kind: Any, info: Any) -> Any:
    if isinstance(value, kind | bool):
        return value
    if issubclass(kind, Enum):
        return _member(value, kind)
    if kind in (int, float):
        return _number(value, kind, info)
    return Path(value) if kind is Path else str(value)


def _member(value: str, kind: type[Enum]) -> Enum:
    try:
        return kind(value.lower())
    except ValueError:
        raise ValueError(f"{value!r} is not one of {', '.join(str(member.value) for member in kind)}") from None


def _number(value: str, kind: type, info: Any) -> float:
    try:
        number: float = kind(value)
    except ValueError:
        raise ValueError(f"{value!r} is not {'a whole number' if kind is int else 'a number'}") from None
    if (info.min is not None and number < info.min) or (info.max is not None and number > info.max) or number != number:
        limits = [f"at least {info.min}"] if info.min is not None else []
        limits += [f"at most {info.max}"] if info.max is not None else []
        raise ValueError(f"{value} is out of range: it must be {' and '.join(limits) or 'a number'}")
    return number
