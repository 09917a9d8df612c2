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
from typer.core import TyperCommand


class PlainCommand(TyperCommand):
    """A command that converts its values itself.

    Typer converts with pydantic, whose import alone takes a third of the time in which ``explain`` answers.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        kinds = getattr(self.callback, "kinds", {})
        for parameter in self.params:
            if parameter.name in kinds:
                parameter.process_value = _converter(parameter, *kinds[parameter.name])  # type: ignore[method-assign]


def add_command(app: typer.Typer, run: Callable[..., None]) -> None:
    """Make ``run``, whose parameters are annotated with groups of options, a command of ``app``."""
    groups = {name: hint for name, hint in get_type_hints(run).items() if name != "return"}
    parameters: list[inspect.Parameter] = []
    kinds: dict[str, tuple[Any, Any]] = {}
    for group in groups.values():
        for name, hint in get_type_hints(group, include_extras=True).items():
            parameters.append(
                inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=getattr(group, name), annotation=hint)
            )
            kinds[name] = (_kind(get_args(hint)[0]), get_args(hint)[1])

    def command(**values: Any) -> None:
        made = {}
        for name, group in groups.items():
            made[name] = group(**{field: values[field] for field in get_type_hints(group)})
        run(**made)

    command.__name__, command.__doc__ = run.__name__, run.__doc__
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    command.kinds = kinds  # type: ignore[attr-defined]
    app.command(cls=PlainCommand)(command)


def _kind(hint: Any) -> Any:
    """The type of one value: int for ``int | None``, Step for ``list[Step]``."""
    if isinstance(hint, UnionType):
        hint = next(option for option in get_args(hint) if option is not NoneType)
    arguments = get_args(hint)
    return arguments[0] if arguments else hint


def _converter(parameter: Any, kind: Any, info: Any) -> Callable[[Any, Any], Any]:
    def process_value(context: Any, value: Any) -> Any:
        try:
            if isinstance(value, list | tuple):
                value = [_convert(one, kind, info) for one in value]
            elif value is not None:
                value = _convert(value, kind, info)
        except ValueError as error:
            raise typer.BadParameter(str(error), ctx=context, param=parameter) from None
        return value if info.callback is None else info.callback(value)

    return process_value


def _convert(value: Any, kind: Any, info: Any) -> Any:
    if isinstance(value, kind) or isinstance(value, bool):
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
        number = kind(value)
    except ValueError:
        raise ValueError(f"{value!r} is not {'a whole number' if kind is int else 'a number'}") from None
    if (info.min is not None and number < info.min) or (info.max is not None and number > info.max) or number != number:
        limits = [f"at least {info.min}"] if info.min is not None else []
        limits += [f"at most {info.max}"] if info.max is not None else []
        raise ValueError(f"{value} is out of range: it must be {' and '.join(limits) or 'a number'}")
    return number
