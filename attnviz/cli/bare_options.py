"""Options that Typer does not know: one that may stand alone (--on-image, or --on-image FILE), and one with several words behind
it (--merge a.stats b.stats)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

BARE = ("--on-image",)
SEVERAL = ("--merge",)
ALONE = "\0"  # what such an option is given when it stands alone: no person can type it, and no file has this name


def with_alone(arguments: Sequence[str]) -> list[str]:
    """``arguments`` in which each option that stands alone, at the end or before another option, has a value that says so."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return [
        f"{word}={ALONE}" if word in BARE and place < end and (place + 1 == end or is_option(after)) else word
        for place, (word, after) in enumerate(pairwise([*arguments, ""]))
    ]


def with_several(arguments: Sequence[str]) -> list[str]:
    """``arguments`` in which an option of several words stands before each of them, up to the next option."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    given: list[str] = []
    of = ""  # the option that more words may belong to
    for word in arguments[:end]:
        name, _, value = word.partition("=")
        if is_option(word):
            of = name if name in SEVERAL else ""
            given += [] if of and not value else [word]
        else:
            given += [f"{of}={word}"] if of else [word]
    lone = [
        word
        for place, word in enumerate(arguments[:end])
        if word in SEVERAL and (place + 1 == end or is_option(arguments[place + 1]))
    ]
    return [*given, *lone, *arguments[end:]]


def is_option(word: str) -> bool:
    """Whether ``word`` begins another option; - alone is a file."""
    return word.startswith("-") and len(word) > 1
