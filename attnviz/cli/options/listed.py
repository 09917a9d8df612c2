"""Choices as the help texts list them, made of the choices themselves, so that a new choice is named in the help at once."""

from collections.abc import Iterable
from enum import StrEnum

from attnviz.text.message import COMMA, OR, Message, joined


def listed(choices: Iterable[StrEnum], default: StrEnum | None = None) -> str:
    """The choices as a sentence lists them: "numpy (the default) or torch"."""
    *words, last = [
        Message("{choice} (the default)", choice=choice.value) if choice is default else choice.value
        for choice in choices
    ]
    return joined([joined(words, COMMA), last], OR) if words else last
