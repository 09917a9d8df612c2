"""What Typer says of a command line that it cannot read, as a sentence that can be told in another language."""

from __future__ import annotations

import re
from typing import Any

from attnviz.text.message import Message

# Typer's sentences, as of each supported version: the whole of what it says is one of them, with words in their places.
SENTENCES = tuple(
    Message(sentence)
    for sentence in (
        "{said} (Possible options: {names})",
        "{said} Did you mean {names}?",
        "No such option: {option}",
        "No such command {command}.",
        "Option {option} requires an argument.",
        "Option {option} does not take a value.",
        "Got unexpected extra argument ({words})",
        "Got unexpected extra arguments ({words})",
        "Got unexpected extra argument(s) ({words})",
        "Missing command.",
    )
)


def usage_message(error: Any) -> str:
    """What the usage ``error`` says; what no sentence above fits stays as Typer says it."""
    said = error.format_message()
    if isinstance(error.message, Message) and said.endswith(
        error.message
    ):  # of a value that our own conversion refuses
        hint = said.removesuffix(error.message).removeprefix("Invalid value for ").removesuffix(": ")
        return Message("Invalid value for {option}: {said}", option=hint, said=error.message)
    return _recognized(said)


def _recognized(said: str) -> str:
    for sentence in SENTENCES:
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+)", re.escape(sentence))
        if found := re.fullmatch(pattern, said, re.DOTALL):
            values = {name: _recognized(word) if name == "said" else word for name, word in found.groupdict().items()}
            return Message(sentence.template, **values)
    return said
