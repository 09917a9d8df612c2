"""What is going on, on standard error, and only where a person watches: on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Report = Callable[[str, int, int | None], None]  # what is being done, how many of it are done, of how many


def silent(*_: object) -> None:
    """A report to nobody."""


def watched() -> bool:
    """Whether somebody sees standard error."""
    return sys.stderr is not None and sys.stderr.isatty()


@contextmanager
def progress(what: str, *, timed: bool = False) -> Iterator[Report]:
    """A bar that the block moves by calling what this yields; it is gone when the block ends.

    ``timed`` adds the rate and, where the end is known, the time left.
    """
    if not watched():
        yield silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    name = TextColumn("{task.description}", markup=False)  # it may be a person's own: a folder
    rate = [TextColumn("{task.fields[rate]}"), TimeRemainingColumn()] if timed else []
    columns = [SpinnerColumn(), name, BarColumn(), MofNCompleteColumn(), *rate]
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None, rate="")

        def report(what: str, done: int, total: int | None) -> None:
            speed = bar.tasks[task].speed
            bar.update(task, description=what, completed=done, total=total, rate=f"{speed:.1f}/s" if speed else "")

        yield report
