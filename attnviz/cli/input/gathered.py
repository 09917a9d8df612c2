"""Many texts, one after the other: those that can be read, or those that come before the run is interrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

import typer

from attnviz.cli.input.traces import NAMED_LINE, named_line
from attnviz.cli.output.progress import progress
from attnviz.cli.output.streams import notice
from attnviz.errors import INTERRUPTED, AttnvizError, ChoiceError, UsageError
from attnviz.text.message import Message

Made = TypeVar("Made")
Failed = Callable[[int, AttnvizError], None]


class Counts(Protocol):
    """How many texts were added, how many skipped, and whether more were meant to come."""

    texts: int
    partial: bool

    @property
    def skipped(self) -> int:
        """How many were left out."""

    def skip(self, said: str, name: str = "") -> None:
        """One more that was left out: what is said of it, and its name."""


def gather(
    statistics: Counts,
    read: Callable[[Failed], Iterator[tuple[int, Made]]],
    add: Callable[[Made], None],
    total: int | None,
) -> None:
    """Add what ``read`` brings, a line's number with each: all that can be made, or those that come before the run is interrupted.

    A text that cannot be read is skipped, with a notice; where none can be, the error of the first is raised.
    """
    errors: list[AttnvizError] = []

    def skip(number: int, error: AttnvizError) -> None:
        if isinstance(error, UsageError | ChoiceError):  # no other text would do better
            raise error
        errors.append(error)
        named = error.message.template == NAMED_LINE
        why = error.message.values["said"] if named else error.message
        statistics.skip(why, str(number))
        notice(Message("line {number} skipped: {why}", number=number, why=why))

    try:
        with progress("texts", timed=True) as line:
            for number, made in read(skip):
                try:
                    with named_line(number):
                        add(made)
                except AttnvizError as error:
                    skip(number, error)
                line("texts", statistics.texts + statistics.skipped, total)
    except KeyboardInterrupt:
        if not statistics.texts:
            raise
        statistics.partial = True
    if not statistics.texts:
        raise errors[0]


def end_if_partial(statistics: Counts, total: int | None) -> None:
    """Say that the run was interrupted, and end as one that was; where it was not, nothing."""
    if statistics.partial:
        notice(
            Message(
                "interrupted after {texts:,} of {total:,} texts" if total else "interrupted after {texts:,} texts",
                texts=statistics.texts,
                total=total or 0,
            )
        )
        raise typer.Exit(INTERRUPTED)
