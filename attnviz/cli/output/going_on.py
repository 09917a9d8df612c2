"""The last line of a result: one command that goes on with the same input."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from attnviz.choices import Tokenizer
from attnviz.cli.input.text import reads_again
from attnviz.cli.options.source import SourceOptions
from attnviz.cli.options.written import command_line, written
from attnviz.cli.typer_groups import Options

if TYPE_CHECKING:
    from attnviz.renderers.explain.next_look import NextLook
    from attnviz.text.lessons import Lessons
    from attnviz.trace.trace import Trace


BY_SPACES = (Tokenizer.WORD, Tokenizer.WHITESPACE)  # to which one space is like many
LONGEST = 80  # characters of a text that came through a pipe, and is written out
LONGEST_COMMAND = 400  # characters that a person still takes in, or copies


def rereadable(source: SourceOptions, trace: Trace) -> SourceOptions:
    """``source``, or a short text in its place where it came through a pipe, which gives it once."""
    text = trace.source.original
    if trace.source.tokenizer in BY_SPACES:
        text = " ".join(text.split())  # without the end of its line
    if reads_again(source) or source.from_ is not None or not 0 < len(text) <= LONGEST:
        return source
    return SourceOptions(text=text)


def next_line(look: NextLook, words: Lessons, source: SourceOptions, making: Iterable[Options]) -> str | None:
    """What the person may look at next, and the command for it, which makes the same of ``source`` by the options of ``making``.

    None where the same input cannot be read again, or the command is too long to be taken in or cannot be seen on one line.
    """
    given = written(source, *making)
    command = command_line(["attnviz", look.command, *given, *look.options])
    if not reads_again(source) or not command.isprintable() or len(command) > LONGEST_COMMAND:
        return None
    if given and given[0].startswith("-") and source.text:
        return None
    return words.say(f"next.{look.what.value}", command=command)
