"""What to do about a command line that is wrong usage."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

from attnviz.text.message import Message

TRUTHS = ("true", "false", "yes", "no", "on", "off", "1", "0")
PLAIN = re.compile(r"[\w .,;:?'()+-]{1,40}")  # what stands in double quotes as it is, in any shell


def usage_hint(error: Any, arguments: list[str], command_path: str) -> str:
    """What helps after Typer's usage ``error``, which it raised for ``arguments``."""
    if (text := _dashed_text(error, arguments)) is not None:
        return Message(
            'put -- before a text that begins with a dash: {command_path} -- "{text}"',
            command_path=command_path,
            text=text,
        )
    if "extra argument" in error.format_message() and len(arguments) > 2:
        if flag := _flag_with_value(error, arguments):
            return Message("{flag} takes no value", flag=flag)
        if arguments[0] == "manual":
            return Message(
                "one topic at a time: {command_path} {arguments}", command_path=command_path, arguments=arguments[1]
            )
        if arguments[0] == "diagnose":
            return Message("one file at a time: {command_path} FILE", command_path=command_path)
        return Message('put the text in quotes: {command_path} "…"', command_path=command_path)
    return f"{command_path} --help"


def _dashed_text(error: Any, arguments: list[str]) -> str | None:
    """The argument that was taken for an option and is a text: no option has a space, or a digit after its dash."""
    unknown = getattr(error, "option_name", None)
    if unknown is None or type(error).__name__ != "NoSuchOption":
        return None
    for argument in arguments[1:]:
        if argument.startswith(unknown) and re.match(r"--?\d|[^=]*\s", argument):
            return argument if PLAIN.fullmatch(argument) else "-…"
    return None


def _flag_with_value(error: Any, arguments: list[str]) -> str | None:
    """The first flag behind which stands a word as if it took a value: --causal true."""
    parameters = error.ctx.command.params if error.ctx is not None else []
    flags = {name for one in parameters if getattr(one, "is_flag", False) for name in one.opts + one.secondary_opts}
    pairs = pairwise(arguments)
    return next((option for option, word in pairs if option in flags and word.lower() in TRUTHS), None)
