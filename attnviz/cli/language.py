"""Which language the command line speaks: that of --lang, else of ATTNVIZ_LANG, else of the locale; else English."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from itertools import pairwise

from attnviz.choices import Language

OPTION, VARIABLE = "--lang", "ATTNVIZ_LANG"
LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")  # of these the first that says anything counts, as POSIX has it

_spoken = Language.EN


def spoken() -> Language:
    """The language of this run."""
    return _spoken


def speak(language: Language) -> None:
    """Say all that follows in ``language``."""
    global _spoken
    _spoken = language


def asked(arguments: Sequence[str]) -> Language:
    """The language that a command line asks for, found before it is read: what is wrong with it is told in it, too.

    A word of --lang that is no language is as good as none: the option, which is read later, says what is wrong with it.
    ATTNVIZ_LANG may hold the name of a locale, vi_VN.UTF-8; one of another language means English.
    """
    languages = {language.value: language for language in Language}
    given = next((languages[word.lower()] for word in _given(arguments) if word.lower() in languages), None)
    if given is not None:
        return given
    variable = os.environ.get(VARIABLE, "")
    return (_of_name(variable) or Language.EN) if variable else of_locale()


def unknown(arguments: Sequence[str]) -> str:
    """What ATTNVIZ_LANG holds, where it is asked and that is no language of ours; else ""."""
    variable = os.environ.get(VARIABLE, "")
    return "" if _given(arguments) or _of_name(variable) else variable


def behind_command(arguments: Sequence[str]) -> list[str]:
    """The same words with each --lang that stands before the command put behind it, where every command takes it."""
    count = 0
    while count < len(arguments) and arguments[count].partition("=")[0] == OPTION:
        count += 2 if arguments[count] == OPTION else 1
    command, rest = arguments[count : count + 1] or ["--help"], arguments[count + 1 :]
    return [*command, *arguments[:count], *rest]


def of_locale() -> Language:
    """The language of the locale: vi, vi_VN.UTF-8; English for any other."""
    return _of_name(next(filter(None, map(os.environ.get, LOCALE)), "")) or Language.EN


def _of_name(locale: str) -> Language | None:
    """The language that the name of a locale begins with, where it is one of ours."""
    name = re.split(r"[_.@-]", locale.lower())[0]
    return next((language for language in Language if language.value == name), None)


def _given(arguments: Sequence[str]) -> list[str]:
    """What --lang is given, the last first, for that counts; behind "--" stands a text."""
    arguments = arguments[: arguments.index("--")] if "--" in arguments else arguments
    given = []
    for word, after in pairwise([*arguments, ""]):
        if word == OPTION:
            given.append(after)
        elif word.startswith(f"{OPTION}="):
            given.append(word.removeprefix(f"{OPTION}="))
    return given[::-1]
