"""Options as a person writes them: the words of a command line that means the same again."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum
from typing import Any, get_args

import typer

from attnviz.cli.typer_groups import Options, dashed, options_of

SAFE = re.compile(r"[\w@%+=:,./-]+")  # no shell reads anything else in it
QUOTED = re.compile(r'[^"$`\\!]+')  # a shell takes it as it is between double quotes


def written(*groups: Options) -> list[str]:
    """The words of ``groups``: every option that is not what it is by default; arguments last."""
    words: list[str] = []
    arguments: list[str] = []
    for group in groups:
        for field, hint in options_of(type(group)).items():
            value = getattr(group, field)
            if value != getattr(type(group), field):
                info = get_args(hint)[1]
                is_argument = isinstance(info, typer.models.ArgumentInfo)
                (arguments if is_argument else words).extend(_words(field, value, info))
    return [*arguments, *words]


def _words(field: str, value: Any, info: Any) -> list[str]:
    if isinstance(info, typer.models.ArgumentInfo):
        return [str(value)]
    # Typer takes the first name for a default until it makes the option.
    declared = info.default if isinstance(info.default, str) else f"--{dashed(field)}"
    name, _, negative = declared.partition("/")
    if isinstance(value, bool):
        return [name if value else negative]
    if isinstance(value, list | tuple):
        return [word for one in value for word in (name, _word(one))]
    return [name, _word(value)]


def _word(value: Any) -> str:
    return str(value.value if isinstance(value, Enum) else value)


def command_line(words: Iterable[str]) -> str:
    """``words`` as a person types them into a shell."""
    return " ".join(map(_quoted, words))


def _quoted(word: str) -> str:
    if SAFE.fullmatch(word):
        return word
    if QUOTED.fullmatch(word):
        return f'"{word}"'
    import shlex

    return shlex.quote(word)
