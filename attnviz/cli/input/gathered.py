"""Many texts, one after the other: those that can be read, or those that come before the run is interrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol, TypeVar

import typer

from attnviz.cli.input.many import Failed, Report, named_error
from attnviz.cli.output.progress import progress
from attnviz.cli.output.streams import notice
from attnviz.errors import INTERRUPTED, AttnvizError, ChoiceError, UsageError
from attnviz.text.message import Message

if TYPE_CHECKING:
    from attnviz.sources.texts.corpus import CorpusText, Unread

Made = TypeVar("Made")
TOLD = 20  # texts that are named when they are skipped


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
    read: Callable[[Failed, Report], Iterator[tuple[CorpusText, Made]]],
    add: Callable[[CorpusText, Made], None],
    total: int | None,
) -> None:
    """Add what ``read`` brings, each with its text: all that can be made, or those that come before the run is interrupted.

    A text that cannot be read is skipped, with a notice; where none can be, the error of the first is raised.
    """
    first: AttnvizError | None = None

    def skip(text: CorpusText | Unread, error: AttnvizError) -> None:
        nonlocal first
        named = error if getattr(text, "whole", False) else named_error(text, error)
        if isinstance(error, UsageError | ChoiceError):  # no other text would do better
            raise named
        first = first or named
        statistics.skip(error.message, str(text.name))
        _tell_skipped(text, error, statistics.skipped)

    try:
        with progress("texts", timed=True) as line:

            def moved(ahead: int = 0) -> None:
                line("texts", statistics.texts + statistics.skipped + ahead, total)

            for text, made in read(skip, moved):
                try:
                    add(text, made)
                except AttnvizError as error:
                    skip(text, error)
                moved()
    except KeyboardInterrupt:
        if not statistics.texts:
            raise
        statistics.partial = True
    if statistics.skipped > TOLD:
        notice(Message("{skipped:,} texts skipped in all", skipped=statistics.skipped))
    if not statistics.texts:
        raise first or AttnvizError("there are no texts", "give at least one")


def _tell_skipped(text: CorpusText | Unread, error: AttnvizError, skipped: int) -> None:
    """Say which text is skipped, and why; of very many, only the first are named."""
    if skipped <= TOLD:
        whole = getattr(text, "whole", False)
        template = "skipped: {why}" if whole else "{name} skipped: {why}"
        notice(Message(template, name=text.name, why=error.message))
    elif skipped == TOLD + 1:
        notice("more texts are skipped, and are only counted from here on")


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
