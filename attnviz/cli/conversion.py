"""From the words of a command line to values, without pydantic."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args

import typer

from attnviz.choices import listed_words
from attnviz.text.message import AND, Message, joined, said_by

MODEL = "DIR_OR_ID"  # the metavar of what names a model, which is no path


def _kind(hint: Any) -> Any:
    """The type of one value: int for ``int | None``, Step for ``list[Step]``."""
    if isinstance(hint, UnionType):
        hint = next(option for option in get_args(hint) if option is not NoneType)
    arguments = get_args(hint)
    return arguments[0] if arguments else hint


def converter(parameter: Any, hint: Any) -> Callable[[Any, Any], Any]:
    kind, info = _kind(get_args(hint)[0]), get_args(hint)[1]

    def process_value(context: Any, value: Any) -> Any:
        try:
            if isinstance(value, list | tuple):
                return [_convert(word, kind, info) for one in value for word in _words(one, kind)]
            return None if value is None else _convert(value, kind, info)
        except ValueError as error:
            raise typer.BadParameter(said_by(error), ctx=context, param=parameter) from None

    return process_value


def _words(value: str, kind: Any) -> list[str]:
    """Choices may be listed ("scores,weights"); what a text holds (--layer 0,4-7) is for its reader to take apart."""
    return listed_words(value) if issubclass(kind, Enum) else [value]


def if_given(parameter: Any) -> Callable[[Any, Any], Any]:
    """Typer's own conversion, for its own options (--help, --install-completion), when they are used."""
    convert = parameter.process_value

    def process_value(context: Any, value: Any) -> Any:
        from attnviz.cli.output.streams import stdout_errors

        if not value:
            return value
        with stdout_errors():  # --show-completion writes as it is converted
            return convert(context, value)

    return process_value


def _convert(value: Any, kind: Any, info: Any) -> Any:
    if value == "" and (kind is Path or info.metavar == MODEL):  # which Path would take as the folder
        raise ValueError(Message("the name is empty"))
    if isinstance(value, kind | bool):
        return value
    if issubclass(kind, Enum):
        return _member(value, kind)
    if kind in (int, float):
        return _number(value, kind, info)
    return kind(value)


def _member(value: str, kind: type[Enum]) -> Enum:
    try:
        return kind(value.lower())
    except ValueError:
        raise ValueError(
            Message(
                "{value!r} is not one of {words}",
                value=value,
                words=", ".join(str(member.value) for member in kind),
            )
        ) from None


def _number(value: str, kind: type, info: Any) -> float:
    try:
        number: float = kind(value)
    except ValueError:
        raise ValueError(
            Message("{value!r} is not a whole number" if kind is int else "{value!r} is not a number", value=value)
        ) from None
    if (info.min is not None and number < info.min) or (info.max is not None and number > info.max) or number != number:
        limits = [Message("at least {min}", min=info.min)] if info.min is not None else []
        limits += [Message("at most {max}", max=info.max)] if info.max is not None else []
        raise ValueError(
            Message(
                "{value} is out of range: it must be {limits}",
                value=value,
                limits=joined(limits, AND) if limits else Message("a number"),
            )
        )
    return number
