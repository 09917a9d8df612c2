"""The last line of a result: one command that goes on with the same input."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from attnviz.cli.input.text import reads_again
from attnviz.cli.options.source import SourceOptions
from attnviz.cli.options.written import command_line, written
from attnviz.cli.typer_groups import Options

if TYPE_CHECKING:
    from attnviz.renderers.explain.next_look import NextLook
    from attnviz.text.lessons import Lessons


def next_line(look: NextLook, words: Lessons, source: SourceOptions, making: Iterable[Options]) -> str | None:
    """What the person may look at next, and the command for it, which makes the same of ``source`` by the options of ``making``.

    None where the same input cannot be read again, or cannot be seen on one line.
    """
    given = written(source, *making)
    command = command_line(["attnviz", look.command, *given, *look.options])
    if not reads_again(source) or not command.isprintable() or (given and given[0].startswith("-") and source.text):
        return None
    return words.say(f"next.{look.what.value}", command=command)
