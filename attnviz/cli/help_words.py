"""The help of a command in another language than English, in which it is written: its words, and those of Typer."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, get_args

from attnviz.choices import Language
from attnviz.text.message import told

# What Typer itself writes into a help, as its module of Rich's keeps it.
OF_TYPER = (
    "DEFAULT_STRING",
    "ENVVAR_STRING",
    "REQUIRED_LONG_STRING",
    "ARGUMENTS_PANEL_TITLE",
    "OPTIONS_PANEL_TITLE",
    "COMMANDS_PANEL_TITLE",
)


@contextmanager
def help_in(language: Language, command: Any, context: Any) -> Iterator[None]:
    """Inside the block the help of ``command``, and Typer's own words in it, are in ``language``."""
    from typer import rich_utils

    english = {name: getattr(rich_utils, name) for name in OF_TYPER}
    _translate(command, context, language)
    try:
        vars(rich_utils).update({name: told(words, language) for name, words in english.items()})
        yield
    finally:
        vars(rich_utils).update(english)


def usage_in(language: Language, usage: str) -> str:
    """The line that says how a command is called, which Typer begins with an English word."""
    word, colon, rest = usage.partition(":")
    return told(word, language) + colon + rest


def _translate(command: Any, context: Any, language: Language) -> None:
    """Put the words of ``language`` into a command, its options and the list of its commands."""
    for one in (command, *getattr(command, "commands", {}).values()):
        one.help = paragraphs_in(language, one.help or "")
    if command.epilog:
        command.epilog = paragraphs_in(language, command.epilog)
    hints = getattr(inspect.unwrap(command.callback), "__annotations__", {})
    for parameter in command.get_params(context):
        declared = get_args(hints.get(parameter.name))
        parameter.help = told(declared[1].help if declared else parameter.help, language)
        if (panel := getattr(parameter, "rich_help_panel", None)) is not None:
            parameter.rich_help_panel = told(panel, language)


def paragraphs_in(language: Language, text: str) -> str:
    """A help text in ``language``, paragraph by paragraph; of an example, what it is introduced by."""
    return "\n\n".join(
        _paragraph_in(language, part.replace("\n", " ")) for part in inspect.cleandoc(text).split("\n\n")
    )


def _paragraph_in(language: Language, paragraph: str) -> str:
    word, colon, rest = paragraph.partition(": attnviz")
    return told(word, language) + colon + rest if colon else told(paragraph, language)
