"""An option that may stand alone: --on-image, or --on-image FILE. Typer knows no such option."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

BARE = ("--on-image",)
ALONE = "\0"  # what such an option is given when it stands alone: no person can type it, and no file has this name


def with_alone(arguments: Sequence[str]) -> list[str]:
    """``arguments`` in which each option that stands alone, at the end or before another option, has a value that says so."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return [
        f"{word}={ALONE}" if word in BARE and place < end and (place + 1 == end or is_option(after)) else word
        for place, (word, after) in enumerate(pairwise([*arguments, ""]))
    ]


def is_option(word: str) -> bool:
    """Whether ``word`` begins another option; - alone is a file."""
    return word.startswith("-") and len(word) > 1
