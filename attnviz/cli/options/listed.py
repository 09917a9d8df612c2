"""Choices as the help texts list them, made of the choices themselves, so that a new choice is named in the help at once."""

from collections.abc import Iterable
from enum import StrEnum


def listed(choices: Iterable[StrEnum], default: StrEnum | None = None) -> str:
    """The choices as a sentence lists them: "numpy (the default) or torch"."""
    words = [f"{choice.value} (the default)" if choice is default else choice.value for choice in choices]
    return " or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]
