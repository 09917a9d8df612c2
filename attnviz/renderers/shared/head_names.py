"""The names that heads have earned, as any look says them."""

from __future__ import annotations

import math

from attnviz.analysis.head_names import Found, HeadName
from attnviz.text.lessons import Lessons

DIGITS = 2


def title(name: HeadName, words: Lessons) -> str:
    """A name in words: "previous token"."""
    return words.say(f"names.{name.value}")


def label(found: Found, words: Lessons) -> str:
    """A name as a head wears it, with its number: "previous token (0.97)"."""
    return words.say("names.label", title=title(found.name, words), value=number(found.value))


def number(value: float) -> str:
    """Cut off and not rounded, so that what is below a threshold never looks as if it had reached it."""
    return f"{math.floor(value * 10**DIGITS) / 10**DIGITS:.{DIGITS}f}"
